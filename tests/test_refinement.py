"""Choosing among candidates: the ratio of densities, and the generator built around it."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri, softmax

from gansynth import GANSampler
from gansynth.inference.noise import normal
from gansynth_tabular import TabularGAN, ratio
from gansynth_tabular.candidates import Selection, choosing
from gansynth_tabular.layout import Layout
from gansynth_tabular.networks import CHOICES, HEADS, Choose
from gansynth_tabular.ratio import TableRatio, fit_ratio, levels, merged

# A few steps make a poor generator; what is tested here is right all the same.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

LAYOUT = Layout(scores=2, sizes=(2, 3), gates=(-1, 1))
BORDERS = np.array([ndtri([0.25, 0.5, 0.75])] * 2, np.float32)
MERGES = [np.arange(2), np.arange(3)]


def generator_of(layout: Layout) -> keras.Model:
    """Two latent numbers to a row: scores are the first, all choices equally likely."""
    z = keras.Input((2 + len(layout.sizes),))
    kernel = np.zeros((2, layout.width), np.float32)
    kernel[0, : layout.scores] = 1.0
    heads = keras.layers.Dense(layout.width, name=HEADS)
    rows = Choose(layout, dtype="float32", name=CHOICES)([heads(z[:, :2]), z[:, 2:]])
    heads.set_weights([kernel, np.zeros(layout.width, np.float32)])
    return keras.Model([z], rows)


def table_over(pair: tuple[int, int], sizes: tuple[int, int], cell: tuple[int, int]):
    """A ratio that finds the rows of one cell of two columns far likelier."""
    weights = np.zeros(sizes, np.float32)
    weights[cell] = 50.0
    strides = np.zeros((8, 1), int)
    strides[pair, 0] = sizes[1], 1
    coarse = [np.zeros(size, int) for size in (2, 3, 5, 5)]
    return TableRatio(coarse, strides, np.array([0]), weights.ravel())


def pairs_of(frame: pd.DataFrame, one: str, other: str) -> pd.DataFrame:
    return pd.crosstab(frame[one], frame[other], normalize=True)


def test_rows_that_are_too_rare_weigh_more():
    """Weighted by the ratio, pairs of independent columns are as frequent as in the real rows."""
    rng = np.random.default_rng(0)
    made = rng.integers(0, 3, (20_000, 2))
    real = rng.integers(0, 3, (10_000, 2))
    real = real[(real[:, 0] == real[:, 1]) | (rng.random(10_000) < 0.2)]
    found = fit_ratio(real, made, [3, 3], [True, False])
    weights = np.exp(found.weights[found.cells(made)].sum(axis=1))
    same = made[:, 0] == made[:, 1]
    assert np.average(same, weights=weights) == pytest.approx(
        np.mean(real[:, 0] == real[:, 1]), abs=0.01
    )


def test_of_many_pairs_those_that_differ_are_told_apart(monkeypatch):
    """Where pairs are more than are looked at, the one that real rows depend on is among them."""
    monkeypatch.setattr(ratio, "MOST_TABLES", 3)
    rng = np.random.default_rng(0)
    real, made = rng.integers(0, 4, (2, 3_000, 6))
    real[:, 4] = real[:, 1]
    found = fit_ratio(real, made, [4] * 6, [True] * 6)
    assert found.strides.shape == (12, 6 + 3)
    assert [1, 4] in [np.flatnonzero(table).tolist() for table in found.strides.T]


def test_what_three_columns_have_together_is_seen():
    """A column that is the parity of two others, and independent of each, is told."""
    rng = np.random.default_rng(0)
    real, made = rng.integers(0, 2, (2, 5_000, 3))
    real[:, 2] = real[:, 0] ^ real[:, 1]
    found = fit_ratio(real, made, [2] * 3, [False] * 3)
    log_ratio = found.weights[found.cells(made)].sum(axis=1)
    even = made.sum(axis=1) % 2 == 0
    assert log_ratio[even].min() > log_ratio[~even].max() + 3


def test_shares_of_single_columns_are_mended():
    """Of candidates, those with levels that are too rare are preferred, and no more than it takes.

    The columns are nearly one: corrected all at once, they would be overcorrected many times.
    """
    rng = np.random.default_rng(0)
    real, made = (
        np.where(rng.random((n, 12)) < 0.02, rng.integers(0, 3, (n, 12)), of_all[:, None])
        for n, of_all in (
            (4_000, rng.choice(3, 4_000, p=[0.5, 0.3, 0.2])),
            (16_000, rng.choice(3, 16_000, p=[0.4, 0.3, 0.3])),
        )
    )
    found = fit_ratio(real, made, [4, *[3] * 11], [True] * 12)
    before = found.weights.copy()
    candidates = made.reshape(4_000, 4, 12)
    found.rake(real, candidates)
    chances = softmax(found.log_ratios(made).reshape(4_000, 4), axis=1)
    for column in range(12):
        shares = [
            np.bincount(real[:, column], minlength=3) / len(real),
            np.bincount(made[:, column], chances.ravel(), minlength=3) / len(candidates),
        ]
        np.testing.assert_allclose(*shares, atol=0.01)
    assert found.weights[3] == pytest.approx(before[3], abs=1e-3)  # a level that nobody has


@pytest.mark.parametrize("ordered", [True, False])
def test_many_choices_are_merged(ordered):
    """Neighbours of a number are taken together; of labels, the rare ones."""
    shares = np.linspace(1, 3, 100) / 200
    merge = merged(shares, ordered, 8)
    assert np.unique(merge).tolist() == list(range(8))
    masses = np.bincount(merge, shares)
    if ordered:
        assert (np.diff(merge) >= 0).all()
        assert masses.max() < 2 * masses.min()
    else:
        assert merge[-1] == 0
        assert (merge[:90] == 7).all()
    assert merged(shares[:8], ordered, 8).tolist() == list(range(8))


def test_levels_of_scores_that_do_not_count_are_apart():
    """A score behind a closed gate has level 0, whatever it is; others are in their bins."""
    rows = np.array([[-9, 0.1, 1, 2], [0.1, -9, 0, 2], [9, 9, 0, 1]], np.float32)
    found = levels(rows, LAYOUT, MERGES, BORDERS)
    assert found.tolist() == [[1, 2, 1, 3], [0, 2, 3, 1], [0, 1, 4, 0]]


@pytest.mark.parametrize(("latents", "draws"), [(1, 6), (6, 1), (2, 3)])
@pytest.mark.parametrize(
    ("pair", "cell"), [((0, 1), (1, 2)), ((0, 3), (1, 4)), ((1, 2), (0, 2)), ((2, 3), (1, 0))]
)
def test_the_likeliest_candidate_is_given(latents, draws, pair, cell):
    """What the ratio prefers comes out wherever a candidate has it, by the levels of numpy."""
    sizes = (2, 3, 5, 5)
    ratio_of_cell = table_over(pair, (sizes[pair[0]], sizes[pair[1]]), cell)
    selection = Selection(latents, draws, ratio_of_cell, MERGES, BORDERS)
    model = choosing(generator_of(LAYOUT), LAYOUT, selection)
    rows = np.asarray(model([normal(0, 0, 4_000, model.inputs[0].shape[-1])]))
    starts = LAYOUT.starts
    codes = [rows[:, s : s + n].argmax(1) for s, n in zip(starts, LAYOUT.sizes, strict=True)]
    found = levels(np.column_stack([rows[:, :2], *codes]), LAYOUT, MERGES, BORDERS)
    share = (found[:, pair] == cell).all(axis=1).mean()
    if pair == (0, 1):
        assert share == pytest.approx(1 - (5 / 6) ** (latents * draws), abs=0.03)
    else:  # scores are those of the latent vector, which some candidates share
        assert share > 1.3 * {(0, 3): 1 / 24, (1, 2): 1 / 12, (2, 3): 1 / 6}[pair]


def test_a_table_comes_nearer_to_the_data():
    """After the same short training, pairs are nearer to the data's than without candidates."""
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, 2_000)
    frame = pd.DataFrame(
        {"a": a, "b": np.where(rng.random(2_000) < 0.8, a, rng.integers(0, 4, 2_000))}
    )
    distances = {}
    for candidates in (1, 8):
        architecture = TabularGAN(width=16, depth=1, candidates=candidates)
        sampler = GANSampler(architecture, steps=40, batch_size=100, random_state=0).fit(frame)
        drawn = sampler.sample(4_000, random_state=0)
        distances[candidates] = (pairs_of(drawn, "a", "b") - pairs_of(frame, "a", "b")).abs()
    assert distances[8].to_numpy().sum() < 0.5 * distances[1].to_numpy().sum()


@pytest.mark.parametrize("kind", ["numbers", "one column", "labels", "labelled numbers", "wide"])
def test_any_table_has_candidates(kind):
    """Tables of scores alone, of one column, of many columns, with classes: the same rows anew."""
    rng = np.random.default_rng(0)
    n, y = 150, None
    tables = {
        "numbers": {"x": rng.normal(size=n), "y": rng.normal(size=n)},
        "one column": {"x": rng.normal(size=n)},
        "labels": {"x": rng.choice(["u", "v"], n), "y": rng.choice(["p", "q", None], n)},
        "labelled numbers": {"x": rng.normal(size=n), "y": rng.normal(size=n)},
        "wide": {f"c{i}": rng.integers(0, 2, n) for i in range(25)},
    }
    if kind == "labelled numbers":
        y = rng.choice(["u", "v"], n)
    sampler = GANSampler(TabularGAN(width=8, depth=1), steps=2, batch_size=16, random_state=0).fit(
        pd.DataFrame(tables[kind]), y
    )
    drawn = sampler.sample(40, random_state=0)
    assert len(drawn) == 40
    pd.testing.assert_frame_equal(drawn[:7], sampler.sample(7, random_state=0))


@pytest.mark.parametrize("candidates", [0, 1.5, "many"])
def test_no_candidates_are_refused(candidates):
    """The message names parameter, value and remedy."""
    frame = pd.DataFrame({"x": range(20)})
    with pytest.raises(ValueError, match=r"candidates must be an integer .* got .*Use 1"):
        GANSampler(TabularGAN(candidates=candidates), steps=1).fit(frame)
