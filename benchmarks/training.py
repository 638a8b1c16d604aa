"""The engine's judgement: when it stops, whether it collapses, which gamma it takes.

python benchmarks/training.py stopping    the state kept against the best of a run twice as long
python benchmarks/training.py collapse    ten seeds of six small datasets
python benchmarks/training.py gamma --data DIR    constant, annealed and automatic weights
python benchmarks/training.py stopping --quick
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from distribution2d import MIXTURES
from runs import HERE, Runs, alone
from sklearn import datasets
from sklearn.model_selection import train_test_split
from tabular_data import DATASETS, six_columns

from gansynth.metrics import c2st_auc, modes

TESTED = 2_000
DRAWS = 4
"""Sets of generated rows a reading: the best of many readings is a lucky one otherwise."""
COLUMNS = {
    "kept": ".4f", "best_of_twice": ".4f", "ratio": ".4f", "best_step": ".0f", "steps": ".0f",
    "steps_of_twice": ".0f", "seconds_saved": ".2f",
    "score": ".3f", "coverage": ".3f", "least_coverage": ".3f", "nan": ".0f", "warned": ".1f",
    "gamma_end": ".2g", "high_quality": ".3f", "reverse_kl": ".4f", "std_ratio": ".2f",
    "c2st": ".3f", "fit_seconds": ".0f",
}  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """Rows to train on and rows to test by; with labels or without."""

    train: Any
    test: Any
    labels: tuple[np.ndarray, np.ndarray] | None = None


def ring() -> Sample:
    """Eight narrow modes."""
    return Sample(MIXTURES["ring"].draw(10_000, 0), MIXTURES["ring"].draw(TESTED, 1))


def grid() -> Sample:
    """Twenty-five narrow modes."""
    return Sample(MIXTURES["grid"].draw(10_000, 0), MIXTURES["grid"].draw(TESTED, 1))


def moons() -> Sample:
    """Two interleaved crescents, labelled."""
    (train, y), (test, y_test) = (
        datasets.make_moons(n, noise=0.1, random_state=n) for n in (5_000, TESTED)
    )
    return Sample(train, test, (y, y_test))


def swiss_roll() -> Sample:
    """A spiral band."""
    train, test = (
        datasets.make_swiss_roll(n, noise=0.25, random_state=n)[0][:, [0, 2]]
        for n in (5_000, TESTED)
    )
    return Sample(train, test)


def digits() -> Sample:
    """Images of 8x8, labelled."""
    bunch = datasets.load_digits()
    train, test, y, y_test = train_test_split(
        bunch.images.astype(np.uint8), bunch.target, test_size=0.3, stratify=bunch.target,
        random_state=0,
    )  # fmt: skip
    return Sample(train, test, (y, y_test))


def stacked_digits() -> Sample:
    """Colour images of 8x8: three digits, one a channel."""
    images = datasets.load_digits().images.astype(np.uint8)
    picks = np.random.default_rng(0).integers(len(images), size=(4_000, 3))
    stacked = images[picks].transpose(0, 2, 3, 1)
    return Sample(stacked[:3_000], stacked[3_000:])


def breast_cancer() -> Sample:
    """Six columns of a table of 569 rows, two of them as text."""
    return Sample(*six_columns())


def diabetes() -> Sample:
    """A table of 442 rows, all numbers."""
    frame = datasets.load_diabetes(as_frame=True, scaled=False).frame
    return Sample(*train_test_split(frame, test_size=0.3, random_state=0))


def adult(folder: Path) -> Sample:
    """UCI Adult."""
    return Sample(*DATASETS["adult"].split(folder, seed=0))


STOPPING = {"ring": ring, "moons": moons, "digits": digits, "breast_cancer": breast_cancer}
COLLAPSE = {
    # Steps that take about 20 s, the longest the defaults for images.
    "ring": (ring, 2_000),
    "swiss_roll": (swiss_roll, 2_000),
    "breast_cancer": (breast_cancer, 400),
    "diabetes": (diabetes, 400),
    "digits": (digits, 800),
    "stacked_digits": (stacked_digits, 800),
}
GAMMAS: dict[str, dict[str, Any]] = {
    "grid": {
        "constant, high": 0.1, "constant, low": 3e-4, "annealed": [0.1, 3e-4], "auto": "auto",
    },
    "digits": {
        "constant, high": 1.0, "constant, low": 0.1, "annealed": [1.0, 0.1], "auto": "auto",
    },
    "adult": {
        "constant, high": 10.0, "constant, low": 0.1, "annealed": [1.0, 0.1], "auto": "auto",
    },
}  # fmt: skip


def test_scores(sample: Sample, seed: int, params: dict[str, Any]) -> dict[str, Any]:
    """Fit, and score the average on test rows after every interval.

    The rows that the sampler holds out for itself choose the state; these judge the choice.
    """
    import keras

    import gansynth.training  # noqa: F401  (imports TensorFlow quietly)
    from gansynth import GANSampler, containers, registry
    from gansynth.architecture import DataSpec
    from gansynth.inference import noise
    from gansynth.training.validation import Judge

    schema, data = containers.read(sample.train)
    _, architecture = registry.resolve("auto", DataSpec(schema, len(sample.train)))
    codec = architecture.codec(DataSpec(schema, len(sample.train)), data)
    rows = codec.encode(containers.read_as(schema, sample.test), np.random.default_rng(seed))
    y, y_test = sample.labels or (None, None)

    class TestScore(keras.callbacks.Callback):
        scores: list[float] = []  # noqa: RUF012

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            if epoch == 0:
                z = noise.normal(12345, 0, DRAWS * len(rows), self.model.inputs[0].shape[-1])
                inputs = [z] if y_test is None else [z, np.tile(y_test.astype(np.int32), DRAWS)]
                expanded = np.asarray(codec.expand(rows))
                self.judge = Judge(
                    expanded, y_test, lambda: self.model.predict(inputs, 500, verbose=0), DRAWS
                )
            self.scores.append(self.judge().score)

    watched = TestScore()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sampler = GANSampler(random_state=seed, callbacks=[watched], **params).fit(sample.train, y)
    history = pd.DataFrame(sampler.history_)
    kept = int(np.flatnonzero(history["step"] == sampler.best_step_)[0])
    return {
        "steps": sampler.n_steps_,
        "best_step": sampler.best_step_,
        "seconds": history["seconds"].iloc[-1],
        "kept": watched.scores[kept],
        "best": max(watched.scores),
        "warned": float(any(w.category.__name__ == "ConvergenceWarning" for w in caught)),
    }


def stopping(load: Callable[[], Sample], seed: int, steps: int | None) -> dict[str, Any]:
    """The state that fit keeps, against the best over a run twice as long."""
    from gansynth import registry
    from gansynth.architecture import DataSpec
    from gansynth.containers import read

    sample = load()
    spec = DataSpec(read(sample.train)[0], len(sample.train))
    steps = steps or registry.resolve("auto", spec)[1].recipe(spec).steps
    default = alone(test_scores, sample, seed, {"steps": steps})
    twice = alone(test_scores, sample, seed, {"steps": 2 * steps, "early_stopping": False})
    return {
        "kept": default["kept"],
        "best_of_twice": twice["best"],
        "ratio": default["kept"] / twice["best"],
        "best_step": default["best_step"],
        "steps": default["steps"],
        "steps_of_twice": twice["steps"],
        "seconds_saved": 1 - default["seconds"] / twice["seconds"],
    }


def _fit(sample: Sample, seed: int, params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """As many samples as test rows, and what the history says."""
    from gansynth import GANSampler

    y, y_test = sample.labels or (None, None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sampler = GANSampler(random_state=seed, **params).fit(sample.train, y)
    history = pd.DataFrame(sampler.history_).set_index("step")
    kept = history.loc[sampler.best_step_]
    losses = history[["critic_loss", "generator_loss", "penalty"]].to_numpy()
    scores = {
        "score": kept["score"],
        "coverage": kept["coverage"],
        "nan": float(not np.isfinite(losses).all()),
        "warned": float(any(w.category.__name__ == "ConvergenceWarning" for w in caught)),
        "gamma_end": sampler.gamma_[1],
        "fit_seconds": history["seconds"].iloc[-1],
    }
    return sampler.sample(len(sample.test), y=y_test, random_state=seed), scores


def collapse(load: Callable[[], Sample], seed: int, steps: int) -> dict[str, Any]:
    """Coverage of held-out rows after a short run."""
    return alone(_fit, load(), seed, {"steps": steps})[1]


def weigh(name: str, load: Callable[[], Sample], seed: int, params: dict[str, Any]) -> dict:
    """What a run with some gamma gives, by the dataset's own metric."""
    sample = load()
    drawn, scores = alone(_fit, sample, seed, params)
    if name == "grid":
        return scores | modes(drawn, MIXTURES["grid"].centres, MIXTURES["grid"].std)._asdict()
    flat = [
        rows.reshape(len(rows), -1) if isinstance(rows, np.ndarray) else rows
        for rows in (sample.test, drawn)
    ]
    return scores | {"c2st": c2st_auc(*flat)}


def jobs(study: str, data: Path | None, seeds: int, quick: bool) -> Iterator[tuple]:
    """Dataset, method, seed, settings and function of every run of a study."""
    if study == "stopping":
        for seed in range(seeds or 2):
            for name, load in STOPPING.items():
                steps = 40 if quick else None
                yield name, "kept", seed, {}, partial(stopping, load, seed, steps)
    elif study == "collapse":
        for seed in range(seeds or 10):
            for name, (load, steps) in COLLAPSE.items():
                settings = {"steps": 20 if quick else steps}
                yield (
                    name,
                    "short",
                    seed,
                    settings,
                    partial(collapse, load, seed, *settings.values()),
                )
    else:
        loaders: dict[str, Callable[[], Sample]] = {"grid": grid, "digits": digits}
        if data:
            loaders["adult"] = partial(adult, data)
        for seed in range(seeds or 2):
            for name, load in loaders.items():
                for method, gamma in GAMMAS[name].items():
                    settings: dict[str, Any] = {"gamma": gamma}
                    if quick or name != "grid":  # half of their steps: the order shows by then
                        settings["steps"] = 20 if quick else 2_000
                    yield name, method, seed, settings, partial(weigh, name, load, seed, settings)


def main(
    study: Annotated[str, typer.Argument(help="stopping, collapse or gamma.")],
    data: Annotated[Path | None, typer.Option(help="Folder with adult.parquet.")] = None,
    names: Annotated[str, typer.Option(help="Datasets; all if left out.")] = "",
    seeds: Annotated[int, typer.Option(help="Seeds 0 to this, exclusive; 0: the study's.")] = 0,
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
) -> None:
    """Benchmark the engine's judgement; finished runs are skipped."""
    folder = HERE / "work" / "quick" if quick else HERE / "results"
    runs = Runs(folder / f"training_{study}.jsonl", again)
    for name, method, seed, settings, run in jobs(study, data, 1 if quick else seeds, quick):
        if not names or name in names.split(","):
            runs.run(
                run, dataset=name, method=method, seed=seed, library="gansynth", settings=settings
            )
    bars = {"stopping": {"ratio": "≥ .98"}, "collapse": {"nan": "0"}}.get(study, {})
    runs.table(COLUMNS, dict.fromkeys(STOPPING if study == "stopping" else COLLAPSE, bars))
    if study == "collapse":
        lowest(runs)


def lowest(runs: Runs) -> None:
    """Print, a dataset, the lowest coverage over the median: half of it would be a collapse."""
    found = pd.DataFrame(
        [{"dataset": r["dataset"], "seed": r["seed"], **r["scores"]} for r in runs.records]
    ).drop_duplicates(["dataset", "seed"], keep="last")
    for name, rows in found.groupby("dataset"):
        ratio = rows["coverage"].min() / rows["coverage"].median()
        print(f"{name}: lowest coverage over median {ratio:.2f} ({len(rows)} seeds; bar .50)")


if __name__ == "__main__":
    typer.run(main)
