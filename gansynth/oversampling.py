"""OversampledClassifier: oversampling for those who use scikit-learn alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from gansynth._compat import CallbackSupportMixin, with_callbacks
from gansynth.callbacks import Steps
from gansynth.sampler import GANSampler


def _estimator_has(method: str) -> Callable[[Any], bool]:
    """Whether the classifier has a method."""

    def check(self: OversampledClassifier) -> bool:
        # Its AttributeError, if there is one, says best why not.
        getattr(getattr(self, "estimator_", self.estimator), method)
        return True

    return check


class OversampledClassifier(
    CallbackSupportMixin, ClassifierMixin, MetaEstimatorMixin, BaseEstimator
):
    """Fit a classifier on rows of which those of rare classes were added to.

    In ``fit``, and nowhere else: whatever is predicted or scored is of the rows that were given.
    So it can be cross-validated, searched, calibrated and stacked in scikit-learn like any
    classifier, and no row of a validation fold is learned from.

    Parameters
    ----------
    estimator : classifier
        What to fit on the resampled rows; cloned.
    sampler : GANSampler or other object with ``fit_resample``, optional
        What adds rows; cloned. A ``GANSampler()`` if left out.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    sampler_ : GANSampler
        The fitted sampler.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_features_in_ : int
        Columns of X, if the classifier tells.
    feature_names_in_ : ndarray of str
        Their names, if the classifier tells.

    See Also
    --------
    imblearn.pipeline.Pipeline : A pipeline in which samplers can be steps.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from gansynth import GANSampler, OversampledClassifier
    >>> X, y = make_classification(90, 2, n_redundant=0, weights=[0.8], random_state=0)
    >>> sampler = GANSampler(steps=20, random_state=0)
    >>> model = OversampledClassifier(LogisticRegression(), sampler).fit(X, y)
    >>> model.predict(X[:3]).shape
    (3,)
    """

    def __init__(self, estimator: Any, sampler: Any = None) -> None:
        self.estimator = estimator
        self.sampler = sampler

    @with_callbacks
    def fit(self, X: Any, y: Any, **params: Any) -> Self:
        """Add rows, and fit the classifier on them all.

        Parameters
        ----------
        X : array-like of shape (n, columns)
            What sampler and classifier both take.
        y : array-like of shape (n,)
            Class labels.
        **params : dict
            Passed to the classifier's ``fit``; with metadata routing enabled, to whoever asked for
            it. Of a ``sample_weight``, new rows get the mean of their class.

        Returns
        -------
        self : OversampledClassifier
        """
        for_sampler, for_estimator = self._routed(params)
        sampler = GANSampler() if self.sampler is None else clone(self.sampler)
        estimator = clone(self.estimator)
        steps = Steps(self, X, y, 2)
        with steps.step("resample", sampler):
            rows, labels = sampler.fit_resample(X, y, **for_sampler)
        weights = for_estimator.get("sample_weight")
        if weights is not None:
            for_estimator = for_estimator | {"sample_weight": _extended(weights, y, labels)}
        with steps.step("fit", estimator):
            estimator.fit(rows, labels, **for_estimator)
        self.estimator_, self.sampler_ = estimator, sampler
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))
        steps.finish()
        return self

    @property
    def classes_(self) -> np.ndarray:
        """Class labels."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.classes_

    @available_if(_estimator_has("predict"))
    def predict(self, X: Any) -> np.ndarray:
        """Predict the class of each row, by the classifier."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict(X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class, by the classifier."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_proba(X)

    @available_if(_estimator_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of the probability of each class, by the classifier."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.predict_log_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Give the classifier's decision function."""
        check_is_fitted(self, "estimator_")
        return self.estimator_.decision_function(X)

    def get_metadata_routing(self) -> MetadataRouter:
        """Get who asked for what of the parameters of ``fit``."""
        sampler = GANSampler() if self.sampler is None else self.sampler
        return (
            MetadataRouter(owner=self)
            .add(
                estimator=self.estimator,
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
            .add(
                sampler=sampler,
                method_mapping=MethodMapping().add(caller="fit", callee="fit_resample"),
            )
        )

    def _routed(self, params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """What of the parameters of ``fit`` is for the sampler, and what for the classifier."""
        if not get_config()["enable_metadata_routing"]:
            return {}, params
        routed = process_routing(self, "fit", **params)
        return routed.sampler.fit_resample, routed.estimator.fit

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        own = get_tags(self.estimator)
        sampler = get_tags(GANSampler() if self.sampler is None else self.sampler)
        tags.classifier_tags = own.classifier_tags
        for name in ("sparse", "allow_nan", "string", "categorical", "three_d_array"):
            both = getattr(own.input_tags, name) and getattr(sampler.input_tags, name)
            setattr(tags.input_tags, name, both)
        tags.input_tags.positive_only = own.input_tags.positive_only
        return tags


def _extended(weights: Any, y: Any, labels: Any) -> np.ndarray:
    """Weights of the rows, and behind them the mean of its class for each new one."""
    weights, y, labels = np.asarray(weights, float), np.ravel(y), np.ravel(labels)
    if weights.shape != y.shape:
        raise ValueError(
            f"sample_weight has shape {weights.shape}, but there are {len(y)} rows. Pass one "
            "weight a row."
        )
    new = labels[len(y) :]
    means = {label: weights[y == label].mean() for label in set(new.tolist())}
    return np.concatenate([weights, [means[label] for label in new.tolist()]])
