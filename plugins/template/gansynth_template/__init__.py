"""A minimal architecture for gansynth: tables of float columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from gansynth.architecture import Architecture, DataSpec, NetworkSpec, Recipe
from gansynth_template.codec import Standardise

if TYPE_CHECKING:
    import keras


class TemplateGAN(Architecture):
    """Two perceptrons on standardised columns.

    Parameters
    ----------
    width : int, default=64
        Units of a hidden layer.
    """

    # The version of the contract that this class was written for.
    api_version = 1

    # As in any scikit-learn estimator, the constructor stores its parameters and does no more.
    def __init__(self, width: int = 64) -> None:
        self.width = width

    def accepts(self, spec: DataSpec) -> int:
        """Columns of floats without gaps; for those, anything else may know better."""
        columns = spec.schema.columns
        suitable = all(column.kind == "float" and not column.nullable for column in columns)
        return 1 if columns and suitable else 0

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> Standardise:
        """Learn mean and deviation of each column."""
        return Standardise(data)

    # TensorFlow takes seconds to import, and sampling does without: import it where it is used.
    def generator(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Noise to rows."""
        from gansynth_template.networks import perceptron

        return perceptron(spec.latent_dim, spec.layout, spec.n_classes, self.width, seed)

    def critic(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Rows to logits."""
        from gansynth_template.networks import perceptron

        return perceptron(spec.layout, 1, spec.n_classes, self.width, seed)

    def recipe(self, spec: DataSpec) -> Recipe:
        """Training defaults; a user's `steps` or `batch_size` goes first."""
        return Recipe(steps=2000, batch_size=128, latent_dim=16)
