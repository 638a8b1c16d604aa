"""Models made ready for where they are to run: precision, layout, licence, and the proof of them.

It needs the ``onnx`` package, as training does, but no TensorFlow. What it makes is an ordinary
model file, so that :mod:`gansynth.inference` knows of none of this but the layout.
"""

from __future__ import annotations

import os
from typing import Any, Literal, get_args

import onnx

from gansynth import atomic
from gansynth.deployment import checks, layouts, precisions
from gansynth.inference import artifact as files
from gansynth.inference.artifact import Artifact

Precision = Literal["float32", "float16", "int8"]
Layout = Literal["nhwc", "nchw"]


def write(
    artifact: Artifact,
    path: str | os.PathLike[str],
    precision: Precision = "float32",
    layout: Layout = "nhwc",
    license: str | None = None,  # noqa: A002 (the word for it)
) -> None:
    """Convert a model, write it, and replace the file once what was written gives its rows.

    Parameters
    ----------
    artifact : Artifact
        The model.
    path : path-like
        The file; one that is there stays as it is until the new one has been checked.
    precision, layout, license
        As for :meth:`gansynth.GANSampler.to_onnx`.

    Raises
    ------
    ValueError
        If a parameter is none of its values, or does not go with the model.
    DeploymentError
        If the file that was written does not give the model's rows.
    OSError
        If the file can't be written.
    """
    made = converted(artifact, precision, layout, license)
    with atomic.replacing(path) as temporary:
        temporary.write_bytes(made.model)
        checks.check(temporary, artifact, precision)


def converted(
    artifact: Artifact,
    precision: Precision,
    layout: Layout,
    license: str | None,  # noqa: A002
) -> Artifact:
    """Model with what is wanted otherwise; the model itself if nothing is."""
    _check_choice("precision", precision, get_args(Precision))
    _check_choice("layout", layout, get_args(Layout))
    if license is not None and not (isinstance(license, str) and license.strip()):
        raise ValueError(f"license must be None or a text such as 'CC-BY-4.0'; got {license!r}.")
    if layout == "nchw" and not artifact.schema.is_image:
        raise ValueError(
            "layout='nchw' is an order of the axes of images, and this model makes none. Leave "
            "layout at 'nhwc'."
        )
    told: dict[str, Any] = {}
    model = onnx.load_from_string(artifact.model)
    if precision != "float32":
        precisions.convert(model, precision)
        told["precision"] = precision
    if layout == "nchw":
        layouts.put_channels_first(model)
        told["layout"] = layout
    if license:
        told["license"] = license.strip()
    if not told:
        return artifact
    return files.resealed(artifact, model.SerializeToString(), told)


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Refuse what is none of the choices."""
    if not (isinstance(value, str) and value in choices):
        known = ", ".join(map(repr, choices[:-1]))
        raise ValueError(f"{name} must be {known} or {choices[-1]!r}; got {value!r}.")
