"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Name a file to write beside ``path``, which it replaces when all is written.

    Parameters
    ----------
    path : path-like
        The file to make; one that is there stays as it is until then, and for good if
        the block raises.

    Yields
    ------
    Path
        A new name in the same directory, with the same suffix.

    Raises
    ------
    OSError
        If the file can't be written, naming it and saying why. Nothing is left behind.
    """
    check_target(path)
    target = Path(os.path.realpath(path))  # through a link, not in place of it
    temporary = target.with_name(f".gansynth-{secrets.token_hex(8)}{target.suffix}")
    try:
        with _naming(path):
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def check_target(path: str | os.PathLike[str]) -> None:
    """Refuse what no file can be written to, before there is anything to lose.

    Raises
    ------
    OSError
        If ``path`` is a directory or a device, or its directory does not exist.
    """
    target = Path(os.path.realpath(path))
    with _naming(path):
        if target.is_dir():
            raise OSError(errno.EISDIR, "it is a directory; add a file name")
        if target.exists() and not target.is_file():
            raise OSError(errno.EINVAL, "it is not a regular file")
        if not target.parent.is_dir():
            raise OSError(
                errno.ENOENT, f"there is no directory {str(target.parent)!r}; make it first"
            )


@contextmanager
def _naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in what goes wrong with it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        # OSError turns the number into the class: PermissionError, FileNotFoundError, …
        raise OSError(error.errno, f"Can't write {os.fspath(path)!r}: {reason}") from error
