"""Tables with mixed columns: the ``tabular`` architecture of gansynth."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Tags

from gansynth.architecture import Architecture, DataSpec, NetworkSpec, Recipe
from gansynth_tabular.codec import TableCodec

if TYPE_CHECKING:
    import keras

__all__ = ["TableCodec", "TabularGAN"]

LEAST = {"width": 1, "depth": 0, "max_distinct": 0, "candidates": 1}
"""What integers may be; without layers the networks are linear."""


class TabularGAN(Architecture):
    """Residual MLPs on rank-Gaussian scores and hard categories.

    Parameters
    ----------
    width : int, default=256
        Units of a hidden layer, in both players.
    depth : int, default=3
        Residual layers, in both players.
    max_distinct : int, default=128
        A numeric column with at most this many distinct values is modelled as categories,
        so that exact relations between columns (an education and its number) stay exact.
    min_mass : float, default=0.01
        A value of a numeric column that makes up at least this share of the rows (zeros,
        spikes, caps) is a category beside the continuous rest.
    candidates : int, default=4
        Rows drawn for each one that is given out; it is chosen among them by how much likelier
        each is among real rows than among generated ones, as a few columns at a time tell
        (sampling importance resampling). 1 gives rows as the generator draws them, faster.
    conditions : bool, default=False
        Whether the generator can be given values of columns, for ``sample(conditions=…)`` and
        ``impute``. It is trained on rows of which a random part is given then.

    Examples
    --------
    >>> from gansynth_tabular import TabularGAN
    >>> TabularGAN(width=64)
    TabularGAN(width=64)
    """

    api_version = 1

    def __init__(
        self,
        width: int = 256,
        depth: int = 3,
        max_distinct: int = 128,
        min_mass: float = 0.01,
        candidates: int = 4,
        conditions: bool = False,
    ) -> None:
        self.width = width
        self.depth = depth
        self.max_distinct = max_distinct
        self.min_mass = min_mass
        self.candidates = candidates
        self.conditions = conditions

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    def accepts(self, spec: DataSpec) -> int:
        """Any table; points in the plane have an architecture made for them."""
        return 0 if spec.schema.is_image else 50

    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> TableCodec:
        """Fit point masses, quantiles and categories.

        Raises
        ------
        ValueError
            If a parameter is out of its range.
        """
        for name, least in LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < least:
                raise ValueError(
                    f"{name} must be an integer of at least {least}; got {value!r}. "
                    f"Use {least} or more."
                )
        mass: object = self.min_mass
        if not isinstance(mass, int | float | np.number) or not 0 <= mass <= 1:
            raise ValueError(
                f"min_mass must be a share of the rows, from 0 to 1; got {mass!r}. "
                "Use 1 to have no category beside a continuous rest."
            )
        return TableCodec(
            spec.schema.columns,
            data,
            self.max_distinct,
            self.min_mass,
            self.candidates,
            self.conditions,
        )

    def generator(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build a residual MLP with one hard category or one score a column."""
        from gansynth_tabular import networks

        return networks.generator(spec, self.width, self.depth, seed)

    def critic(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build a residual MLP with a projection on the class."""
        from gansynth_tabular import networks

        return networks.critic(spec, self.width, self.depth, seed)

    def recipe(self, spec: DataSpec) -> Recipe:
        """Steps, not epochs: a small table needs as many as it takes to learn it.

        A batch is a quarter of a small table: of more, each row would be seen so often that it
        is learned by heart, and steps would take longer for nothing.
        """
        steps = 3700 if spec.n_samples > 5000 else 2000
        return Recipe(
            steps=steps * 3 // 2 if self.conditions else steps,
            batch_size=int(np.clip(spec.n_samples // 4, 64, 500)),
            latent_dim=128,
            gamma=(1.0, 1.0),
            learning_rate=1e-3,
            learning_rate_end=1e-5,
        )
