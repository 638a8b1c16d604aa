"""From data to an exported generator."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from sklearn.exceptions import ConvergenceWarning

import gansynth
from gansynth.architecture import Architecture, Codec, DataSpec, Draw, NetworkSpec, Recipe
from gansynth.inference import noise
from gansynth.training import devices, gamma, validation
from gansynth.training.checkpoint import Checkpoints
from gansynth.training.export import export
from gansynth.training.loop import Data, Leg, Plan, State, Trainer
from gansynth.training.program import Arrays, Program, borrowed
from gansynth.watching import Watcher

LEAST_COVERAGE = 0.5
LEAST_COPY_RATIO = 0.5
MOST_COMPARED = 50_000
"""Training rows to look for copies of."""
CALIBRATED, JUDGED = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
"""What tells the noise that a generator is calibrated and judged by from that of samples."""


@dataclass(frozen=True)
class Settings:
    """How to train, beside the recipe.

    Attributes
    ----------
    seed : int or None
        Seed of everything random; None for a fresh one (or that of the checkpoint).
    device, precision : str
        See :func:`gansynth.training.devices.resolve`.
    gamma : str, float or pair of float
        See :func:`gansynth.training.gamma.resolve`.
    max_time : float or None
        Seconds to train for at most.
    patience : int or None
        See :class:`gansynth.training.loop.Plan`.
    validation_fraction : float
        Share of the rows to score by; see :func:`gansynth.training.validation.split`.
    checkpoint_dir : path-like or None
        Where to write states to, and to go on from.
    chunk_steps : int or None
        Steps to make on a chunk of the data, of which more will come; None if this is all.
    """

    seed: int | None = None
    device: str = "auto"
    precision: str = "auto"
    gamma: str | float | tuple[float, float] = "auto"
    max_time: float | None = None
    patience: int | None = 10
    validation_fraction: float = 0.1
    checkpoint_dir: str | os.PathLike[str] | None = None
    chunk_steps: int | None = None


class Memory(NamedTuple):
    """What a later fit goes on from: the codec, the weights, where the run was."""

    codec: Codec
    arrays: Arrays
    state: dict[str, Any]


class Fitted(NamedTuple):
    """What a fit gives: the ONNX model, and how it came about."""

    graph: bytes
    recipe: Recipe
    state: State
    memory: Memory


def fit(
    architecture: Architecture,
    spec: DataSpec,
    data: Mapping[str, np.ndarray],
    labels: np.ndarray | None,
    recipe: Recipe,
    settings: Settings,
    watcher: Watcher,
    memory: Memory | None = None,
) -> Fitted:
    """Train an architecture's networks on data and export the generator.

    Parameters
    ----------
    architecture : Architecture
        Makes codec and networks.
    spec : DataSpec
        What the data are.
    data : mapping of str to ndarray
        Training data in neutral form.
    labels : ndarray of int32, shape (n,), or None
        Class codes.
    recipe : Recipe
        Budget and schedules.
    settings : Settings
        How to train.
    watcher : Watcher
        Told of what happens.
    memory : Memory, optional
        An earlier fit's, to go on from.

    Returns
    -------
    Fitted
        ONNX model of generator and decoder, recipe as used, state at the end, memory.

    Warns
    -----
    ConvergenceWarning
        If held-out rows are poorly covered, or samples are copies of training rows.
    """
    place = devices.resolve(settings.device, settings.precision)
    checkpoints, found = _checkpoints(architecture, data, labels, recipe, settings)
    seed = _seed(settings, memory, found)
    codec = memory.codec if memory else architecture.codec(spec, data)
    rng = np.random.Generator(np.random.Philox(seed))
    rows = codec.encode(data, rng)
    recipe = gamma.resolve(settings.gamma, recipe, rows)
    train, held_out = validation.split(len(rows), settings.validation_fraction, labels, rng)
    networks = NetworkSpec(codec.layout, recipe.latent_dim, spec.n_classes)
    with borrowed(
        architecture, networks, codec, recipe.batch_size, recipe.loss, recipe.beta_2, place
    ) as program:
        state, best = _start(program, recipe, seed, memory, found, settings.chunk_steps)
        trainer = Trainer(
            program,
            _on_device(program, rows, labels, train),
            Plan(recipe, settings.patience, settings.max_time),
            state,
            best,
            judge := _judge(program, codec, rows, labels, held_out, seed),
            checkpoints,
            watcher,
            lambda: _exported(program, codec, labels, seed),
        )
        trainer.train()
        last = program.state()
        program.load(trainer.best)
        if judge:
            _alarm(codec, judge, rows[train])
        graph = trainer.export()
    return Fitted(graph, recipe, state, Memory(codec, last, state.to_json()))


def _checkpoints(
    architecture: Architecture,
    data: Mapping[str, np.ndarray],
    labels: np.ndarray | None,
    recipe: Recipe,
    settings: Settings,
) -> tuple[Checkpoints | None, tuple[Arrays, dict[str, Any]] | None]:
    """Where states go, and the one that is there already."""
    if settings.checkpoint_dir is None:
        return None, None
    digest = hashlib.sha256()
    for name, values in (*data.items(), ("labels", labels)):
        if values is not None:
            digest.update(f"{name} {values.dtype} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values))
    identity = {
        "version of gansynth": gansynth.__version__,
        "data": digest.hexdigest(),
        "architecture": repr(architecture),
        "recipe": asdict(recipe),
        "gamma": settings.gamma,
        "random_state": settings.seed,
        "precision": settings.precision,
        "patience": settings.patience,
        "validation_fraction": settings.validation_fraction,
    }
    checkpoints = Checkpoints(settings.checkpoint_dir, identity)
    return checkpoints, checkpoints.latest()


def _seed(
    settings: Settings, memory: Memory | None, found: tuple[Arrays, dict[str, Any]] | None
) -> int:
    """Seed of the run: that of the checkpoint, the one asked for, or a fresh one."""
    if found:
        return int(found[1]["seed"])
    if settings.seed is not None:
        # Not the same batches again, where an earlier fit is gone on from.
        return (settings.seed + (memory.state["step"] if memory else 0)) % 2**62
    return noise.seed_of(None) % 2**62


def _start(
    program: Program,
    recipe: Recipe,
    seed: int,
    memory: Memory | None,
    found: tuple[Arrays, dict[str, Any]] | None,
    chunk_steps: int | None,
) -> tuple[State, Arrays]:
    """Load what to start from; return where that is, and the best average so far."""
    if found:
        arrays, values = found
        program.load(arrays)
        best = {n.removeprefix("best/"): v for n, v in arrays.items() if n.startswith("best/")}
        return State.from_json(values), best
    state = State(
        seed, Leg(0, 0.0, recipe.steps), gamma=recipe.gamma, anneal=(0.0, recipe.gamma_anneal)
    )
    progress = 0.0
    if memory:
        program.load(memory.arrays)
        before = State.from_json(memory.state)
        progress = before.leg.progress(before.step)
        state = replace(state, step=before.step, summed_from=before.step, history=before.history)
        state.leg = Leg(state.step, recipe.decay_start, state.step + recipe.steps)
    else:
        program.reset(seed)
    if chunk_steps:
        # The learning rate never falls: nobody knows which chunk is the last.
        end = max(progress, min(progress + chunk_steps / recipe.steps, recipe.decay_start))
        state.leg = Leg(state.step, progress, state.step + chunk_steps, end)
    return state, {}


def _on_device(
    program: Program, rows: np.ndarray, labels: np.ndarray | None, train: np.ndarray
) -> Data:
    """Rows to train on, and their classes, where the program runs."""
    chosen = rows if len(train) == len(rows) else rows[train]
    with tf.device(program.device.name):
        if labels is None:
            return Data(tf.constant(chosen), tf.zeros(len(train), tf.int32))
        return Data(tf.constant(chosen), tf.constant(labels[train], tf.int32))


def _judge(
    program: Program,
    codec: Codec,
    rows: np.ndarray,
    labels: np.ndarray | None,
    held_out: np.ndarray,
    seed: int,
) -> validation.Judge | None:
    """Score by held-out rows; None without any."""
    if not len(held_out):
        return None
    classes = None if labels is None else labels[held_out]
    z = noise.normal(seed ^ JUDGED, 0, len(held_out), program.noise_dim)
    inputs = [tf.constant(z)] if classes is None else [tf.constant(z), tf.constant(classes)]
    return validation.Judge(
        _expanded(codec, rows[held_out]), classes, lambda: program.generate(inputs)
    )


def _expanded(codec: Codec, rows: np.ndarray) -> np.ndarray:
    with tf.device("/CPU:0"):
        return np.asarray(codec.expand(tf.constant(rows)))


def _alarm(codec: Codec, judge: validation.Judge, rows: np.ndarray) -> None:
    """Warn of a collapse or of copying, with the figure."""
    verdict = judge()
    if verdict and verdict.coverage < LEAST_COVERAGE:
        warnings.warn(
            f"The generator covers {verdict.coverage:.0%} of held-out rows (about 97 % is as "
            "good as real rows): it has lost modes, or has not been trained enough. Raise "
            "steps, or try another random_state or architecture.",
            ConvergenceWarning,
            stacklevel=4,
        )
    some = rows[:: max(len(rows) // MOST_COMPARED, 1)]
    ratio = judge.copy_ratio(lambda start, stop: _expanded(codec, some[start:stop]), len(some))
    if ratio < LEAST_COPY_RATIO:
        warnings.warn(
            f"Samples are nearer to training rows than held-out rows are (ratio of median "
            f"distances {ratio:.2f}; 1 is as far as new rows, 0 a copy): the generator repeats "
            "training rows. Lower steps, or fit on more rows.",
            ConvergenceWarning,
            stacklevel=4,
        )


def _exported(program: Program, codec: Codec, labels: np.ndarray | None, seed: int) -> bytes:
    """ONNX model of the generator's average, calibrated; training may go on with it after."""
    before = program.average.get_weights()
    with tf.device("/CPU:0"):
        codec.calibrate(program.average, _draw(program.noise_dim, labels, seed))
        graph = export(program.average, codec, conditional=labels is not None)
    program.average.set_weights(before)
    return graph


def _draw(noise_dim: int, labels: np.ndarray | None, seed: int) -> Draw:
    """Inputs of the generator for n rows, classes as frequent as in the data."""
    # Not the noise that sample(random_state=seed) draws: rows that a generator was calibrated
    # by would flatter it.
    seed ^= CALIBRATED

    def draw(n: int) -> list[np.ndarray]:
        z = noise.normal(seed, 0, n, noise_dim)
        if labels is None:
            return [z]
        picks = (noise.uniform(seed, 0, n) * len(labels)).astype(int)
        return [z, labels[picks]]

    return draw
