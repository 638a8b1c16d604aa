"""What a generator is given of rows that are known in part, from their values, in TensorFlow.

It is a part of the exported graph: whoever runs that gives values, not what they are encoded to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from gansynth_tabular.networks import expand, passed

if TYPE_CHECKING:
    from gansynth_tabular.codec import Marginal, TableCodec


def given(values: tf.Tensor, codec: TableCodec) -> tf.Tensor:
    """Slots of the known columns, which these are, and which are not to be missing.

    Parameters
    ----------
    values : tensor of float64, shape (n, columns)
        Values in neutral form; infinity for the missing value, NaN for one that is to be
        drawn, and minus infinity for one that is to be drawn and not to be missing.
    """
    layout = codec.layout
    values = _with_leaders(values, codec)
    scores = _scores(_columns_of(codec.scored, values, codec), codec)
    codes = _codes(_columns_of(codec.blocks, values, codec), codec)
    encoded = tf.concat([part for part in (scores, codes) if part is not None], axis=1)
    rows = expand(encoded, layout)
    of_columns = _columns_of(codec.givable, values, codec)
    present = tf.cast(of_columns == -np.inf, tf.float32)
    known = 1.0 - present - tf.cast(tf.math.is_nan(of_columns), tf.float32)
    return tf.concat([rows * tf.matmul(known, layout.slots), known, present], axis=1)


def _with_leaders(values: tf.Tensor, codec: TableCodec) -> tf.Tensor:
    """Values, also of columns that are not known themselves, but follow from ones that are."""
    columns = tf.unstack(values, axis=1)
    place = {id(marginal): i for i, marginal in enumerate(codec.marginals)}
    for follower, leader, choices in codec.followers:
        asked = columns[place[id(follower)]]
        code = tf.maximum(passed(asked[:, None], [follower.atoms.astype(float)])[:, 0] - 1, 0)
        instead = tf.gather(leader.atoms[np.argsort(choices)].astype(float), code)
        # NaN, unless the follower is known; and selected by NaN: see networks.
        instead += asked - asked
        own = columns[place[id(leader)]]
        columns[place[id(leader)]] = tf.where(tf.math.is_nan(own), instead, own)
    return tf.stack(columns, axis=1)


def _columns_of(marginals: list[Marginal], values: tf.Tensor, codec: TableCodec) -> tf.Tensor:
    place = {id(marginal): i for i, marginal in enumerate(codec.marginals)}
    places = np.array([place[id(marginal)] for marginal in marginals], np.int32)
    return tf.gather(values, places, axis=1)


def _codes(values: tf.Tensor, codec: TableCodec) -> tf.Tensor | None:
    """Choice of each value, float32 of shape (n, blocks); any, where it is not known."""
    if not codec.blocks:
        return None
    missing_choice = np.array(codec.layout.missing, np.int32)
    atoms = [
        marginal.atoms[: len(marginal.atoms) - (choice >= 0)].astype(float)
        for marginal, choice in zip(codec.blocks, missing_choice, strict=True)
    ]
    # Of a column whose choices are all atoms, the one below; of others, the last one.
    last = np.array([m.choices - 1 if len(m.continuous) else -1 for m in codec.blocks], np.int32)
    below = tf.maximum(passed(values, atoms) - 1, 0)
    first = np.cumsum([0, *(len(known) + 1 for known in atoms[:-1])]).astype(np.int32)
    joined = tf.constant(np.concatenate([np.append(known, np.nan) for known in atoms]))
    other = tf.cast(tf.gather(joined, below + first) != values, tf.int32) * (last >= 0)
    missing = tf.cast(values == np.inf, tf.int32) * (missing_choice >= 0)
    choice = below * (1 - other) + last * other
    return tf.cast(choice * (1 - missing) + missing_choice * missing, tf.float32)


def _scores(values: tf.Tensor, codec: TableCodec) -> tf.Tensor | None:
    """Score of each value, float32 of shape (n, scores); any, where it is not known."""
    if not codec.scored:
        # A table of choices alone has none, one of constants has one that nothing reads.
        return tf.zeros((tf.shape(values)[0], codec.layout.scores)) if codec.layout.scores else None
    knots = [marginal.knots for marginal in codec.scored]
    counts = np.array([len(known) for known, _ in knots], np.int32)
    first = np.cumsum(counts) - counts
    # Not a selection by whether it is finite: see networks.
    values = tf.where(tf.math.is_nan(values - values), np.float64(0.0), values)
    low = tf.clip_by_value(passed(values, [known for known, _ in knots]) - 1, 0, counts - 1)
    high = tf.minimum(low + 1, counts - 1)
    known = tf.constant(np.concatenate([known for known, _ in knots]))
    scores = tf.constant(np.concatenate([scores for _, scores in knots]))
    start, end = tf.gather(known, low + first), tf.gather(known, high + first)
    share = (values - start) / tf.maximum(end - start, 1e-300)
    share = tf.clip_by_value(share, 0.0, 1.0)
    below, above = tf.gather(scores, low + first), tf.gather(scores, high + first)
    return tf.cast(below + share * (above - below), tf.float32)
