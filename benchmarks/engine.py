"""The engine: speed beside that of its products alone, the first step, memory.

python benchmarks/engine.py --data DIR
python benchmarks/engine.py --quick
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from runs import HERE, Runs, alone, peak_mb

ROUNDS = 6
SECONDS_A_BURST = 0.1
MEMORY_STEPS = 5
DRAWN = 1_000
COLUMNS = {
    "of_ceiling": ".2f", "of_ceiling_cpu": ".2f",
    "step_ms": ".2f", "ceiling_ms": ".2f", "cpu_ms": ".2f", "ceiling_cpu_ms": ".2f",
    "gflop_a_step": ".3f", "gflops": ".0f", "ceiling_gflops": ".0f", "doubled": ".2f",
    "compile_seconds": ".1f",
    "first_step_seconds": ".1f",
    "peak_mb": ".0f", "table_mb": ".0f", "fit_seconds": ".0f", "model_mb": ".1f",
}  # fmt: skip
BARS = {
    "adult": {"of_ceiling": "≥ .60"},
    "breast_cancer": {"of_ceiling": "≥ .60", "first_step_seconds": "≤ 8"},
    "ring": {"of_ceiling": "≥ .60"},
    "digits": {"of_ceiling": "≥ .50"},
    "mixed": {"peak_mb": "≤ 2000"},
    "many_levels": {"peak_mb": "≤ 2000"},
}


def load(name: str, data: Path | None) -> tuple[Any, Any]:
    """X and y of the data that an architecture's own benchmark uses."""
    if name == "ring":
        from distribution2d import MIXTURES, TRAIN_ROWS

        return MIXTURES["ring"].draw(TRAIN_ROWS, seed=0), None
    if name == "digits":
        import images_data

        digits = images_data.load()
        return digits.train, digits.train_labels
    from tabular_data import DATASETS, six_columns

    if name == "breast_cancer":
        return six_columns()[0], None
    return DATASETS[name].split(data or Path(), seed=0)[0], None


def speed(X: Any, y: Any, rounds: int) -> dict[str, float]:
    """Time the compiled loop and, in turns with it, the products that are in a step."""
    run, products = compiled(X, y)
    start = time.perf_counter()
    run(1)
    compiled_in = time.perf_counter() - start

    from products import Alone, stopwatch

    count = 1
    while (taken := stopwatch(partial(run, count))[0]) < SECONDS_A_BURST / 2:
        count = max(2 * count, int(count * SECONDS_A_BURST / taken))
    single = {product: Alone(product) for product in products}
    # In turns, in short bursts, and the best of all: other work on the machine hits some.
    steps, apart = [], []
    for _ in range(rounds):
        steps.append(stopwatch(partial(run, count)) / count)
        apart.append([one.seconds() for one in single.values()])
    step, cpu = np.min(steps, axis=0)
    ceiling, ceiling_cpu = list(products.values()) @ np.min(apart, axis=0)
    operations = sum(n * product.operations for product, n in products.items())
    heaviest = max(products, key=lambda product: products[product] * product.operations)
    return {
        "of_ceiling": ceiling / step,
        "of_ceiling_cpu": ceiling_cpu / cpu,
        "step_ms": 1e3 * step,
        "ceiling_ms": 1e3 * ceiling,
        "cpu_ms": 1e3 * cpu,
        "ceiling_cpu_ms": 1e3 * ceiling_cpu,
        "gflop_a_step": operations / 1e9,
        "gflops": operations / step / 1e9,
        "ceiling_gflops": operations / ceiling / 1e9,
        "doubled": single[heaviest].doubled(),
        "compile_seconds": compiled_in,
    }


def compiled(X: Any, y: Any) -> tuple[Callable[[int], None], dict[Any, int]]:
    """Take the compiled loop out of a fit that is about to train, and count its products.

    Returns
    -------
    run : callable
        ``run(count)`` makes steps.
    products : dict of Product to int
        How often each is in a step.
    """
    trainer = stopped_fit(X, y)
    program, data, pace = trainer.program, trainer.data, trainer._pace()  # noqa: SLF001

    def run(count: int) -> None:
        data.train(program, 0, 0, count, pace).numpy()

    return run, products_in(trainer)


def products_in(trainer: Any) -> dict[Any, int]:
    """How often each product is in a step of a run that is about to train."""
    import tensorflow as tf
    from products import products_of

    from gansynth.training.program import schedule

    program, data, pace = trainer.program, trainer.data, trainer._pace()  # noqa: SLF001
    picks, zero = np.arange(program.batch_size) % len(data.rows), tf.constant(0, tf.int64)
    batch = tf.gather(data.rows, picks), tf.gather(data.labels, picks)
    update = tf.function(program._update, autograph=False)  # noqa: SLF001
    step = update.get_concrete_function(*batch, zero, zero, schedule(pace, zero))
    return products_of(step.graph, step.outputs)


def stopped_fit(X: Any, y: Any) -> Any:
    """Fit up to the first step, and give what was to make it."""
    from gansynth import GANSampler
    from gansynth.watching import Watcher

    class Stop(Watcher, BaseException):
        def begin(self, run: Any) -> None:
            self.trainer = run
            raise self

    class Stopped(GANSampler):
        def _watchers(self, name: str) -> list[Watcher]:
            return [Stop()]

    try:
        Stopped(random_state=0).fit(X, y)
    except Stop as stop:
        return stop.trainer
    raise RuntimeError("fit never began to train")


def first_step(X: Any) -> dict[str, float]:
    """Seconds from calling ``fit`` to the end of its first step, TensorFlow not yet imported."""
    import sys

    from gansynth import GANSampler
    from gansynth.watching import Watcher

    if "tensorflow" in sys.modules:
        raise RuntimeError("TensorFlow was imported before the clock was started")
    seconds = []

    class Clock(Watcher):
        def call(self, *_: Any) -> None:
            seconds.append(time.perf_counter() - start)

    class Watched(GANSampler):
        def _watchers(self, name: str) -> list[Watcher]:
            return [Clock()]

    start = time.perf_counter()
    Watched(steps=1, random_state=0).fit(X)
    return {"first_step_seconds": seconds[0]}


def memory(table: str, rows: int) -> dict[str, float]:
    """Most memory that a process holds that makes a table, fits it and draws from it."""
    from gansynth import GANSampler

    X = TABLES[table](rows)
    table_mb = peak_mb()
    sampler = GANSampler(steps=MEMORY_STEPS, random_state=0)
    start = time.perf_counter()
    sampler.fit(X)
    fitted = time.perf_counter() - start
    sampler.sample(DRAWN)
    return {
        "peak_mb": peak_mb(),
        "table_mb": table_mb,
        "fit_seconds": fitted,
        "model_mb": len(sampler.artifact_.model) / 2**20,
    }


def mixed(rows: int) -> pd.DataFrame:
    """Ten floats, four ints, two bools, two string and two categorical columns."""
    rng = np.random.default_rng(0)
    frame = {f"float{i}": rng.standard_normal(rows) for i in range(10)}
    frame["float0"][rng.random(rows) < 0.05] = np.nan
    frame["float1"][rng.random(rows) < 0.3] = 0.0
    frame["float2"] = np.exp(3 + frame["float2"]).round(2)
    frame |= {f"int{i}": rng.integers(0, 10 ** (i + 1), rows) for i in range(4)}
    frame |= {f"bool{i}": rng.random(rows) < 0.3 for i in range(2)}
    for levels in (5, 10, 20, 50):
        labels = pd.array([f"level {level}" for level in range(levels)], dtype="str")
        codes = rng.integers(-(levels < 10), levels, rows)  # a sixth of the first is missing
        frame[f"label{levels}"] = (
            labels.take(codes, allow_fill=True)
            if levels < 20
            else pd.Categorical.from_codes(codes, labels)
        )
    return pd.DataFrame(frame, copy=False)


def many_levels(rows: int) -> pd.DataFrame:
    """A column of strings with a level for six rows, some far more frequent than others."""
    rng = np.random.default_rng(0)
    levels = max(rows // 6, 1)
    codes = np.r_[np.arange(levels), (levels * rng.random(rows - levels) ** 3).astype(int)]
    labels = pd.array([f"customer {level:06}" for level in range(levels)], dtype="str")
    return pd.DataFrame(
        {
            "customer": labels.take(rng.permutation(codes)),
            "amount": rng.lognormal(size=rows).round(2),
            "weight": rng.standard_normal(rows),
            "items": rng.integers(0, 20, rows),
            "channel": pd.Categorical.from_codes(
                rng.integers(0, 3, rows), ["web", "shop", "phone"]
            ),
        }
    )


TABLES: dict[str, Callable[[int], pd.DataFrame]] = {"mixed": mixed, "many_levels": many_levels}
ROWS = {"mixed": 1_000_000, "many_levels": 300_000}


def main(
    parts: Annotated[str, typer.Option(help="Of speed, first_step, memory.")] = (
        "speed,first_step,memory"
    ),
    data: Annotated[Path | None, typer.Option(help="Folder with adult.parquet.")] = None,
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
    work: Annotated[Path, typer.Option(help="Where quick results go.")] = HERE / "work",
) -> None:
    """Benchmark the engine; finished runs are skipped, so it can be interrupted."""
    runs = Runs((work / "quick" if quick else HERE / "results") / "engine.jsonl", again)
    chosen = parts.split(",")

    def run(dataset: str, method: str, settings: dict[str, Any], *task: Any) -> None:
        runs.run(
            partial(alone, *task),
            dataset=dataset,
            method=method,
            seed=0,
            library="gansynth",
            settings=settings,
        )

    if "speed" in chosen:
        rounds = 1 if quick else ROUNDS
        for name in ("adult" if data else "breast_cancer", "ring", "digits"):
            run(name, "speed", {}, speed, *load(name, data), rounds)
    if "first_step" in chosen:
        run("breast_cancer", "first step", {}, first_step, load("breast_cancer", None)[0])
    if "memory" in chosen:
        for name, rows in ROWS.items():
            rows = rows // 100 if quick else rows
            run(name, "memory", {"rows": rows}, memory, name, rows)
    runs.table(COLUMNS, BARS)


if __name__ == "__main__":
    typer.run(main)
