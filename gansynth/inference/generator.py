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

import contextlib
import ctypes
import functools
import io
import math
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import onnxruntime

from gansynth.schema import INPUT_NAMES

Device = Literal["auto", "cpu", "cuda"]
Noise = Callable[[int, int], np.ndarray]

ROWS = 16
"""Rows are computed in multiples of this; a call that goes on where another stopped gives the
same bits as one call if it starts at a multiple of this."""

_ALIGNMENT = 64
_MOST_ROWS = 1024  # more are no faster, and no longer fit in the cache
_VALUES_AT_ONCE = 1 << 18  # output values of a batch, for images: memory stays bounded
_FATAL = 4
_WARNING = 2


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

    Raises
    ------
    ValueError
        If ``device`` is none of these.
    RuntimeError
        At first use: if ``device="cuda"`` can't be had, or ONNX Runtime can't run the model.

    Examples
    --------
    >>> Generator(model)(np.zeros((2, 64), np.float32))  # doctest: +SKIP
    {'age': array([38, 38]), 'hours': array([40., 40.])}
    """

    def __init__(self, model: bytes, device: Device = "auto") -> None:
        if device not in ("auto", "cpu", "cuda"):
            raise ValueError(f"device must be 'auto', 'cpu' or 'cuda'; got {device!r}.")
        self.model = model
        self.device = device

    @functools.cached_property
    def session(self) -> onnxruntime.InferenceSession:
        """The ONNX Runtime session, made when first asked for."""
        return _session(self.model, self.device)

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.model, "device": self.device}

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
        session, names = self.session, self.output_names
        on_cpu = session.get_providers()[0] == "CPUExecutionProvider"
        outputs = {
            name: np.empty((n, *row.shape), row.dtype) for name, row in self._example.items()
        }
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
            for name, values in zip(names, session.run(names, feed), strict=True):
                outputs[name][part] = values[before : before + part.stop - part.start]

        _for_each(fill, range(0, total, max(rows, ROWS)), threads)
        return outputs

    @functools.cached_property
    def _example(self) -> dict[str, np.ndarray]:
        """One row of each output, for its dtype and shape; the graph need not state them."""
        feed = {"z": _aligned(np.zeros((ROWS, self.noise_dim)), size=ROWS, dtype=np.float32)}
        if self.conditional:
            feed["y"] = _aligned(np.zeros(ROWS), size=ROWS, dtype=np.int64)
        values = self.session.run(self.output_names, feed)
        return {name: value[0] for name, value in zip(self.output_names, values, strict=True)}

    @functools.cached_property
    def _most_rows(self) -> int:
        """Rows of a full batch: fewer the larger a row, since activations grow with it."""
        values = max(1, sum(row.size for row in self._example.values()))
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


def _session(model: bytes, device: Device) -> onnxruntime.InferenceSession:
    """Make a session on the device that was asked for."""
    if device != "cpu":
        session = _cuda_session(model)
        if session is not None:
            return session
        if device == "cuda":
            raise RuntimeError(
                "device='cuda' was asked for, but ONNX Runtime can't use a GPU here: "
                f"{_why_no_cuda()}. Use device='auto' to fall back to the CPU."
            )
    try:
        return onnxruntime.InferenceSession(
            model, _quiet_options(), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its classes of error have no base of their own
        raise RuntimeError(
            f"ONNX Runtime {onnxruntime.__version__} can't run this model: {error}"
        ) from error


def _quiet_options() -> onnxruntime.SessionOptions:
    """One thread, for the reasons above; what goes wrong is raised and need not be logged."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = _FATAL
    return options


def _cuda_session(model: bytes) -> onnxruntime.InferenceSession | None:
    """Make a session on the GPU; None where that is not possible.

    ONNX Runtime lists CUDA wherever its GPU build is installed. Asked for it in vain, it
    prints in colour and falls back, so that only a session can tell what it runs on.
    """
    if not (_has_driver() and "CUDAExecutionProvider" in onnxruntime.get_available_providers()):
        return None
    options = {
        "use_tf32": "0",  # agree with the CPU to float32's precision, not to 10 bits
        "cudnn_conv_algo_search": "HEURISTIC",  # not by timing, which picks by chance
    }
    with contextlib.redirect_stdout(io.StringIO()):
        if hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls(directory="")
        onnxruntime.set_default_logger_severity(_FATAL)
        try:
            session = onnxruntime.InferenceSession(
                model,
                _quiet_options(),
                providers=[("CUDAExecutionProvider", options), "CPUExecutionProvider"],
                enable_fallback=0,
            )
        except (RuntimeError, ValueError):
            return None
        finally:
            onnxruntime.set_default_logger_severity(_WARNING)  # its default; it can't be read
    return session if session.get_providers()[0] == "CUDAExecutionProvider" else None


def _why_no_cuda() -> str:
    """Say what is missing."""
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        return "the installed ONNX Runtime was built without CUDA (install onnxruntime-gpu)"
    if not _has_driver():
        return "there is no NVIDIA driver, or it shows no GPU"
    return "CUDA's libraries were not found, or don't fit (install the extra gansynth[cuda])"


@functools.cache
def _has_driver() -> bool:
    """Whether NVIDIA's driver is there and finds a GPU."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        return int(driver.cuInit(0)) == 0
    except OSError:
        return False
