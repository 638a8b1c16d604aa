"""Training: the only part of the core that imports TensorFlow."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Keep off the terminal what native code writes to it, unless an error needs explaining.

    It writes to the file descriptor, past ``sys.stderr``.
    """
    try:
        terminal = os.dup(2)
    except OSError:  # closed: nobody would see it
        yield
        return
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            yield
        except Exception:
            chatter.seek(0)
            os.write(terminal, chatter.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _import_tensorflow() -> None:
    """Import TensorFlow without the greetings of its libraries.

    Whoever sets TF_CPP_MIN_LOG_LEVEL has said what to see, and sees it. Level 3 is silence:
    it may have been set here, in a process that started this one.
    """
    if "tensorflow" in sys.modules or os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3") != "3":
        return
    # Read when something is logged for the first time. What goes wrong is raised, too.
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    # The first lines come before that level is heeded.
    with _without_chatter():
        import keras  # noqa: F401  (imports TensorFlow)


_import_tensorflow()
