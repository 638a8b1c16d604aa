"""Sampling from the model file: speed beside its ceiling and others, bits, one row, memory.

python benchmarks/inference.py --data DIR --peers peers/bin/python
python benchmarks/inference.py --quick
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer
from inference_contenders import Ctgan, end_to_end, graph_alone, tensorflow, use_threads
from runs import HERE, Runs, alone, peak_mb, work_file

PRECISIONS = ("float32", "float16", "int8")
BATCHES = "1,100,1000,10000,100000,1000000"
SECONDS = 20
"""Of a contender, at one batch size: as many rounds as go into it."""
MOST_ROUNDS = 50
SINGLE = 2_000
COLUMNS = {
    "per_second": ".0f", "of_ceiling": ".2f", "of_ceiling_cpu": ".2f", "of_compiled": ".2f",
    "of_compiled_cpu": ".2f",
    "of_predict": ".1f", "of_ctgan": ".1f", "float16": ".2f", "int8": ".2f", "rounds": ".0f",
    "p50_ms": ".2f", "p99_ms": ".2f", "cpu_p50_ms": ".2f", "cpu_p99_ms": ".2f",
    "megabytes": ".2f", "shapes": ".4f", "c2st": ".3f", "auc": ".4f", "same": ".3f",
    "peak_mb": ".0f",
}  # fmt: skip
BARS = {
    "adult": {"of_ceiling": "≥ .70", "of_compiled": "≥ 1 from 100 on", "of_ctgan": "≥ 10",
              "p99_ms": "< 2", "peak_mb": "< 1000"},
    "mnist": {"of_ceiling": "≥ .70", "of_compiled": "≥ 1 from 100 on", "p99_ms": "< 2"},
}  # fmt: skip
Clock = Callable[[int], tuple[float, float]]


def load(name: str, data: Path | None) -> tuple[Any, Any, Any]:
    """Rows to learn, labels, and rows to test by."""
    if name == "mnist":
        if data is None:
            X = np.random.default_rng(0).integers(0, 256, (200, 28, 28), dtype=np.uint8)
            return X, np.arange(200) % 10, X
        arrays = np.load(data / "mnist.npz")
        return arrays["x_train"], arrays["y_train"], arrays["x_test"]
    from tabular_data import DATASETS, six_columns

    rows = six_columns() if data is None else DATASETS[name].split(data, seed=0)
    return rows[0], None, rows[1]


def train(X: Any, y: Any, params: dict[str, Any], stem: Path) -> None:
    """Write models of all precisions."""
    from gansynth import GANSampler

    sampler = GANSampler(random_state=0, **params).fit(X, y)
    for precision in PRECISIONS:
        sampler.to_onnx(stem.with_name(f"{stem.name}-{precision}.onnx"), precision=precision)


def models(X: Any, y: Any, params: dict[str, Any], stem: Path) -> dict[str, Path]:
    """The models, trained if they are not there."""
    paths = {name: stem.with_name(f"{stem.name}-{name}.onnx") for name in PRECISIONS}
    if not all(path.exists() for path in paths.values()):
        alone(train, X, y, params, stem)
    return paths


def timed(draw: Callable[[int], Any]) -> Clock:
    """Seconds by the clock on the wall, and by that of the processor, of a draw."""

    def clock(n: int) -> tuple[float, float]:
        start = time.perf_counter(), time.process_time()
        draw(n)
        return time.perf_counter() - start[0], time.process_time() - start[1]

    return clock


CLOCKS: dict[str, Clock] = {}
"""Of the contenders, in the process that they share."""


def prepare(
    paths: dict[str, Path], X: Any, y: Any, most: int, threads: int, peer: tuple[Path, Path] | None
) -> None:
    """Get all contenders ready to draw."""
    use_threads(threads)
    CLOCKS["end to end"] = timed(end_to_end(paths["float32"]))
    CLOCKS["ceiling"] = timed(graph_alone(paths["float32"], most, threads))
    CLOCKS["float16"] = timed(end_to_end(paths["float16"]))
    CLOCKS["int8"] = timed(end_to_end(paths["int8"]))
    CLOCKS.update({name: timed(draw) for name, draw in tensorflow(X, y, most).items()})
    if peer:
        ctgan = Ctgan(*peer)
        CLOCKS["ctgan"] = lambda n: (ctgan.seconds(n), np.nan)


def speed(n: int, seconds: float) -> dict[str, float]:
    """Time all contenders in turns; ratios are medians over the rounds."""
    first = [clock(n)[0] for clock in CLOCKS.values()]  # compiles, loads
    rounds = int(np.clip(seconds / max(first), 1, MOST_ROUNDS))
    times = np.array([[clock(n) for clock in CLOCKS.values()] for _ in range(rounds)])
    wall, cpu = (dict(zip(CLOCKS, times[..., i].T, strict=True)) for i in (0, 1))
    own = wall["end to end"]
    slower = {"of_compiled": "compiled", "of_predict": "predict", "of_ctgan": "ctgan"}
    return {
        "per_second": n / np.median(own),
        "of_ceiling": np.median(wall["ceiling"] / own),
        "of_ceiling_cpu": np.median(cpu["ceiling"] / cpu["end to end"]),
        "of_compiled_cpu": np.median(cpu["compiled"] / cpu["end to end"]),
        **{key: np.median(wall[name] / own) for key, name in slower.items() if name in wall},
        **{name: np.median(own / wall[name]) for name in PRECISIONS[1:]},
        "rounds": rounds,
    }


def single(path: Path, count: int) -> dict[str, float]:
    """Milliseconds of single rows in a session that is warm."""
    use_threads(1)
    clock = timed(end_to_end(path))
    for _ in range(100):
        clock(1)
    wall, cpu = 1e3 * np.array([clock(1) for _ in range(count)]).T
    return {
        "p50_ms": np.quantile(wall, 0.5),
        "p99_ms": np.quantile(wall, 0.99),
        "cpu_p50_ms": np.quantile(cpu, 0.5),
        "cpu_p99_ms": np.quantile(cpu, 0.99),
    }


def fidelity(path: Path, whole: Path, train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """Scores of as many rows as were learned, and the share of cells that float32 has too."""
    use_threads(1)  # more wait for each other on a busy machine
    import gansynth
    from gansynth.metrics import c2st_auc, column_shapes, tstr_auc

    rows, of_whole = (
        gansynth.load(file, "cpu").sample(len(train), random_state=0) for file in (path, whole)
    )
    cells, of_float32 = (
        frame.astype(object).where(frame.notna(), None).to_numpy() for frame in (rows, of_whole)
    )
    target = "income" if "income" in train else "target"
    return {
        "megabytes": path.stat().st_size / 2**20,
        "shapes": column_shapes(train, rows),
        "c2st": c2st_auc(train, rows),
        "auc": tstr_auc(rows, test, target),
        "same": (cells == of_float32).mean(),
    }


def memory(path: Path, rows: int, output: Path) -> dict[str, float]:
    """Most memory of ``gansynth sample``, and rows a second, to a Parquet file."""
    from typer.testing import CliRunner

    from gansynth import cli

    command = ["sample", path, "-n", rows, "-o", output, "--seed", 0]
    start = time.perf_counter()
    done = CliRunner().invoke(cli.app, [str(part) for part in command])
    if done.exit_code:
        raise RuntimeError(done.output)
    seconds = time.perf_counter() - start
    output.unlink()
    return {"peak_mb": peak_mb(), "per_second": rows / seconds}


def result_of(submit: Callable[..., Any], *task: Any) -> Any:
    """What a process finds, once it is asked."""
    return submit(*task).result()


def main(
    parts: Annotated[str, typer.Option(help="Of speed, single, fidelity, memory.")] = (
        "fidelity,single,speed,memory"
    ),
    names: Annotated[str, typer.Option(help="Of adult, mnist.")] = "adult,mnist",
    batches: Annotated[str, typer.Option(help="Rows a call, for speed.")] = BATCHES,
    threads: Annotated[str, typer.Option(help="For speed.")] = "1,2",
    rows: Annotated[int, typer.Option(help="To write, for memory.")] = 10_000_000,
    max_time: Annotated[
        float | None, typer.Option(help="Seconds of the fit. [default: until it stops]")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="adult.parquet and mnist.npz.")] = None,
    peers: Annotated[Path | None, typer.Option(help="Python with CTGAN in it.")] = None,
    quick: Annotated[bool, typer.Option(help="Tiny; only shows that it works.")] = False,
    again: Annotated[bool, typer.Option(help="Repeat runs that are recorded.")] = False,
    work: Annotated[Path, typer.Option(help="Models, and where quick results go.")] = HERE / "work",
) -> None:
    """Benchmark inference; finished runs are skipped, so it can be interrupted."""
    if quick:
        data, work, batches, threads, rows = None, work / "quick", "1,100", "1", 1_000
    runs = Runs((work if quick else HERE / "results") / "inference.jsonl", again)
    chosen, sizes = parts.split(","), [int(size) for size in batches.split(",")]
    for name in names.split(","):
        X, y, test = load(name, data)
        if name == "mnist":
            X, y = X[:5_000], y[:5_000]  # the networks are those of all
        params = {"steps": 20} if quick else {"max_time": max_time} if max_time else {}
        stem = work_file(work, "inference", name, *map(str, params.values()))
        paths = models(X, y, params, stem)
        record = partial(runs.run, dataset=name, seed=0, library="gansynth")
        if "fidelity" in chosen and name == "adult":
            for bits, path in paths.items():
                task = partial(alone, fidelity, path, paths["float32"], X, test)
                record(task, method="fidelity", settings={"precision": bits} | params)
        if "single" in chosen:
            task = partial(alone, single, paths["float32"], 100 if quick else SINGLE)
            record(task, method="single", settings={})
        for count in map(int, threads.split(",")):
            peer = None
            if peers and name == "adult":
                peer = peers, work_file(work, "inference-train.parquet")
                X.to_parquet(peer[1])
            ready = paths, X, y, max(sizes), count, peer
            with ProcessPoolExecutor(1, get_context("spawn"), prepare, ready) as process:
                for n in sizes if "speed" in chosen else []:
                    task = process.submit, speed, n, 0.1 if quick else SECONDS
                    settings = {"rows": n, "threads": count}
                    record(partial(result_of, *task), method="speed", settings=settings)
        if "memory" in chosen and name == "adult":
            output = work_file(work, "inference.parquet")
            task = partial(alone, memory, paths["float32"], rows, output)
            record(task, method="memory", settings={"rows": rows})
    runs.table(COLUMNS, BARS)


if __name__ == "__main__":
    typer.run(main)
