"""Scores of fitted samplers, and searches over their parameters."""

from __future__ import annotations

import numpy as np
import optuna
import pandas as pd
import polars as pl
import pytest
from optuna.distributions import IntDistribution
from optuna_integration.sklearn import OptunaSearchCV
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from gansynth import GANSampler, metrics
from gansynth.scorers import c2st_scorer, sliced_wasserstein_scorer, tstr_scorer
from gansynth_image import ImageGAN
from gansynth_tabular import TabularGAN

from .toys import ToyGAN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def toy(**parameters):
    return GANSampler(ToyGAN(), **{"steps": 2, "random_state": 0, **parameters})


def points(n: int = 90, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 2))


class Given:
    """A sampler that draws normal points, scaled and moved, by their class if there are any."""

    def __init__(self, fitted, scale, shifts):
        self.artifact_, self.scale, self.shifts = fitted.artifact_, scale, shifts
        if len(shifts) > 1:
            self.classes_ = np.arange(len(shifts))

    def sample(self, n_samples=1, *, y=None, random_state=None):
        y = np.zeros(n_samples, int) if y is None else y
        return points(len(y), 10 + random_state) * self.scale + np.take(self.shifts, y)[:, None]


def test_better_rows_score_higher():
    """Rows of the same distribution before moved ones before others, by each score."""
    fitted = toy().fit(points())
    real = points(400, 1)
    samplers = [Given(fitted, *of) for of in ((1, [0]), ([1, 0.6], [0]), (1, [3]))]
    for scorer in (sliced_wasserstein_scorer, c2st_scorer):
        scores = [scorer(sampler, real) for sampler in samplers]
        assert scores == sorted(scores, reverse=True)
        assert len(set(scores)) == 3
    assert scores[0] > 0.85  # told apart as little as real rows are
    assert scores[2] < 0.05


def test_rows_of_a_class_have_to_be_like_it():
    """Rows that are right as a whole, under exchanged classes, score lower."""
    y = np.repeat([0, 1], 200)
    X = points(400) + 4 * y[:, None]
    fitted = toy().fit(X, y)
    right, wrong = Given(fitted, 1, [0, 4]), Given(fitted, 1, [4, 0])
    for scorer in (sliced_wasserstein_scorer, c2st_scorer, tstr_scorer):
        assert scorer(right, X, y) > scorer(wrong, X, y) + 0.1, scorer
    assert tstr_scorer(right, X, y) > 0.99
    for scorer in (sliced_wasserstein_scorer, c2st_scorer, tstr_scorer):
        with pytest.raises(ValueError, match="y is missing"):
            scorer(right, X, None)


def test_score_is_minus_the_sliced_wasserstein_distance():
    """To rows that a seed fixes: eight times as many as few held-out ones."""
    X = points()
    sampler = toy().fit(X)
    drawn = sampler.sample(8 * len(X), random_state=0)
    expected = metrics.sliced_wasserstein(X, drawn)
    assert sampler.score(X) == sampler.score(X) == pytest.approx(-expected)


def table(n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"C-{i:04}" for i in range(n)],
            "x": rng.normal(size=n),
            "city": rng.choice(["Graz", "Ulm"], n),
            "gap": np.where(rng.random(n) < 0.3, np.nan, 1.5),
        }
    )


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_tables_have_a_score(make):
    """With missing values and labels that the fit has not seen, and without their identifiers."""
    sampler = GANSampler(TabularGAN(width=8, depth=1, candidates=1), steps=2, random_state=0)
    sampler.fit(make(table().to_dict("list")))
    held_out = table().assign(city=["Bern", *table()["city"][1:]])
    score = sampler.score(make(held_out.to_dict("list")))
    assert -2 < score < 0
    assert score == sampler.score(make(held_out.assign(id=held_out["id"][::-1]).to_dict("list")))


def test_images_have_a_score():
    """Pixel by pixel."""
    X = np.random.default_rng(0).integers(0, 255, (20, 8, 8)).astype(np.uint8)
    sampler = GANSampler(ImageGAN(width=4), steps=1, batch_size=4, random_state=0).fit(X)
    assert sampler.score(X) < 0


def test_bad_input():
    """Scikit-learn's words for columns that are others."""
    sampler = toy().fit(pd.DataFrame(points(), columns=["a", "b"]))
    with pytest.raises(ValueError, match="feature names should match"):
        sampler.score(pd.DataFrame(points(), columns=["a", "c"]))
    with pytest.raises(ValueError, match="X has 1 features, but GANSampler is expecting 2"):
        toy().fit(points()).score(points()[:, :1])


def test_searches_find_parameters():
    """Grid search and halving over steps, with and without a scorer."""
    search = GridSearchCV(toy(), {"steps": [1, 40]}, cv=2, scoring=c2st_scorer).fit(points())
    assert search.best_estimator_.n_steps_ == search.best_params_["steps"]
    assert np.ptp(search.cv_results_["mean_test_score"]) > 0
    halving = HalvingGridSearchCV(
        toy(),
        {"architecture__units": [2, 3, 4]},
        resource="steps",
        min_resources=2,
        max_resources=6,
    )
    halving.set_params(cv=2, factor=3).fit(points())
    assert halving.n_resources_ == [2, 6]
    assert halving.best_estimator_.sample(3).shape == (3, 2)


@pytest.mark.filterwarnings("ignore:.optuna.terminator. module:FutureWarning")
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_optuna_finds_parameters():
    """Its search in the manner of scikit-learn."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = {"steps": IntDistribution(1, 5)}
    search = OptunaSearchCV(toy(), space, cv=2, n_trials=2, random_state=0, error_score="raise")
    search.fit(points())
    assert 1 <= search.best_params_["steps"] <= 5
    assert search.best_score_ < 0
