"""Where a graph runs: what may be asked for, what is got, and memory on a device."""

from __future__ import annotations

import ctypes
import pickle

import numpy as np
import onnxruntime
import pytest

from gansynth.inference import noise, providers
from gansynth.inference.artifact import seal
from gansynth.inference.binding import Binding
from gansynth.inference.exported import ExportedSampler, load
from gansynth.inference.generator import Generator
from gansynth.inference.providers import CPU, CUDA, DEFAULTS, TENSORRT, resolve
from gansynth.schema import Schema

from . import onnx_graphs as graphs

IMAGES = seal(graphs.images(4, 5, 3), Schema("numpy", image_shape=(4, 5, 3), dtype="float32"), {})


def has_gpu():
    """Whether NVIDIA's driver finds a GPU."""
    try:
        return ctypes.CDLL("libcuda.so.1").cuInit(0) == 0
    except OSError:
        return False


of_the_gpu_build = pytest.mark.skipif(
    CUDA not in onnxruntime.get_available_providers(), reason="needs the build for GPUs"
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, None),
        ({"device": "cpu"}, {CPU: {}}),
        ({"device": "cuda"}, {CUDA: DEFAULTS[CUDA], CPU: {}}),
        ({"providers": [CPU]}, {CPU: {}}),
        ({"providers": ((CPU, {"arena": 1}),)}, {CPU: {"arena": "1"}}),
    ],
)
def test_devices_stand_for_providers(asked, expected):
    """The short way and the long way lead to the same; options are text."""
    found = resolve(**{"device": "auto", "providers": "auto"} | asked)
    assert found == expected
    assert expected is None or list(found) == list(expected)


@of_the_gpu_build
def test_options_go_before_defaults():
    """TensorFloat-32 can be switched on; what else keeps rows as they are stays, and the order."""
    found = resolve("auto", [TENSORRT, (CUDA, {"use_tf32": 1, "enable_cuda_graph": "1"})])
    assert list(found) == [TENSORRT, CUDA, CPU]
    assert found[CUDA] == DEFAULTS[CUDA] | {"use_tf32": "1", "enable_cuda_graph": "1"}
    assert DEFAULTS[CUDA]["use_tf32"] == "0"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"device": "tpu"}, "device must be 'auto', 'cpu' or 'cuda'; got 'tpu'"),
        ({"device": ["cpu"]}, "device must be 'auto'"),
        ({"providers": "CPU"}, r"providers must be 'auto' or a list of names.*got 'CPU'"),
        ({"providers": []}, r"providers must be .*got \[\]"),
        ({"providers": 3}, "providers must be .*got 3"),
        ({"providers": [(CPU, "fast")]}, "providers must be .*fast"),
        ({"providers": [(CPU,)]}, "providers must be "),
        (
            {"providers": [CPU, "Abacus"]},
            "names 'Abacus', which .* does not have. It has .*CPUExec",
        ),
        ({"device": "cpu", "providers": [CPU]}, "both say where to run. Leave one of them at"),
    ],
)
def test_what_can_not_be_asked_for_is_refused(asked, message, tmp_path):
    """At once, by name and value, saying what there is."""
    (tmp_path / "model.onnx").write_bytes(IMAGES.model)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "model.onnx", **asked)


@of_the_gpu_build
@pytest.mark.skipif(has_gpu(), reason="there is a GPU")
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"device": "cuda"}, r"device='cuda' was asked for.*CUDAExecutionProvider: there is no"),
        (
            {"providers": [TENSORRT, CUDA]},
            r"providers=\['Tensorrt.*: TensorrtExecutionProvider: there is no NVIDIA driver, or it "
            "shows no GPU; CUDAExecutionProvider: there is no NVIDIA driver",
        ),
    ],
)
def test_what_is_asked_for_and_can_not_be_had_is_an_error(asked, message, capfd):
    """It says what is missing, of each; nothing is printed."""
    with pytest.raises(RuntimeError, match=message):
        ExportedSampler(IMAGES, **asked).sample()
    assert capfd.readouterr() == ("", "")


def test_what_was_not_built_in_is_told(monkeypatch):
    """The build for CPUs has no CUDA, and which one has is said."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CPU])
    with pytest.raises(RuntimeError, match="built without it .install onnxruntime-gpu"):
        Generator(IMAGES.model, "cuda")(np.zeros((1, 8), np.float32))
    assert Generator(IMAGES.model).runs_on == (CPU,)


@pytest.mark.skipif(has_gpu(), reason="there is a GPU")
def test_what_was_got_can_be_seen():
    """As an attribute and in print; a pickle asks again where it is loaded."""
    sampler = ExportedSampler(IMAGES)
    assert sampler.runs_on == (CPU,)
    assert repr(sampler).endswith(" bytes, on CPUExecutionProvider>")
    long = Generator(IMAGES.model, providers=[(CPU, {})])
    again = pickle.loads(pickle.dumps(long))
    assert (again.device, again.providers, again.runs_on) == ("auto", [(CPU, {})], (CPU,))
    z = noise.normal(0, 0, 5, 8)
    np.testing.assert_array_equal(again(z)["image"], sampler.generator(z)["image"])


def test_a_model_that_can_not_be_run_is_told_once():
    """With ONNX Runtime's reason, whatever was asked for."""
    for asked in ({}, {"device": "cpu"}, {"providers": [CPU]}):
        with pytest.raises(RuntimeError, match=r"ONNX Runtime \d.* can't run this model: "):
            Generator(b"no model", **asked)(np.zeros((1, 2), np.float32))


def test_bound_memory_gives_the_rows_of_a_plain_run():
    """Batch after batch, at the same addresses."""
    generator = Generator(graphs.table(conditional=True), "cpu")
    batches = [
        {"z": noise.normal(seed, 0, 32, 3), "y": np.full(32, seed, np.int64)} for seed in range(3)
    ]
    expected = [generator.session.run(generator.output_names, batch) for batch in batches]
    bound = Binding(generator.session, "cpu", batches[0], generator.example, 1)
    for batch, outputs in zip(batches, expected, strict=True):
        for right, values in zip(outputs, bound(batch), strict=True):
            np.testing.assert_array_equal(values, right)


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a GPU")
@pytest.mark.parametrize("options", [{}, {"enable_cuda_graph": "1"}, {"use_tf32": "1"}])
def test_a_gpu_gives_the_rows_of_the_cpu(options):
    """But for rounding; over several batches, and again in a second call."""
    z = noise.normal(0, 0, 5000, 8)
    there = Generator(IMAGES.model, providers=[(providers.CUDA, options)])
    right = Generator(IMAGES.model, "cpu")(z)["image"]
    near = 1e-4 if options.get("use_tf32") != "1" else 1e-1
    for _ in range(2):
        np.testing.assert_allclose(there(z)["image"], right, atol=near)
    assert there.runs_on[0] == providers.CUDA


@pytest.mark.gpu
@pytest.mark.skipif(not has_gpu(), reason="needs a GPU")
def test_a_gpu_that_is_there_is_taken():
    """Without being asked for."""
    assert ExportedSampler(IMAGES).runs_on[0] == CUDA
