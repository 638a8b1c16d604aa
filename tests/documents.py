"""The examples of documents, as they stand, but for how large networks are and how long they train.

Whether what they draw is good is measured elsewhere; here every line of theirs runs.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gansynth_distribution2d import Distribution2DGAN
from gansynth_image import ImageGAN
from gansynth_tabular import TabularGAN

ROOT = Path(__file__).parents[1]
SMALL = {
    TabularGAN: {"width": 8, "depth": 1, "candidates": 1},
    Distribution2DGAN: {"width": 8, "depth": 1, "charts": 4},
    ImageGAN: {"width": 4},
}


@contextmanager
def small_networks() -> Iterator[None]:
    """Make architectures small by default: so are those that "auto" or a name stands for."""
    with pytest.MonkeyPatch.context() as patch:
        for architecture, small in SMALL.items():
            _, *parameters = inspect.signature(architecture.__init__).parameters.values()
            defaults = tuple(small.get(each.name, each.default) for each in parameters)
            patch.setattr(architecture.__init__, "__defaults__", defaults)
        yield


def quickly(code: str) -> str:
    """Code that trains for a moment where it would for seconds."""
    return re.sub(r"max_time=\d+", "max_time=0.5", code)


def run(page: str) -> dict[str, object]:
    """Run the blocks of Python of a page, one after the other; return the names that they set."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    assert blocks
    namespace: dict[str, object] = {}
    with small_networks():
        for block in blocks:
            exec(compile(quickly(block), page, "exec"), namespace)
    return namespace
