"""Tables to rows that networks work on, and back.

Every column becomes a one-hot block, a score, or both. A score is the normal quantile of a
value's rank (as in TabDDPM, Kotelnikov et al. 2023). Values that carry probability mass
(categories, zeros, spikes, missing) are choices of the block; its last choice then says
that the value is one of the others, and the score counts. A category of very many labels has
choices for its frequent ones only, too, and a score for the others, in their order. A column
whose value follows from that of another in all rows is not encoded: decoding looks it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

from gansynth.architecture import Codec, Draw
from gansynth.schema import WHOLE_KINDS, Column, missing_value, output_dtype
from gansynth_tabular.dependence import followers
from gansynth_tabular.layout import KNOTS, SCORE_LIMIT, Layout

if TYPE_CHECKING:
    import keras

CALIBRATION_ROWS = 32_768
CALIBRATION_ROUNDS = 30
CALIBRATION_TOLERANCE = 1e-3
MAX_DECIMALS = 8
MOST_GRAINS = 2**62
MOST_CHOICES = 1024
"""Labels of a category that are all choices; of more of them, only those with mass of their own."""
FEWEST_OF_AN_ATOM = 10
"""Rows that a number has to be found in before it counts as a value with mass of its own."""


@dataclass
class Marginal:
    """How one column is encoded.

    Attributes
    ----------
    column : Column
        The column.
    dtype : numpy.dtype
        What its values are decoded to.
    atoms : ndarray
        Values that are choices of the block, missing last; empty without a block.
    shares : ndarray of float64
        Share of the rows of each choice of the block.
    continuous : ndarray
        Sorted values that are scored; empty if all are atoms.
    stepped : bool
        Whether values repeat so often that only seen ones may come out.
    decimals : int or None
        Decimals of real numbers; None if there are too many to tell.
    origin : int
        Least of the whole numbers that are scored.
    grain : int
        What they, less the origin, are multiples of; 0 if none is scored.
    """

    column: Column
    dtype: np.dtype
    atoms: np.ndarray
    shares: np.ndarray
    continuous: np.ndarray
    stepped: bool
    decimals: int | None
    origin: int = 0
    grain: int = 0

    @property
    def choices(self) -> int:
        """Choices of the one-hot block; 0 where there is nothing to choose."""
        return len(self.shares) if len(self.shares) > 1 else 0

    @cached_property
    def amounts(self) -> np.ndarray:
        """Scored values as tables hold them: whole numbers in grains from the origin.

        Nanoseconds since 1970 have more digits than a real number of 64 bits.
        """
        if not self.grain:
            return self.continuous
        return _above(self.continuous, self.origin) // np.uint64(self.grain)

    @cached_property
    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Scored values, each once, and how many rows each has."""
        return np.unique(self.continuous, return_counts=True)

    @cached_property
    def knots(self) -> tuple[np.ndarray, np.ndarray]:
        """Scored values, ascending, and their scores; a few of them, if there are many."""
        if self.stepped:
            values, counts = self.steps
            return values.astype(float), ndtri((np.cumsum(counts) - 0.5 * counts) / counts.sum())
        grid = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, KNOTS)
        quantiles = np.quantile(self.continuous, ndtr(grid)).astype(float)
        values, place, counts = np.unique(quantiles, return_inverse=True, return_counts=True)
        most = -ndtri(0.5 / len(self.continuous))  # of the largest value, as training has it
        return values, np.clip(np.bincount(place, grid) / counts, -most, most)

    def table(self, grid: np.ndarray, cdf: np.ndarray) -> np.ndarray:
        """What a decoder needs to turn scores into values.

        Parameters
        ----------
        grid : ndarray
            Scores, ascending and evenly spaced.
        cdf : ndarray
            Share of all rows' scores below each.

        Returns
        -------
        ndarray of float64
            If stepped, the score at which each value but the first begins; otherwise the
            value at each score of the grid, in grains from the origin if it is a whole number.
        """
        if self.stepped:
            passed = np.cumsum(self.steps[1][:-1]) / len(self.continuous)
            return np.interp(passed, cdf, grid)
        return np.quantile(self.amounts.astype(float), cdf)


def fit_marginal(
    column: Column, values: np.ndarray, max_distinct: int, min_mass: float
) -> Marginal:
    """Decide how a column is encoded, from its values in neutral form."""
    missing = is_missing(column, values)
    fewest = max(min_mass * len(values), FEWEST_OF_AN_ATOM)
    if column.kind in ("category", "boolean"):
        counts = np.bincount(values[~missing].astype(np.int64))
        present = np.flatnonzero(counts)
        counts = counts[present]
        heavy = (counts >= fewest) | (len(present) <= MOST_CHOICES)
    else:
        present, counts = np.unique(values[~missing], return_counts=True)
        heavy = counts >= fewest
        # In a small table a few values each are no sign of a discrete column.
        if len(present) <= min(max_distinct, max(len(values) // FEWEST_OF_AN_ATOM, 2)):
            heavy[:] = True
    continuous = np.repeat(present[~heavy], counts[~heavy])
    atoms, shares = present[heavy], counts[heavy].astype(float)
    if missing.any():
        atoms = np.append(atoms, missing_value(column))
        shares = np.append(shares, missing.sum())
    if len(atoms) and len(continuous):
        shares = np.append(shares, len(continuous))
    decimals = None
    if column.kind == "float" and len(present):
        decimals = count_decimals(present)
    origin, grain = granularity(present[~heavy]) if column.kind in WHOLE_KINDS else (0, 0)
    return Marginal(
        column,
        output_dtype(column, values),
        atoms,
        shares / len(values),
        continuous,
        stepped=column.kind == "category" or len(present) < 0.25 * len(values),
        decimals=decimals,
        origin=origin,
        grain=grain,
    )


def is_missing(column: Column, values: np.ndarray) -> np.ndarray:
    """Mark missing values of a column in neutral form."""
    if column.kind == "float":
        return np.isnan(values)
    if values.dtype == bool:
        return np.zeros(len(values), bool)
    return values == missing_value(column)


def granularity(values: np.ndarray) -> tuple[int, int]:
    """Least of sorted whole numbers, and what they all are multiples of, seen from there.

    Midnights are whole days apart, prices may be even. A span of more than
    :data:`MOST_GRAINS` is told in larger steps than it has; (0, 0) without any values.
    """
    if not len(values):
        return 0, 0
    grain = int(np.gcd.reduce(_above(values, int(values[0]))))
    span = int(values[-1]) - int(values[0])
    return int(values[0]), max(grain, 1, -(-span // MOST_GRAINS))


def _above(values: np.ndarray, origin: int) -> np.ndarray:
    """How far whole numbers are above one: up to 2**64, as uint64."""
    return values.view(np.uint64) - np.int64(origin).view(np.uint64)


def count_decimals(values: np.ndarray) -> int | None:
    """Fewest decimals that write all values exactly; None if there are too many."""
    for decimals in range(MAX_DECIMALS + 1):
        if np.abs(values).max() * 10.0**decimals > 2**52:
            return None
        if np.array_equal(np.round(values, decimals), values):
            return decimals
    return None


class TableCodec(Codec):
    """Codec of a table; see the module's text.

    Parameters
    ----------
    columns : sequence of Column
        Columns of the table.
    data : mapping of str to ndarray
        Training data in neutral form.
    max_distinct, min_mass, candidates, conditions : int, float, int, bool
        See :class:`gansynth_tabular.TabularGAN`.

    Examples
    --------
    >>> import pandas as pd
    >>> from gansynth.containers import read
    >>> from gansynth_tabular import TableCodec
    >>> schema, data = read(pd.DataFrame({"size": [1.5, 2.5, 4.0], "kind": ["a", "b", "a"]}))
    >>> codec = TableCodec(schema.columns, data, max_distinct=0, min_mass=1.0, candidates=1)
    >>> codec.layout.scores, codec.layout.sizes
    (1, (2,))
    """

    def __init__(
        self,
        columns: tuple[Column, ...],
        data: Mapping[str, np.ndarray],
        max_distinct: int,
        min_mass: float,
        candidates: int,
        conditions: bool = False,
    ) -> None:
        self.candidates, self.conditions = candidates, conditions
        self.marginals = [
            fit_marginal(column, data[column.output], max_distinct, min_mass) for column in columns
        ]
        with_block = [m for m in self.marginals if m.choices]
        self.followers = self._followers(with_block, data)
        follow = {id(m) for m, _, _ in self.followers}
        drawn = [m for m in with_block if id(m) not in follow]
        self.blocks = sorted(drawn, key=lambda m: m.choices)
        self.scored = [m for m in self.marginals if len(m.continuous)]
        position = {id(m): i for i, m in enumerate(self.blocks)}
        place = {id(m): i for i, m in enumerate(self.scored)}
        modelled = [m for m in self.marginals if id(m) in position or id(m) in place]
        self.givable = modelled if conditions else []
        self.layout: Layout = Layout(
            # A table of constants has a score that nothing reads: no network is empty.
            scores=len(self.scored) or int(not self.blocks),
            sizes=tuple(m.choices for m in self.blocks),
            gates=tuple(position.get(id(m), -1) for m in self.scored) or (-1,) * (not self.blocks),
            columns=tuple((place.get(id(m), -1), position.get(id(m), -1)) for m in self.givable),
            # Left out where nothing asks for it: tables that differ in it alone share a trace.
            missing=tuple(
                -1 if (choice := missing_choice(m)) is None else choice
                for m in (self.blocks if conditions else ())
            ),
        )
        self.parts = len(self.layout.columns)
        grid = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, KNOTS)
        self.cdfs = [ndtr(grid) for _ in self.scored]
        self.tables = [m.table(grid, ndtr(grid)) for m in self.scored]

    def _followers(
        self, with_block: list[Marginal], data: Mapping[str, np.ndarray]
    ) -> list[tuple[Marginal, Marginal, np.ndarray]]:
        """Columns that are not drawn, what each follows from, and how."""
        whole = [m for m in with_block if not len(m.continuous)]
        codes = [choices_of(m, data[m.column.output]) for m in whole]
        found = followers(codes, [m.choices for m in whole])
        if self.conditions:
            # Who gives the follower gives the leader: it has to be one that has no other.
            found = {
                one: (leader, choices)
                for one, (leader, choices) in found.items()
                if len(choices) == whole[one].choices and missing_choice(whole[one]) is None
            }
        return [(whole[one], whole[leader], choices) for one, (leader, choices) in found.items()]

    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Encode to ``[scores, codes]``; ties are spread evenly over their ranks.

        Numbers that the data fitted had not are between those that they had, or at the ends.
        """
        for marginal in self.marginals:
            check_labels(marginal, data[marginal.column.output])
        n = len(next(iter(data.values())))
        rows = np.zeros((n, self.layout.scores + len(self.blocks)), np.float32)
        for i, marginal in enumerate(self.scored):
            values = data[marginal.column.output]
            light = np.ones(n, bool)
            if marginal.choices:
                light = choices_of(marginal, values) == marginal.choices - 1
            low, high = places(marginal.continuous, values[light])
            ranks = low + (high - low) * rng.random(len(low)) + 0.5 * (high == low)
            share = np.clip(ranks / len(marginal.continuous), 1e-6, 1 - 1e-6)
            rows[light, i] = ndtri(share)
        for i, marginal in enumerate(self.blocks):
            rows[:, self.layout.scores + i] = choices_of(marginal, data[marginal.column.output])
        return rows

    def expand(self, encoded: Any) -> Any:
        """Widen codes to one-hot blocks."""
        from gansynth_tabular import networks

        return networks.expand(encoded, self.layout)

    def give(self, rows: Any, known: Any) -> Any:
        """Slots of the known columns of expanded rows, and which these are."""
        from gansynth_tabular import networks

        return networks.give(rows, known, self.layout)

    def given(self, condition: Any) -> Any:
        """What the generator is given of rows that are known in part."""
        from gansynth_tabular import conditions

        return conditions.given(condition, self)

    def calibrate(self, generator: keras.Model, draw: Draw) -> None:
        """Make every marginal that of the data.

        Categories by the biases of their logits, so that mean probabilities are the shares
        of the data; scores by a monotone map in the decoder.
        """
        from gansynth_tabular import networks

        layout = self.layout
        # Logits of one block at a time: of all at once, a wide table would have gigabytes.
        heads = networks.Heads(generator, draw(CALIBRATION_ROWS))
        bias = np.zeros(layout.width, np.float32)
        weights = {-1: np.ones(CALIBRATION_ROWS)}
        for block, marginal in enumerate(self.blocks):
            slots = slice(layout.starts[block], layout.starts[block] + marginal.choices)
            bias[slots], probabilities = match_shares(heads[slots], marginal.shares)
            if block in layout.gates:
                weights[block] = probabilities[:, -1].astype(float)
        networks.shift_heads(generator, bias)
        grid = np.linspace(-SCORE_LIMIT, SCORE_LIMIT, KNOTS)
        scores = heads[: len(self.scored)]
        self.cdfs = [
            weighted_cdf(scores[:, i], weights[layout.gates[i]], grid)
            for i in range(len(self.scored))
        ]
        self.tables = [
            marginal.table(grid, cdf) for marginal, cdf in zip(self.scored, self.cdfs, strict=True)
        ]

    def refine(
        self, generator: keras.Model, draw: Draw, rows: np.ndarray, labels: np.ndarray | None
    ) -> keras.Model:
        """Draw candidates for each row, and choose by what pairs of columns tell."""
        from gansynth_tabular import refinement

        return refinement.refined(self, generator, draw, rows, labels)

    def decode(self, rows: Any) -> dict[str, Any]:
        """Decode expanded rows to columns."""
        from gansynth_tabular import networks

        return networks.decode(rows, self)


def places(ordered: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many of ``ordered`` are below each value, and how many are not above it."""
    # Searched for in order, neighbours are in the cache: a fifth of the time, of a million.
    order = np.argsort(values)
    low, high = np.empty((2, len(values)), np.int64)
    low[order] = np.searchsorted(ordered, values[order], "left")
    high[order] = np.searchsorted(ordered, values[order], "right")
    return low, high


def choices_of(marginal: Marginal, values: np.ndarray) -> np.ndarray:
    """Choice of each value; if it is none of the atoms, the last, or the nearest atom's.

    The nearest only where the data fitted held nothing but atoms, and no value is scored.
    """
    missing = is_missing(marginal.column, values)
    gap = missing_choice(marginal)
    known = marginal.atoms if gap is None else marginal.atoms[:-1]
    choice = np.searchsorted(known, values).clip(max=max(len(known) - 1, 0))
    other = marginal.choices - 1
    if not len(known):
        choice = np.full(len(values), other)
    elif len(marginal.continuous):
        choice = np.where(known[choice] == values, choice, other)
    else:
        below = np.maximum(choice - 1, 0)
        choice = np.where(values - known[below] < known[choice] - values, below, choice)
    if gap is not None:
        choice = np.where(missing, gap, choice)
    return choice


def check_labels(marginal: Marginal, values: np.ndarray) -> None:
    """Refuse labels that the data fitted had not, though their dtype may have named them.

    Raises
    ------
    ValueError
        Unless the labels are so many that those without mass of their own are scored.
    """
    column = marginal.column
    if column.kind not in ("category", "boolean") or len(marginal.continuous):
        return
    counts = np.bincount(values[~is_missing(column, values)].astype(np.int64))
    unknown = np.setdiff1d(np.flatnonzero(counts), marginal.atoms)
    if len(unknown):
        labels = column.categories or (False, True)
        raise ValueError(
            f"Column {column.name!r} has values that the data fitted had not: "
            f"{', '.join(repr(labels[code]) for code in unknown[:3])}. Drop their rows, or start "
            "afresh with data that have them all."
        )


def missing_choice(marginal: Marginal) -> int | None:
    """The choice that stands for a missing value, if there is one."""
    atoms = marginal.atoms
    if len(atoms) and is_missing(marginal.column, atoms[-1:])[0]:
        return len(atoms) - 1
    return None


def match_shares(logits: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bias that brings mean softmax probabilities to given shares; and the probabilities.

    Iterative proportional fitting of one margin: each round moves the logits by what the
    log of the mean lacks.
    """
    bias = np.zeros(len(shares), np.float32)
    probabilities = np.empty_like(logits)
    for _ in range(CALIBRATION_ROUNDS):
        softmax(np.add(logits, bias, out=probabilities))
        means = probabilities.mean(0)
        if np.abs(means - shares).sum() < CALIBRATION_TOLERANCE:
            break
        bias += np.log(shares / np.maximum(means, 1e-9)).astype(np.float32)
    return bias, probabilities


def softmax(logits: np.ndarray) -> None:
    """Turn logits into probabilities along the last axis, in place."""
    logits -= logits.max(-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(-1, keepdims=True)


def weighted_cdf(sample: np.ndarray, weights: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Share of a weighted sample at or below each point, midway within steps."""
    order = np.argsort(sample)
    total = np.concatenate([[0.0], np.cumsum(weights[order])])
    middle = 0.5 * (total[1:] + total[:-1]) / max(total[-1], 1e-12)
    return np.interp(points, sample[order], middle, left=0.0, right=1.0)
