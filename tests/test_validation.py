"""Scoring by held-out rows, and the weight of the penalty from the data."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from gansynth import GANSampler
from gansynth.architecture import Recipe
from gansynth.inference.noise import normal
from gansynth.training import gamma
from gansynth.training.validation import Judge, copy_ratio, draws_for, split
from gansynth_tabular import TabularGAN

from .toys import ToyGAN, points

rng = np.random.default_rng(0)
REAL, OTHER = rng.normal(size=(2, 600, 3)).astype(np.float32)


def judge(made: np.ndarray, labels: np.ndarray | None = None) -> Judge:
    return Judge(REAL, labels, lambda: made)


def test_real_rows_score_one_and_cover():
    """Rows of the same distribution score 1 within three deviations, and cover."""
    found = judge(OTHER)
    verdict = found()
    assert verdict.score == pytest.approx(1.0, abs=3 * found.noise)
    assert verdict.coverage > 0.93


@pytest.mark.parametrize(
    ("made", "score", "coverage"),
    [
        (OTHER + 20.0, 0.01, 0.01),  # elsewhere
        (np.zeros_like(OTHER) + OTHER[:1], 0.2, 0.1),  # one point
        (np.abs(OTHER), 0.9, 0.5),  # one octant of eight
    ],
)
def test_worse_rows_score_less(made, score, coverage):
    """Rows from elsewhere, a collapse and a lost region are told."""
    verdict = judge(made.astype(np.float32))()
    assert verdict.score < score
    assert verdict.coverage < coverage


def test_few_held_out_rows_are_compared_with_several_sets():
    """The verdict is the mean of those over each set, and chance says less than of one."""
    few, sets = REAL[:50], [OTHER[:50], OTHER[50:100], OTHER[100:150] + 3.0]
    of_all = Judge(few, None, lambda: np.concatenate(sets), len(sets))
    of_each = [Judge(few, None, lambda rows=rows: rows) for rows in sets]
    assert of_all() == pytest.approx(np.mean([one() for one in of_each], axis=0))
    assert of_all.noise < of_each[0].noise


@pytest.mark.parametrize(("held_out", "draws"), [(6, 8), (125, 8), (400, 2), (1000, 1)])
def test_about_as_many_rows_are_generated_for_any_number_held_out(held_out, draws):
    """Few held-out rows are met by more sets of generated ones, within bounds."""
    assert draws_for(held_out) == draws


def test_rows_of_another_class_are_no_neighbours():
    """Good rows under the wrong labels score less than under the right ones."""
    labels = (REAL[:, 0] > 0).astype(np.int32)
    right = OTHER.copy()
    right[:, 0] = np.where(labels, np.abs(right[:, 0]), -np.abs(right[:, 0]))
    assert judge(right, labels)().score > judge(OTHER, labels)().score + 0.1


def test_nan_has_no_score():
    """A generator that makes NaN is not scored."""
    assert judge(np.full_like(OTHER, np.nan))() is None


def test_copies_are_told_from_new_rows():
    """The ratio of distances is 1 for new rows and about 0 for copies of training rows."""
    train = rng.normal(size=(3000, 3)).astype(np.float32)
    for held_out in (REAL, None):
        ratio = partial(copy_ratio, train=train, held_out=held_out, expanded=lambda rows: rows)
        assert ratio(OTHER) == pytest.approx(1.0, abs=0.2)
        assert ratio(train[:600] + 1e-4) < 0.05


@pytest.mark.parametrize("n", [1, 2, 3, 30])
def test_copies_of_few_rows_are_told_where_chance_explains_them_not(n):
    """Thirty rows repeated are told; of one to three, nobody can say; new rows are never told."""
    train = rng.normal(size=(n, 3)).astype(np.float32)
    ratio = partial(copy_ratio, train=train, held_out=None, expanded=lambda rows: rows)
    assert ratio(np.resize(train, (1000, 3))) == (0.0 if n == 30 else 1.0)
    assert ratio(OTHER) == 1.0


@pytest.mark.parametrize("n", [20, 150])
def test_rows_of_the_middle_are_no_copies(n):
    """Where training rows are dense, all rows are near to some; but not nearer than they are."""
    train = rng.normal(size=(n, 3)).astype(np.float32)
    assert copy_ratio(0.2 * OTHER, train, None, lambda rows: rows) > 0.5


def test_fit_that_learns_a_few_rows_by_heart_warns():
    """Without held-out rows, training rows' distances to each other tell."""
    few = np.random.default_rng(0).normal(size=(20, 8))
    sampler = GANSampler(TabularGAN(), steps=2000, gamma=0.01, random_state=0)
    told = r"than these are to each other \(ratio of median distances 0\.[0-4]"
    with pytest.warns(ConvergenceWarning, match=told):
        sampler.fit(few)


def test_repeated_rows_of_coarse_columns_are_no_copies():
    """Where new rows repeat training rows themselves, no ratio is told."""
    coarse = rng.integers(0, 2, (100, 2)).astype(np.float32)
    assert not copy_ratio(coarse[:50], coarse, None, lambda rows: rows) < 1.0


def test_split_holds_out_a_share_of_each_class():
    """Held-out rows are no training rows, a tenth of each class, and leave a class of one whole."""
    labels = np.repeat([0, 1, 2], [600, 399, 1]).astype(np.int32)
    train, held_out = split(1000, 0.1, labels, np.random.default_rng(0))
    assert sorted([*train, *held_out]) == list(range(1000))
    assert np.bincount(labels[held_out], minlength=3).tolist() == pytest.approx([60, 40, 0], abs=2)
    assert 2 in labels[train]


@pytest.mark.parametrize(("n", "fraction"), [(199, 0.5), (1000, 0.0), (200, 0.02)])
def test_little_data_are_trained_on_whole(n, fraction):
    """Small data, and those of whom none is to be held out, are all for training."""
    train, held_out = split(n, fraction, None, np.random.default_rng(0))
    assert (len(train), len(held_out)) == (n, 0)


def clusters(std: float) -> np.ndarray:
    return rng.integers(-2, 3, (8000, 2)) + std * rng.normal(size=(8000, 2))


@pytest.mark.parametrize("std", [0.003, 0.01, 0.03])
def test_scale_of_clusters_is_found(std):
    """The finest scale of narrow clusters is their deviation, within a factor of two."""
    assert std / 2 < gamma.finest_scale(clusters(std)) < 2 * std


def test_thickness_of_a_curve_is_found():
    """The finest scale of a noisy circle is its noise, within a factor of two."""
    angle = rng.uniform(0, 2 * np.pi, 5000)
    circle = np.column_stack([np.cos(angle), np.sin(angle)]) + 0.05 * rng.normal(size=(5000, 2))
    assert 0.025 < gamma.finest_scale(circle) < 0.1


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_plain_cloud_has_no_scale(d):
    """A normal cloud shows no scale finer than itself, and few points show none."""
    assert gamma.finest_scale(rng.normal(size=(5000, d))) is None
    assert gamma.finest_scale(clusters(0.01)[:20]) is None


def test_gamma_ends_at_the_squared_scale():
    """ "auto" ends an anneal at the squared scale; what is asked for is taken as it is."""
    rows = clusters(0.01)
    recipe = Recipe(steps=10, batch_size=4, latent_dim=2, gamma=(0.1, 3e-4))
    start, end = gamma.resolve("auto", recipe, rows).gamma
    assert (start, end) == (0.1, pytest.approx(gamma.finest_scale(rows) ** 2))
    assert gamma.resolve("auto", recipe, rng.normal(size=(500, 2))).gamma == recipe.gamma
    assert gamma.resolve(0.5, recipe, rows).gamma == (0.5, 0.5)
    assert gamma.resolve((1.0, 0.2), recipe, rows).gamma == (1.0, 0.2)


def test_the_last_of_the_best_states_is_kept():
    """best_step_ is the last one whose score is within chance of the best; runs can be repeated."""
    sampler = GANSampler(steps=40, batch_size=32, random_state=0).fit(clusters(0.01)[:1000])
    steps, scores = (np.array(sampler.history_[name]) for name in ("step", "score"))
    near = scores >= scores.max() - 0.3 / np.sqrt(100)
    assert sampler.best_step_ in steps[near]
    assert sampler.best_score_ == scores[steps == sampler.best_step_][0]
    assert sampler.gamma_[1] == pytest.approx(sampler.history_["gamma"][-1], rel=1e-3)


class Weights(keras.callbacks.Callback):
    """Keeps the weights of the generator's average at the end of each interval."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[list[np.ndarray]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.seen.append(self.model.get_weights())


@pytest.fixture(scope="module")
def wavering():
    """A fit whose score has been about 1 early on, and is no more at the end."""
    weights = Weights()
    sampler = GANSampler(
        ToyGAN(learning_rate=0.1), steps=2000, batch_size=64, patience=3, random_state=0,
        callbacks=[weights],
    )  # fmt: skip
    return sampler.fit(points(2400)), weights.seen


def test_the_best_state_is_restored(wavering):
    """Samples are those of the average at best_step_, not of what it has become since."""
    sampler, weights = wavering
    assert sampler.best_step_ < sampler.n_steps_
    kernel, bias = weights[sampler.history_["step"].index(sampler.best_step_)]
    rows = normal(7, 0, 20, 2) @ kernel + bias
    np.testing.assert_allclose(sampler.sample(20, random_state=7), rows, rtol=1e-5, atol=1e-6)
    assert not np.allclose(kernel, weights[-1][0], rtol=1e-2)


def test_a_score_that_stalls_at_one_ends_the_run(wavering):
    """The learning rate begins to fall before its time, and reaches its end at the last step."""
    history = pd.DataFrame(wavering[0].history_)
    falls = history["learning_rate"] < 0.1 * (1 - 1e-6)
    stalled = history["step"][falls].iloc[0]
    assert stalled < 1000  # by its recipe it falls from half of the steps on
    assert history["learning_rate"].iloc[-1] == pytest.approx(1e-3, rel=0.1)
    assert wavering[0].n_steps_ == history["step"].iloc[-1] < 2000
    top = history["score"][~falls].max()
    assert top > 0.95
    assert (history["score"][~falls].iloc[-3:] <= top).all()


def test_early_stopping_can_be_left_out():
    """All steps are made then, whatever the score does."""
    settings = {"steps": 400, "batch_size": 64, "patience": 1, "random_state": 0}
    early, whole = (
        GANSampler(ToyGAN(learning_rate=0.1), early_stopping=wanted, **settings).fit(points(2400))
        for wanted in (True, False)
    )
    assert early.n_steps_ < whole.n_steps_ == 400


def test_lost_modes_are_told():
    """Images after two steps cover few held-out ones, and fit says how many."""
    images = load_digits().images[:300].astype(np.uint8)
    with pytest.warns(ConvergenceWarning, match=r"covers \d+% of held-out rows"):
        GANSampler(steps=2, batch_size=8, random_state=0).fit(images)
