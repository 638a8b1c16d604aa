"""Devices, streaming, and training on several devices."""

from __future__ import annotations

import json
import math
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gansynth import GANSampler
from gansynth.architecture import DataSpec
from gansynth.containers import read
from gansynth.training import devices, losses
from gansynth.training.feed import Resident, Streamed, feed
from gansynth.training.fit import Settings, fit
from gansynth.watching import Watcher

from .strategies import PACE, Pace, program_on, sampler, trained
from .toys import ToyGAN, points

SCRIPT = Path(__file__).with_name("strategies.py")
SECONDS = 300


def started(*arguments: object, cluster: dict[str, Any] | None = None) -> subprocess.Popen[str]:
    """The script, in a process of its own."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment.pop("TF_CONFIG", None)
    if cluster:
        environment["TF_CONFIG"] = json.dumps(cluster)
    return subprocess.Popen(
        [sys.executable, SCRIPT, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the script reports."""
    out, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, errors[-5000:]
    return json.loads(out.splitlines()[-1])


@pytest.fixture(scope="module", autouse=True)
def processes(tmp_path_factory):
    """All processes that later tests wait for, started before the tests that need none."""
    folder = tmp_path_factory.mktemp("workers")
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    machines = [f"localhost:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    tasks = [{"type": "worker", "index": index} for index in range(2)]
    processes = [
        started("worker", folder, cluster={"cluster": {"worker": machines}, "task": task})
        for task in tasks
    ]
    processes.append(started("mirrored", tmp_path_factory.mktemp("mirrored")))
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def workers(processes):
    """Reports of two processes that train together, each of them a machine of its own."""
    return [told(process) for process in processes[:2]]


@pytest.fixture(scope="module")
def mirrored(processes):
    """Report of a process with two devices."""
    return told(processes[2])


@pytest.fixture(scope="module")
def expected():
    """Samples of the same fit on one device."""
    with pytest.warns(match="covers"):  # of so few steps no more is expected
        return sampler().fit(points()).sample(100)


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_losses_and_penalties_are_means_over_rows(loss):
    """Averaged over the halves of a batch they are those of the whole: so devices may share it."""
    rng = np.random.default_rng(0)
    batch = [tf.constant(rng.normal(size=(8, 1)), tf.float32) for _ in range(2)]
    halves = [[rows[part] for rows in batch] for part in (slice(4), slice(4, 8))]
    quantities = (
        losses.LOSSES[loss],
        lambda real, _: losses.zero_centred(real),
        lambda real, _: losses.one_centred(real),
    )
    for quantity in quantities:
        mean = np.mean([quantity(*half) for half in halves], axis=0)
        np.testing.assert_allclose(mean, quantity(*batch), rtol=1e-6)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"strategy": "mirorred"}, r"strategy='mirorred' is unknown. Use None .* 'mirrored'"),
        ({"strategy": 2}, r"strategy=2 is unknown"),
        (
            {"strategy": "mirrored", "device": "gpu:1"},
            r"device='gpu:1' can't be combined with strategy='mirrored'.* Use device='auto'",
        ),
    ],
)
def test_strategy_that_is_none_is_an_error(parameters, message):
    """It names the parameter, its value and the remedy."""
    with pytest.raises(ValueError, match=message):
        GANSampler(**parameters).fit(points())


def test_strategy_that_keeps_no_copies_is_an_error():
    """A strategy of TensorFlow's that trains in another way is refused by its name."""
    strategy = tf.distribute.experimental.CentralStorageStrategy(["CPU:0"])
    with pytest.raises(ValueError, match=r"strategy=CentralStorageStrategy keeps no copies"):
        devices.resolve(strategy=strategy)


def test_cluster_without_a_description_is_an_error(monkeypatch):
    """'multi_worker' names the environment variable that it needs."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(RuntimeError, match=r"strategy='multi_worker' .* TF_CONFIG"):
        devices.resolve(strategy="multi_worker")


def test_cluster_after_tensorflow_has_run_is_an_error(monkeypatch):
    """TensorFlow joins a cluster at its start or never."""
    tf.zeros(1)
    task = {"type": "worker", "index": 0}
    cluster = {"cluster": {"worker": ["localhost:1", "localhost:2"]}, "task": task}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(RuntimeError, match=r"strategy='multi_worker' can't be had once"):
        devices.resolve(strategy="multi_worker")


def test_strategy_of_one_device_is_that_device():
    """A strategy object trains too, bit-identically if it is of one device."""
    strategy = tf.distribute.OneDeviceStrategy("/CPU:0")
    (sums, state), (others, other) = (
        trained(program_on(devices.resolve(strategy=which))) for which in (None, strategy)
    )
    np.testing.assert_array_equal(sums, others)
    for name, values in state.items():
        np.testing.assert_array_equal(values, other[name])


def test_streaming_is_bit_identical():
    """Steps on batches from the host are those on rows that lie on the device."""
    program = program_on(devices.resolve())
    (sums, state), (fed, other) = (trained(program, streamed=which) for which in (False, True))
    np.testing.assert_array_equal(sums, fed)
    for name, values in state.items():
        np.testing.assert_array_equal(values, other[name])


def test_streaming_can_go_back():
    """After a return to an earlier step the same batches come again."""
    program = program_on(devices.resolve())
    rows = points(100).astype(np.float32)
    data = feed(program, rows, None, np.arange(100), streamed=True)
    pace = Pace(*(tf.constant(value, tf.float32) for value in PACE))
    program.reset(0)
    data.train(program, 0, 0, 2, pace)
    state = program.state()
    first = data.train(program, 0, 2, 3, pace).numpy()
    program.load(state)
    np.testing.assert_array_equal(data.train(program, 0, 2, 3, pace), first)


def test_a_streamed_fit_is_bit_identical():
    """So is a whole fit, with rows held out."""
    schema, data = read(points(240))
    spec = DataSpec(schema, 240)
    recipe = ToyGAN().recipe(spec)
    settings = {"seed": 0, "validation_fraction": 0.2}
    weights = []
    for streamed in (False, True):
        with pytest.warns(match="covers"):
            fitted = fit(
                ToyGAN(),
                spec,
                data,
                None,
                recipe,
                Settings(**settings, streamed=streamed),
                Watcher(),
            )
        weights.append(fitted.memory.arrays)
    for name, values in weights[0].items():
        np.testing.assert_array_equal(values, weights[1][name])


def test_streaming_copies_no_more_than_its_batches():
    """4 GB of rows, which the system only pretends to have, are never touched as a whole."""
    n_rows = 500_000_000
    rows, chosen = np.zeros((n_rows, 2), np.float32), np.zeros(n_rows, np.int32)
    program = program_on(devices.resolve())
    program.reset(0)
    data = Streamed(rows, None, chosen)
    pace = Pace(*(tf.constant(value, tf.float32) for value in PACE))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data.train(program, 0, 0, 5, pace)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kB


def test_rows_stay_in_memory_on_a_cpu():
    """There they lie already, whatever their size."""
    place = devices.resolve("cpu")
    assert place.free_memory() == math.inf
    rows = points(10).astype(np.float32)
    assert isinstance(feed(program_on(place), rows, None, np.arange(10)), Resident)


def test_bfloat16_computes_so_and_keeps_the_rest_in_float32():
    """Layers compute in bfloat16; weights, losses, penalty and the average are in float32."""
    program = program_on(devices.resolve("cpu", "bfloat16"))
    for player in (program.generator, program.critic):
        dense = [v for v in player.network.layers if isinstance(v, keras.layers.Dense)]
        assert {layer.compute_dtype for layer in dense} == {"bfloat16"}
        assert {weight.dtype for weight in player.weights} == {"float32"}
    assert {layer.compute_dtype for layer in program.average.layers} == {"float32"}
    sums, state = trained(program)
    assert sums.dtype == np.float32
    assert np.isfinite(sums).all()
    assert {values.dtype for values in state.values()} == {np.dtype(np.float32)}


def test_float16_is_refused():
    """Its range is too narrow for penalties: there is no way to ask for it."""
    with pytest.raises(ValueError, match=r"'precision' parameter .* Got 'float16'"):
        GANSampler(precision="float16").fit(points())


@pytest.fixture
def pretended_gpus(monkeypatch):
    """Two GPUs that TensorFlow is made to see, an old and a new one; which had memory grow."""
    gpus = [tf.config.PhysicalDevice(f"/physical_device:GPU:{i}", "GPU") for i in range(2)]
    capability = dict(zip(gpus, [(7, 5), (8, 0)], strict=True))
    growing = []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(
        tf.config.experimental,
        "get_device_details",
        lambda gpu: {"compute_capability": capability[gpu]},
    )
    monkeypatch.setattr(
        tf.config.experimental, "set_memory_growth", lambda gpu, grow: growing.append((gpu, grow))
    )
    return gpus, growing


def test_memory_is_taken_as_it_is_needed(pretended_gpus):
    """All GPUs are told to let memory grow, as TensorFlow starts them together."""
    gpus, growing = pretended_gpus
    devices.resolve()
    assert growing == [(gpu, True) for gpu in gpus]


def test_memory_of_a_gpu_that_has_started_is_left_alone(pretended_gpus, monkeypatch):
    """Whoever started TensorFlow before has settled it."""

    def started(gpu: object, grow: bool) -> None:
        raise RuntimeError("Physical devices cannot be modified after being initialized")

    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", started)
    assert devices.resolve().name == "/GPU:0"


@pytest.mark.parametrize(
    ("device", "precision", "name", "bfloat16"),
    [
        ("auto", "auto", "/GPU:0", False),
        ("gpu", "bfloat16", "/GPU:0", True),
        ("gpu:1", "auto", "/GPU:1", True),
        ("gpu:1", "float32", "/GPU:1", False),
        ("cpu", "auto", "/CPU:0", False),
    ],
)
def test_choice_of_device_and_precision(pretended_gpus, device, precision, name, bfloat16):
    """'auto' is the first GPU, and bfloat16 where the GPU computes in it."""
    place = devices.resolve(device, precision)
    assert (place.name, place.bfloat16, place.compiles) == (name, bfloat16, "GPU" in name)


@pytest.mark.parametrize("loss", ["relativistic", "wgan-gp"])
def test_two_devices_train_as_one(mirrored, loss):
    """Losses, weights, moments and average are those of one device with the same batch."""
    assert mirrored["replicas"] == 2
    assert mirrored["losses"][loss] < 1e-4
    assert mirrored["states"][loss] < 1e-3


def test_copies_of_the_networks_stay_equal(mirrored):
    """All devices hold the same weights, moments and average, bit by bit."""
    assert mirrored["copies"] == 0.0


def test_logits_of_a_critic_on_two_devices(mirrored):
    """As one copy of it does."""
    assert mirrored["logits"] < 1e-5


def test_samples_of_two_devices_are_those_of_one(mirrored, expected):
    """A whole fit, export included, ends where that of one device does."""
    np.testing.assert_allclose(mirrored["samples"], expected, atol=1e-4)


def test_state_of_two_devices_can_be_read_and_set(mirrored):
    """What is loaded is what is read, on all devices, and in the network that is exported."""
    assert mirrored["loaded"] == 0.0
    assert mirrored["average"]


def test_checkpoint_of_two_devices(mirrored, expected):
    """A run goes on from it bit-identically, on one device nearly so."""
    assert mirrored["resumed"]
    np.testing.assert_allclose(mirrored["moved"], expected, atol=1e-4)


def test_streaming_to_two_devices_is_bit_identical(mirrored):
    """Each device is fed the rows that it would have picked."""
    assert mirrored["streamed"] == 0.0


def test_traces_are_not_shared_between_strategies(mirrored):
    """A fit with another strategy takes another compiled loop; one with the same, the same."""
    assert mirrored["shared traces"] == [False, True]


def test_batch_that_cannot_be_shared_is_an_error(mirrored):
    """A batch size that is no multiple of the devices names the next that is."""
    assert mirrored["odd batch"] == (
        "batch_size=5 can't be shared equally by the 2 devices of the strategy. Use a multiple "
        "of 2, such as 6."
    )


def test_two_machines_train_as_one_device(workers, expected):
    """The samples of a run that crashed and was resumed are those of one device, on both."""
    assert workers[0]["model"] == workers[1]["model"]
    np.testing.assert_allclose(workers[0]["samples"], expected, atol=1e-4)


def test_only_the_first_machine_writes_checkpoints(workers):
    """The other's folder is not even made."""
    assert [worker["files"] for worker in workers] == [2, 0]


def test_machines_agree_on_the_clock_and_the_seed(workers):
    """Without random_state and with max_time they still make the same steps."""
    steps = {worker["steps"] for worker in workers}
    assert len(steps) == 1
    assert 1 < steps.pop() < 10**6


def test_machines_with_different_data_are_an_error(workers):
    """All of them say so, instead of training on something else than was meant."""
    for worker in workers:
        assert "were given different X or y" in worker["other data"]


def test_failure_of_the_first_machine_is_told_by_all(workers):
    """A folder that can't be used ends the fit on the machines that have no folder, too."""
    first, second = (worker["foreign file"] for worker in workers)
    assert first.startswith("checkpoint_dir=")
    assert second == f"The first machine of the cluster can't start: {first}"


@pytest.fixture
def gpu():
    """A GPU, as fit finds it."""
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("no GPU here")
    return devices.resolve("gpu")


@pytest.mark.gpu
def test_everything_is_on_the_gpu(gpu):
    """Networks, moments, average and rows lie there, and XLA compiles the step."""
    program = program_on(gpu)
    for variables in program._variables.values():
        assert all("GPU:0" in tf.convert_to_tensor(variable).device for variable in variables)
    data = feed(program, points().astype(np.float32), None, np.arange(300))
    assert "GPU:0" in data.rows.device
    trained(program)
    assert program._step._jit_compile


@pytest.mark.gpu
def test_streaming_to_a_gpu(gpu):
    """It gives the losses of rows that lie on the GPU."""
    program = program_on(gpu)
    (sums, _), (fed, _) = (trained(program, streamed=which) for which in (False, True))
    np.testing.assert_allclose(fed, sums, rtol=1e-2)


@pytest.mark.gpu
def test_bfloat16_on_a_gpu(gpu):
    """Cards that compute in bfloat16 do so by default, with losses near those of float32."""
    if not gpu.bfloat16:
        pytest.skip("this card does not compute in bfloat16")
    sums, _ = trained(program_on(gpu))
    expected, _ = trained(program_on(devices.resolve("gpu", "float32")))
    np.testing.assert_allclose(sums, expected, rtol=0.1)


@pytest.mark.gpu
def test_free_memory_of_a_gpu(gpu):
    """It is a part of what the card has; rows that are too many for it are streamed."""
    free = gpu.free_memory()
    assert 0 < free < 1e12
    huge = np.broadcast_to(np.zeros((1, 2), np.float32), (int(free / 8), 2))
    assert isinstance(feed(program_on(gpu), huge, None, range(len(huge))), Streamed)


@pytest.mark.gpu
def test_mirrored_on_a_gpu(gpu):
    """A strategy of one GPU trains as that GPU does alone; one of all that there are trains."""
    expected, _ = trained(program_on(gpu))
    strategy = tf.distribute.MirroredStrategy(["GPU:0"])
    sums, _ = trained(program_on(devices.resolve(strategy=strategy)))
    np.testing.assert_allclose(sums, expected, rtol=1e-2)
    everywhere = devices.resolve(strategy="mirrored")
    assert everywhere.is_gpu
    if 8 % everywhere.replicas.count == 0:
        sums, _ = trained(program_on(everywhere))
        assert np.isfinite(sums).all()
