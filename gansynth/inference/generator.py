"""A generator's ONNX graph, run by ONNX Runtime: threads, batches, devices.

A row's values must not depend on how many rows are asked for, on the machine's number of
threads, or on who draws it. With ONNX Runtime's defaults they do, in the last bit. What was
found (1.26, a CPU with AVX-512, each op over many batch sizes and widths):

- Matrix products, convolutions, normalisations over positions, and the activations of its own
  library (Tanh, Erf, Sigmoid, float32 Exp, Softmax) give a row the same bits in any batch.
- What it leaves to Eigen (Log, Sin, Cos, Softplus, Elu, all of float64) is computed by one
  formula in whole SIMD registers and by another in what is left over at the end of a tensor,
  or of *each thread's share* of it.
- Sums and means over columns depend on the address of the row modulo 64 bytes.

So every graph runs in one thread, on a multiple of :data:`ROWS` rows (16 numbers of 4 bytes
fill any register and keep every 16th row at a multiple of 64 bytes), with inputs at a
multiple of 64 bytes, and threads share batches out instead of ops. That is also the faster
way: by half to twofold for an MLP of 3x256 on two busy cores.
"""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime

from gansynth.inference import providers as executed
from gansynth.inference.binding import Binding, run_options
from gansynth.inference.providers import CPU, OF_NVIDIA, Device, Providers
from gansynth.schema import INPUT_NAMES

Noise = Callable[[int, int], np.ndarray]

ROWS = 16
"""Rows are computed in multiples of this; a call that goes on where another stopped gives the
same bits as one call if it starts at a multiple of this."""

_ALIGNMENT = 64
_MOST_ROWS = 1024  # more are no faster, and no longer fit in the cache
_VALUES_AT_ONCE = 1 << 18  # output values of a batch, for images: memory stays bounded


class Generator:
    """An ONNX generator: noise, and class codes if it is conditional, to named arrays.

    Parameters
    ----------
    model : bytes
        An ONNX model with inputs ``z`` (float32, (n, noise_dim)) and maybe ``y`` (int64,
        (n,)). Its session is made at first use and not pickled.
    device : {"auto", "cpu", "cuda"}
        ``"auto"`` takes a GPU where driver, libraries and ONNX Runtime can use it. A GPU
        gives the same rows but for rounding.
    providers : "auto" or list of str or (str, dict)
        In place of a device, the execution providers that it stands for, with options, as ONNX
        Runtime takes them; all that are named have to be had.

    Raises
    ------
    ValueError
        If ``device`` or ``providers`` is none of these, both are given, or ONNX Runtime has no
        such provider.
    RuntimeError
        At first use: if what is asked for can't be had, or ONNX Runtime can't run the model.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.inference.generator import Generator
    >>> generator = Generator(sampler.artifact_.model)
    >>> z = np.zeros((2, generator.noise_dim), np.float32)
    >>> generator(z, np.array([0, 1]))["points"].shape
    (2, 2)
    """

    def __init__(
        self, model: bytes, device: Device = "auto", providers: Providers = "auto"
    ) -> None:
        executed.resolve(device, providers)  # refused now rather than later
        self.model = model
        self.device = device
        self.providers = providers

    @functools.cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The ONNX Runtime session, made when first asked for."""
        by_device = isinstance(self.providers, str)
        name, value = ("device", self.device) if by_device else ("providers", self.providers)
        wanted = executed.resolve(self.device, self.providers)
        return executed.session(self.model, wanted, f"{name}={value!r}")

    @functools.cached_property
    def runs_on(self) -> tuple[str, ...]:
        """Execution providers that the session has got, the first one first."""
        return tuple(self.session.get_providers())

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "device": self.device, "providers": self.providers}

    @functools.cached_property
    def noise_dim(self) -> int:
        """Standard normals a row."""
        return int(self.session.get_inputs()[0].shape[1])

    @functools.cached_property
    def conditional(self) -> bool:
        """Whether it takes class codes."""
        return any(value.name == "y" for value in self.session.get_inputs())

    @property
    def n_columns(self) -> int:
        """Columns that may be given values; 0 for a generator that takes none."""
        return self._optional.get("condition", 0)

    @property
    def mixes_classes(self) -> bool:
        """Whether it takes weights of classes."""
        return "class_weights" in self._optional

    @functools.cached_property
    def _optional(self) -> dict[str, int]:
        """Inputs that may be left out, and their widths."""
        values = self.session.get_overridable_initializers()
        return {value.name: int(value.shape[1]) for value in values if len(value.shape) == 2}

    @property
    def inputs(self) -> dict[str, tuple[str, bool]]:
        """Type and shape of each input, and whether it may be left out."""
        session = self.session
        needed, optional = session.get_inputs(), session.get_overridable_initializers()
        return {
            value.name: (f"{value.type} [{', '.join(map(str, value.shape))}]", value in optional)
            for value in (*needed, *optional)
            if value.name in INPUT_NAMES
        }

    @functools.cached_property
    def output_names(self) -> list[str]:
        """Names of the outputs, in order."""
        return [value.name for value in self.session.get_outputs()]

    def __call__(self, z: np.ndarray, y: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Generate a row from each row of noise.

        Parameters
        ----------
        z : ndarray of float32, shape (n, noise_dim)
            Standard normals.
        y : ndarray of integers, shape (n,), or None
            Class codes, for a conditional generator.

        Returns
        -------
        dict of str to ndarray
            Outputs by name; n is the first axis of each.
        """
        return self.generate(len(z), lambda start, stop: z[start:stop], y)

    def generate(
        self,
        n: int,
        noise: Noise,
        y: np.ndarray | None = None,
        condition: np.ndarray | None = None,
        class_weights: np.ndarray | None = None,
        first: int = 0,
    ) -> dict[str, np.ndarray]:
        """Generate n rows from noise that is made as it is needed.

        Parameters
        ----------
        n : int
            Number of rows.
        noise : callable
            ``noise(start, stop)`` gives the noise of those rows, as float32 of shape (stop -
            start, noise_dim). It is called from several threads.
        y : ndarray of integers, shape (n,), or None
            Class codes, for a conditional generator.
        condition : ndarray of float64, shape (n, columns), or None
            Values that columns are to have, NaN where they are to be drawn, for a generator
            that takes them; None to draw all.
        class_weights : ndarray of float32, shape (n, classes), or None
            Weights of the classes that each row is between, for a generator that takes them; None
            for rows of the classes y.
        first : int, default=0
            Number of the first row, of a call that goes on where another stopped.

        Returns
        -------
        dict of str to ndarray
            Outputs by name; n is the first axis of each.
        """
        on_cpu = self.runs_on[0] == CPU
        outputs = {name: np.empty((n, *row.shape), row.dtype) for name, row in self.example.items()}
        threads = _threads() if on_cpu else 1
        most = self._most_rows
        # Rows that are computed and not wanted, for all others to lie where they would in one call.
        lead = first % ROWS
        total = lead + n if n else 0
        # A GPU's library picks its kernel by the number of rows: there, all batches are full.
        rows = min(most, _round_up(-(-total // threads))) if on_cpu else most

        def fill(begin: int) -> None:
            before = lead if begin == 0 else 0
            part = slice(begin + before - lead, min(begin + rows, total) - lead)
            size = _round_up(before + part.stop - part.start) if on_cpu else rows
            aligned = functools.partial(_aligned, before=before, size=size)
            feed = {"z": aligned(noise(part.start, part.stop), dtype=np.float32)}
            if y is not None:
                feed["y"] = aligned(y[part], dtype=np.int64)
            if condition is not None:
                feed["condition"] = aligned(condition[part], dtype=np.float64)
            if class_weights is not None:
                feed["class_weights"] = aligned(class_weights[part], dtype=np.float32)
            for name, values in self._outputs(lambda: self._computed(feed), size).items():
                outputs[name][part] = values[before : before + part.stop - part.start]

        _for_each(fill, range(0, total, max(rows, ROWS)), threads)
        return outputs

    def _computed(self, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Outputs of a batch, in their order."""
        if self.runs_on[0] not in OF_NVIDIA:
            return self.session.run(self.output_names, feed)
        given = tuple(feed)
        if given not in self._bindings:
            number = len(self._bindings) + 1
            self._bindings[given] = Binding(self.session, "cuda", feed, self.example, number)
        return self._bindings[given](feed)

    @functools.cached_property
    def _bindings(self) -> dict[tuple[str, ...], Binding]:
        """Memory on the GPU for batches, by the inputs that are given."""
        return {}

    def _outputs(self, compute: Callable[[], list[np.ndarray]], size: int) -> dict[str, np.ndarray]:
        """What a run gives, by name: a value for each row, whatever the graph says."""
        try:
            arrays = compute()
        except Exception as error:  # its classes of error have no base of their own
            raise RuntimeError(
                f"ONNX Runtime {onnxruntime.__version__} failed in the model's graph: {error}"
            ) from error
        for name, array in zip(self.output_names, arrays, strict=True):
            if not isinstance(array, np.ndarray) or array.shape[:1] != (size,):
                raise RuntimeError(f"The model's output {name!r} has not one value for each row.")
        return dict(zip(self.output_names, arrays, strict=True))

    @functools.cached_property
    def example(self) -> dict[str, np.ndarray]:
        """One row of each output, for its dtype and shape; the graph need not state them."""
        feed = {"z": _aligned(np.zeros((ROWS, self.noise_dim)), size=ROWS, dtype=np.float32)}
        if self.conditional:
            feed["y"] = _aligned(np.zeros(ROWS), size=ROWS, dtype=np.int64)
        # Not as what a CUDA graph is to repeat: there are fewer rows than in a batch.
        outputs = self._outputs(
            lambda: self.session.run(self.output_names, feed, run_options()), ROWS
        )
        return {name: values[0] for name, values in outputs.items()}

    @functools.cached_property
    def _most_rows(self) -> int:
        """Rows of a full batch: fewer the larger a row, since activations grow with it."""
        values = max(1, sum(row.size for row in self.example.values()))
        return min(_MOST_ROWS, max(ROWS, _VALUES_AT_ONCE // values // ROWS * ROWS))


def _round_up(n: int) -> int:
    """The next multiple of :data:`ROWS`."""
    return -(-n // ROWS) * ROWS


def _aligned(values: np.ndarray, *, before: int = 0, size: int, dtype: type) -> np.ndarray:
    """Copy to a multiple of 64 bytes, with zeros before, and behind up to ``size`` rows."""
    shape = (size, *values.shape[1:])
    n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(n_bytes + _ALIGNMENT, np.uint8)
    offset = -memory.ctypes.data % _ALIGNMENT
    copy = memory[offset : offset + n_bytes].view(dtype).reshape(shape)
    copy[:before] = 0
    copy[before : before + len(values)] = values
    copy[before + len(values) :] = 0
    return copy


def _for_each(task: Callable[[int], None], starts: range, threads: int) -> None:
    """Run a task for each start, in threads; an error or Ctrl-C stops what has not begun.

    The threads end with the call, so that a process may be forked after it.
    """
    if threads == 1 or len(starts) < 2:
        for start in starts:
            task(start)
        return
    with ThreadPoolExecutor(min(threads, len(starts))) as pool:
        try:
            for _ in pool.map(task, starts):
                pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _threads() -> int:
    """Processors of this process, or fewer if OMP_NUM_THREADS says so (joblib sets it)."""
    if hasattr(os, "sched_getaffinity"):
        processors = len(os.sched_getaffinity(0))
    else:
        processors = os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(processors, int(limit))) if limit.isdigit() else processors
