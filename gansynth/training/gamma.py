"""The weight of the gradient penalty, from the data."""

from __future__ import annotations

from dataclasses import replace

from gansynth.architecture import Recipe


def resolve(gamma: str | float | tuple[float, float], recipe: Recipe) -> Recipe:
    """Fill in the weight of R1 and R2 that was asked for; ``"auto"`` is the recipe's."""
    if gamma == "auto":
        return recipe
    pair = gamma if isinstance(gamma, tuple) else (float(gamma), float(gamma))
    return replace(recipe, gamma=pair)
