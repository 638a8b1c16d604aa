"""What the benchmarks share: the one call of the sampler, the file of runs, the table."""

from __future__ import annotations

import json
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
KEY = ("dataset", "method", "seed", "version", "settings")
LIBRARIES = ("gansynth", "tensorflow", "keras", "onnxruntime", "onnxruntime-gpu", "tf2onnx",
             "scikit-learn", "numpy", "pandas")  # fmt: skip


def synthesise(
    X: Any,
    n: int,
    seed: int,
    y: Any = None,
    params: dict[str, Any] | None = None,
    timed_rows: int = 0,
    model: Path | None = None,
) -> tuple[Any, dict[str, float]]:
    """Fit a GANSampler and draw n rows, in a fresh process, as a user's first fit would be.

    ``model`` is where its ONNX file is to go, if it is wanted.

    Returns
    -------
    drawn : same kind as X, or a pair (X, y) if y is given
    costs : dict
        Seconds of import, fit and sample, steps made and rows a step, the process' peak memory in
        MB, and, if ``timed_rows`` more are to be drawn, how many of them a second.
    """
    return alone(_synthesise, X, n, seed, y, params or {}, timed_rows, model)


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own, which nothing has used before."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def peak_mb() -> float:
    """Most memory that this process has held so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: on Linux its peak begins with that of the process that started this one.
        lines = status.read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def _synthesise(
    X: Any,
    n: int,
    seed: int,
    y: Any,
    params: dict[str, Any],
    timed_rows: int,
    model: Path | None,
) -> tuple[Any, dict[str, float]]:
    start = time.perf_counter()
    from gansynth import GANSampler
    from gansynth.architecture import DataSpec

    imported = time.perf_counter()
    sampler = GANSampler(random_state=seed, **params).fit(X, y)
    fitted = time.perf_counter()
    drawn = sampler.sample(n, random_state=seed, return_y=y is not None)
    sampled = time.perf_counter()
    if model:
        sampler.to_onnx(model)
    recipe = sampler.architecture_.recipe(DataSpec(sampler.artifact_.schema, len(X)))
    costs = {
        "import_seconds": imported - start,
        "fit_seconds": fitted - imported,
        "sample_seconds": sampled - fitted,
        "steps": sampler.n_steps_,
        "batch_size": params.get("batch_size", recipe.batch_size),
        "peak_mb": peak_mb(),
    }
    if timed_rows:
        start = time.perf_counter()
        sampler.sample(timed_rows, random_state=seed)
        costs["rows_per_second"] = timed_rows / (time.perf_counter() - start)
    return drawn, costs


class Runs:
    """A file of finished runs, one JSON object a line; only ever appended to.

    Parameters
    ----------
    path : Path
        The .jsonl file; made with the first run.
    again : bool
        Run what is in the file already once more, too.
    """

    def __init__(self, path: Path, again: bool = False) -> None:
        self.path = path
        self.again = again
        lines = path.read_text().splitlines() if path.exists() else []
        self.records = [json.loads(line) for line in lines]

    def run(
        self,
        scores: Callable[[], dict[str, Any]],
        *,
        dataset: str,
        method: str,
        seed: int,
        library: str,
        settings: dict[str, Any],
        found: dict[str, str] | None = None,
    ) -> None:
        """Compute ``scores()`` and append them, unless a run with this key is in the file.

        ``found`` holds the versions of another environment, if the method lives in one.
        """
        found = found or versions()
        key = {
            "dataset": dataset,
            "method": method,
            "seed": seed,
            "version": f"{library} {found[library]}",
            "settings": settings,
        }
        name = f"{dataset}, {method}, seed {seed}"
        if not self.again and any(_key(record) == _key(key) for record in self.records):
            print(f"{name}: in {self.path.name} already (--again repeats it)", flush=True)
            return
        load = os.getloadavg()[0]
        start = time.perf_counter()
        record = key | {"scores": _plain(scores())}
        record |= {
            "seconds": round(time.perf_counter() - start, 1),
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "load_before": round(load, 2),
            "machine": machine(),
            "versions": found,
            "commit": commit(),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")
        self.records.append(record)
        print(f"{name}: done in {record['seconds']:.0f} s", flush=True)

    def newest(self) -> list[dict[str, Any]]:
        """The newest run of each key."""
        return list({_key(record): record for record in self.records}.values())

    def table(
        self,
        columns: dict[str, str],
        bars: dict[str, dict[str, str]],
        records: list[dict[str, Any]] | None = None,
    ) -> None:
        """Print mean ± standard deviation over the seeds, newest run of each, as Markdown.

        Parameters
        ----------
        columns : dict of str to str
            Scores to show, each with its format.
        bars : dict of str to (dict of str to str)
            Per dataset, what each score must reach.
        records : list of dict, optional
            The runs to show; all by default.
        """
        newest = self.newest() if records is None else records
        shown = {name for r in newest for name, v in r["scores"].items() if v is not None}
        columns = {name: form for name, form in columns.items() if name in shown}
        lines = [["dataset", "method", "settings", "version", "runs", *columns]]
        for dataset in dict.fromkeys(record["dataset"] for record in newest):
            groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
            for record in newest:
                if record["dataset"] == dataset:
                    settings = ", ".join(f"{k} {v}" for k, v in record["settings"].items())
                    group = (dataset, record["method"], settings, record["version"])
                    groups.setdefault(group, []).append(record["scores"])
            for group, runs in groups.items():
                cells = [_cell([run.get(name) for run in runs], f) for name, f in columns.items()]
                lines.append([*group, str(len(runs)), *cells])
            if bars.get(dataset):
                cells = [bars[dataset].get(name, "") for name in columns]
                lines.append([dataset, "bar", "", "", "", *cells])
        markdown(lines)


def markdown(lines: list[list[str]]) -> None:
    """Print a table, its first line the heads."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in [lines[0], ["-" * width for width in widths], *lines[1:]]:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        print(f"| {' | '.join(cells)} |")


def machine() -> dict[str, Any]:
    """Processor, cores and memory: what a time means."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "cores_used": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.platform(terse=True),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of every library that has a say, if installed."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """The commit that was run, with "+" behind it if files had changed since."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def work_file(work: Path, *parts: Any) -> Path:
    """Path of a file that a run leaves behind beside its scores."""
    work.mkdir(parents=True, exist_ok=True)
    return work / "-".join(str(part) for part in parts)


def _key(record: dict[str, Any]) -> str:
    return json.dumps([record[name] for name in KEY], sort_keys=True)


def _plain(scores: dict[str, Any]) -> dict[str, Any]:
    """Numpy's numbers as Python's, rounded; what is not a number as null."""
    numbers = {name: None if value is None else float(value) for name, value in scores.items()}
    return {
        name: None if value is None or np.isnan(value) else round(value, 6)
        for name, value in numbers.items()
    }


def _cell(values: Iterable[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    spread = f" ± {np.std(known, ddof=1):{form}}" if len(known) > 1 else ""
    return f"{np.mean(known):{form}}{spread}"
