"""Scikit-learn's and imbalanced-learn's own checks of estimators and samplers, all of them."""

from __future__ import annotations

import pytest
from imblearn.utils.estimator_checks import parametrize_with_checks as for_samplers
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from gansynth import GANSampler, OversampledClassifier
from gansynth_distribution2d import Distribution2DGAN
from gansynth_tabular import TabularGAN

from .documents import small_networks

pytestmark = [
    # Of a step or two no more is expected.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:y holds . row"),
]

# What a user gives is checked, not what a network learns of it: the least that trains.
LEAST = {"steps": 2, "batch_size": 16, "validation_fraction": 0, "random_state": 0}
SAMPLERS = [
    GANSampler(TabularGAN(width=8, depth=1, candidates=1), **LEAST),
    GANSampler(Distribution2DGAN(width=8, depth=1, charts=4), **LEAST),
    GANSampler(**LEAST),
]


@pytest.fixture(autouse=True, scope="module")
def small_by_default():
    """What "auto" picks is small, too: it is made with default parameters."""
    with small_networks():
        yield


@parametrize_with_checks(SAMPLERS)
def test_it_is_an_estimator(estimator, check):
    """Scikit-learn's checks."""
    check(estimator)


def listed(mark: pytest.MarkDecorator) -> pytest.MarkDecorator:
    """The same with a list of what it goes through: pytest is about to refuse generators."""
    names, values = mark.args
    return pytest.mark.parametrize(names, list(values), **mark.kwargs)


@listed(for_samplers(SAMPLERS))
def test_it_is_a_sampler(estimator, check):
    """Imbalanced-learn's checks."""
    check(estimator)


@parametrize_with_checks([OversampledClassifier(LogisticRegression(), SAMPLERS[0])])
def test_it_is_a_classifier(estimator, check):
    """Scikit-learn's checks, of the meta-estimator."""
    check(estimator)
