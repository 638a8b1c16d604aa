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
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        reason = error.strerror or error
        raise OSError(error.errno, f"Can't write {os.fspath(path)!r}: {reason}") from error
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
    if target.is_dir():
        number, reason = errno.EISDIR, "it is a directory; add a file name"
    elif target.exists() and not target.is_file():
        number, reason = errno.EINVAL, "it is not a regular file"
    elif not target.parent.is_dir():
        number, reason = errno.ENOENT, f"there is no directory {str(target.parent)!r}"
    else:
        return
    raise OSError(number, f"Can't write {os.fspath(path)!r}: {reason}")
