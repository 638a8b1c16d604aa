"""Generator, critic and decoder of tables, in TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from gansynth.architecture import NetworkSpec
from gansynth_tabular.layout import SCORE_LIMIT, Layout

if TYPE_CHECKING:
    from gansynth_tabular.codec import Marginal, TableCodec

LEAK = 0.2
HEADS, CHOICES = "heads", "choices"
WIDEST_PRODUCT = 512
LOUD = 4.0
"""Factor of what is given of a row: a column is a number or two, beside the noise of many."""
UNLIKELY = 1e4
"""What is taken from a logit, so that its choice is never drawn."""
EXACT = 2**52
"""Whole numbers up to here are told apart by a real number of 64 bits, halves between them too."""


def generator(spec: NetworkSpec, width: int, depth: int, seed: int) -> keras.Model:
    """``[z]`` or ``[z, y]`` to expanded rows.

    The noise is the latent vector, then one number a one-hot block to draw its choice by.
    """
    layout: Layout = spec.layout
    seeds = keras.random.SeedGenerator(seed)
    z = keras.Input((spec.latent_dim + len(layout.sizes),), name="z")
    inputs, hidden = [z], z[:, : spec.latent_dim]
    if spec.n_classes:
        y = keras.Input((), dtype="int32", name="y")
        inputs.append(y)
        embedding = keras.layers.Embedding(spec.n_classes, width // 4, _normal(1.0, seeds))
        hidden = keras.layers.Concatenate()([hidden, embedding(y)])
    if layout.columns:
        given = keras.Input((layout.given,), name="given")
        inputs.append(given)
        hidden = keras.layers.Concatenate()([hidden, LOUD * given[:, : -len(layout.columns)]])
    hidden = _trunk(hidden, width, depth, seeds)
    heads = keras.layers.Dense(layout.width, kernel_initializer=_he(0.1, seeds), name=HEADS)(hidden)
    if layout.missing_slots.any():
        heads = Present(layout, dtype="float32")([heads, given[:, -len(layout.columns) :]])
    choose = Choose(layout, dtype="float32", name=CHOICES)
    rows = choose([heads, z[:, spec.latent_dim :]])
    if layout.columns:
        rows = Copy(layout, dtype="float32")([rows, given])
    return keras.Model(inputs, rows)


def critic(spec: NetworkSpec, width: int, depth: int, seed: int) -> keras.Model:
    """Rows to logits, with projections on y and on what is given (Miyato, Koyama 2018)."""
    seeds = keras.random.SeedGenerator(seed)
    rows = keras.Input((spec.layout.width,), name="rows")
    inputs, hidden = [rows], rows
    if spec.layout.columns:
        given = keras.Input((spec.layout.given,), name="given")
        asked = given[:, : -len(spec.layout.columns)]
        # What is known, it sees in the row; that it is known, only here.
        hidden = keras.layers.Concatenate()([rows, LOUD * asked[:, spec.layout.width :]])
    hidden = _trunk(hidden, width, depth, seeds)
    logit = keras.layers.Dense(1, kernel_initializer=_he(1.0, seeds))(hidden)
    if spec.n_classes:
        y = keras.Input((), dtype="int32", name="y")
        inputs.append(y)
        embedding = keras.layers.Embedding(spec.n_classes, width, _normal(width**-0.5, seeds))
        logit += keras.layers.Dot(axes=1)([hidden, embedding(y)])
    if spec.layout.columns:
        inputs.append(given)
        # As for classes: without it, what is wrong under one condition makes up for what is
        # wrong under another.
        project = keras.layers.Dense(
            width, use_bias=False, kernel_initializer=_normal(width**-0.5, seeds)
        )
        logit += keras.layers.Dot(axes=1)([hidden, project(asked)])
    return keras.Model(inputs, logit)


def _trunk(
    hidden: keras.KerasTensor, width: int, depth: int, seeds: keras.random.SeedGenerator
) -> keras.KerasTensor:
    """Residual layers without normalisation; each adds its share of the variance."""
    hidden = keras.layers.Dense(width, kernel_initializer=_he(1.0, seeds))(hidden)
    for _ in range(depth):
        active = keras.layers.LeakyReLU(LEAK)(hidden)
        hidden += keras.layers.Dense(width, kernel_initializer=_he(1.0 / depth, seeds))(active)
    return keras.layers.LeakyReLU(LEAK)(hidden)


def _he(scale: float, seeds: keras.random.SeedGenerator) -> keras.Initializer:
    return keras.initializers.VarianceScaling(scale, "fan_in", "normal", seed=seeds)


def _normal(deviation: float, seeds: keras.random.SeedGenerator) -> keras.Initializer:
    return keras.initializers.RandomNormal(stddev=deviation, seed=seeds)


class Choose(keras.layers.Layer):
    """Draw a hard choice for each block and gate the scores.

    Forward, the choice is drawn by the inverse of its distribution function; backward, the
    gradient is that of the probabilities (straight-through, Bengio et al. 2013).
    """

    def __init__(self, layout: Layout, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.layout = layout

    def call(self, inputs: list[tf.Tensor], training: bool = False) -> tf.Tensor:
        """Turn heads and one normal number a block into expanded rows."""
        heads, noise = inputs
        layout = self.layout
        if not layout.sizes:
            return heads
        widths = [count * size for count, size in layout.groups]
        # Split, not sliced: the gradients of slices are each as wide as all heads.
        scores, *logits = tf.split(heads, [layout.scores, *widths], axis=1)
        numbers = tf.split(uniform(noise), [count for count, _ in layout.groups], axis=1)
        blocks = [
            tf.reshape(
                draw(tf.reshape(of_group, (-1, count, size)), of_blocks, training),
                (-1, count * size),
            )
            for (count, size), of_group, of_blocks in zip(
                layout.groups, logits, numbers, strict=True
            )
        ]
        return _gated(scores, tf.concat(blocks, axis=1), layout)


class Copy(keras.layers.Layer):
    """Put what is given in its place."""

    def __init__(self, layout: Layout, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.layout = layout

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Rows of which the known columns are those given."""
        rows, given = inputs
        values, known, _ = split(given, self.layout)
        return values + (1.0 - tf.matmul(known, self.layout.slots)) * rows


class Present(keras.layers.Layer):
    """Rule out that columns that are to be present are missing."""

    def __init__(self, layout: Layout, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.layout = layout

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Heads of which no logit lets a column be missing that is to be present."""
        heads, present = inputs
        return heads - UNLIKELY * tf.matmul(present, self.layout.missing_slots)


def split(given: tf.Tensor, layout: Layout) -> list[tf.Tensor]:
    """Slots that are given, columns that are known, and those that are to be present."""
    return tf.split(given, [layout.width, len(layout.columns), len(layout.columns)], axis=1)


def give(rows: tf.Tensor, known: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Slots of the known columns, zero elsewhere, and which columns these are."""
    return tf.concat([rows * tf.matmul(known, layout.slots), known, tf.zeros_like(known)], axis=1)


def uniform(noise: tf.Tensor) -> tf.Tensor:
    """Standard normal numbers to uniform ones."""
    return 0.5 * (1.0 + tf.math.erf(noise * 0.70710678))


def draw(logits: tf.Tensor, numbers: tf.Tensor, training: bool) -> tf.Tensor:
    """One-hot draws; in training, with the gradient of the probabilities.

    Parameters
    ----------
    logits : tensor, shape (n, blocks, choices)
        Unnormalised log-probabilities.
    numbers : tensor, shape (n, blocks)
        Uniform numbers to draw by.
    training : bool
        Whether gradients are wanted.
    """
    probabilities = tf.nn.softmax(logits)
    choice = choices(cumulative(probabilities), numbers)
    hard = tf.one_hot(tf.cast(choice, tf.int32), logits.shape[-1])
    return probabilities + tf.stop_gradient(hard - probabilities) if training else hard


def cumulative(probabilities: tf.Tensor) -> tf.Tensor:
    """Running sums along the last of three axes: a product, where that is the faster way."""
    size = probabilities.shape[-1]
    if size > WIDEST_PRODUCT:
        return tf.cumsum(probabilities, axis=-1)
    return tf.matmul(probabilities, np.triu(np.ones((size, size), np.float32)))


def choices(sums: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Draw a choice by each uniform number, as float32 of the numbers' shape.

    Parameters
    ----------
    sums : tensor, shape (…, choices)
        Running sums of the probabilities.
    numbers : tensor, shape (…)
        Uniform numbers; the other dimensions are broadcast.
    """
    # The last choice takes what rounding leaves of the distribution function.
    return tf.reduce_sum(tf.cast(sums[..., :-1] < numbers[..., None], tf.float32), axis=-1)


def _gated(scores: tf.Tensor, onehots: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Put a row together: a score is zero where its column's choice is an atom."""
    if not layout.scores:
        return onehots
    matrix, offset = layout.gate_matrix
    return tf.concat([scores * (tf.matmul(onehots, matrix) + offset), onehots], axis=1)


def expand(encoded: tf.Tensor, layout: Layout) -> tf.Tensor:
    """Widen compact rows ``[scores, codes]`` to expanded ones."""
    scores = encoded[:, : layout.scores]
    if not layout.sizes:
        return scores
    codes = tf.cast(encoded[:, layout.scores :], tf.int32)
    blocks, block = [], 0
    for count, size in layout.groups:
        onehot = tf.one_hot(codes[:, block : block + count], size)
        blocks.append(tf.reshape(onehot, (-1, count * size)))
        block += count
    return _gated(scores, tf.concat(blocks, axis=1), layout)


class Heads:
    """What a generator's last dense layer gives, scores and logits, a slice at a time.

    Parameters
    ----------
    network : keras.Model
        The generator.
    inputs : list of ndarray
        What it generates from.
    """

    def __init__(self, network: keras.Model, inputs: list[np.ndarray]) -> None:
        layer = network.get_layer(HEADS)
        inner = keras.Model(network.inputs, layer.input)
        self._hidden = np.asarray(inner(inputs))
        self._kernel, self._bias = layer.get_weights()

    def __getitem__(self, slots: slice) -> np.ndarray:
        """Give these slots of all rows, float32 of shape (n, slots)."""
        return self._hidden @ self._kernel[:, slots] + self._bias[slots]


def shift_heads(network: keras.Model, bias: np.ndarray) -> None:
    """Add to the biases of a generator's last dense layer."""
    network.get_layer(HEADS).bias.assign_add(bias)


def decode(rows: tf.Tensor, codec: TableCodec) -> dict[str, tf.Tensor]:
    """Expanded rows to columns in neutral form."""
    layout = codec.layout
    choice = {}
    for block, marginal in enumerate(codec.blocks):
        start = int(layout.starts[block])
        choice[id(marginal)] = tf.argmax(rows[:, start : start + marginal.choices], axis=1)
    for follower, leader, choices in codec.followers:
        choice[id(follower)] = tf.gather(choices, choice[id(leader)])
    scored = _scored(rows[:, : len(codec.scored)], codec)
    return {
        marginal.column.output: _column(
            marginal, choice.get(id(marginal)), scored.get(id(marginal)), tf.shape(rows)[:1]
        )
        for marginal in codec.marginals
    }


def _column(
    marginal: Marginal,
    choice: tf.Tensor | None,
    scored: tf.Tensor | None,
    shape: tf.Tensor,
) -> tf.Tensor:
    """Values of one column, from its choice, what its score says, or both; or its one value."""
    # Bounds and steps of a float64 column would be lost in float32.
    wide = np.float64 if marginal.column.kind == "float" else np.int64
    atoms = marginal.atoms.astype(wide)
    if choice is not None:
        values = tf.gather(atoms, tf.minimum(choice, len(atoms) - 1))
    elif scored is None:
        values = tf.fill(shape, atoms[0])
    if scored is not None:
        scored = tf.cast(scored, wide)
        if choice is None:
            values = scored
        else:
            # Asked for by NaN: any other selection tf2onnx writes as a sum of products,
            # where a value that was not selected spoils one that was, if it is NaN.
            asked = np.where(np.arange(marginal.choices) == len(atoms), np.nan, 0.0)
            values = tf.where(tf.math.is_nan(tf.gather(asked, choice)), scored, values)
    return tf.cast(values, marginal.dtype)


def _scored(scores: tf.Tensor, codec: TableCodec) -> dict[int, tf.Tensor]:
    """Values that scores stand for, by the tables of :meth:`Marginal.table`; by id of marginal.

    All columns at once: op by op and column by column, a wide table's graph takes many seconds
    to convert.
    """
    values = {}
    for stepped in (True, False):
        places = [i for i, m in enumerate(codec.scored) if m.stepped == stepped]
        if not places:
            continue
        chosen = tf.gather(scores, places, axis=1)
        tables = [codec.tables[i] for i in places]
        found = passed(chosen, tables) if stepped else _interpolated(chosen, tables)
        for i, column in zip(places, tf.unstack(found, len(places), axis=1), strict=True):
            marginal = codec.scored[i]
            values[id(marginal)] = (
                tf.gather(marginal.steps[0], column) if stepped else _round(column, marginal)
            )
    return values


def passed(scores: tf.Tensor, borders: list[np.ndarray]) -> tf.Tensor:
    """Number of borders at or below each score, by bisection: ONNX has no op that searches.

    Parameters
    ----------
    scores : tensor of float32 or float64, shape (n, columns)
        Scores; NaN is below all borders.
    borders : list of ndarray
        Borders of each column, ascending.

    Returns
    -------
    tensor of int32, shape (n, columns)
    """
    counts = np.array([len(column) for column in borders], np.int32)
    first = np.cumsum(counts + 1, dtype=np.int32) - counts - 1
    # One after the other, each with a border at its end that nothing passes.
    ends = np.concatenate([np.append(c, np.inf) for c in borders])
    joined = tf.constant(ends, scores.dtype)
    place = tf.zeros_like(scores, tf.int32) + first
    stride = 2 ** int(counts.max()).bit_length()
    while stride > 1:
        stride //= 2
        beyond = tf.gather(joined, tf.minimum(place + (stride - 1), first + counts)) <= scores
        place += stride * tf.cast(beyond, tf.int32)
    return place - first


def _interpolated(scores: tf.Tensor, tables: list[np.ndarray]) -> tf.Tensor:
    """Values at scores, shape (n, columns), from tables over a uniform grid of scores."""
    cells = len(tables[0]) - 1
    first = (cells + 1) * np.arange(len(tables), dtype=np.int32)
    joined = tf.constant(np.concatenate(tables))
    place = tf.cast(scores, tf.float64) * (cells / (2 * SCORE_LIMIT)) + cells / 2
    place = tf.clip_by_value(place, 0.0, float(cells))
    cell = tf.minimum(tf.floor(place), cells - 1.0)
    index = tf.cast(cell, tf.int32) + first
    low, high = tf.gather(joined, index), tf.gather(joined, index + 1)
    # Rounding may lead past the end of a cell, and so of the range seen.
    return tf.minimum(low + (place - cell) * (high - low), high)


def _round(values: tf.Tensor, marginal: Marginal) -> tf.Tensor:
    """Round to the decimals of the column, or to the grains of whole numbers."""
    if marginal.grain:
        grains = tf.cast(tf.round(values), tf.int64)
        last = int(marginal.amounts[-1])
        if last > EXACT:
            grains = tf.minimum(grains, last)
        return grains * marginal.grain + marginal.origin
    if marginal.decimals is None:
        return values
    unit = 10.0**marginal.decimals
    # Not a constant: the graph optimiser makes a product of a division by one, and 12557
    # times .01 is not 125.57.
    return tf.round(values * unit) / tf.fill(tf.shape(values), tf.constant(unit, tf.float64))
