"""Who draws rows or images in the benchmark of inference, each called as its users would."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from runs import HERE

BATCH = 1_024
"""Rows that the graph is given at a time: what gansynth gives it, and the fastest."""

Draw = Callable[[int], Any]


def use_threads(threads: int) -> None:
    """Let every library of this process use as many threads; before TensorFlow is imported."""
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    os.environ.update(dict.fromkeys(names, str(threads)))


def end_to_end(model: Path) -> Draw:
    """Noise, graph and container: ``gansynth.load(model).sample(n)``."""
    import gansynth

    loaded = gansynth.load(model, "cpu")
    return lambda n: loaded.sample(n, random_state=0)


def graph_alone(model: Path, most: int, threads: int) -> Draw:
    """The graph with noise that is ready, and nothing done with what comes out: the ceiling."""
    import gansynth
    from gansynth.inference import noise

    generator = gansynth.load(model, "cpu").generator
    session, names = generator.session, generator.output_names
    feed = {"z": noise.normal(0, 0, most, generator.noise_dim)}
    if generator.conditional:
        feed["y"] = np.zeros(most, np.int64)

    def draw(n: int) -> None:
        def run(start: int) -> None:
            stop = min(start + BATCH, n)
            session.run(names, {name: values[start:stop] for name, values in feed.items()})

        if threads == 1:
            for start in range(0, n, BATCH):
                run(start)
        else:
            list(pool.map(run, range(0, n, BATCH)))

    pool = ThreadPoolExecutor(threads)
    return draw


def tensorflow(X: Any, y: Any, most: int) -> dict[str, Draw]:
    """The same networks and decoder as a compiled ``tf.function``, and Keras' ``predict``.

    Of a fit of few steps: what is computed is the same. ``predict`` gives encoded rows.
    """
    import keras

    from gansynth import GANSampler
    from gansynth.inference import noise
    from gansynth.training import export as exporting
    from gansynth.training import fit as fitting

    found: dict[str, Any] = {}
    export, convert = fitting.export, exporting._convert  # noqa: SLF001

    def keep_network(generator: keras.Model, *rest: Any, **options: Any) -> bytes:
        found["network"] = generator
        return export(generator, *rest, **options)

    def keep_function(function: Any) -> Any:
        found["function"] = function
        return convert(function)

    fitting.export, exporting._convert = keep_network, keep_function  # noqa: SLF001
    GANSampler(steps=20, random_state=0, validation_fraction=0.0).fit(X, y)
    network, function = found["network"], found["function"]
    signature = function.input_signature
    ready = {
        "z": lambda n, width: noise.normal(0, 0, n, width),
        "y": lambda n: np.zeros(n, np.int64),
        "class_weights": lambda n, width: np.full((n, width), np.nan, np.float32),
    }
    feed = [ready[spec.name](most, *spec.shape[1:]) for spec in signature]

    def compiled(n: int) -> None:
        for start in range(0, n, BATCH):
            for column in function(*(values[start : min(start + BATCH, n)] for values in feed)):
                column.numpy()

    def predict(n: int) -> None:
        inputs = [values[:n] for values in feed[: len(network.inputs)]]
        network.predict(inputs if len(inputs) > 1 else inputs[0], batch_size=BATCH, verbose=0)

    return {"compiled": compiled, "predict": predict}


class Ctgan:
    """CTGAN in its own environment, drawing as it is told."""

    def __init__(self, python: Path, train: Path) -> None:
        command = [str(python), str(HERE / "inference_peer.py"), str(train)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._answer("ready")

    def seconds(self, n: int) -> float:
        """How long it takes to draw n rows."""
        self.process.stdin.write(f"{n}\n")
        self.process.stdin.flush()
        return float(self._answer("seconds"))

    def _answer(self, word: str) -> str:
        for line in self.process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
        raise RuntimeError("CTGAN's process has ended; its errors are above")

    def close(self) -> None:
        """End its process."""
        self.process.stdin.close()
        self.process.wait()
