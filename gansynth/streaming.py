"""Rows of an exported model to a file, more than memory holds: in parts, by several processes.

Parts are files in a folder beside the one that is asked for, `rows.parquet.parts` for
`rows.parquet`. A row depends on the seed and its position alone, so whoever draws a part draws the
same; those that are there when a call is repeated are not drawn again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from gansynth import atomic, datafiles
from gansynth.inference import noise
from gansynth.inference.exported import ExportedSampler, load

VALUES_A_PART = 1 << 24
MOST_ROWS_A_PART = 1 << 16
PLAN = "plan.json"


@dataclass(frozen=True)
class Order:
    """What is to be drawn, and where to.

    Attributes
    ----------
    model, output : str
        The .onnx file, and the file to write.
    n_samples : int
        Rows.
    y : label or None
        Class of all rows; None for as frequent as in the data.
    seed : int
        Of the rows.
    digest : str
        SHA-256 of the model.
    rows_a_part : int
        Rows of each part but the last: fewer of large images.
    """

    model: str
    output: str
    n_samples: int
    y: Any
    seed: int
    digest: str
    rows_a_part: int

    @cached_property
    def folder(self) -> Path:
        """Where the parts are, until they are one file."""
        return Path(f"{self.output}.parts")

    def parts(self) -> Iterator[tuple[Path, int, int]]:
        """File of each part, its first row, and the one behind its last."""
        size, suffix = self.rows_a_part, Path(self.output).suffix.lower()
        for i, first in enumerate(range(0, self.n_samples, size) or range(1)):
            yield self.folder / f"{i:06}{suffix}", first, min(first + size, self.n_samples)

    @property
    def plan(self) -> dict[str, Any]:
        """What parts that are there already have to be of."""
        return {
            "model": self.digest,
            "rows": self.n_samples,
            "y": None if self.y is None else str(self.y),
            "seed": self.seed,
            "size of parts": self.rows_a_part,
        }


def order(
    model: str | os.PathLike[str],
    output: str | os.PathLike[str],
    n_samples: int,
    *,
    y: Any = None,
    seed: int | None = None,
) -> Order:
    """Begin, or go on from what an equal order has left.

    Parameters
    ----------
    model, output : path-like
        The .onnx file, and the file to write.
    n_samples : int
        Rows, 0 or more.
    y : label or str, optional
        Class of all rows, or how it is written.
    seed : int, optional
        The same seed gives the same rows; by default that of the parts that are there, or a new
        one.

    Raises
    ------
    OSError
        If a file can't be read or written.
    ValueError
        If the suffix is unknown, the model or a label isn't one, or the parts that are there are
        of another order.
    """
    datafiles.check_suffix(output, datafiles.TABLES + datafiles.ARRAYS)
    atomic.check_target(output)
    loaded = load(model)
    label = {str(known): known for known in loaded.schema.classes}.get(str(y), y)
    # What is wrong is told before a folder is made.
    loaded.sample_batches(n_samples, y=label)
    datafiles.check_content(output, loaded.sample(0))
    pixels = int(np.prod(loaded.schema.image_shape or ()))
    made = Order(
        model=os.fspath(model),
        output=os.fspath(output),
        n_samples=n_samples,
        y=label,
        seed=noise.seed_of(seed),
        digest=_digest(loaded),
        rows_a_part=int(np.clip(VALUES_A_PART // pixels, 1, MOST_ROWS_A_PART)),
    )
    found = made.folder / PLAN
    if found.exists():
        before = json.loads(found.read_text(encoding="utf-8"))
        if seed is None:
            made = replace(made, seed=before["seed"])
        other = [name for name, value in made.plan.items() if before.get(name) != value]
        if other:
            raise ValueError(
                f"{made.folder} holds a part of the rows of another call: it had another "
                f"{' and '.join(other)}. Repeat that one to end it, or delete the folder."
            )
        return made
    made.folder.mkdir(exist_ok=True)
    with atomic.replacing(found) as temporary:
        temporary.write_text(json.dumps(made.plan), encoding="utf-8")
    return made


def draw(wanted: Order, workers: int = 1) -> Iterator[int]:
    """Draw the parts that are not there yet; yields the number of rows of each that is."""
    yield from Parallel(workers, return_as="generator_unordered")(
        delayed(_draw_part)(wanted, *part) for part in wanted.parts()
    )


def join(wanted: Order) -> None:
    """Make one file of all parts, and delete them."""
    datafiles.join(wanted.output, [path for path, _, _ in wanted.parts()])
    shutil.rmtree(wanted.folder)


def _draw_part(wanted: Order, path: Path, start: int, stop: int) -> int:
    if path.exists():
        return stop - start
    sampler = _loaded(wanted.model, wanted.digest)
    asked = {"y": wanted.y, "return_y": bool(sampler.schema.classes), "random_state": wanted.seed}
    batches = sampler.sample_batches(stop, MOST_ROWS_A_PART, start=start, **asked)
    drawn = next(batches) if stop > start else sampler.sample(0, **asked)
    X, labels = drawn if sampler.schema.classes else (drawn, None)
    datafiles.write(path, X, labels, sampler.meta.get("target", "y"))
    return stop - start


@lru_cache(1)
def _loaded(model: str, digest: str) -> ExportedSampler:
    """The model of a file, read once by each process."""
    loaded = load(model)
    if _digest(loaded) != digest:
        raise ValueError(f"{model} was replaced while rows were drawn from it.")
    return loaded


def _digest(loaded: ExportedSampler) -> str:
    return hashlib.sha256(loaded.artifact.model).hexdigest()
