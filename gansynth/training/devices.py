"""Where training runs, and in which precision."""

from __future__ import annotations

import ctypes
import functools
import math
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import tensorflow as tf

from gansynth.training.replicas import ALONE, Replicas


@dataclass(frozen=True)
class Device:
    """A device to train on, or several.

    Attributes
    ----------
    name : str
        TensorFlow's name of it, or of the first of them.
    is_gpu : bool
        Whether it is a GPU; of several devices, whether all of them are, on all machines.
    bfloat16 : bool
        Whether networks compute in bfloat16 (their weights, losses and penalties stay in
        float32).
    replicas : Replicas
        Copies of the networks, one a device.
    """

    name: str
    is_gpu: bool
    bfloat16: bool
    replicas: Replicas = ALONE

    @property
    def compiles(self) -> bool:
        """Whether XLA compiles a step: on a GPU, if that is the only one.

        On a CPU it was no faster for matrix products (benchmarks/NOTES.md), it takes
        convolutions from oneDNN's kernels, and it compiles for seconds. Under a strategy of
        several GPUs, steps that XLA had compiled leaked memory or hung (keras issue 18145,
        tensorflow issue 56423).
        """
        return self.is_gpu and self.replicas.count == 1

    def free_memory(self) -> float:
        """Bytes that rows and networks may take, on the fullest GPU; infinite on a CPU.

        There is no other copy of the rows that a CPU could leave them in.
        """
        names = self.replicas.devices or (self.name,)
        return min(_free_memory(_number(name)) if "GPU" in name else math.inf for name in names)

    @contextmanager
    def policy(self) -> Iterator[None]:
        """Build networks in the device's precision."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16" if self.bfloat16 else "float32")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)


def resolve(
    device: str = "auto",
    precision: str = "auto",
    strategy: str | tf.distribute.Strategy | None = None,
) -> Device:
    """Find the device that was asked for.

    Parameters
    ----------
    device : {"auto", "cpu", "gpu"} or "gpu:N"
        ``"auto"`` takes the first GPU, and the CPU where there is none.
    precision : {"auto", "float32", "bfloat16"}
        ``"auto"`` is bfloat16 on GPUs that compute in it (compute capability 8 and
        later), float32 elsewhere.
    strategy : {"mirrored", "multi_worker"}, tf.distribute.Strategy or None
        Several devices instead of one; see :func:`strategies.resolve`.

    Raises
    ------
    RuntimeError
        If a GPU is asked for and is not there, or a strategy can't be had any more.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        _grow_memory(gpu)
    if strategy is None:
        index = _gpu_index(device, len(gpus))
        replicas: Replicas = ALONE
        names: tuple[str, ...] = ("/CPU:0" if index is None else f"/GPU:{index}",)
    else:
        replicas = Replicas(_strategy(strategy))
        names = replicas.devices
    are_gpus = all("GPU" in name for name in names)
    fitting = are_gpus and all(_has_bfloat16(gpus[_number(name)]) for name in names)
    # On all machines or on none, or their networks would differ.
    is_gpu, real = (share == 1 for share in replicas.agreed(are_gpus, fitting))
    return Device(
        names[0], is_gpu, precision == "bfloat16" or (precision == "auto" and real), replicas
    )


def _strategy(strategy: str | tf.distribute.Strategy) -> tf.distribute.Strategy:
    """The strategy that was named, or the one that was passed if it keeps copies in step."""
    if isinstance(strategy, str):
        return _named(strategy)
    in_step = (
        tf.distribute.MirroredStrategy,
        tf.distribute.MultiWorkerMirroredStrategy,
        tf.distribute.OneDeviceStrategy,
    )
    if not isinstance(strategy, in_step):
        raise ValueError(
            f"strategy={type(strategy).__name__} keeps no copies of the networks in step. Use "
            "'mirrored', 'multi_worker', or a MirroredStrategy, MultiWorkerMirroredStrategy or "
            "OneDeviceStrategy of tf.distribute."
        )
    return strategy


@functools.cache
def _named(strategy: str) -> tf.distribute.Strategy:
    """Strategy of a name; one a process, so that fits share what was compiled for it."""
    if strategy == "mirrored":
        return tf.distribute.MirroredStrategy()
    if "TF_CONFIG" not in os.environ:
        raise RuntimeError(
            "strategy='multi_worker' was asked for, but the environment variable TF_CONFIG, "
            "which names the machines, is not set. Set it on each of them (docs/training.md "
            "shows how), or use strategy='mirrored' for the devices of this one."
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise RuntimeError(
            "strategy='multi_worker' can't be had once TensorFlow has run in a process: let "
            f"this fit be the first thing that uses it. ({error})"
        ) from error


def _number(name: str) -> int:
    """Number of a device, from TensorFlow's name of it."""
    return int(name.rpartition(":")[2])


def _has_bfloat16(gpu: tf.config.PhysicalDevice) -> bool:
    """Whether a GPU computes in bfloat16."""
    capability = tf.config.experimental.get_device_details(gpu).get("compute_capability")
    return capability is not None and capability >= (8, 0)


def _free_memory(gpu: int) -> float:
    """Bytes that TensorFlow may still take on a GPU; infinite if the driver does not tell.

    TensorFlow knows what it has taken, and only the driver what there is.
    """
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    device, context = ctypes.c_int(), ctypes.c_void_p()
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        if driver.cuInit(0) or driver.cuDeviceGet(ctypes.byref(device), gpu):
            return math.inf
        if driver.cuDevicePrimaryCtxRetain(ctypes.byref(context), device):
            return math.inf
    except OSError:
        return math.inf
    driver.cuCtxPushCurrent_v2(context)
    failed = driver.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
    driver.cuCtxPopCurrent_v2(ctypes.byref(context))
    driver.cuDevicePrimaryCtxRelease_v2(device)
    if failed:
        return math.inf
    # What it has freed stays with it, for what comes next.
    taken = tf.config.experimental.get_memory_info(f"GPU:{gpu}")
    return free.value + taken["peak"] - taken["current"]


def _gpu_index(device: str, n_gpus: int) -> int | None:
    """Which GPU to use; None for the CPU."""
    if device == "cpu" or (device == "auto" and n_gpus == 0):
        return None
    number = re.fullmatch(r"gpu:(\d+)", device)
    index = int(number.group(1)) if number else 0
    if index >= n_gpus:
        raise RuntimeError(
            f"device={device!r} was asked for, but TensorFlow sees {n_gpus} GPU(s) here. Use "
            "device='auto' to fall back to the CPU, or install the 'cuda' extra."
        )
    return index


def _grow_memory(gpu: tf.config.PhysicalDevice) -> None:
    """Take GPU memory as it is needed, and leave the rest to others."""
    try:
        tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        # TensorFlow has started the GPU already, for somebody else: it is theirs to say.
        return
