"""Networks of a few weights: tests of the engine train them in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gansynth.architecture import (
    Architecture,
    Augmentation,
    Codec,
    DataSpec,
    NetworkSpec,
    Recipe,
)


class PlainCodec(Codec):
    """Columns of numbers as they are; never calibrated."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.layout = len(names)

    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        return np.stack(list(data.values()), axis=1).astype(np.float32)

    def decode(self, rows: Any) -> dict[str, Any]:
        import tensorflow as tf

        return {
            name: tf.cast(column, tf.float64)
            for name, column in zip(self.names, tf.unstack(rows, axis=1), strict=True)
        }


@dataclass(frozen=True)
class Moved(Augmentation):
    """Rows moved in all columns, up to a distance."""

    most: float = 1.0
    numbers = 2

    def __call__(self, rows: Any, numbers: Any) -> Any:
        return rows + self.most * numbers


class ToyGAN(Architecture):
    """A linear generator against a critic of four units."""

    api_version = 1

    def __init__(self, units: int = 4, learning_rate: float = 1e-2) -> None:
        self.units = units
        self.learning_rate = learning_rate

    def accepts(self, spec: DataSpec) -> int:
        return 1

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> PlainCodec:
        return PlainCodec(list(data))

    def generator(self, spec: NetworkSpec, seed: int) -> Any:
        import keras

        z = keras.Input((spec.latent_dim,), name="z")
        inputs, hidden = condition(spec, z)
        return keras.Model(inputs, dense(spec.layout, seed)(hidden))

    def critic(self, spec: NetworkSpec, seed: int) -> Any:
        import keras

        rows = keras.Input((spec.layout,), name="rows")
        inputs, hidden = condition(spec, rows)
        hidden = keras.layers.LeakyReLU(0.2)(dense(self.units, seed)(hidden))
        return keras.Model(inputs, dense(1, seed + 1)(hidden))

    def recipe(self, spec: DataSpec) -> Recipe:
        return Recipe(
            steps=40,
            batch_size=8,
            latent_dim=2,
            learning_rate=self.learning_rate,
            learning_rate_end=1e-2 * self.learning_rate,
        )


class Augmented(ToyGAN):
    """Its critic sees a share of the rows moved."""

    def __init__(
        self, augmented: float | None = 1.0, units: int = 4, learning_rate: float = 1e-2
    ) -> None:
        super().__init__(units, learning_rate)
        self.augmented = augmented

    def recipe(self, spec: DataSpec) -> Recipe:
        recipe = super().recipe(spec)
        return replace(recipe, augmentation=Moved(), augmented=self.augmented)


def condition(spec: NetworkSpec, rows: Any) -> tuple[list[Any], Any]:
    """Inputs of a network, and its rows beside the class as a number."""
    import keras

    if not spec.n_classes:
        return [rows], rows
    y = keras.Input((), dtype="int32", name="y")
    one_hot = keras.layers.CategoryEncoding(spec.n_classes, output_mode="one_hot")
    classes = one_hot(keras.layers.Reshape((1,))(y))
    return [rows, y], keras.layers.Concatenate()([rows, classes])


def dense(units: int, seed: int) -> Any:
    import keras

    start = keras.initializers.VarianceScaling(1.0, seed=seed)
    return keras.layers.Dense(units, kernel_initializer=start)


def points(n: int = 300, seed: int = 0) -> np.ndarray:
    """A tilted Gaussian cloud, shape (n, 2)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 2)) @ np.array([[1.0, 0.5], [0.0, 0.5]]) + np.array([1.0, -1.0])
