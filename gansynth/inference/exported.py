"""A trained generator without TensorFlow: what ``gansynth.load`` gives."""

from __future__ import annotations

import functools
import operator
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gansynth import containers, identifiers, notebook
from gansynth.inference import artifact as files
from gansynth.inference import conditions as asked
from gansynth.inference import latent, noise, validity
from gansynth.inference.artifact import Artifact, ArtifactError
from gansynth.inference.conditions import Conditions
from gansynth.inference.generator import Generator
from gansynth.inference.providers import Device, Providers
from gansynth.schema import Schema

BATCH = 1 << 16
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
    providers : "auto" or list of str or (str, dict)
        In place of a device; see :func:`load`.

    Attributes
    ----------
    artifact : Artifact
        As given.
    generator : Generator
        Runs the graph.

    Examples
    --------
    >>> import gansynth
    >>> sampler.to_onnx(folder / "points.onnx")
    >>> model = gansynth.load(folder / "points.onnx")
    >>> model.sample(1000, random_state=0).shape
    (1000, 2)
    """

    def __init__(
        self, artifact: Artifact, device: Device = "auto", providers: Providers = "auto"
    ) -> None:
        self.artifact = artifact
        self.generator = Generator(artifact.model, device, providers)

    @property
    def runs_on(self) -> tuple[str, ...]:
        """Execution providers of ONNX Runtime that it runs on, the first one first."""
        return self.generator.runs_on

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
            The container that the model was fitted on, with n_samples rows. Where the library
            of a frame is not installed, a dict of numpy arrays, by name of column.
        y : ndarray of shape (n_samples,)
            Their classes. Only if ``return_y``.

        Raises
        ------
        ValueError
            If a parameter is out of its range, ``y`` names a class that is unknown, or the
            model has no classes and ``y`` or ``return_y`` is given.
        TypeError
            If ``n_samples`` is no integer.
        MemoryError
            If the machine has not the memory for so many rows.
        """
        n, rows = self._asked(n_samples, y, conditions, return_y, noise.seed_of(random_state))
        self._check_memory(n)
        return rows(0, n)

    def sample_batches(
        self,
        n_samples: int,
        batch_size: int = BATCH,
        *,
        start: int = 0,
        y: Any = None,
        conditions: Any = None,
        return_y: bool = False,
        random_state: Any = None,
    ) -> Iterator[Any]:
        """Draw the rows of :meth:`sample` a batch at a time, in memory for one batch.

        Parameters
        ----------
        n_samples : int
            Number of rows, of all batches together.
        batch_size : int, default=65536
            Rows of each batch; the last may have fewer.
        start : int, default=0
            Row to begin at, for a call that goes on where another one stopped.
        y, conditions, return_y, random_state
            As for :meth:`sample`. Rows don't depend on ``batch_size``.

        Returns
        -------
        iterator
            Of what :meth:`sample` returns; nothing if there are no rows from ``start`` on.

        Raises
        ------
        ValueError, TypeError
            At once, as :meth:`sample` does, and if ``batch_size`` is no integer of at least 1 or
            ``start`` none of at least 0.

        Examples
        --------
        >>> from gansynth import ExportedSampler
        >>> model = ExportedSampler(sampler.artifact_)
        >>> for rows in model.sample_batches(1000, batch_size=400, random_state=0):
        ...     print(len(rows))
        400
        400
        200
        """
        if _checked_count(batch_size, "batch_size") < 1:
            raise ValueError(f"batch_size must be 1 or more; got {batch_size}.")
        n, rows = self._asked(n_samples, y, conditions, return_y, noise.seed_of(random_state))
        firsts = range(_checked_count(start, "start"), n, batch_size)
        return (rows(first, min(first + batch_size, n)) for first in firsts)

    def _asked(
        self, n_samples: Any, y: Any, conditions: Any, return_y: bool, seed: int
    ) -> tuple[int, Callable[[int, int], Any]]:
        """How many rows are asked for, and what gives those from one up to another."""
        wanted = None if conditions is None else self._wanted(conditions)
        if wanted and wanted.n_rows is not None:
            n_samples = _one_each(n_samples, wanted.n_rows, "conditions has", "rows")
        n, classes = self._rows_and_classes(n_samples, y, return_y, seed)

        def rows(start: int, stop: int) -> Any:
            codes = classes(start, stop)
            settled = wanted and wanted.part(start, stop).settle(
                functools.partial(self._drawn, seed ^ POOLED),
                noise.uniform(seed ^ POOLED, start, stop),
                codes,
            )
            data = self._drawn(seed, settled, codes, start)
            X = containers.write(self.schema, data, stop - start)
            return (X, containers.write_labels(self.schema, codes)) if return_y else X

        return n, rows

    def impute(self, X: Any, *, y: Any = None, random_state: Any = None) -> Any:
        """Draw what is missing in rows, to go with what is there.

        Missing cells come from their distribution given the other cells of the row, so that
        several draws tell how sure they are (multiple imputation, Rubin 1987).

        Parameters
        ----------
        X : DataFrame, Table, ndarray, list or dict of array-like
            Rows of the columns that were fitted. Columns may lack values that had none
            missing in the fit. A dict has columns by name, as samples come in where the
            library of frames is not installed.
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
        n, classes = self._rows_and_classes(wanted.n_rows, y, False, 0)
        data = self._drawn(noise.seed_of(random_state), wanted, classes(0, n))
        return containers.write(self.schema, data, n)

    def interpolate(
        self, a: Any, b: Any, n_steps: int = 10, *, y: Any = None, random_state: Any = None
    ) -> Any:
        """Rows on the way from one point of the latent space to another, both included.

        Parameters
        ----------
        a, b : int, or ndarray of shape (noise_dim,)
            Where it begins and ends. An integer is the place of a row: ``interpolate(3, 7,
            random_state=0)`` goes from row 3 of ``sample(…, random_state=0)`` to row 7.
        n_steps : int, default=10
            Rows, 2 or more.
        y : label, (label, label) or array-like of shape (n_steps,), optional
            Class of all rows; those that the way leads from and to, through what is between them
            (images and points only); or the class of each row. Of a model that was fitted with y.
        random_state : int, None, numpy.random.RandomState or numpy.random.Generator
            What the rows are places of.

        Returns
        -------
        DataFrame, Table, ndarray or list
            The container that the model was fitted on. Images and points change little from one
            row to the next; columns of categories leap.

        Raises
        ------
        ValueError
            If a or b is no place and no noise, n_steps is less than 2, y is missing, or there is
            nothing between classes.
        """
        seed, width = noise.seed_of(random_state), self.generator.noise_dim
        if _checked_count(n_steps, "n_steps") < 2:
            raise ValueError(f"n_steps must be 2 or more, for both ends; got {n_steps}.")
        if self.schema.classes and y is None:
            raise ValueError("y is missing: the model was fitted with classes. Pass one of them.")
        begin, end = latent.point(a, "a", seed, width), latent.point(b, "b", seed, width)
        z, weights = latent.arc(begin, end, n_steps), None
        n, classes = self._rows_and_classes(n_steps if np.ndim(y) == 0 else 1, y, False, seed)
        codes = classes(0, n)
        if n == 2 < n_steps:
            weights = self._between(codes, n_steps)
            codes = np.repeat(codes[:1], n_steps)
        elif n != n_steps:
            raise ValueError(
                f"y has {n} labels, but n_steps={n_steps} rows are on the way. Give one label, "
                "those of both ends, or one a row."
            )
        data = self._drawn(seed, None, codes, z=z, class_weights=weights)
        return containers.write(self.schema, data, n_steps)

    def _between(self, ends: np.ndarray, n_steps: int) -> np.ndarray:
        """Weights of classes from one to another: float32 of shape (n_steps, classes)."""
        if not self.generator.mixes_classes:
            raise ValueError(
                f"y has 2 labels, but n_steps={n_steps} rows are on the way, and this model has "
                "nothing between classes: models of images and points have, of up to 100 "
                "classes. Give a label for each row."
            )
        share = np.linspace(0.0, 1.0, n_steps)[:, None]
        begin, end = np.eye(len(self.schema.classes))[ends]
        return ((1.0 - share) * begin + share * end).astype(np.float32)

    def _check_memory(self, n: int) -> None:
        """Refuse what would not fit, before it is begun."""
        size = n * sum(row.nbytes for row in self.generator.example.values())
        if size > _memory():
            raise MemoryError(
                f"n_samples={n:,} rows take {size / 2**30:,.1f} GiB, and this machine has "
                f"{_memory() / 2**30:,.1f}. Draw them in batches, by sample_batches, or into a "
                "file, by the command `gansynth sample`."
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
        self,
        seed: int,
        wanted: Conditions | None,
        codes: np.ndarray,
        first: int = 0,
        *,
        z: np.ndarray | None = None,
        class_weights: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """Columns of rows of these classes, from a first one on, with the values that are wanted.

        Of noise, and between classes, where these are given.
        """
        n, width = len(codes), self.generator.noise_dim
        made = self.generator.generate(
            n,
            lambda start, stop: (
                noise.normal(seed, first + start, first + stop, width)
                if z is None
                else z[start:stop]
            ),
            codes if self.generator.conditional else None,
            None if wanted is None else wanted.matrix(n),
            class_weights,
            first,
        )
        data = channels_last(self.artifact, made)
        validity.check_codes(self.schema, data)
        for column in self.schema.columns:
            if column.identifier:
                data[column.output] = identifiers.draw(column, seed, first, first + n)
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
        size, place = f"{len(self.artifact.model):,} bytes", self.runs_on[0]
        return f"<{type(self).__name__}: {rows}{classes}, {size}, on {place}>"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        meta = self.artifact.meta
        told = ("architecture", "samples", "steps")
        facts: dict[str, str] = {name: meta[name] for name in told if name in meta}
        facts["size"] = f"{len(self.artifact.model):,} bytes"
        return notebook.details(self.schema, facts)

    def _rows_and_classes(
        self, n_samples: Any, y: Any, return_y: bool, seed: int
    ) -> tuple[int, Callable[[int, int], np.ndarray]]:
        """Number of rows, and what gives the class codes from one up to another.

        They are 0 if the model has no classes.
        """
        n = _checked_count(n_samples)
        if not self.schema.classes:
            for name, value in (("y", y is not None), ("return_y", return_y)):
                if value:
                    raise ValueError(
                        f"{name} was given, but the model has no classes: it was fitted without y. "
                        f"Leave {name} out, or fit with y."
                    )
            return n, lambda start, stop: np.zeros(stop - start, np.int32)
        if y is None:
            return n, functools.partial(_drawn_classes, self.schema, seed)
        if np.ndim(y) == 0:
            code = containers.codes_of(self.schema, [np.asarray(y).item()])
            return n, lambda start, stop: np.repeat(code, stop - start)
        codes = containers.codes_of(self.schema, y)
        return _one_each(n, len(codes), "y has", "labels"), lambda start, stop: codes[start:stop]


def load(
    path: str | os.PathLike[str], device: Device = "auto", providers: Providers = "auto"
) -> ExportedSampler:
    """Load a model that ``to_onnx`` wrote.

    TensorFlow is not needed, and neither is the architecture's plugin. Nothing in the file is
    run but the graph, and nothing is unpickled.

    Parameters
    ----------
    path : path-like
        The file.
    device : {"auto", "cpu", "cuda"}
        Where it runs; ``"auto"`` takes a GPU if one can be used.
    providers : "auto" or list of str or (str, dict)
        In place of a device, ONNX Runtime's execution providers, in order of preference and with
        their options: ``[("CUDAExecutionProvider", {"use_tf32": "1"})]``. All that are named have
        to be had; the CPU takes what they can't compute.

    Returns
    -------
    ExportedSampler
        Its ``runs_on`` says what was got.

    Raises
    ------
    OSError
        If the file can't be read.
    ArtifactError
        A ValueError: if it is damaged, or gansynth did not write it.
    ValueError
        If ``device`` or ``providers`` is unknown, or both are given.
    RuntimeError
        If what is asked for can't be had, or this ONNX Runtime can't run the model.

    Examples
    --------
    >>> import gansynth
    >>> sampler.to_onnx(folder / "points.onnx")
    >>> gansynth.load(folder / "points.onnx").sample(3).shape
    (3, 2)
    """
    sampler = ExportedSampler(files.read(path), device, providers)
    try:
        # What is against the model comes up here, not later.
        validity.check_graph(sampler.schema, sampler.generator)
        sampler.sample(0)
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError) as error:
        raise ArtifactError(
            f"{os.fspath(path)}: The model can't give the rows that its schema tells of, in the "
            f"libraries that are installed: {type(error).__name__}: {error}."
        ) from error
    return sampler


def channels_last(artifact: Artifact, made: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of a model in the schema's order of axes, whatever the graph's."""
    if artifact.meta.get("layout") != "nchw":
        return made
    return {name: np.ascontiguousarray(np.moveaxis(of, 1, -1)) for name, of in made.items()}


def _checked_count(n_samples: Any, name: str = "n_samples") -> int:
    """A number of rows as int."""
    try:
        if isinstance(n_samples, (bool, np.bool_)):
            raise TypeError
        n = operator.index(n_samples)
    except TypeError:
        raise TypeError(
            f"{name} must be an integer, 0 or more; got {n_samples!r} of type "
            f"{type(n_samples).__name__}."
        ) from None
    if n < 0:
        raise ValueError(f"{name} must be an integer, 0 or more; got {n}.")
    if n >= 2**63:
        raise ValueError(f"{name} must be less than 2**63, as rows are counted; got {n}.")
    return n


def _memory() -> int:
    """Bytes that the machine has, as far as it can be asked."""
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return sys.maxsize


def _one_each(n: Any, found: int, what: str, kind: str) -> int:
    """Number of rows, where something comes with one entry for each of them."""
    if _checked_count(n) not in (1, found):
        raise ValueError(
            f"n_samples={n}, but {what} {found} {kind}, one for each row. Leave n_samples out, or "
            "ask the same of all rows."
        )
    return found


def _drawn_classes(schema: Schema, seed: int, start: int, stop: int) -> np.ndarray:
    """Class codes at the frequencies of the training data, each addressed by its row."""
    ends = np.cumsum(schema.class_counts)
    # Without the last end: rounding can't lead past the last class.
    codes = np.searchsorted(ends[:-1], noise.uniform(seed, start, stop) * ends[-1], side="right")
    return codes.astype(np.int32)
