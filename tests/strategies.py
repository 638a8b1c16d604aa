"""A script that test_strategy.py starts: training on two devices, of one process or of two.

Devices and clusters are settled before TensorFlow starts, so each needs a process of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from gansynth import GANSampler
from gansynth.architecture import NetworkSpec
from gansynth.training import checkpoint, devices, loop
from gansynth.training.feed import feed
from gansynth.training.program import Pace, Program, borrowed

sys.path.insert(0, str(Path(__file__).parent))
from toys import Augmented, PlainCodec, ToyGAN, points

PACE = Pace(
    learning_rate=1e-3,
    learning_rate_end=1e-5,
    decay_start=0.5,
    gamma_start=1.0,
    gamma_end=0.1,
    anneal_start=0.0,
    anneal_end=0.5,
    ema_steps=10.0,
    first_step=0.0,
    start=0.0,
    rate=0.05,
    augmented=1.0,
)
STEPS = 12
LOSSES = ("relativistic", "wgan-gp")
"""One with R1 and R2, and the one with a penalty between rows."""


class CrashError(RuntimeError):
    """What ends a run early."""


def crash(epoch: int, logs: Any = None) -> None:
    if epoch == STEPS // 2:
        raise CrashError


def program_on(place: devices.Device, loss: str = "relativistic") -> Program:
    spec = NetworkSpec(2, 2, 2)
    return Program(ToyGAN(), spec, PlainCodec(["x", "y"]), 8, loss, 0.99, place)


def trained(program: Program, *, streamed: bool = False) -> tuple[np.ndarray, dict[str, Any]]:
    """Losses of calls of several steps, and the state after them."""
    program.reset(0)
    rows, labels = points(100).astype(np.float32), np.arange(100, dtype=np.int32) % 2
    data = feed(program, rows, labels, np.arange(100), streamed=streamed)
    pace = Pace(*(tf.constant(value, tf.float32) for value in PACE))
    sums = [data.train(program, 5, first, 3, pace).numpy() for first in (0, 3)]
    return np.array(sums), program.state()


def apart(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    """Largest difference between two states."""
    assert set(one) == set(other)
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


def mirrored_variable(variable: Any) -> Any:
    """TensorFlow's variable, of which there is a copy on each device."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def sampler(**parameters: Any) -> GANSampler:
    return GANSampler(ToyGAN(), steps=STEPS, **{"random_state": 0, **parameters})


def crash_in(folder: Path, **parameters: Any) -> None:
    """Leave a checkpoint of half a run."""
    breaking = keras.callbacks.LambdaCallback(on_epoch_end=crash)
    with contextlib.suppress(CrashError):
        sampler(checkpoint_dir=folder, callbacks=[breaking], **parameters).fit(points())
        raise AssertionError("it did not crash")


def mirrored(folder: Path) -> dict[str, Any]:
    cpu = tf.config.list_physical_devices("CPU")[0]
    two = [tf.config.LogicalDeviceConfiguration()] * 2
    tf.config.set_logical_device_configuration(cpu, two)
    single = devices.resolve()
    double = devices.resolve(strategy="mirrored")
    report: dict[str, Any] = {"replicas": double.replicas.count, "losses": {}, "states": {}}
    for loss in LOSSES:
        sums, expected = trained(program_on(single, loss))
        program = program_on(double, loss)
        others, state = trained(program)
        report["losses"][loss] = float(np.abs(sums - others).max())
        report["states"][loss] = apart(state, expected)
    rows, labels = points(50).astype(np.float32), np.arange(50, dtype=np.int32) % 2
    logits = (program.logits(rows, labels), program.critic.network([rows, labels]).numpy())
    report["logits"] = float(np.abs(np.subtract(*logits)).max())
    _, streamed = trained(program, streamed=True)
    report["streamed"] = apart(state, streamed)
    report["copies"] = max(
        float(np.abs(np.subtract(*(copy.numpy() for copy in mirrored_variable(v).values))).max())
        for variables in program._variables.values()
        for v in variables
    )
    program.load({name: values + 1 for name, values in state.items()})
    report["loaded"] = apart({name: v + 1 for name, v in state.items()}, program.state())
    average = [v for name, v in program.state().items() if name.startswith("average/")]
    report["average"] = all(map(np.array_equal, program.average.get_weights(), average))
    held = []
    for place in (single, double, double):
        with borrowed(
            ToyGAN(), NetworkSpec(2, 2, 2), PlainCodec(["x", "y"]), 8, "hinge", 0.9, place
        ) as lent:
            held.append(lent)
    report["shared traces"] = [held[0] is held[1], held[1] is held[2]]

    crash_in(folder / "same", strategy="mirrored")
    shutil.copytree(folder / "same", folder / "other")
    whole, parts, moved = (
        sampler(strategy=strategy, checkpoint_dir=where and folder / where).fit(points())
        for strategy, where in (("mirrored", None), ("mirrored", "same"), (None, "other"))
    )
    report["samples"] = whole.sample(100).tolist()
    report["resumed"] = bool((whole.sample(100) == parts.sample(100)).all())
    report["moved"] = moved.sample(100).tolist()
    try:
        sampler(strategy="mirrored", batch_size=5).fit(points())
    except ValueError as error:
        report["odd batch"] = str(error)
    return report


def worker(folder: Path) -> dict[str, Any]:
    index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    strategy = {"strategy": "multi_worker"}
    crash_in(folder / str(index), **strategy)
    parts = sampler(**strategy, checkpoint_dir=folder / str(index)).fit(points())
    hurried = sampler(**strategy, random_state=None, max_time=0.5).set_params(steps=10**6)
    hurried.fit(points())
    changed = sampler(**strategy).set_params(architecture=Augmented(None)).fit(points())
    report = {
        "files": len(list(folder.glob(f"{index}/*"))),
        "samples": parts.sample(100).tolist(),
        "model": [digest(fitted) for fitted in (parts, hurried, changed)],
        "steps": hurried.n_steps_,
    }
    try:
        sampler(**strategy).fit(points(seed=index))
    except ValueError as error:
        report["other data"] = str(error)
    (folder / "0" / "foreign").touch()
    try:
        sampler(**strategy, checkpoint_dir=folder / str(index)).fit(points())
    except ValueError as error:
        report["foreign file"] = str(error)
    return report


def digest(fitted: GANSampler) -> str:
    """What the samples are, in short."""
    return hashlib.sha256(fitted.sample(100, random_state=0).tobytes()).hexdigest()


if __name__ == "__main__":
    checkpoint.SHARE_OF_TIME = float("inf")  # a state after every interval
    loop.BY_HEART = 0.0  # so that rows are changed
    run = {"mirrored": mirrored, "worker": worker}[sys.argv[1]]
    sys.stdout.write(json.dumps(run(Path(sys.argv[2]))))
