"""A generator that draws several candidates for a row and gives one of them, in TensorFlow.

Sampling importance resampling (Rubin 1987): of candidates drawn from the generator, one is
taken with a probability in proportion to how much likelier it is among real rows; see
:mod:`gansynth_tabular.ratio`. Candidates for a row share latent vectors as far as columns are
drawn as choices, so that the network runs once for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from gansynth_tabular.layout import Layout
from gansynth_tabular.networks import CHOICES, choices, cumulative, draw, expand, split, uniform
from gansynth_tabular.ratio import TableRatio


@dataclass(frozen=True)
class Selection:
    """How candidates are drawn and judged.

    Attributes
    ----------
    latents : int
        Latent vectors a row.
    draws : int
        Candidates of each.
    ratio : TableRatio
        Judges levels of blocks, scores and, with classes, the class.
    merges : list of ndarray of int
        Level of each choice of each block.
    borders : ndarray, shape (scores, borders)
        Where the bins of each score begin, but for the first.
    """

    latents: int
    draws: int
    ratio: TableRatio
    merges: list[np.ndarray]
    borders: np.ndarray


def choosing(generator: keras.Model, layout: Layout, selection: Selection) -> keras.Model:
    """Wrap a generator: its inputs, with more noise, to the chosen rows.

    The noise is the latent vectors, one number a candidate and block to draw its choice by, and
    one to choose a candidate by.
    """
    blocks = len(layout.sizes)
    latent_dim = generator.inputs[0].shape[-1] - blocks
    width = selection.latents * (latent_dim + selection.draws * blocks) + 1
    inputs = [keras.Input((width,), name="z")]
    inputs += [keras.Input(one.shape[1:], dtype=one.dtype) for one in generator.inputs[1:]]
    return keras.Model(inputs, Resample(generator, layout, selection, dtype="float32")(inputs))


class Resample(keras.layers.Layer):
    """Draw candidates, and choose one; see :func:`choosing`."""

    def __init__(
        self, generator: keras.Model, layout: Layout, selection: Selection, **kwargs: object
    ) -> None:
        super().__init__(**kwargs)
        self.heads = keras.Model(generator.inputs, generator.get_layer(CHOICES).input[0])
        self.latent_dim = generator.inputs[0].shape[-1] - len(layout.sizes)
        self.layout = layout
        self.selection = selection

    def call(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Turn noise, and what rows are to be, into expanded rows."""
        z, *rest = inputs
        rows = self.candidates(inputs)
        classes = rest[:-1] if self.layout.columns else rest
        ratio = self._log_ratio(rows, classes)
        chosen = draw(ratio[:, None, :], uniform(z[:, -1:]), training=False)[:, 0, :, None]
        # Sums of zeros and the one that was chosen: exact, in any order.
        return expand(tf.reduce_sum(chosen * rows, axis=1), self.layout)

    def candidates(self, inputs: list[tf.Tensor]) -> tf.Tensor:
        """Compact rows, float32 of shape (n, candidates, scores + blocks)."""
        z, *rest = inputs
        latents, draws, layout = self.selection.latents, self.selection.draws, self.layout
        blocks = len(layout.sizes)
        latent, noise, _ = tf.split(
            z, [latents * self.latent_dim, latents * draws * blocks, 1], axis=1
        )
        numbers = uniform(noise)
        latent = tf.reshape(latent, (-1, self.latent_dim))
        unused = tf.zeros_like(latent[:, :1]) + np.zeros(blocks, np.float32)
        repeated = [tf.repeat(values, latents, axis=0) for values in rest]
        heads = self.heads([tf.concat([latent, unused], axis=1), *repeated])
        scores, *logits = tf.split(
            heads, [layout.scores, *(count * size for count, size in layout.groups)], axis=1
        )
        columns = []
        if layout.scores:
            columns.append(tf.repeat(scores[:, None, :], draws, axis=1))
        if blocks:
            numbers = tf.split(
                tf.reshape(numbers, (-1, draws, blocks)),
                [count for count, _ in layout.groups],
                axis=2,
            )
            for (count, size), of_group, of_draws in zip(
                layout.groups, logits, numbers, strict=True
            ):
                # Not of four axes yet: TensorFlow 2.21 writes past the end of such a product.
                sums = cumulative(tf.nn.softmax(tf.reshape(of_group, (-1, count, size))))
                columns.append(choices(sums[:, None], of_draws))
        rows = tf.concat(columns, axis=2)
        rows = tf.reshape(rows, (-1, latents * draws, layout.scores + blocks))
        return self._with_given(rows, rest[-1]) if layout.columns else rows

    def _with_given(self, rows: tf.Tensor, given: tf.Tensor) -> tf.Tensor:
        """Candidates of which the known columns are those given."""
        values, known, _ = split(given, self.layout)
        values = tf.matmul(values, self.layout.compacting)[:, None, :]
        known = tf.matmul(known, self.layout.compact_columns)[:, None, :]
        return known * values + (1.0 - known) * rows

    def _log_ratio(self, rows: tf.Tensor, classes: list[tf.Tensor]) -> tf.Tensor:
        """Log of the ratio of densities of each candidate, up to a constant: (n, candidates)."""
        layout, ratio = self.layout, self.selection.ratio
        scores, codes = rows[..., : layout.scores], rows[..., layout.scores :]
        levels = []
        if layout.sizes:
            levels.append(_looked_up(self.selection.merges, codes))
        if layout.scores:
            beyond = tf.cast(scores[..., None] >= self.selection.borders, tf.float32)
            counts = [
                tf.cast(codes[..., gate] == layout.sizes[gate] - 1.0, tf.float32)
                if gate >= 0
                else tf.ones_like(scores[..., 0])
                for gate in layout.gates
            ]
            levels.append((1.0 + tf.reduce_sum(beyond, axis=3)) * tf.stack(counts, axis=2))
        for of_rows in classes:
            of_class = tf.cast(of_rows, tf.float32)[:, None, None]
            levels.append(tf.repeat(of_class, rows.shape[1], axis=1))
        levels = tf.concat(levels, axis=2)
        levels = tf.concat([levels, _looked_up(ratio.coarse, levels)], axis=2)
        # A table's cell by a product: one op, and whole numbers below 2**24 are exact.
        cells = tf.matmul(levels, ratio.strides.astype(np.float32))
        cells = tf.cast(cells, tf.int32) + ratio.starts.astype(np.int32)
        found = tf.gather(tf.constant(ratio.weights), cells)
        # A product again: sums over columns depend on where in memory a row is.
        return tf.matmul(found, np.ones((len(ratio.starts), 1), np.float32))[..., 0]


def _looked_up(tables: list[np.ndarray], places: tf.Tensor) -> tf.Tensor:
    """Entry of each column's table at its place, float32 of the shape of the places."""
    first = np.cumsum([0, *(len(table) for table in tables[:-1])]).astype(np.int32)
    joined = tf.constant(np.concatenate(tables), tf.float32)
    return tf.gather(joined, tf.cast(places, tf.int32) + first)
