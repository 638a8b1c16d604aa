"""Where ONNX Runtime runs a graph: its execution providers, asked for and got.

ONNX Runtime lists CUDA and TensorRT wherever its GPU build is installed; asked for one in vain, it
prints in colour and goes on without it. So there is a look for a driver before it is asked, and
only a session tells what it runs on.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import io
import sys
from collections.abc import Sequence
from typing import Any, Literal

import onnxruntime

Device = Literal["auto", "cpu", "cuda"]
Providers = Literal["auto"] | Sequence[str | tuple[str, dict[str, Any]]]

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
OF_NVIDIA = (CUDA, TENSORRT)
Options = dict[str, dict[str, str]]

DEFAULTS: Options = {
    CUDA: {
        "use_tf32": "0",  # agree with the CPU to float32's precision, not to 10 bits
        "cudnn_conv_algo_search": "HEURISTIC",  # not by timing, which picks by chance
    }
}
"""Options of providers, where ONNX Runtime's own defaults give other rows."""
ON_CPU: Options = {CPU: {}}
ON_CUDA: Options = {CUDA: DEFAULTS[CUDA], CPU: {}}
BY_DEVICE: dict[str, Options | None] = {"auto": None, "cpu": ON_CPU, "cuda": ON_CUDA}

_FATAL = 4
_WARNING = 2

_LEFT_OUT = {
    CUDA: "CUDA's libraries were not found, or don't fit (install the extra gansynth[cuda])",
    TENSORRT: "TensorRT's libraries were not found, or don't fit (pip install tensorrt-cu12)",
}


def resolve(device: Device, providers: Providers) -> Options | None:
    """Providers and their options, in the order they were asked for; None for the best to be had.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"}
        The short way to say it.
    providers : "auto" or sequence of str or (str, dict)
        The long way, as ONNX Runtime takes it. One of both is left at ``"auto"``.

    Raises
    ------
    ValueError
        If a value is none of these, both are given, or the ONNX Runtime that is installed does
        not know a provider.
    """
    if not (isinstance(device, str) and device in BY_DEVICE):
        raise ValueError(f"device must be 'auto', 'cpu' or 'cuda'; got {device!r}.")
    if isinstance(providers, str) and providers == "auto":
        return BY_DEVICE[device]
    if device != "auto":
        raise ValueError(
            f"device={device!r} and providers={providers!r} both say where to run. Leave one of "
            "them at 'auto'."
        )
    named = dict(_checked(providers))
    named.setdefault(CPU, {})  # it takes what the others can't
    return {
        name: DEFAULTS.get(name, {}) | {key: str(value) for key, value in options.items()}
        for name, options in named.items()
    }


def _checked(providers: Any) -> list[Any]:
    """Providers that ONNX Runtime knows."""
    listed = providers if isinstance(providers, (list, tuple)) else []
    pairs = [(entry, {}) if isinstance(entry, str) else entry for entry in listed]
    if not pairs or not all(
        isinstance(pair, (tuple, list))
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], dict)
        for pair in pairs
    ):
        raise ValueError(
            "providers must be 'auto' or a list of names, or (name, options) tuples, such as "
            f"[('{CUDA}', {{'use_tf32': '1'}})]; got {providers!r}."
        )
    known = onnxruntime.get_available_providers()
    for name, _ in pairs:
        if name not in known:
            raise ValueError(
                f"providers names {name!r}, which the installed ONNX Runtime "
                f"{onnxruntime.__version__} does not have. It has {', '.join(known)}."
            )
    return pairs


def session(model: bytes, wanted: Options | None, asked: str) -> onnxruntime.InferenceSession:
    """Make a session.

    Parameters
    ----------
    model : bytes
        An ONNX model.
    wanted : dict or None
        What :func:`resolve` gave. All that is named has to be had; None takes CUDA if it can be.
    asked : str
        What was asked for, in the user's words, for the message.

    Raises
    ------
    RuntimeError
        If a provider can't be had, saying what is missing, or ONNX Runtime can't run the model.
    """
    if wanted is None:
        found = None if missing(CUDA) else _attempt(model, ON_CUDA)[0]
        if found is not None and found.get_providers()[0] == CUDA:
            return found
        return session(model, ON_CPU, asked)
    lacking = {name: why for name in wanted if (why := missing(name))}
    found, told = (None, "") if lacking else _attempt(model, wanted)
    if found is not None:
        lacking = {
            name: _LEFT_OUT.get(name, "ONNX Runtime left it out")
            for name in wanted
            if name not in found.get_providers()
        }
        if not lacking:
            return found
    if not lacking and list(wanted) == [CPU]:
        raise RuntimeError(f"ONNX Runtime {onnxruntime.__version__} can't run this model: {told}")
    reasons = "; ".join(f"{name}: {why}" for name, why in lacking.items()) or told
    raise RuntimeError(
        f"{asked} was asked for, but ONNX Runtime can't use it here: {reasons}. Use "
        "device='auto', without providers, to fall back to the CPU."
    )


def missing(name: str) -> str:
    """What a provider lacks that can be known before a session is made; empty if nothing."""
    if name not in onnxruntime.get_available_providers():
        return "the installed ONNX Runtime was built without it (install onnxruntime-gpu)"
    if name in OF_NVIDIA and not _has_driver():
        return "there is no NVIDIA driver, or it shows no GPU"
    return ""


def _attempt(model: bytes, wanted: Options) -> tuple[onnxruntime.InferenceSession | None, str]:
    """Make a session, or tell what ONNX Runtime has against it; print nothing."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # see gansynth.inference.generator
    options.log_severity_level = _FATAL  # what goes wrong is raised
    # Weights in 8 bits are unpacked here, once, and not at each run.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    of_nvidia = any(name in OF_NVIDIA for name in wanted)
    with contextlib.redirect_stdout(io.StringIO()) if of_nvidia else contextlib.nullcontext():
        if of_nvidia and hasattr(onnxruntime, "preload_dlls"):
            onnxruntime.preload_dlls(directory="")  # those of NVIDIA's packages
        if of_nvidia:
            onnxruntime.set_default_logger_severity(_FATAL)
        try:
            providers = list(wanted.items())
            return onnxruntime.InferenceSession(
                model, options, providers=providers, enable_fallback=0
            ), ""
        except Exception as error:  # its classes of error have no base of their own
            return None, str(error)
        finally:
            if of_nvidia:  # its default; what it was can't be read
                onnxruntime.set_default_logger_severity(_WARNING)


@functools.cache
def _has_driver() -> bool:
    """Whether NVIDIA's driver is there and finds a GPU."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
        return int(driver.cuInit(0)) == 0
    except OSError:
        return False
