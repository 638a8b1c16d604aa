"""Ctrl-C: held back to a good moment, and what it leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from gansynth import GANSampler
from gansynth.training.interrupts import held_back
from gansynth.watching import Run, Watcher

from .toys import ToyGAN, points


@pytest.fixture(autouse=True)
def ordinary_handler():
    """Python's own handler, whatever runs the tests has set."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def held(reached: list[object], presses: int, error: Exception | None = None) -> None:
    """A block in which Ctrl-C is pressed, that notes how far it gets."""
    with held_back() as interrupted:
        reached.append(interrupted())
        for _ in range(presses):
            signal.raise_signal(signal.SIGINT)
            reached.append(interrupted())
        if error:
            raise error


def test_an_interrupt_waits_for_the_end_of_the_block():
    """Ctrl-C is told, and raised where the block ends."""
    reached = []
    with pytest.raises(KeyboardInterrupt):
        held(reached, presses=1)
    assert reached == [False, True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_interrupt_is_not_waited_for():
    """Who presses Ctrl-C twice wants out at once."""
    reached = []
    with pytest.raises(KeyboardInterrupt):
        held(reached, presses=3)
    assert reached == [False, True]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_is_not_lost_where_the_block_fails():
    """An error in the block is the context of the interrupt; without one it is raised itself."""
    with pytest.raises(KeyboardInterrupt) as raised:
        held([], presses=1, error=FloatingPointError())
    assert isinstance(raised.value.__context__, FloatingPointError)
    with pytest.raises(FloatingPointError):
        held([], presses=0, error=FloatingPointError())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_is_raised_without_an_interrupt():
    """A block that ends by itself leaves the handler as it was."""
    reached = []
    held(reached, presses=0)
    assert reached == [False]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_handler_is_left_alone():
    """Where Ctrl-C has another meaning, it keeps that in the block."""
    heard = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    handler = signal.getsignal(signal.SIGINT)
    with held_back() as interrupted:
        signal.raise_signal(signal.SIGINT)
        assert not interrupted()
    assert heard == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) is handler


def test_other_threads_hear_no_signals():
    """In another thread than the main one, nothing is touched."""
    seen = []

    def block() -> None:
        with held_back() as interrupted:
            seen.extend([signal.getsignal(signal.SIGINT), interrupted()])

    thread = threading.Thread(target=block)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler, False]


class Starting(Watcher):
    """Ctrl-C comes while it begins; it is to come through, and to be ended."""

    begun = ended = False

    def begin(self, run: Run) -> None:
        signal.raise_signal(signal.SIGINT)
        self.begun = True

    def end(self, run: Run) -> None:
        self.ended = True


def test_a_watcher_begins_undisturbed(monkeypatch):
    """Bars start threads, which an interrupt half-way would break: it waits for them, too."""
    watcher = Starting()
    monkeypatch.setattr(GANSampler, "_watchers", lambda self, name: [watcher])
    sampler = GANSampler(ToyGAN(), steps=10_000_000, random_state=0)
    with pytest.raises(KeyboardInterrupt):
        sampler.fit(points())
    assert watcher.begun
    assert watcher.ended
    assert sampler.history_["step"] == []


on_posix = pytest.mark.skipif(os.name != "posix", reason="sends a signal to a process")

INTERRUPTED = """
import sys, time, warnings
from pathlib import Path
from gansynth import GANSampler
sys.path.insert(0, sys.argv[1])
from toys import ToyGAN, points

warnings.simplefilter("ignore")
states = Path(sys.argv[2])
parameters = {"steps": 1200, "random_state": 0, "device": "cpu"}
sampler = GANSampler(ToyGAN(), checkpoint_dir=states, **parameters)
try:
    sampler.fit(points())
except KeyboardInterrupt:
    told = time.time()
    steps = [int(file.stem.removeprefix("step-")) for file in states.iterdir()]
    print(told, max(steps), len(sampler.history_["step"]), hasattr(sampler, "artifact_"))
resumed = sampler.fit(points())
whole = GANSampler(ToyGAN(), **parameters).fit(points())
print((resumed.sample(100) == whole.sample(100)).all(), resumed.n_steps_ - whole.n_steps_)
print(resumed.history_["step"] == whole.history_["step"], resumed.best_step_ - whole.best_step_)
"""


@on_posix
def test_a_run_goes_on_after_an_interrupt(tmp_path):
    """Ctrl-C ends fit soon, leaves state and history; the next fit ends as if it never came."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, Path(__file__).parent, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not any(
        file.stem > "step-000000000000" for file in tmp_path.glob("step-*")
    ):
        time.sleep(0.01)
    pressed = time.time()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    first, *rest = out.splitlines()
    told, step, intervals, fitted = first.split()
    assert float(told) - pressed < 10
    assert 0 < int(step) < 1200
    assert int(intervals) > 0
    assert fitted == "False"
    assert rest == ["True 0", "True 0"]


@on_posix
def test_the_command_ends_without_a_traceback(tmp_path):
    """Ctrl-C while `gansynth fit` trains: exit code 130, no traceback, no file."""
    pty = pytest.importorskip("pty")
    (tmp_path / "data.csv").write_text("a,b\n" + "1.5,2.5\n3.5,1.0\n2.0,0.5\n" * 5)
    ours, theirs = pty.openpty()  # on a terminal it shows when training has begun
    command = "from gansynth.cli import app; app()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, "fit", "data.csv", "-o", "m.onnx", "--steps", "10000000"],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
        cwd=tmp_path,
    )
    os.close(theirs)
    shown = b""
    while process.poll() is None and b"Training" not in shown:
        shown += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    with contextlib.suppress(OSError):  # how Linux tells the end of a terminal
        while more := os.read(ours, 4096):
            shown += more
    assert process.wait(60) == 130, shown.decode()
    assert b"Traceback" not in shown
    assert [file.name for file in tmp_path.iterdir()] == ["data.csv"]
