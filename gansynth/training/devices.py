"""Where training runs, and in which precision."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import tensorflow as tf


@dataclass(frozen=True)
class Device:
    """A device to train on.

    Attributes
    ----------
    name : str
        TensorFlow's name of it.
    bfloat16 : bool
        Whether networks compute in bfloat16 (their weights, losses and penalties stay in
        float32).
    """

    name: str
    bfloat16: bool

    @property
    def is_gpu(self) -> bool:
        """Whether it is a GPU."""
        return "GPU" in self.name

    @property
    def compiles(self) -> bool:
        """Whether XLA compiles a step: on a GPU.

        On a CPU it was no faster for matrix products (benchmarks/NOTES.md), it takes
        convolutions from oneDNN's kernels, and it compiles for seconds.
        """
        return self.is_gpu

    @contextmanager
    def policy(self) -> Iterator[None]:
        """Build networks in the device's precision."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy("mixed_bfloat16" if self.bfloat16 else "float32")
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)


def resolve(device: str = "auto", precision: str = "auto") -> Device:
    """Find the device that was asked for.

    Parameters
    ----------
    device : {"auto", "cpu", "gpu"} or "gpu:N"
        ``"auto"`` takes the first GPU, and the CPU where there is none.
    precision : {"auto", "float32", "bfloat16"}
        ``"auto"`` is bfloat16 on GPUs that compute in it (compute capability 8 and
        later), float32 elsewhere.

    Raises
    ------
    RuntimeError
        If a GPU is asked for and is not there.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        _grow_memory(gpu)
    index = _gpu_index(device, len(gpus))
    if index is None:
        return Device("/CPU:0", precision == "bfloat16")
    capability = tf.config.experimental.get_device_details(gpus[index]).get("compute_capability")
    real_bfloat16 = capability is not None and capability >= (8, 0)
    return Device(
        f"/GPU:{index}", precision == "bfloat16" or (precision == "auto" and real_bfloat16)
    )


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
