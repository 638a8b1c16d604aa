"""``gansynth demo``: a table, points and images, learned and held against rows never seen.

Of each data set one half is learned and the other held out. Synthetic rows are compared with
the held-out half, and so are the rows that were learned: no generator has a reason to come
closer than those, so their figure is what to aim at.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_diabetes, load_digits, make_moons
from sklearn.exceptions import ConvergenceWarning
from sklearn.neighbors import KNeighborsClassifier

from gansynth import GANSampler, atomic, datafiles, metrics
from gansynth.display import SampleDisplay

QUICK_STEPS = 8


class Rows(NamedTuple):
    """Data, and their labels if they have any."""

    X: Any
    y: Any = None

    def at(self, index: np.ndarray) -> Rows:
        """Some of them."""
        X = self.X.iloc[index].reset_index(drop=True) if hasattr(self.X, "iloc") else self.X[index]
        return Rows(X, None if self.y is None else self.y[index])


@dataclass(frozen=True)
class Exhibit:
    """One data set, and how to show what was learned of it.

    Attributes
    ----------
    name : str
        Name of its files.
    told : str
        What the data are.
    rows : Rows
        All of them.
    seconds : float
        Training time at most, on a machine slow enough to need it.
    figures : dict of (str, str) to callable
        Figures by name and best value: ``figure(held_out, candidate)``, both :class:`Rows`.
    frame : callable
        Rows as a data frame, to write as CSV.
    """

    name: str
    told: str
    rows: Rows
    seconds: float
    figures: dict[tuple[str, str], Callable[[Rows, Rows], float]]
    frame: Callable[[Rows], pd.DataFrame]


def exhibits() -> list[Exhibit]:
    """Make the three data sets; nothing is downloaded."""
    return [_diabetes(), _moons(), _digits()]


def run(output: Path, *, quick: bool = False) -> None:
    """Learn each data set, write files, and print figures and where the files are.

    Parameters
    ----------
    output : Path
        A folder that is there.
    quick : bool
        Whether to train for a few steps only, to see that everything works.
    """
    console = Console(highlight=False)
    results = Table(box=SIMPLE_HEAD, pad_edge=False, title="How close to rows never seen")
    for name, justify in zip(("data", "figure", "best", "real", "synthetic"), "llrrr", strict=True):
        results.add_column(name, justify="right" if justify == "r" else "left")
    started = time.monotonic()
    shown = exhibits()
    for exhibit in shown:
        console.print(f"[bold]{exhibit.name}[/]: {exhibit.told}")
        sampler, figures = _show(exhibit, output, quick, console.is_terminal)
        seconds = sampler.history_["seconds"][-1]
        stopped = " (stopped by the clock: more steps would do better)"
        console.print(
            f"  {sampler.architecture_name_}: {sampler.n_steps_:,} steps, {seconds:.0f} s"
            + (stopped if seconds >= exhibit.seconds else "")
        )
        for (name, best), (real, synthetic) in zip(exhibit.figures, figures, strict=True):
            results.add_row(exhibit.name, name, best, f"{real:.3f}", f"{synthetic:.3f}")
    console.print(results)
    console.print(
        "real: the rows that were learned. synthetic: new rows. Both are compared with the same "
        "held-out rows, so that real is what to aim at."
    )
    console.print(
        f"\nDone in {time.monotonic() - started:.0f} s. New rows (.csv), models (.onnx) and "
        "pictures of real beside synthetic (.png):"
    )
    for exhibit in shown:
        files = (str(output / f"{exhibit.name}.{suffix}") for suffix in ("csv", "onnx", "png"))
        console.print("  " + "  ".join(files), soft_wrap=True)
    console.print("\nTo draw from a model, on a machine without TensorFlow too:\n")
    for line in (
        "import gansynth",
        f"model = gansynth.load({str(output / 'digits.onnx')!r})",
        "X, y = model.sample(1000, return_y=True, random_state=0)",
    ):
        console.print(f"  {line}", markup=False, soft_wrap=True)


def _show(
    exhibit: Exhibit, output: Path, quick: bool, progress: bool
) -> tuple[GANSampler, list[tuple[float, float]]]:
    """Learn one half of an exhibit; write its files, and return its figures: real, synthetic."""
    order = np.random.default_rng(0).permutation(len(exhibit.rows.X))
    learned, held_out = (exhibit.rows.at(half) for half in np.array_split(order, 2))
    sampler = GANSampler(
        steps=QUICK_STEPS if quick else "auto",
        max_time=exhibit.seconds,
        random_state=0,
        verbose=int(progress),
    )
    with warnings.catch_warnings():
        if quick:  # that a few steps are too few is known
            warnings.simplefilter("ignore", ConvergenceWarning)
        sampler.fit(*learned)
    # As many rows as are held out, and of the same classes.
    drawn = sampler.sample(len(held_out.X), y=held_out.y, random_state=1)
    synthetic = Rows(drawn, held_out.y)

    stem = output / exhibit.name
    sampler.to_onnx(stem.with_suffix(".onnx"))
    datafiles.write(stem.with_suffix(".csv"), exhibit.frame(synthetic))
    with atomic.replacing(stem.with_suffix(".png")) as temporary:
        _picture(held_out, synthetic).savefig(temporary)
    return sampler, [
        (figure(held_out, learned), figure(held_out, synthetic))
        for figure in exhibit.figures.values()
    ]


def _picture(held_out: Rows, synthetic: Rows) -> Figure:
    """Real rows beside synthetic ones, in a figure that no window knows of."""
    figure = Figure(figsize=(10, 6), dpi=110, layout="constrained")
    labels = None if held_out.y is None else (held_out.y, synthetic.y)
    ax = figure.add_subplot()
    SampleDisplay.from_samples(held_out.X, synthetic.X, y=labels, ax=ax, density=True)
    return figure


def _diabetes() -> Exhibit:
    X, progression = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    blank = np.random.default_rng(0).random(len(X)) < 0.1
    bands = ["normal or less", "overweight", "obese"]
    frame = pd.DataFrame(
        {
            "age": X["age"].astype("int64"),
            "over 50": X["age"] > 50,
            "sex": X["sex"].map({1.0: "sex 1", 2.0: "sex 2"}),  # it isn't said which is which
            "body mass index": X["bmi"],
            "weight": pd.cut(X["bmi"], [0, 25, 30, np.inf], right=False, labels=bands),
            "blood pressure": X["bp"].mask(blank),
            "cholesterol": X["s1"].astype("int64"),
            "hdl": X["s3"],
            "cholesterol ratio": X["s4"],
            "log triglycerides": X["s5"],
            "glucose": X["s6"].astype("int64").astype("Int64").mask(blank[::-1]),
            "progression": progression.astype("int64"),
        }
    )
    return Exhibit(
        "diabetes",
        f"{len(frame)} patients from scikit-learn's load_diabetes, as a table of {frame.shape[1]} "
        "columns. Made for this demo: 'over 50' (bool, from age), 'weight' (ordered categories, "
        "from body mass index), and gaps in a tenth of blood pressure and glucose.",
        Rows(frame),
        seconds=40.0,
        figures={
            ("column shapes", "1"): lambda a, b: metrics.column_shapes(a.X, b.X),
            ("told apart by boosted trees, AUC", "0.5"): lambda a, b: metrics.c2st_auc(a.X, b.X),
        },
        frame=lambda rows: rows.X,
    )


def _moons() -> Exhibit:
    X, _ = make_moons(4000, noise=0.05, random_state=0)
    return Exhibit(
        "moons",
        f"{len(X)} points from scikit-learn's make_moons.",
        Rows(X),
        seconds=30.0,
        figures={
            ("told apart by boosted trees, AUC", "0.5"): lambda a, b: metrics.c2st_auc(a.X, b.X)
        },
        frame=lambda rows: pd.DataFrame(rows.X, columns=["x1", "x2"]),
    )


def _digits() -> Exhibit:
    digits = load_digits()
    return Exhibit(
        "digits",
        f"{len(digits.target)} handwritten digits of 8x8 pixels with their labels, from "
        "scikit-learn's load_digits.",
        Rows(digits.images.astype(np.uint8), digits.target),
        seconds=45.0,
        figures={
            ("coverage", "1"): lambda a, b: metrics.coverage(a.X, b.X),
            ("accuracy of 3 neighbours trained on it", "1"): _accuracy,
        },
        frame=_flat_digits,
    )


def _accuracy(held_out: Rows, learned: Rows) -> float:
    """How well a simple classifier does that has seen the learned rows only."""
    classifier = KNeighborsClassifier(3).fit(learned.X.reshape(len(learned.X), -1), learned.y)
    return float(classifier.score(held_out.X.reshape(len(held_out.X), -1), held_out.y))


def _flat_digits(rows: Rows) -> pd.DataFrame:
    """One column a pixel, named as scikit-learn names them, and the label."""
    names = [f"pixel_{i}_{j}" for i in range(8) for j in range(8)]
    frame = pd.DataFrame(rows.X.reshape(len(rows.X), -1), columns=names)
    return frame.assign(target=rows.y)
