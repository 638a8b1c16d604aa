"""Ctrl-C that waits for a good moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[Callable[[], bool]]:
    """Hold Ctrl-C back to the end of the block; yields a function that tells whether it came.

    An interrupt in the middle of a step would leave weights and their step count at odds.
    Only the main thread hears signals: in another one, and where Ctrl-C has been given
    another meaning, nothing is held back. A second Ctrl-C is not waited for.

    Raises
    ------
    KeyboardInterrupt
        At the end of the block, if Ctrl-C came in it; at once, if it came twice.
    """
    ordinary = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or not ordinary:
        yield lambda: False
        return
    came = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if came:
            signal.default_int_handler(number, frame)
        came = True

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: came
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if came:  # also where the block has failed: whoever pressed it wants an end
            raise KeyboardInterrupt
