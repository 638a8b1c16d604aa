"""Proof that a file which was written gives the rows of the model that it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx

from gansynth.inference import artifact as files
from gansynth.inference import noise
from gansynth.inference.artifact import Artifact
from gansynth.inference.exported import channels_last
from gansynth.inference.generator import Generator
from gansynth.schema import MISSING_INTEGER

ROWS = 256


class Tolerance(NamedTuple):
    """How near rows of fewer bits have to come."""

    distance: float
    share: float


# To float32 as it was, rows are equal. Of the others, a table's choices (which category, which
# candidate) leap where two are as likely, so that single rows are others altogether; most are not.
TOLERANCES = {
    "float32": Tolerance(0.0, 1.0),
    "float16": Tolerance(0.02, 0.9),
    "int8": Tolerance(0.2, 0.75),
}


class DeploymentError(RuntimeError):
    """A file that does not give the rows of the model that it was made of."""


def check(path: Path, model: Artifact, precision: str) -> None:
    """Load a file that was written, and compare the rows that it gives.

    Parameters
    ----------
    path : Path
        The file.
    model : Artifact
        What it was made of.
    precision : str
        Of the file: what rows may differ by goes by it.

    Raises
    ------
    DeploymentError
        If ONNX's checker or ONNX Runtime refuses the file, values are not finite where the model's
        are, or rows differ.
    """
    try:
        written = files.read(path)
        onnx.checker.check_model(onnx.load_from_string(written.model))
        found = _rows(written)
    except (ValueError, RuntimeError, onnx.checker.ValidationError) as error:
        raise DeploymentError(f"The file that was written can't be run: {error}") from error
    compare(_rows(model), found, TOLERANCES[precision])


def compare(
    expected: Mapping[str, np.ndarray], found: Mapping[str, np.ndarray], tolerance: Tolerance
) -> None:
    """Compare outputs, by the standard deviation of each.

    Raises
    ------
    DeploymentError
        If fewer rows agree than have to.
    """
    if list(expected) != list(found):
        raise DeploymentError(f"The file has outputs {list(found)}, not {list(expected)}.")
    for name, right in expected.items():
        values = found[name]
        if (values.shape, values.dtype) != (right.shape, right.dtype):
            raise DeploymentError(
                f"Output {name!r} of the file is {values.dtype} {values.shape}, not {right.dtype} "
                f"{right.shape}."
            )
        share = _agreeing(right, values, tolerance.distance)
        if share < tolerance.share:
            raise DeploymentError(
                f"Of {ROWS} rows, {share:.0%} agree with the model's in output {name!r}, where "
                f"{tolerance.share:.0%} have to. Use a higher precision."
            )


def _agreeing(right: np.ndarray, values: np.ndarray, distance: float) -> float:
    """Share of values within some standard deviations of what they are to be; or equal."""
    same = (values == right) | ((values != values) & (right != right))
    if distance:
        wanted, came = (array.astype(np.float64) for array in (right, values))
        known = wanted[np.isfinite(wanted) & (wanted != MISSING_INTEGER)]
        allowed = distance * (known.std() if known.size else 0.0)
        with np.errstate(invalid="ignore"):  # of infinity and infinity, which are equal
            same |= np.abs(came - wanted) <= allowed
    return float(same.mean())


def _rows(model: Artifact) -> dict[str, np.ndarray]:
    """Rows of all classes, images with channels last."""
    generator = Generator(model.model, "cpu")
    classes = np.arange(ROWS) % max(len(model.schema.classes), 1)
    made = generator.generate(
        ROWS,
        lambda start, stop: noise.normal(0, start, stop, generator.noise_dim),
        classes if generator.conditional else None,
    )
    return channels_last(model, made)
