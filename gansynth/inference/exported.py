"""A trained generator without TensorFlow: what ``gansynth.load`` gives."""

from __future__ import annotations

import operator
import os
from typing import Any

import numpy as np

from gansynth import containers, identifiers, notebook
from gansynth.inference import artifact as files
from gansynth.inference import noise
from gansynth.inference.artifact import Artifact
from gansynth.inference.generator import Device, Generator
from gansynth.schema import Schema


class ExportedSampler:
    """Samples from an exported generator, with numpy and ONNX Runtime only.

    Parameters
    ----------
    artifact : Artifact
        The exported generator.
    device : {"auto", "cpu", "cuda"}
        Where it runs; ``"auto"`` takes a GPU if one can be used.

    Attributes
    ----------
    artifact : Artifact
        As given.
    generator : Generator
        Runs the graph.

    Examples
    --------
    >>> import gansynth
    >>> model = gansynth.load("adult.onnx")  # doctest: +SKIP
    >>> model.sample(1000, random_state=0)  # doctest: +SKIP
    """

    def __init__(self, artifact: Artifact, device: Device = "auto") -> None:
        self.artifact = artifact
        self.generator = Generator(artifact.model, device)

    @property
    def schema(self) -> Schema:
        """What the rows hold."""
        return self.artifact.schema

    @property
    def meta(self) -> dict[str, str]:
        """What else the file says of the model: version of gansynth, architecture, …"""
        return dict(self.artifact.meta)

    def sample(
        self,
        n_samples: int = 1,
        *,
        y: Any = None,
        return_y: bool = False,
        random_state: Any = None,
    ) -> Any:
        """Draw new rows.

        A row depends on ``random_state``, its position and its class, and on nothing else:
        ``sample(1000, random_state=0)`` begins with ``sample(10, random_state=0)``.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows; may be 0. With an array ``y``, leave it at 1: there is a row for
            each label.
        y : label or array-like of shape (n,), optional
            Class of all rows, or of each. Without it classes are drawn at the frequencies of
            the training data.
        return_y : bool, default=False
            Whether to return the classes of the rows too.
        random_state : int, None, numpy.random.RandomState or numpy.random.Generator
            An integer gives the same rows each time, None new ones.

        Returns
        -------
        X : DataFrame, Table, ndarray or list
            The container that the model was fitted on, with n_samples rows.
        y : ndarray of shape (n_samples,)
            Their classes. Only if ``return_y``.

        Raises
        ------
        ValueError
            If a parameter is out of its range, ``y`` names a class that is unknown, or the
            model has no classes and ``y`` or ``return_y`` is given.
        TypeError
            If ``n_samples`` is no integer.
        """
        seed = noise.seed_of(random_state)
        n, codes = self._rows_and_classes(n_samples, y, return_y, seed)
        width = self.generator.noise_dim
        data = self.generator.generate(
            n, lambda start, stop: noise.normal(seed, start, stop, width), codes
        )
        for column in self.schema.columns:
            if column.identifier:
                data[column.output] = identifiers.draw(column, seed, n)
        X = containers.write(self.schema, data, n)
        if codes is None or not return_y:
            return X
        return X, containers.write_labels(self.schema, codes)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, whole or not at all.

        The file is the model: what is sampled here is what other ONNX runtimes compute.

        Raises
        ------
        OSError
            If the file can't be written; an older one is left as it was.
        """
        files.write(self.artifact, path)

    def __repr__(self) -> str:
        schema = self.schema
        if schema.is_image:
            rows = f"images of {'x'.join(map(str, schema.image_shape))}"
        else:
            rows = f"{schema.container} rows of {len(schema.columns)} columns"
        classes = f", {len(schema.classes)} classes" if schema.classes else ""
        return f"<{type(self).__name__}: {rows}{classes}, {len(self.artifact.model):,} bytes>"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        meta = self.artifact.meta
        told = ("architecture", "samples", "steps")
        facts: dict[str, str] = {name: meta[name] for name in told if name in meta}
        facts["size"] = f"{len(self.artifact.model):,} bytes"
        return notebook.details(self.schema, facts)

    def _rows_and_classes(
        self, n_samples: Any, y: Any, return_y: bool, seed: int
    ) -> tuple[int, np.ndarray | None]:
        """Number of rows, and their class codes if the model has classes."""
        n = _checked_count(n_samples)
        if not self.schema.classes:
            for name, value in (("y", y is not None), ("return_y", return_y)):
                if value:
                    raise ValueError(
                        f"{name} was given, but the model has no classes: it was fitted without y. "
                        f"Leave {name} out, or fit with y."
                    )
            return n, None
        if y is None:
            return n, _drawn_classes(self.schema, seed, n)
        if np.ndim(y) == 0:
            return n, np.repeat(containers.codes_of(self.schema, [np.asarray(y).item()]), n)
        codes = containers.codes_of(self.schema, y)
        if n not in (1, len(codes)):
            raise ValueError(
                f"n_samples={n}, but y has {len(codes)} labels, one for each row. Leave n_samples "
                "out, or give y as a single label."
            )
        return len(codes), codes


def load(path: str | os.PathLike[str], device: Device = "auto") -> ExportedSampler:
    """Load a model that ``to_onnx`` wrote.

    TensorFlow is not needed, and neither is the architecture's plugin. Nothing in the file is
    run but the graph, and nothing is unpickled.

    Parameters
    ----------
    path : path-like
        The file.
    device : {"auto", "cpu", "cuda"}
        Where it runs; ``"auto"`` takes a GPU if one can be used.

    Returns
    -------
    ExportedSampler

    Raises
    ------
    OSError
        If the file can't be read.
    ArtifactError
        A ValueError: if it is damaged, or gansynth did not write it.
    RuntimeError
        If ``device="cuda"`` can't be had, or this ONNX Runtime can't run the model.
    """
    sampler = ExportedSampler(files.read(path), device)
    sampler.sample(0)  # what the runtime has against the model comes up here, not later
    return sampler


def _checked_count(n_samples: Any) -> int:
    """A number of rows as int."""
    try:
        if isinstance(n_samples, (bool, np.bool_)):
            raise TypeError
        n = operator.index(n_samples)
    except TypeError:
        raise TypeError(
            f"n_samples must be an integer, 0 or more; got {n_samples!r} of type "
            f"{type(n_samples).__name__}."
        ) from None
    if n < 0:
        raise ValueError(f"n_samples must be an integer, 0 or more; got {n}.")
    return n


def _drawn_classes(schema: Schema, seed: int, n: int) -> np.ndarray:
    """Class codes at the frequencies of the training data, each addressed by its row."""
    ends = np.cumsum(schema.class_counts)
    # Without the last end: rounding can't lead past the last class.
    codes = np.searchsorted(ends[:-1], noise.uniform(seed, 0, n) * ends[-1], side="right")
    return codes.astype(np.int32)
