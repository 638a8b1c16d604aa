"""The sections of a report, each from what was found to HTML."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from gansynth import containers, notebook
from gansynth.comparison import Comparison, learned, schema_of
from gansynth.constraints import FixedCombinations
from gansynth.display import FidelityDisplay, SampleDisplay, TrainingDisplay
from gansynth.display._axes import REAL, SYNTHETIC
from gansynth.display._images import draw_mosaic
from gansynth.display._marginals import draw_marginal, draw_pair
from gansynth.inference.exported import ExportedSampler
from gansynth.metrics import exact_copies
from gansynth.report import page
from gansynth.report.evidence import MOST_PAIRED, Evidence, embedding
from gansynth.report.pictures import picture
from gansynth.rewriting import share_kept

MOST_COLUMNS = 60
MOST_MARGINALS = 50
WORST_PAIRS = 6
KINDS = ("synthetic", "real", "independent")
POINTS = 1_500
KEPT_ROWS = 1_000
ASKED_ROWS = 200
ASKED_COLUMNS = 5
PACKAGES = (
    *("gansynth", "numpy", "pandas", "scikit-learn", "matplotlib"),
    *("onnxruntime", "onnxruntime-gpu", "tensorflow", "keras"),
)


def scores(evidence: Evidence) -> str:
    """All scores, beside those of real rows and of columns shuffled alone."""
    n = len(evidence.rows.real), len(evidence.rows.synthetic)
    told = (
        f"The real rows are halved. Synthetic rows, the other half, and the other half with each "
        f"{'value' if evidence.rows.kind == 'images' else 'column'} shuffled alone are each "
        "compared with the first half. No generator has a reason to do better than real rows; "
        "columns shuffled alone show what a score is blind to."
    )
    if n != evidence.given:
        told += (
            f" Scores are of {n[0]:,} of {evidence.given[0]:,} real rows and {n[1]:,} of "
            f"{evidence.given[1]:,} synthetic ones, drawn by chance."
        )
    if evidence.rows.left_out:
        told += (
            " Not compared, since most rows have a value of their own: "
            f"{', '.join(evidence.rows.left_out)}."
        )
    heads = ("score", "best", "synthetic", "real", "shuffled alone")
    rows = [(score.name, f"{score.best:g}", *score.found) for score in evidence.scores]
    return page.paragraph(told) + page.table("Scores of all rows", heads, rows)


def columns(evidence: Evidence) -> str:
    """Columns and pairs, the worst first, in tables and in a picture."""
    if evidence.columns is None or evidence.pairs is None:
        return ""
    found = evidence.columns.head(MOST_COLUMNS).drop(columns="independent")
    rows = [(name, *of.tolist()) for name, of in zip(found.index, found.to_numpy(), strict=True)]
    heads = ("column", "synthetic", "real", "missing, real", "missing, synthetic")
    body = page.paragraph(
        "Numbers and times score 1 minus the Kolmogorov-Smirnov statistic, labels 1 minus the "
        "total variation distance; 1 is best."
    )
    body += page.table(
        _first("Columns, the farthest below real ones first", found, evidence.columns), heads, rows
    )
    worst = _worst_pairs(evidence.pairs)
    if not worst:
        return body
    display = FidelityDisplay(evidence.columns, evidence.pairs)
    size = (10.0, 1.2 + 0.24 * min(len(evidence.columns), 20))
    body += page.figure(
        picture(display.plot, _told_of_map(evidence), size),
        "Scores of columns, and of their pairs in the mean; a map of the pairs.",
        wide=True,
    )
    lines = [
        (f"{a}, {b}", *(float(evidence.pairs[kind].to_numpy()[i, j]) for kind in KINDS))
        for (a, b), (i, j) in zip(worst[:10], _places(evidence.pairs), strict=False)
    ]
    of_pairs = ("pair", "synthetic", "real", "shuffled alone")
    caption = "Pairs of columns, the farthest below real ones first"
    if len(evidence.columns) > MOST_PAIRED:
        caption += f"; of the {MOST_PAIRED} worst columns"
    return body + page.table(caption, of_pairs, lines)


def marginals(rows: Comparison, order: pd.DataFrame | None) -> str:
    """The distribution of each column, the worst first."""
    if order is None:
        return ""
    names = list(order.index[:MOST_MARGINALS])
    figures = []
    for name in names:
        score, real = order.loc[name, "synthetic"], order.loc[name, "real"]
        alt = f"Distribution of {name} in real and in synthetic rows."
        image = picture(_marginal(rows, name), alt, (3.0, 2.2))
        figures.append(page.figure(image, f"{name}: {score:.3f} (real {real:.3f})"))
    told = "Grey: real. Orange: synthetic."
    if len(order) > len(names):
        told += f" The {len(names)} worst of {len(order):,} columns."
    return page.paragraph(told) + page.grid(figures)


def _marginal(rows: Comparison, name: str) -> Any:
    return lambda ax: draw_marginal(ax, rows.real[name], rows.synthetic[name])


def pairs(evidence: Evidence) -> str:
    """The worst pairs of columns, real beside synthetic."""
    if evidence.pairs is None:
        return ""
    figures = []
    for a, b in _worst_pairs(evidence.pairs)[:WORST_PAIRS]:
        for rows, kind, colour in (
            (evidence.rows.real, "real", REAL),
            (evidence.rows.synthetic, "synthetic", SYNTHETIC),
        ):
            alt = f"{a} against {b} in {kind} rows."
            draw = _pair(rows[[a, b]].head(POINTS), evidence.rows.real[[a, b]], colour)
            figures.append(page.figure(picture(draw, alt, (4.4, 2.8)), f"{a} and {b}: {kind}"))
    return page.grid(figures, twos=True)


def _pair(table: pd.DataFrame, like: pd.DataFrame, colour: str) -> Any:
    return lambda ax: draw_pair(ax, table, like, colour)


def overlay(rows: Comparison) -> str:
    """Points as they are; of all else, principal components."""
    if rows.kind == "points":
        shown = SampleDisplay(rows)
        alt = (
            f"{len(rows.real):,} real points, and {len(rows.synthetic):,} synthetic ones over them."
        )
        points = picture(shown.plot, alt, (6.0, 4.6))
        both = "Real and synthetic points counted in the same squares, side by side."
        density = picture(lambda ax: shown.plot(ax, density=True, cmap="viridis"), both, (8.0, 3.6))
        return page.figure(points, "Grey: real. Orange: synthetic.") + page.figure(density, both)
    found = embedding(rows)
    if found is None:
        return ""
    *clouds, shares = found

    def draw(ax: Any) -> None:
        for cloud, colour, label in zip(
            clouds, (REAL, SYNTHETIC), ("real", "synthetic"), strict=True
        ):
            some = cloud[:POINTS]
            ax.scatter(
                *some.T, s=6, color=colour, alpha=0.5, linewidths=0, label=label, rasterized=True
            )
        limits = np.quantile(clouds[0], [0.002, 0.998], axis=0)
        margin = 0.15 * np.ptp(limits, axis=0) + 1e-9
        ax.set_xlim(limits[0, 0] - margin[0], limits[1, 0] + margin[0])
        ax.set_ylim(limits[0, 1] - margin[1], limits[1, 1] + margin[1])
        ax.legend(frameon=False, markerscale=2)
        ax.spines[["top", "right"]].set_visible(False)

    alt = "Synthetic rows over real ones in the plane of two principal components."
    caption = (
        f"The first two principal components of the real rows ({shares[0]:.0%} and {shares[1]:.0%} "
        "of their variance), and synthetic rows in them."
    )
    return page.figure(picture(draw, alt, (6.0, 4.4)), caption)


def samples(evidence: Evidence, *, trained: bool) -> str:
    """Some rows as they are; of images also what is nearest to them."""
    rows = evidence.rows
    if rows.kind != "images":
        shown = [table.head(5).map(_cell) for table in (rows.real, rows.synthetic)]
        return "".join(
            page.table(f"Some {kind} rows", ("row", *table.columns), table.reset_index().to_numpy())
            for kind, table in zip(("real", "synthetic"), shown, strict=True)
        )
    by_class = ", a row a class" if rows.labels else ""
    alt = f"Real images on the left, synthetic ones on the right{by_class}."
    body = page.figure(picture(SampleDisplay(rows).plot, alt, (8.0, 4.6)), alt)
    if evidence.neighbours is None:
        return body
    limits = float(rows.real.min()), float(rows.real.max())
    whose = "training" if trained else "real"
    alt = f"Synthetic images, and below each the nearest {whose} one."
    mosaic = np.stack(evidence.neighbours).astype(float)
    drawn = picture(lambda ax: draw_mosaic(ax, mosaic, limits), alt, (8.0, 1.6))
    return body + page.figure(drawn, f"{alt} Nearest pixel by pixel.", wide=True)


def training(history: Mapping[str, Sequence[float]] | None, best_step: int | None) -> str:
    """The curves of the run."""
    if not history:
        return ""
    try:
        drawn = picture(TrainingDisplay(history, best_step).plot, _told_of_run(history), (7.5, 4.6))
    except ValueError:  # neither a score nor a loss is left of a run
        return ""
    caption = "Score and coverage of held-out rows, and losses; dashed: the step that was kept."
    return page.figure(drawn, caption)


def privacy(evidence: Evidence, *, trained: bool) -> str:
    """How near rows are to those that were learned."""
    if not trained:
        return page.paragraph(
            "The rows that were learned were not given, so that nothing can be said of copies. "
            "Give them to see how near synthetic rows are to them, beside rows that were held out."
        )
    heads = ("measured", "best", "synthetic", "real, held out")
    return page.table("Privacy", heads, evidence.privacy) + page.paragraph(
        "Figures like those of held-out rows are a good sign, and no proof: rare rows can give "
        "someone away that a mean doesn't show."
    )


def kept(estimator: Any, train: Any) -> str:
    """Constraints, and conditions that were tried; the share of rows that have what was asked."""
    if estimator is None:
        return ""
    body = ""
    constrained = _constrained(estimator, train)
    if constrained:
        body += page.paragraph(
            "The model was fitted with constraints, which its graph keeps in every row. Missing "
            "values break none."
        )
        if any(math.isnan(share) for _, share in constrained):
            body += page.paragraph(
                "Where no share is told, it could not be measured: a file of a model has the "
                "constraints in words, and combinations are those of the rows that were learned."
            )
        caption = f"Constraints, in {KEPT_ROWS:,} drawn rows"
        body += page.table(caption, ("constraint", "rows that keep it"), constrained)
    asked = _asked(estimator)
    if asked:
        heads = ("column", "asked for", "rows that have it")
        body += page.table(f"Conditions, each asked of {ASKED_ROWS} rows", heads, asked)
    return body


def _constrained(estimator: Any, train: Any) -> list[tuple[str, float]]:
    """Constraints of the fit, and the share of rows that keep each; NaN where none can be told."""
    schema = schema_of(estimator)
    if not schema.constraints:
        return []
    rows = estimator.sample(KEPT_ROWS, random_state=0)
    data = containers.read_as(schema, rows)
    outputs = {str(column.name): column.output for column in schema.columns}
    given = {repr(found): found for found in getattr(estimator, "constraints", None) or ()}
    shares = dict.fromkeys(schema.constraints, np.nan)
    for text in shares.keys() & given.keys():
        constraint = given[text]
        if not isinstance(constraint, FixedCombinations):
            shares[text] = share_kept(constraint, schema, data)
        elif train is not None:
            names = [outputs[str(name)] for name in constraint.columns]
            shares[text] = exact_copies(train[names], learned(schema, rows)[names])
    return list(shares.items())


def _asked(estimator: Any) -> list[tuple[str, str, float]]:
    """Values that columns were asked to have, and the share of rows that have them."""
    schema = schema_of(estimator)
    exported = isinstance(estimator, ExportedSampler)
    model = estimator if exported else ExportedSampler(estimator.artifact_, "cpu")
    found: list[tuple[str, str, float]] = []
    if not model.generator.n_columns:
        return found
    for column in schema.modelled.columns:
        if column.kind == "category" and column.categories and len(found) < ASKED_COLUMNS:
            value = column.categories[-1]
            rows = model.sample(ASKED_ROWS, conditions={column.name: value}, random_state=0)
            share = float((containers.as_frame(rows)[column.output] == value).mean())
            found.append((str(column.name), str(value), share))
    return found


def model(estimator: Any) -> str:
    """What was learned."""
    if estimator is None:
        return ""
    held = estimator.artifact if isinstance(estimator, ExportedSampler) else estimator.artifact_
    names = {"architecture": "architecture", "samples": "rows learned", "steps": "steps"}
    told = {name: held.meta[key] for key, name in names.items() if key in held.meta}
    told["size of the model"] = f"{len(held.model):,} bytes"
    return notebook.details(held.schema, told)


def environment() -> str:
    """Versions that this page was made with."""
    found = [("Python", platform.python_version()), ("system", platform.platform(terse=True))]
    for name in PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return page.table("Versions", ("what", "version"), found)


def _worst_pairs(pairs: dict[str, pd.DataFrame]) -> list[tuple[str, str]]:
    """Pairs of columns, those first that are farthest below real ones."""
    names = list(pairs["real"].index)
    return [(names[i], names[j]) for i, j in _places(pairs)]


def _places(pairs: dict[str, pd.DataFrame]) -> list[tuple[int, int]]:
    """Where they are in the tables of scores."""
    short = (pairs["real"] - pairs["synthetic"]).to_numpy()
    i, j = np.triu_indices(len(short), 1)
    order = np.argsort(-short[i, j], kind="stable")
    return list(zip(i[order].tolist(), j[order].tolist(), strict=True))


def _first(what: str, shown: pd.DataFrame, everything: pd.DataFrame) -> str:
    """A caption, with how many are shown if not all are."""
    if len(shown) == len(everything):
        return what
    return f"{what}: {len(shown)} of {len(everything):,}"


def _told_of_map(evidence: Evidence) -> str:
    assert evidence.columns is not None
    worst = ", ".join(map(str, evidence.columns.index[:3]))
    return (
        "Scores of columns and of their pairs: synthetic, real, and shuffled alone. The worst "
        f"columns are {worst}. The tables before and after have the figures."
    )


def _told_of_run(history: Mapping[str, Sequence[float]]) -> str:
    told = f"Curves of {int(history['step'][-1]):,} training steps"
    scored = np.asarray(history.get("score", [np.nan]), float)
    if np.isfinite(scored).any():
        told += (
            f"; the score goes from {scored[np.isfinite(scored)][0]:.2f} to {np.nanmax(scored):.2f}"
        )
    return told + "."


def _cell(value: Any) -> str:
    if value is None or value is pd.NaT or value != value:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
