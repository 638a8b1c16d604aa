"""Pictures of the tables that runs left in the work folder, real rows beside synthetic ones.

python benchmarks/tabular_pictures.py --names adult --methods gansynth,ctgan
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from runs import HERE
from sklearn.decomposition import PCA

from gansynth.metrics._encoding import is_number, numbers

METHODS = ("gansynth", "ctgan", "tvae", "gaussian_copula", "copulagan", "arf", "shuffled")
SEED = 0
BINS = 30
LABELS = 8
LEVELS = 10
POINTS = 1_500
GREY = "0.8"


def draw_pictures(
    work: Path, folder: Path, names: list[str], methods: tuple[str, ...] = METHODS
) -> None:
    """Draw marginals, pairs and principal components of every dataset that left its rows."""
    for name in names:
        files = {method: work / f"{name}-{method}-{SEED}-synthetic.parquet" for method in methods}
        drawn = {m: pd.read_parquet(file) for m, file in files.items() if file.exists()}
        if not drawn:
            continue
        real = pd.read_parquet(
            files[next(iter(drawn))].with_name(f"{name}-{next(iter(drawn))}-{SEED}-real.parquet")
        )
        tables = {method: rows[real.columns] for method, rows in drawn.items()}
        for kind, picture in (("marginals", marginals), ("pairs", pairs), ("pca", components)):
            path = folder / f"tabular_{name}_{kind}.png"
            _save(picture(real, tables), path)
            print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB")


def marginals(real: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> Figure:
    """A histogram of every column: real rows in grey, each method as a line over them."""
    figure, axes = _grid(real.shape[1], width=2.9, height=1.9)
    for ax, name in zip(axes, real.columns, strict=False):
        columns = [real[name], *(rows[name] for rows in tables.values())]
        shares, edges = (_of_numbers if is_number(real[name]) else _of_labels)(columns)
        ax.stairs(shares[0], edges, fill=True, color=GREY, label="real")
        for i, (method, share) in enumerate(zip(tables, shares[1:], strict=True)):
            ax.stairs(share, edges, color=f"C{i}", linewidth=0.9, label=method)
        # Point masses hide the rest: shares by their root.
        ax.set_yscale("function", functions=(lambda y: np.sqrt(np.maximum(y, 0)), np.square))
        ax.set_ylim(0, 1.1 * max(share.max() for share in shares))
        ax.set_title(str(name), fontsize=8)
        ax.tick_params(labelsize=6)
        if not is_number(real[name]):
            ticks = real[name].astype(object).value_counts().index[:LABELS]
            ax.set_xticks(range(len(ticks)), [str(label)[:9] for label in ticks], rotation=25)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=8)
    return figure


def _of_numbers(columns: list[pd.Series]) -> tuple[list[np.ndarray], np.ndarray]:
    """Shares in bins over the range of all real values but the highest .5 %, and their edges."""
    values = [numbers(column) for column in columns]
    values = [array[~np.isnan(array)] for array in values]
    low, high = values[0].min(), np.quantile(values[0], 0.995, method="higher")
    edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    shares = [np.histogram(array, edges)[0] / max(len(array), 1) for array in values]
    return shares, edges


def _of_labels(columns: list[pd.Series]) -> tuple[list[np.ndarray], np.ndarray]:
    """Shares of the most frequent real labels, and steps of one."""
    known = [column.astype(object).value_counts(normalize=True) for column in columns]
    labels = known[0].index[:LABELS]
    shares = [share.reindex(labels, fill_value=0.0).to_numpy(float) for share in known]
    return shares, np.arange(len(labels) + 1) - 0.5


def pairs(real: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> Figure:
    """How much stronger or weaker every pair of columns is associated than in the real rows.

    Cramér's V, of numbers in bins by the real rows' quantiles, so that one measure fits all.
    """
    of_real, *of_tables = (_associations(codes) for codes in _codes(real, *tables.values()))
    figure, axes = _grid(1 + len(tables), width=3.2, height=3.2)
    titles = ["real", *(f"{method} - real" for method in tables)]
    pictures = [of_real, *(of_table - of_real for of_table in of_tables)]
    for ax, title, picture in zip(axes, titles, pictures, strict=False):
        scale: dict[str, Any] = {"cmap": "Greys", "vmin": 0, "vmax": 1}
        if title != "real":
            off = np.abs(picture[~np.eye(len(picture), dtype=bool)])
            title = f"{title}: {off.mean():.3f} in the mean"
            scale = {"cmap": "RdBu", "vmin": -0.5, "vmax": 0.5}
        image = ax.imshow(picture, **scale)
        figure.colorbar(image, ax=ax, shrink=0.7).ax.tick_params(labelsize=6)
        ax.set_title(title, fontsize=8)
        ax.set_xticks(range(real.shape[1]), real.columns, rotation=90, fontsize=5)
        ax.set_yticks(range(real.shape[1]), real.columns, fontsize=5)
    return figure


def _codes(*tables: pd.DataFrame) -> Iterator[np.ndarray]:
    """Every column as a few whole numbers, int64 of shape (n_rows, n_columns)."""
    columns = []
    for name in tables[0]:
        parts = [table[name] for table in tables]
        if is_number(parts[0]):
            columns.append(_number_codes([numbers(part) for part in parts]))
        else:
            columns.append(_label_codes(parts))
    for table in zip(*columns, strict=True):
        yield np.column_stack(table).astype(np.int64)


def _number_codes(values: list[np.ndarray]) -> list[np.ndarray]:
    """Bins between quantiles of the real values; frequent values and missing ones are their own."""
    real, counts = np.unique(values[0][~np.isnan(values[0])], return_counts=True)
    frequent = real[counts > counts.sum() / LEVELS]
    rest = np.isin(real, frequent, invert=True)
    others = np.repeat(real[rest], counts[rest]) if rest.any() else real
    edges = np.unique(np.quantile(others, np.linspace(0, 1, LEVELS + 1)[1:-1]))
    coded = []
    for array in values:
        codes = np.where(np.isnan(array), len(edges) + 1, np.digitize(array, edges))
        for i, value in enumerate(frequent, start=len(edges) + 2):
            codes[array == value] = i
        coded.append(codes)
    return coded


def _label_codes(parts: list[pd.Series]) -> list[np.ndarray]:
    """The most frequent real labels as 0, 1, ...; all others and missing ones as one more."""
    labels = parts[0].astype(object).value_counts().index[: 3 * LEVELS]
    code = {label: i for i, label in enumerate(labels)}
    coded = [part.astype(object).map(code) for part in parts]
    return [codes.astype(float).fillna(len(code)).to_numpy(np.int64) for codes in coded]


def _associations(codes: np.ndarray) -> np.ndarray:
    """Cramér's V of every pair of columns, its bias taken off (Bergsma 2013)."""
    n, width = codes.shape
    found = np.eye(width)
    for i in range(width):
        for j in range(i):
            counts = pd.crosstab(codes[:, i], codes[:, j]).to_numpy(float)
            expected = np.outer(counts.sum(1), counts.sum(0)) / n
            rows, columns = counts.shape
            phi = ((counts - expected) ** 2 / expected).sum() / n
            phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
            rows, columns = (k - (k - 1) ** 2 / (n - 1) for k in (rows, columns))
            least = min(rows, columns) - 1
            found[i, j] = found[j, i] = np.sqrt(phi / least) if least > 0 else 0.0
    return found


def components(real: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> Figure:
    """The first two principal components of the real rows, and each method's rows in them."""
    vectors = list(_vectors(real, *tables.values()))
    model = PCA(2, random_state=0).fit(vectors[0])
    of_real, *of_tables = (model.transform(array) for array in vectors)
    rng = np.random.default_rng(0)
    low, high = np.quantile(of_real, [0.002, 0.998], axis=0)
    margin = 0.15 * (high - low)
    shown = min(POINTS, *map(len, vectors))
    figure, axes = _grid(1 + len(tables), width=3.2, height=3.0)
    titles = ["real", *(f"{method} over real" for method in tables)]
    for i, (ax, title, points) in enumerate(zip(axes, titles, [None, *of_tables], strict=True)):
        for cloud, colour in ((of_real, "0.4"), (points, f"C{i - 1}")):
            if cloud is None:
                continue
            some = rng.permutation(len(cloud))[:shown]
            ax.scatter(*cloud[some].T, s=3, color=colour, linewidths=0, alpha=0.5)
        ax.set_xlim(low[0] - margin[0], high[0] + margin[0])
        ax.set_ylim(low[1] - margin[1], high[1] + margin[1])
        ax.set_title(title, fontsize=9)
        ax.tick_params(labelsize=6)
    return figure


def _vectors(*tables: pd.DataFrame) -> Iterator[np.ndarray]:
    """Numbers less their real mean, over their deviation; labels one-hot over root 2."""
    columns = []
    for name in tables[0]:
        parts = [table[name] for table in tables]
        if is_number(parts[0]):
            values = [numbers(part) for part in parts]
            mean, std = np.nanmean(values[0]), np.nanstd(values[0]) or 1.0
            # Outliers would be all that there is to see.
            columns.append(
                [np.clip(np.nan_to_num((v - mean) / std), -4, 4)[:, None] for v in values]
            )
        else:
            one_hot = np.eye(3 * LEVELS + 1) / np.sqrt(2)
            columns.append([one_hot[codes] for codes in _label_codes(parts)])
    for table in zip(*columns, strict=True):
        yield np.hstack(table).astype(np.float64)


def _grid(n: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of at least n equal parts, as square as may be; those not needed are off."""
    columns = min(n, max(2, math.ceil(math.sqrt(n))))
    rows = math.ceil(n / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    flat = list(axes.flat)
    for ax in flat[n:]:
        ax.axis("off")
    return figure, flat[:n]


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, pil_kwargs={"optimize": True})
    plt.close(figure)


def main(
    names: Annotated[str, typer.Option(help="Datasets whose rows are in the work folder.")],
    methods: Annotated[str, typer.Option(help="Those to draw.")] = ",".join(METHODS),
    work: Annotated[Path, typer.Option(help="Where runs left their rows.")] = HERE / "work",
    results: Annotated[Path, typer.Option(help="Where pictures go.")] = HERE / "results",
) -> None:
    """Draw pictures of rows that runs of tabular.py left behind."""
    draw_pictures(work, results, names.split(","), tuple(methods.split(",")))


if __name__ == "__main__":
    typer.run(main)
