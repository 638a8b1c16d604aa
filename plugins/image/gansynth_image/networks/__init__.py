"""Pairs of generator and critic, one file each; a file put here is a pair by its name.

A pair's module has three functions:

- ``generator(spec, width, depth, seed)``: ``[z]`` or ``[z, y]`` to images;
- ``critic(spec, width, depth, seed)``: ``[images]`` or ``[images, y]`` to logits, shape (n, 1);
- ``recipe(doublings)``: training defaults, by how often the coarsest grid is doubled; all but
  gamma, which goes by the images.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def named(name: str) -> Any:
    """The module of a pair.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if name not in NAMES:
        raise ValueError(f"networks={name!r} is unknown. Use one of {', '.join(NAMES)}.")
    return import_module(f"{__name__}.{name}")
