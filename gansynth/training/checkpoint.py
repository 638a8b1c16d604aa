"""States of a run on disk: arrays and JSON, whole or not at all."""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gansynth.atomic import replacing

FORMAT = 1
KEPT = 2
PATTERN = "step-*.npz"
META = "meta.json"
SHARE_OF_TIME = 0.05
"""Writing may take this share of a run."""


class CheckpointError(ValueError):
    """A checkpoint that this run can't go on from."""


class Checkpoints:
    """States of one run in a folder, the newest of which a later call goes on from.

    Each state is a ``.npz`` file (arrays, no pickle) with a ``meta.json`` in it. It is
    written beside and renamed, so that a kill at any instant leaves the last good one.

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
        self._identity = json.loads(json.dumps({"format": FORMAT, **identity}))
        self._written, self._cost = time.monotonic(), 0.0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for leftover in self._folder.glob(".gansynth-*"):
                leftover.unlink()
            with replacing(self._folder / "writable") as probe:
                probe.touch()
            (self._folder / "writable").unlink()
        except OSError as error:
            raise OSError(
                error.errno, f"checkpoint_dir={os.fspath(folder)!r} can't be written to: {error}"
            ) from error
        names = {file.name for file in self._folder.iterdir() if not file.name.startswith(".")}
        foreign = sorted(names - {file.name for file in self._files})
        if foreign:
            raise CheckpointError(
                f"checkpoint_dir={os.fspath(folder)!r} holds files that are no checkpoints "
                f"({', '.join(foreign[:3])}). Name an empty or a new folder."
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
                arrays, meta = _read(path)
            except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
                damage = f"{path.name}: {error}"
                continue
            self._compare(meta["identity"])
            return arrays, meta["state"]
        if damage:
            raise CheckpointError(
                f"No checkpoint in {str(self._folder)!r} can be read ({damage}). Delete the "
                "folder to start afresh."
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
        with replacing(self._folder / f"step-{step:012d}.npz") as temporary:
            with open(temporary, "wb") as file:  # or numpy would add a suffix
                np.savez(file, **arrays)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(META, json.dumps({"identity": self._identity, "state": state}))
        for old in self._files[:-KEPT]:
            old.unlink(missing_ok=True)
        self._written = time.monotonic()
        self._cost = self._written - before

    def worth_it(self) -> bool:
        """Whether writing now would take no more than its share of the time."""
        return self._cost <= SHARE_OF_TIME * (time.monotonic() - self._written)


def _read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and JSON of one file; zip's checksums tell damage."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files if name != META}
        return arrays, json.loads(archive[META])


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 60 else f"{text[:57]}…"
