"""From a trained generator to one that chooses among candidates: what that takes from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
from scipy.special import ndtri

from gansynth.architecture import Draw
from gansynth_tabular.candidates import Selection, choosing
from gansynth_tabular.layout import KNOTS, SCORE_LIMIT, Layout
from gansynth_tabular.ratio import fit_ratio, levels, merged

if TYPE_CHECKING:
    from gansynth_tabular.codec import TableCodec

MOST_ROWS = 32_768
MADE_PER_REAL = 2
MOST_MADE = 45_000
"""Of more, a table of twenty columns takes more than 2 GB where it has a million rows."""
ROWS_AT_ONCE = 4096
MOST_LEVELS = 64
FEWEST_LEVELS = 5


def refined(
    codec: TableCodec,
    generator: keras.Model,
    draw: Draw,
    rows: np.ndarray,
    labels: np.ndarray | None,
) -> keras.Model:
    """Wrap a generator so that it chooses among candidates; see :mod:`.candidates`.

    Parameters
    ----------
    codec : TableCodec
        Calibrated.
    generator : keras.Model
        Calibrated, too.
    draw : callable
        ``draw(n)`` gives the generator's inputs for n rows.
    rows : ndarray of float32, shape (n, scores + blocks)
        Real rows, compact.
    labels : ndarray of int32, shape (n,), or None
        Their class codes.
    """
    layout, conditional = codec.layout, labels is not None
    if codec.candidates == 1 or layout.scores + len(layout.sizes) + conditional < 2:
        return generator
    some = np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).astype(int)
    most = int(np.clip(len(some) ** 0.5 / 3, FEWEST_LEVELS, MOST_LEVELS))
    merges = [merged(m.shares, m.column.kind != "category", most) for m in codec.blocks]
    ends = np.arange(1, most - 1) / (most - 1)
    # Bins of the same shares: generated scores are mapped to values only in the decoder.
    grid = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, KNOTS)
    borders = np.array([np.interp(ends, cdf, grid) for cdf in codec.cdfs], np.float32)
    inputs = draw(min(MADE_PER_REAL * len(some), MOST_MADE))
    real = levels(rows[some], layout, merges, np.tile(ndtri(ends), (layout.scores, 1)))
    made = levels(_compact(generator, inputs, layout), layout, merges, borders)
    sizes = [*(int(merge.max()) + 1 for merge in merges), *[most] * layout.scores]
    ordered = [*(m.column.kind != "category" for m in codec.blocks), *[True] * layout.scores]
    if labels is not None:
        real, made = np.column_stack([real, labels[some]]), np.column_stack([made, inputs[1]])
        sizes.append(int(max(labels.max(), inputs[1].max())) + 1)
        ordered.append(False)
    # Candidates of one latent vector differ in their choices alone.
    shared = len(layout.sizes) >= layout.scores
    selection = Selection(
        latents=1 if shared else codec.candidates,
        draws=codec.candidates if shared else 1,
        ratio=fit_ratio(real, made, sizes, ordered),
        merges=merges,
        borders=borders,
    )
    model = choosing(generator, layout, selection)
    inputs = _wider(draw, max(len(some), ROWS_AT_ONCE), model)
    candidates = _candidates(model, inputs)
    found = levels(candidates.reshape(-1, candidates.shape[2]), layout, merges, borders)
    if labels is not None:
        found = np.column_stack([found, np.repeat(inputs[1], codec.candidates)])
    selection.ratio.rake(real, found.reshape(*candidates.shape[:2], -1))
    return model


def _wider(draw: Draw, n: int, model: keras.Model) -> list[np.ndarray]:
    """Inputs for n rows of a model that takes more noise than the generator."""
    width = model.inputs[0].shape[-1]
    z, *rest = draw(n)
    many = draw(n * -(-width // z.shape[1]))[0]
    return [many.reshape(n, -1)[:, :width], *rest]


def _compact(generator: keras.Model, inputs: list[np.ndarray], layout: Layout) -> np.ndarray:
    """Rows that a generator makes, compact; some at a time, since they are wide."""
    pieces = []
    for start in range(0, len(inputs[0]), ROWS_AT_ONCE):
        of_rows = [values[start : start + ROWS_AT_ONCE] for values in inputs]
        made = np.asarray(generator(of_rows, training=False))
        codes = [
            made[:, first : first + size].argmax(1)
            for first, size in zip(layout.starts, layout.sizes, strict=True)
        ]
        pieces.append(np.column_stack([made[:, : layout.scores], *codes]))
    return np.concatenate(pieces)


def _candidates(model: keras.Model, inputs: list[np.ndarray]) -> np.ndarray:
    """All candidates for rows, compact: float32 of shape (n, candidates, scores + blocks)."""
    resample = model.layers[-1]
    pieces = [
        np.asarray(resample.candidates([values[start : start + ROWS_AT_ONCE] for values in inputs]))
        for start in range(0, len(inputs[0]), ROWS_AT_ONCE)
    ]
    return np.concatenate(pieces)
