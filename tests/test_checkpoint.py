"""Checkpoints: states on disk, and runs that go on from them."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from gansynth import GANSampler
from gansynth.training.checkpoint import CheckpointError, Checkpoints

from .toys import ToyGAN, points

IDENTITY = {"data": "a1", "recipe": {"steps": np.int64(9), "gamma": (1.0, 0.1)}}
ARRAYS = {
    "weights/0": np.arange(6, dtype=np.float32).reshape(2, 3),
    "weights/1": np.float32([np.nan, -np.inf]),
    "codes": np.array([3], np.int64),
}
STATE = {"step": np.int64(4), "score": float("-inf"), "history": {"score": [float("nan")]}}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def toy(**parameters: object) -> GANSampler:
    settings = {"steps": 40, "random_state": 0, "device": "cpu", **parameters}
    return GANSampler(ToyGAN(), **settings)


def saved(folder: Path, *steps: int, identity: dict = IDENTITY) -> Checkpoints:
    """A folder with states of these steps, each of which tells its step."""
    checkpoints = Checkpoints(folder, identity)
    for step in steps:
        checkpoints.save(step, {"weights": np.full(50, step)}, {"step": step})
    return checkpoints


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def no_space(*arguments: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_state_comes_back_as_it_was(tmp_path):
    """Arrays come back to the bit, JSON with its infinities, in a new object."""
    Checkpoints(tmp_path / "new" / "folder", IDENTITY).save(4, ARRAYS, STATE)
    arrays, state = Checkpoints(tmp_path / "new" / "folder", IDENTITY).latest()
    assert set(arrays) == set(ARRAYS)
    for name, values in ARRAYS.items():
        assert arrays[name].dtype == values.dtype
        np.testing.assert_array_equal(arrays[name], values)
    assert json.dumps(state) == json.dumps({**STATE, "step": 4})


def test_an_empty_folder_has_no_state(tmp_path):
    """There is nothing to go on from in an empty folder, which may hold hidden files."""
    (tmp_path / ".DS_Store").touch()
    assert Checkpoints(tmp_path, IDENTITY).latest() is None


def test_two_states_are_kept(tmp_path):
    """Old states are pruned, the newest is the latest."""
    checkpoints = saved(tmp_path, 1, 20, 300)
    assert names(tmp_path) == ["step-000000000020.npz", "step-000000000300.npz"]
    assert checkpoints.latest()[1] == {"step": 300}


def test_leftovers_of_a_kill_are_removed(tmp_path):
    """What a kill has left half-written is gone with the next run; foreign files stay."""
    saved(tmp_path, 1)
    (tmp_path / ".gansynth-0123456789abcdef.npz").write_bytes(b"half")
    (tmp_path / ".other").touch()
    assert Checkpoints(tmp_path, IDENTITY).latest()[1] == {"step": 1}
    assert names(tmp_path) == [".other", "step-000000000001.npz"]


@pytest.mark.parametrize("content", [b"", b"text", None], ids=["empty", "text", "cut short"])
def test_damage_falls_back_to_the_state_before(tmp_path, content):
    """If the newest state can't be read, the one before is; then it makes room for new ones."""
    checkpoints = saved(tmp_path, 1, 2)
    newest = tmp_path / "step-000000000002.npz"
    newest.write_bytes(newest.read_bytes()[:-30] if content is None else content)
    assert checkpoints.latest()[1] == {"step": 1}
    # By then it isn't new: the run has gone back to step 1.
    saved(tmp_path, 1)
    assert names(tmp_path) == ["step-000000000001.npz"]


def test_no_damaged_byte_goes_unnoticed(tmp_path):
    """A state with a byte changed anywhere is passed over, or says what it said before."""
    checkpoints = saved(tmp_path, 1, 2)
    newest = tmp_path / "step-000000000002.npz"
    whole = newest.read_bytes()
    chance = np.random.default_rng(0)
    passed_over = 0
    for place in chance.choice(len(whole), 300, replace=False):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(chance.integers(8))
        newest.write_bytes(damaged)
        arrays, state = checkpoints.latest()
        passed_over += state["step"] == 1
        assert state["step"] in (1, 2)
        np.testing.assert_array_equal(arrays["weights"], np.full(50, state["step"]))
    assert passed_over > 150


def test_damage_all_over_is_an_error(tmp_path):
    """If no state can be read, the error names the folder and the remedy."""
    checkpoints = saved(tmp_path, 1, 2)
    for file in tmp_path.iterdir():
        file.write_bytes(b"text")
    with pytest.raises(CheckpointError, match=r"No checkpoint in .* Delete the folder to start"):
        checkpoints.latest()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"data": "b2"}, 'its data was "a1", this one\'s is "b2"'),
        ({"recipe": {"steps": 10, "gamma": (1.0, 0.1)}}, 'its recipe was {"steps": 9,'),
        ({"new": 1}, "its new was null, this one's is 1"),
    ],
    ids=["data", "recipe", "unknown"],
)
def test_states_of_another_run_are_refused(tmp_path, change, words):
    """The error says what differs, and what to do."""
    saved(tmp_path, 1)
    with pytest.raises(CheckpointError, match="Name another folder") as raised:
        Checkpoints(tmp_path, {**IDENTITY, **change}).latest()
    assert words in str(raised.value)


@pytest.mark.parametrize("name", ["notes.txt", "step-1.npz", "step-00000000000x.npz"])
def test_foreign_files_are_an_error(tmp_path, name):
    """A folder in use for something else is refused, and stays as it is."""
    (tmp_path / name).touch()
    with pytest.raises(CheckpointError, match=f"checkpoint_dir=.*{name}.*an empty or a new"):
        Checkpoints(tmp_path, IDENTITY)
    assert names(tmp_path) == [name]


@pytest.mark.parametrize("below", ["", "states"], ids=["a file", "below a file"])
def test_a_file_is_no_folder(tmp_path, below):
    """A path that no folder can be at is an error that names it."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="checkpoint_dir=.*file.* can't be written to: "):
        Checkpoints(tmp_path / "file" / below, IDENTITY)


def test_a_folder_that_takes_no_files_is_an_error():
    """A folder that nothing can be written to, whoever one is, is an error that names it."""
    if not Path("/proc/self").is_dir():
        pytest.skip("needs /proc")
    with pytest.raises(OSError, match="checkpoint_dir='/proc/self/states' can't be written to: "):
        Checkpoints("/proc/self/states", IDENTITY)


def test_a_state_that_does_not_fit_leaves_the_older_ones(tmp_path, monkeypatch):
    """If a disk is full, the error says so, and nothing half-written stays."""
    checkpoints = saved(tmp_path, 1, 2)
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="can't be written to: .*No space left") as raised:
        checkpoints.save(3, ARRAYS, STATE)
    assert raised.value.errno == errno.ENOSPC
    assert names(tmp_path) == ["step-000000000001.npz", "step-000000000002.npz"]
    assert checkpoints.latest()[1] == {"step": 2}


def test_writing_takes_its_share_of_the_time_only(tmp_path, monkeypatch):
    """A state that took a second to write is worth writing again after twenty, not before."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    real_replace = os.replace

    def slow(source: str, target: str) -> None:
        now[0] += 1.0
        real_replace(source, target)

    monkeypatch.setattr(os, "replace", slow)
    checkpoints = saved(tmp_path, 1)
    for passed, worth in ((0.0, False), (19.9, False), (20.1, True)):
        now[0] = 101.0 + passed
        assert checkpoints.worth_it() is worth


@pytest.mark.parametrize("kind", ["file", "foreign", "full"])
def test_an_unusable_folder_is_told_before_training(tmp_path, kind):
    """fit raises before a step is made: there is neither a history nor a sampler."""
    resource = pytest.importorskip("resource")
    sampler = toy(checkpoint_dir=tmp_path / "states")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if kind == "file":
        (tmp_path / "states").touch()
    elif kind == "foreign":
        (tmp_path / "states").mkdir()
        (tmp_path / "states" / "thesis.tex").touch()
    else:
        # To the writer of a file, a limit on its size is a disk that is full.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises((OSError, CheckpointError), match="checkpoint_dir=.*states"):
            sampler.fit(points())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not {"history_", "artifact_"} & set(vars(sampler))
    assert kind != "full" or names(tmp_path / "states") == []


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"steps": 41}, 'its recipe was {"steps": 40'),
        ({"random_state": 1}, "its random_state was 0, this one's is 1"),
        ({"architecture__units": 5}, "ToyGAN(units=5)"),
        ({}, "its data was"),
    ],
    ids=["steps", "random_state", "architecture", "data"],
)
def test_fit_refuses_states_of_another_run(tmp_path, parameters, words):
    """Other parameters or data than a folder's are named; what is fitted stays."""
    sampler = toy(checkpoint_dir=tmp_path).fit(points())
    before, steps = sampler.sample(5), sampler.n_steps_
    sampler.set_params(**parameters)
    with pytest.raises(CheckpointError) as raised:
        sampler.fit(points(seed=0 if parameters else 1))
    assert words in str(raised.value)
    np.testing.assert_array_equal(sampler.sample(5, random_state=0), before)
    assert sampler.n_steps_ == steps


def test_a_finished_run_is_taken_as_it_is(tmp_path):
    """Called again, fit trains no further, whatever kind of number steps is."""
    first = toy(checkpoint_dir=tmp_path).fit(points())
    again = toy(checkpoint_dir=str(tmp_path), steps=np.int64(40)).fit(points())
    np.testing.assert_array_equal(again.sample(50), first.sample(50))
    np.testing.assert_equal(again.history_, first.history_)
    assert (again.best_step_, again.best_score_) == (first.best_step_, first.best_score_)


def test_without_a_seed_the_checkpoints_seed_counts(tmp_path):
    """random_state=None goes on with the seed that the run has begun with."""
    first = toy(checkpoint_dir=tmp_path, random_state=None).fit(points())
    again = toy(checkpoint_dir=tmp_path, random_state=None).fit(points())
    np.testing.assert_array_equal(
        again.sample(50, random_state=1), first.sample(50, random_state=1)
    )


def test_a_disk_that_fills_up_later_stops_no_training(tmp_path, monkeypatch):
    """One warning; the run ends as it would have, and its first state stays readable."""
    real_fsync, written = os.fsync, []

    def fsync(descriptor: int) -> None:
        if written:
            no_space()
        written.append(descriptor)
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.warns(RuntimeWarning, match="No space left.* Training goes on") as caught:
        sampler = toy(checkpoint_dir=tmp_path).fit(points())
    assert [w.category for w in caught if w.category is not ConvergenceWarning] == [RuntimeWarning]
    monkeypatch.undo()
    np.testing.assert_array_equal(sampler.sample(50), toy().fit(points()).sample(50))
    assert names(tmp_path) == ["step-000000000000.npz"]
    assert toy(checkpoint_dir=tmp_path).fit(points()).n_steps_ == sampler.n_steps_


def test_kills_at_any_instant_change_nothing(tmp_path):
    """After 30 kills, also while states were written, all files are whole, and so is the end."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    run = subprocess.run(
        [sys.executable, "-W", "ignore", Path(__file__).parent / "killed.py", "30"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["kills"] == 30
    assert report["torn"] > 0  # some kills left a file half-written
    # Reading each file after each kill would have failed; of a life that was long enough to
    # write, one state or two are there, or three where the kill came before the pruning.
    assert all(len(steps) <= 3 for steps in report["steps"])
    assert len({tuple(steps) for steps in report["steps"]}) > 10
    for end, uninterrupted in report["ends"]:
        assert end == uninterrupted
