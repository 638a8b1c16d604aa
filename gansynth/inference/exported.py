"""A trained generator without TensorFlow: what ``gansynth.load`` gives."""

from __future__ import annotations

import functools
import operator
import os
from typing import Any

import numpy as np

from gansynth import containers, identifiers, notebook
from gansynth.inference import artifact as files
from gansynth.inference import conditions as asked
from gansynth.inference import noise
from gansynth.inference.artifact import Artifact
from gansynth.inference.conditions import Conditions
from gansynth.inference.generator import Device, Generator
from gansynth.schema import Schema

POOLED = 0xA0761D6478BD642F
"""What tells the noise of rows that conditions are settled by from that of samples."""


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
        conditions: Any = None,
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
        conditions : dict or table, optional
            What columns of a table are to hold; the others are drawn to go with it. By name
            of column: a value, a list of values, or a pair (lowest, highest), of which one
            may be None. Or a table of some of the columns, with a row for each to be drawn,
            in which missing values are drawn too.
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
        wanted = None if conditions is None else self._wanted(conditions)
        if wanted and wanted.n_rows is not None:
            n_samples = _one_each(n_samples, wanted.n_rows, "conditions has", "rows")
        n, codes = self._rows_and_classes(n_samples, y, return_y, seed)
        if wanted:
            wanted = wanted.settle(
                functools.partial(self._drawn, seed ^ POOLED),
                noise.uniform(seed ^ POOLED, 0, n),
                codes,
            )
        data = self._drawn(seed, wanted, codes)
        X = containers.write(self.schema, data, n)
        if not return_y:
            return X
        return X, containers.write_labels(self.schema, codes)

    def impute(self, X: Any, *, y: Any = None, random_state: Any = None) -> Any:
        """Draw what is missing in rows, to go with what is there.

        Missing cells come from their distribution given the other cells of the row, so that
        several draws tell how sure they are (multiple imputation, Rubin 1987).

        Parameters
        ----------
        X : DataFrame, Table, ndarray or list
            Rows of the columns that were fitted. Columns may lack values that had none
            missing in the fit.
        y : array-like of shape (n,), optional
            Classes of the rows, for a model that was fitted with y.
        random_state : int, None, numpy.random.RandomState or numpy.random.Generator
            An integer gives the same values each time.

        Returns
        -------
        DataFrame, Table, ndarray or list
            The rows without missing cells, in the container that was fitted; a column of which
            no value was ever seen stays as it is.

        Raises
        ------
        ValueError
            If columns differ from those fitted, hold what they can't, or the model can't be
            given values.
        """
        self._check_conditions("impute")
        values, known = containers.read_part(self.schema, X, whole=True)
        wanted = Conditions(self.schema, values, known, complete=True)
        if self.schema.classes and y is None:
            raise ValueError("y is missing: the model was fitted with classes. Pass those of X.")
        n, codes = self._rows_and_classes(wanted.n_rows, y, False, 0)
        return containers.write(
            self.schema, self._drawn(noise.seed_of(random_state), wanted, codes), n
        )

    def _check_conditions(self, what: str) -> None:
        """Refuse what only a model can do that takes values of columns."""
        if not self.generator.n_columns:
            raise ValueError(
                f"{what} needs a model that takes values of columns; this one was not trained to. "
                "Fit a table by GANSampler(TabularGAN(conditions=True)), of gansynth_tabular, "
                "without constraints."
            )

    def _wanted(self, conditions: Any) -> Conditions:
        """What is asked of columns, if the model can be asked."""
        self._check_conditions("conditions")
        return asked.read(self.schema, conditions)

    def _drawn(
        self, seed: int, wanted: Conditions | None, codes: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Columns of rows of these classes, with the values that are wanted."""
        n, width = len(codes), self.generator.noise_dim
        data = self.generator.generate(
            n,
            lambda start, stop: noise.normal(seed, start, stop, width),
            codes if self.generator.conditional else None,
            None if wanted is None else wanted.matrix(n),
        )
        for column in self.schema.columns:
            if column.identifier:
                data[column.output] = identifiers.draw(column, seed, n)
        if wanted:
            wanted.put_into(data)
        return data

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
    ) -> tuple[int, np.ndarray]:
        """Number of rows, and their class codes: 0 if the model has no classes."""
        n = _checked_count(n_samples)
        if not self.schema.classes:
            for name, value in (("y", y is not None), ("return_y", return_y)):
                if value:
                    raise ValueError(
                        f"{name} was given, but the model has no classes: it was fitted without y. "
                        f"Leave {name} out, or fit with y."
                    )
            return n, np.zeros(n, np.int32)
        if y is None:
            return n, _drawn_classes(self.schema, seed, n)
        if np.ndim(y) == 0:
            return n, np.repeat(containers.codes_of(self.schema, [np.asarray(y).item()]), n)
        codes = containers.codes_of(self.schema, y)
        return _one_each(n, len(codes), "y has", "labels"), codes


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


def _one_each(n: Any, found: int, what: str, kind: str) -> int:
    """Number of rows, where something comes with one entry for each of them."""
    if _checked_count(n) not in (1, found):
        raise ValueError(
            f"n_samples={n}, but {what} {found} {kind}, one for each row. Leave n_samples out, or "
            "ask the same of all rows."
        )
    return found


def _drawn_classes(schema: Schema, seed: int, n: int) -> np.ndarray:
    """Class codes at the frequencies of the training data, each addressed by its row."""
    ends = np.cumsum(schema.class_counts)
    # Without the last end: rounding can't lead past the last class.
    codes = np.searchsorted(ends[:-1], noise.uniform(seed, 0, n) * ends[-1], side="right")
    return codes.astype(np.int32)
