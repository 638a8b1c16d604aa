"""A script that test_checkpoint.py starts: training that is killed again and again, and resumed.

Importing TensorFlow takes seconds, so one process imports it and forks those that train; a
fork is safe as long as nothing has been computed. They run the training loop without compiling
it, which would take seconds again. Kills come before the n-th operation on a file in the
checkpoint folder, or a moment after it: while a state is written, or while steps are made.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import warnings
from pathlib import Path
from typing import Any

from gansynth import GANSampler
from gansynth.training import checkpoint, fit  # noqa: F401  (imported here, before forks)

sys.path.insert(0, str(Path(__file__).parent))
import tensorflow as tf
from toys import ToyGAN, points

STEPS = 60
OPERATIONS_A_CHECKPOINT = 6
LONGEST_DELAY = 0.1


def digest(seed: int, folder: Path | None) -> str:
    """Train to the end; what the samples are, in short."""
    sampler = GANSampler(
        ToyGAN(), steps=STEPS, random_state=seed, device="cpu", checkpoint_dir=folder
    )
    with warnings.catch_warnings(action="ignore"):  # so few weights learn little
        rows = sampler.fit(points()).sample(100)
    return hashlib.sha256(rows.tobytes()).hexdigest()


def doom(folder: Path, left: int, delay: float) -> None:
    """See to it that this process is killed."""

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event not in ("open", "os.rename", "os.remove") or str(folder) not in str(arguments[0]):
            return
        left -= 1
        if left == 0:
            threading.Timer(delay, kill).start() if delay else kill()

    sys.addaudithook(watch)


def fate(chance: random.Random) -> tuple[int, float]:
    """Before which operation a kill comes, or how many seconds after."""
    delay = chance.choice([0.0, chance.uniform(0.0, LONGEST_DELAY)])
    return chance.randint(1, 5 * OPERATIONS_A_CHECKPOINT), delay


def forked(seed: int, folder: Path | None, *kill: Any) -> str:
    """Digest of a run in a process of its own; empty if it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            tf.config.run_functions_eagerly(True)
            checkpoint.SHARE_OF_TIME = float("inf")  # a state after every interval
            if kill:
                doom(folder, *kill)
            os.write(writing, digest(seed, folder).encode())
            os._exit(0)
        finally:
            os._exit(1)  # past pytest's and TensorFlow's ends of a process
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        return ""
    assert status == 0, status
    return told


def main(kills: int) -> None:
    chance = random.Random(0)
    report: dict[str, Any] = {"kills": 0, "torn": 0, "steps": [], "ends": []}
    while report["kills"] < kills:
        seed, end = len(report["ends"]), ""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "states"
            while not end:
                left = report["kills"] < kills
                end = forked(seed, folder, *(fate(chance) if left else ()))
                report["kills"] += not end
                report["torn"] += any(folder.glob(".gansynth-*"))
                files = sorted(folder.glob("step-*"))
                report["steps"].append([checkpoint._read(file)[2]["step"] for file in files])
        report["ends"].append([end, forked(seed, None)])
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(int(sys.argv[1]))
