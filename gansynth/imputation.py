"""GANImputer: missing cells, drawn to go with the others of their row."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from gansynth import registry
from gansynth.sampler import GANSampler


class GANImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fill missing cells by draws from their distribution given the rest of the row.

    Unlike a mean or a regression, a draw keeps the spread of a column and its relations to
    others; the mean of several draws is a prediction, and their spread its uncertainty.

    Parameters
    ----------
    sampler : GANSampler, optional
        What to fit, cloned; a ``GANSampler()`` if left out. Its architecture is told that it
        will be given values of columns (``conditions=True``).
    random_state : int, RandomState, Generator or None, default=None
        Seed of the draws. An integer fills the same cells with the same values each time.

    Attributes
    ----------
    sampler_ : GANSampler
        The fitted sampler.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns, where they are all strings.

    See Also
    --------
    GANSampler.impute : The same, of a sampler that is fitted already.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth import GANImputer, GANSampler
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> X[0, 1] = np.nan
    >>> imputer = GANImputer(GANSampler(steps=5, random_state=0), random_state=0)
    >>> bool(np.isnan(imputer.fit_transform(X)).any())
    False
    """

    def __init__(self, sampler: GANSampler | None = None, random_state: Any = None) -> None:
        self.sampler = sampler
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the sampler on X, missing cells and all.

        Parameters
        ----------
        X : DataFrame, Table, ndarray or list
            A table.
        y : ignored
            Rows are filled without knowing their class.

        Returns
        -------
        self : GANImputer

        Raises
        ------
        ValueError, TypeError
            As for :meth:`GANSampler.fit`, and if the architecture can't be given values.
        """
        sampler = GANSampler() if self.sampler is None else clone(self.sampler)
        architecture = sampler.architecture
        if isinstance(architecture, str):
            architecture = registry.load("tabular" if architecture == "auto" else architecture)()
        if isinstance(architecture, type):
            architecture = architecture()
        if "conditions" not in architecture.get_params():
            raise ValueError(
                f"architecture={architecture!r} can't be given values: it has no parameter "
                "'conditions'. Use architecture='tabular'."
            )
        sampler.set_params(architecture=architecture, architecture__conditions=True)
        self.sampler_ = sampler.fit(X)
        self.__dict__.pop("feature_names_in_", None)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.sampler_, name):
                setattr(self, name, getattr(self.sampler_, name))
        return self

    def transform(self, X: Any) -> Any:
        """Fill the missing cells of rows.

        Parameters
        ----------
        X : DataFrame, Table, ndarray or list
            Rows of the columns that were fitted.

        Returns
        -------
        DataFrame, Table or ndarray
            The rows, in the container that was fitted; an array, if that was a list.
        """
        check_is_fitted(self, "sampler_")
        filled = self.sampler_.impute(X, random_state=self.random_state)
        # Scikit-learn's transformers give arrays for lists, and its checks ask for their shape.
        return np.asarray(filled) if isinstance(filled, list) else filled

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags
