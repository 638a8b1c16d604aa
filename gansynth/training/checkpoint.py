"""States of a run on disk: arrays and JSON, whole or not at all."""

from __future__ import annotations

import io
import json
import os
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gansynth.atomic import replacing

FORMAT = 1
KEPT = 2
PATTERN = f"step-{'[0-9]' * 12}.npz"
META = "meta.json"
SHARE_OF_TIME = 0.05
"""Writing may take this share of a run."""


class CheckpointError(ValueError):
    """A checkpoint that this run can't go on from."""


class Checkpoints:
    """States of one run in a folder, the newest of which a later call goes on from.

    Each state is a ``.npz`` file (arrays, no pickle) with a ``meta.json`` in it. It is
    written beside and renamed, so that a kill at any instant leaves the last good one. The
    one before it is kept too, in case that the disk damages the newest.

    Parameters
    ----------
    folder : path-like
        Made if it is not there; only states of one run may be in it.
    identity : dict
        What makes a run this run (data, parameters, versions), as JSON values.

    Raises
    ------
    OSError
        If nothing can be written there.
    CheckpointError
        If it holds other files, or states of another run.
    """

    def __init__(self, folder: str | os.PathLike[str], identity: dict[str, Any]) -> None:
        self._folder = Path(folder)
        self._identity = json.loads(_dumps({"format": FORMAT, **identity}))
        self._written, self._cost = time.monotonic(), 0.0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            names = {file.name for file in self._folder.iterdir()}
        except OSError as error:
            raise self._unusable(error) from error
        names -= {file.name for file in self._files}
        foreign = sorted(name for name in names if not name.startswith("."))
        if foreign:
            raise CheckpointError(
                f"checkpoint_dir={os.fspath(folder)!r} holds files that are no checkpoints "
                f"({', '.join(foreign[:3])}). Name an empty or a new folder."
            )
        try:
            with tempfile.TemporaryFile(dir=self._folder):
                pass  # better now than when there is something to lose
            for leftover in self._folder.glob(".gansynth-*"):
                leftover.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> OSError:
        reason = error.strerror or error
        return OSError(
            error.errno, f"checkpoint_dir={str(self._folder)!r} can't be written to: {reason}"
        )

    @property
    def _files(self) -> list[Path]:
        return sorted(self._folder.glob(PATTERN))

    def latest(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """The newest state that can be read, and what :meth:`save` was told beside it.

        Raises
        ------
        CheckpointError
            If states are there, and none can be read or they are of another run.
        """
        damage = None
        for path in reversed(self._files):
            try:
                arrays, identity, state = _read(path)
            except Exception as error:  # zip's and numpy's readers meet damage with any of them
                damage = f"{path.name}: {error}"
                continue
            self._compare(identity)
            return arrays, state
        if damage:
            raise CheckpointError(
                f"No checkpoint in checkpoint_dir={str(self._folder)!r} can be read ({damage}). "
                "Delete the folder to start afresh."
            )
        return None

    def _compare(self, found: dict[str, Any]) -> None:
        """Refuse states of another run, and say what differs."""
        for name, wanted in self._identity.items():
            if found.get(name) != wanted:
                raise CheckpointError(
                    f"checkpoint_dir={str(self._folder)!r} holds checkpoints of another run: "
                    f"its {name} was {_short(found.get(name))}, this one's is {_short(wanted)}. "
                    "Name another folder, or delete this one to start afresh."
                )

    def save(self, step: int, arrays: Mapping[str, np.ndarray], state: dict[str, Any]) -> None:
        """Write a state, then delete old ones.

        Raises
        ------
        OSError
            If it can't be written (a full disk, say); older states are left as they were.
        """
        before = time.monotonic()
        path = self._folder / f"step-{step:012d}.npz"
        try:
            # In memory first: an archive that a full disk has cut short complains once more when
            # it is collected.
            content = io.BytesIO()
            np.savez(content, **arrays)  # type: ignore[arg-type]
            with zipfile.ZipFile(content, "a") as archive:
                archive.writestr(META, _dumps({"identity": self._identity, "state": state}))
            with replacing(path) as temporary:
                temporary.write_bytes(content.getbuffer())
            # Of later steps are only files that could not be read: the run has gone back.
            past = [file for file in self._files if file <= path]
            for old in {*self._files} - {*past[-KEPT:]}:
                old.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        finally:
            self._written = time.monotonic()
            self._cost = self._written - before

    def worth_it(self) -> bool:
        """Whether writing now would take no more than its share of the time."""
        return self._cost <= SHARE_OF_TIME * (time.monotonic() - self._written)


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any], dict[str, Any]]:
    """Arrays, identity and state of one file; zip's checksums tell damage."""
    # Opened here: what numpy has opened it leaves open where it meets damage.
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files if name != META}
        meta = json.loads(archive[META])
    return arrays, meta["identity"], meta["state"]


def _dumps(values: dict[str, Any]) -> str:
    return json.dumps(values, default=np.generic.item)  # a grid of steps holds numpy's integers


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 60 else f"{text[:57]}…"
