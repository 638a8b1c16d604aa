"""From data to an exported generator."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf
from sklearn.exceptions import ConvergenceWarning

import gansynth
from gansynth.architecture import Architecture, Codec, DataSpec, Draw, NetworkSpec, Recipe
from gansynth.inference import noise
from gansynth.memory import Memory
from gansynth.rewriting import Rewriting
from gansynth.schema import Schema
from gansynth.training import gamma, validation
from gansynth.training.checkpoint import CheckpointError, Checkpoints
from gansynth.training.devices import Device, resolve
from gansynth.training.export import export
from gansynth.training.feed import feed
from gansynth.training.loop import Leg, Plan, State, Trainer
from gansynth.training.program import Arrays, Program, borrowed
from gansynth.training.replicas import Replicas
from gansynth.training.restored import Restored
from gansynth.watching import Watcher

LEAST_COVERAGE = 0.5
LEAST_COPY_RATIO = 0.5
MOST_COMPARED = 50_000
"""Training rows to look for copies of."""
MOST_PREPARED_BY = 20_000
"""Training rows that initial weights are told by."""
CALIBRATED, JUDGED = 0x9E3779B97F4A7C15, 0xD1B54A32D192ED03
"""What tells the noise that a generator is calibrated and judged by from that of samples."""

Found = tuple[Arrays, dict[str, Any]]
"""A state that a checkpoint held: arrays and JSON values."""


@dataclass(frozen=True)
class Settings:
    """How to train, beside the recipe.

    Attributes
    ----------
    seed : int or None
        Seed of everything random; None for a fresh one (or that of the checkpoint).
    place : Device
        Where, and in which precision.
    precision : str
        How that was asked for: ``"auto"`` may end on one device and go on on another.
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
    streamed : bool or None
        See :func:`gansynth.training.feed.feed`.
    """

    seed: int | None = None
    place: Device = field(default_factory=resolve)
    precision: str = "auto"
    gamma: str | float | tuple[float, float] = "auto"
    max_time: float | None = None
    patience: int | None = 5
    validation_fraction: float = 0.1
    checkpoint_dir: str | os.PathLike[str] | None = None
    chunk_steps: int | None = None
    streamed: bool | None = None


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
    rewriting: Rewriting | None = None,
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
    rewriting : Rewriting, optional
        What has led to ``spec`` and ``data``, and is undone in the graph.

    Returns
    -------
    Fitted
        ONNX model of generator and decoder, recipe as used, state at the end, memory.

    Warns
    -----
    ConvergenceWarning
        If held-out rows are poorly covered, or samples are copies of training rows.
    """
    copies = settings.place.replicas
    _check_batch_size(recipe.batch_size, copies.count)
    checkpoints, found, seed = _origin(
        copies,
        settings,
        memory,
        lambda: _checkpoints(architecture, data, labels, recipe, settings, memory, rewriting),
    )
    codec = memory.codec if memory else architecture.codec(spec, data)
    if rewriting and codec.parts:
        raise ValueError(
            "constraints and conditions can't be had together yet: leave constraints out, or make "
            "the architecture with conditions=False."
        )
    rng = np.random.Generator(np.random.Philox(seed))
    rows = codec.encode(data, rng)
    _check_same(rows, labels, copies)
    if memory and settings.gamma == "auto":
        recipe = replace(recipe, gamma=tuple(memory.state["gamma"]))
    else:
        recipe = gamma.resolve(settings.gamma, recipe, rows)
    if settings.chunk_steps:
        # The learning rate never falls: nobody knows which chunk is the last. Gamma may.
        recipe = replace(recipe, decay_start=max(recipe.decay_start, recipe.gamma_anneal))
    train, held_out = validation.split(len(rows), settings.validation_fraction, labels, rng)
    networks = NetworkSpec(codec.layout, recipe.latent_dim, spec.n_classes)
    with borrowed(
        architecture,
        networks,
        codec,
        recipe.batch_size,
        recipe.loss,
        recipe.beta_2,
        settings.place,
        recipe.augmentation,
    ) as program:
        prepare = None
        if not settings.chunk_steps:  # what comes later may lie elsewhere
            some = train[:: -(-len(train) // MOST_PREPARED_BY)]
            of_some = None if labels is None else labels[some]
            prepare = partial(codec.prepare, rows=rows[some], labels=of_some, seed=seed)
        state, kept = _start(program, recipe, seed, prepare, memory, found, settings.chunk_steps)
        exported = partial(_exported, program, codec, spec.schema, seed, rewriting)
        trainer = Trainer(
            program,
            feed(program, rows, labels, train, streamed=settings.streamed),
            Plan(recipe, settings.patience, settings.max_time),
            state,
            kept,
            judge := _judge(program, codec, rows, labels, held_out, seed),
            _recognised(program, rows, labels, train, held_out),
            checkpoints,
            watcher,
            exported,
        )
        trainer.train()
        last = program.state()
        program.load(trainer.best)
        # A chunk is no sample of the whole: rows of others would look wrong beside it.
        whole = None if settings.chunk_steps else (rows, labels)
        if whole:
            _alarm(program, codec, judge, rows, labels, train, held_out, seed)
        graph = exported(whole)
    remembered = Memory(
        repr(architecture), recipe.latent_dim, codec, last, state.to_json(), rewriting
    )
    return Fitted(graph, recipe, state, remembered)


def _checkpoints(
    architecture: Architecture,
    data: Mapping[str, np.ndarray],
    labels: np.ndarray | None,
    recipe: Recipe,
    settings: Settings,
    memory: Memory | None,
    rewriting: Rewriting | None,
) -> tuple[Checkpoints | None, Found | None]:
    """Where states go, and the one that is there already."""
    if settings.checkpoint_dir is None:
        return None, None
    digest = hashlib.sha256()
    for name, values in (*data.items(), ("labels", labels)):
        if values is not None:
            digest.update(f"{name} {values.dtype} {values.shape}".encode())
            digest.update(np.ascontiguousarray(values).data)
    identity = {
        "version of gansynth": gansynth.__version__,
        "data": digest.hexdigest()[:16],
        "start": _digest(memory) if memory else "fresh weights",
        "architecture": repr(architecture),
        "constraints": list(map(repr, rewriting.constraints)) if rewriting else [],
        "recipe": asdict(recipe),
        "gamma": settings.gamma,
        "random_state": settings.seed,
        "precision": settings.precision,
        "patience": settings.patience,
        "validation_fraction": settings.validation_fraction,
    }
    checkpoints = Checkpoints(settings.checkpoint_dir, identity)
    return checkpoints, checkpoints.latest()


def _digest(memory: Memory) -> str:
    """Name of the weights that a fit goes on from."""
    digest = hashlib.sha256()
    for values in memory.arrays.values():
        digest.update(np.ascontiguousarray(values).data)
    return f"step {memory.state['step']} ({digest.hexdigest()[:16]})"


def _origin(
    copies: Replicas,
    settings: Settings,
    memory: Memory | None,
    checkpoints_there: Callable[[], tuple[Checkpoints | None, Found | None]],
) -> tuple[Checkpoints | None, Found | None, int]:
    """Where states go, the one that is there, and the seed: on all machines, the chief's."""
    checkpoints = found = failure = None
    try:
        if copies.is_chief:
            checkpoints, found = checkpoints_there()
    except (OSError, CheckpointError) as error:
        if not copies.are_apart:
            raise
        failure = error
    seed = _seed(settings, memory, found)
    if not copies.are_apart:
        return checkpoints, found, seed
    # The others wait for it: what has failed has to be told, too.
    arrays, state = found or ({}, None)
    told = json.dumps([seed, state, failure and str(failure)])
    sent = copies.from_chief({**arrays, "told": np.array(told)})
    seed, state, reason = json.loads(str(sent.pop("told")))
    if failure:
        raise failure
    if reason:
        raise CheckpointError(f"The first machine of the cluster can't start: {reason}")
    return checkpoints, None if state is None else (sent, state), seed


def _check_batch_size(batch_size: int, copies: int) -> None:
    """Refuse a batch that can't be shared equally."""
    if batch_size % copies:
        raise ValueError(
            f"batch_size={batch_size} can't be shared equally by the {copies} devices of the "
            f"strategy. Use a multiple of {copies}, such as {-(-batch_size // copies) * copies}."
        )


def _check_same(rows: np.ndarray, labels: np.ndarray | None, copies: Replicas) -> None:
    """Refuse machines that have come with different data."""
    if not copies.are_apart:
        return
    own = zlib.crc32(rows.tobytes(), zlib.crc32(b"" if labels is None else labels.tobytes()))
    # All of them have to see it, or those that don't would wait for the others.
    if any(copies.agreed(own != copies.agreed(own)[0])):
        raise ValueError(
            "The machines of the cluster were given different X or y: each has to fit on the "
            "same rows, in the same order. What share each one trains on is the strategy's part."
        )


def _seed(settings: Settings, memory: Memory | None, found: Found | None) -> int:
    """Seed of the run: that of the checkpoint, the one asked for, or a fresh one."""
    if found:
        return int(found[1]["seed"])
    if memory:
        # The same rows are held out again. Batches are others: they go by the step too.
        return int(memory.state["seed"])
    return noise.seed_of(None) % 2**62 if settings.seed is None else settings.seed


def _start(
    program: Program,
    recipe: Recipe,
    seed: int,
    prepare: Callable[[keras.Model], None] | None,
    memory: Memory | None,
    found: Found | None,
    chunk_steps: int | None,
) -> tuple[State, Arrays]:
    """Load what to start from; return where that is, and all arrays of a checkpoint."""
    if found:
        arrays, values = found
        program.load(arrays)
        return State.from_json(values), arrays
    state = State(
        seed,
        Leg(0, 0.0, recipe.steps),
        gamma=recipe.gamma,
        anneal=(0.0, recipe.gamma_anneal),
        augmented=recipe.augmented or 0.0,
    )
    progress = 0.0
    if memory:
        program.load(memory.arrays)
        before = State.from_json(memory.state)
        progress = before.leg.progress(before.step)
        state = replace(
            state,
            begun=before.step,
            earlier=before.earlier + before.seconds,
            step=before.step,
            summed_from=before.step,
            rate_scale=before.rate_scale,
            history=before.history,
            augmented=before.augmented if recipe.augmented is None else recipe.augmented,
        )
    else:
        program.reset(seed, prepare)
    if chunk_steps:
        end = max(progress, min(progress + chunk_steps / recipe.steps, recipe.decay_start))
        state.leg = Leg(state.step, progress, state.step + chunk_steps, end)
    elif memory:
        state.leg = Leg(state.step, recipe.decay_start, state.step + recipe.steps)
        state.anneal = (-1.0, 0.0)  # over before it begins: gamma stays at its end
    return state, {}


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
    draws = validation.draws_for(len(held_out))
    classes = None if labels is None else labels[held_out]
    n = draws * len(held_out)
    tiled = None if classes is None else np.tile(classes, draws)
    return validation.Judge(
        _expanded(codec, rows[held_out]),
        classes,
        lambda: _generated(program, n, tiled, seed),
        draws,
    )


def _recognised(
    program: Program,
    rows: np.ndarray,
    labels: np.ndarray | None,
    train: np.ndarray,
    held_out: np.ndarray,
) -> Callable[[], float] | None:
    """How often the critic takes a learned row for realer than a held-out one; None without any."""
    if not len(held_out):
        return None
    some = train[:: -(-len(train) // validation.MOST_HELD_OUT)]
    codes = np.zeros(len(rows), np.int32) if labels is None else labels
    return lambda: validation.share_above(
        program.logits(rows[some], codes[some]), program.logits(rows[held_out], codes[held_out])
    )


def _generated(program: Program, n: int, classes: np.ndarray | None, seed: int) -> np.ndarray:
    """Rows to judge the generator by, always from the same noise."""
    inputs = [tf.constant(noise.normal(seed ^ JUDGED, 0, n, program.noise_dim))]
    if classes is not None:
        inputs.append(tf.constant(classes))
    return program.generate(inputs)


def _expanded(codec: Codec, rows: np.ndarray) -> np.ndarray:
    with tf.device("/CPU:0"):
        return np.asarray(codec.expand(tf.constant(rows)))


def _alarm(
    program: Program,
    codec: Codec,
    judge: validation.Judge | None,
    rows: np.ndarray,
    labels: np.ndarray | None,
    train: np.ndarray,
    held_out: np.ndarray,
    seed: int,
) -> None:
    """Warn of a collapse or of copying, with the figure."""
    verdict = judge() if judge else None
    if verdict and verdict.coverage < LEAST_COVERAGE:
        warnings.warn(
            f"The generator covers {verdict.coverage:.0%} of held-out rows (about 97 % is as "
            "good as real rows): it has lost modes, or has not been trained enough. Raise "
            "steps, or try another random_state or architecture.",
            ConvergenceWarning,
            stacklevel=4,
        )
    compared = np.linspace(0, len(train) - 1, validation.MOST_HELD_OUT).astype(int)
    classes = None if labels is None else labels[train[compared]]
    made = _generated(program, len(compared), classes, seed)
    some = rows[train[:: max(len(train) // MOST_COMPARED, 1)]]
    new = rows[held_out] if len(held_out) else None
    ratio = validation.copy_ratio(made, some, new, partial(_expanded, codec))
    if ratio < LEAST_COPY_RATIO:
        than = "held-out rows are" if len(held_out) else "these are to each other"
        warnings.warn(
            f"Samples are nearer to training rows than {than} (ratio of median "
            f"distances {ratio:.2f}; 1 is as far as new rows, 0 a copy): the generator repeats "
            "training rows. Lower steps, or fit on more rows.",
            ConvergenceWarning,
            stacklevel=4,
        )


def _exported(
    program: Program,
    codec: Codec,
    schema: Schema,
    seed: int,
    rewriting: Rewriting | None,
    whole: tuple[np.ndarray, np.ndarray | None] | None = None,
) -> bytes:
    """ONNX model of the generator's average, calibrated; training may go on with it after.

    It is refined by the whole data's rows and labels, if these are given.
    """
    generator = program.average
    before = generator.get_weights()
    draw = _draw(program, schema.class_counts, seed)
    with tf.device("/CPU:0"):
        codec.calibrate(generator, draw)
        made = codec.refine(generator, draw, *whole) if whole else generator
        decoder = Restored(codec, rewriting) if rewriting else codec
        graph = export(
            made,
            decoder,
            n_classes=len(schema.classes),
            mixed=program.architecture.mixes_classes,
            n_columns=len(schema.columns) if codec.parts else 0,
        )
    generator.set_weights(before)
    return graph


def _draw(program: Program, class_counts: tuple[int, ...], seed: int) -> Draw:
    """Inputs of the generator for n rows, classes as frequent as in the data (all chunks)."""
    # Not the noise that sample(random_state=seed) draws: rows that a generator was calibrated
    # by would flatter it.
    seed ^= CALIBRATED
    ends = np.cumsum(class_counts)

    def draw(n: int) -> list[np.ndarray]:
        inputs = [noise.normal(seed, 0, n, program.noise_dim)]
        if class_counts:
            picks = noise.uniform(seed, 0, n) * ends[-1]
            inputs.append(np.searchsorted(ends[:-1], picks, side="right").astype(np.int32))
        if program.given_shape:
            inputs.append(np.zeros((n, *program.given_shape), np.float32))
        return inputs

    return draw
