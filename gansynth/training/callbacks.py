"""Keras callbacks on a training run: an interval is an epoch to them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import keras

from gansynth.watching import Run, Watcher


class KerasCallbacks(Watcher):
    """Tells Keras callbacks what a run does.

    They meet the network of the generator's average as their model, without a compiled loss
    or optimiser, and the line of the history as their logs, without what was not measured.
    There are no batches: steps are made many a call.

    Parameters
    ----------
    callbacks : iterable
        Instances of ``keras.callbacks.Callback``, or functions without arguments that make
        one; a class is such a function.

    Raises
    ------
    TypeError
        If something is neither.
    """

    def __init__(self, callbacks: Iterable[Any]) -> None:
        self._callbacks = [_made(i, callback) for i, callback in enumerate(callbacks)]
        self._list = keras.callbacks.CallbackList()

    def begin(self, run: Run) -> None:
        """Tell them of the training."""
        # They look for an optimizer. There is none whose rate they could change: the recipe's
        # schedule sets it. This also undoes what stopped an earlier run of the network.
        run.network.compile(optimizer=None)
        with warnings.catch_warnings():
            # TensorBoard draws networks of Keras' own layers; of others it would say this.
            warnings.filterwarnings("ignore", "Model failed to serialize as JSON")
            self._list = keras.callbacks.CallbackList(
                self._callbacks, model=run.network, epochs=_epoch(run) + run.intervals, verbose=0
            )
        self._list.on_train_begin()

    def before_interval(self, run: Run) -> None:
        """Tell them of an epoch, by the number of those in the history."""
        self._list.on_epoch_begin(_epoch(run))

    def interval(self, run: Run, record: dict[str, float]) -> None:
        """Tell them what came of it; end the run if one says so."""
        logs = {name: value for name, value in record.items() if not math.isnan(value)}
        self._list.on_epoch_end(_epoch(run) - 1, logs)
        if run.network.stop_training:
            run.stop()

    def end(self, run: Run) -> None:
        """Tell them that it is over, and have them let go of the network: others will use it."""
        try:
            self._list.on_train_end()
        finally:
            for callback in self._callbacks:
                # Not its own method: TensorBoard's would write a graph of nothing.
                keras.callbacks.Callback.set_model(callback, None)


def _epoch(run: Run) -> int:
    """How many intervals there have been, in runs that this one goes on from too."""
    return len(run.history["step"])


def _made(position: int, callback: Any) -> keras.callbacks.Callback:
    """A callback as it is, or as its factory makes it."""
    made = callback
    if not isinstance(callback, keras.callbacks.Callback) and callable(callback):
        made = callback()
    if isinstance(made, keras.callbacks.Callback):
        return made
    came = f"is {callback!r}" if made is callback else f"is {callback!r}, which gave {made!r}"
    raise TypeError(
        f"callbacks[{position}] {came}. Pass a keras.callbacks.Callback, or a function without "
        "arguments that makes one; callbacks of scikit-learn go into set_callbacks()."
    )
