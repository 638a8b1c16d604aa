"""The gallery's examples run, with a second where they take a minute."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "docs" / "examples").glob("plot_*.py"))


@pytest.mark.filterwarnings("ignore::UserWarning")  # of samplers that had no time to learn
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, monkeypatch):
    """From its first line to its last, in an order of their own."""
    import matplotlib.pyplot as plt

    text, changed = re.subn(r"max_time=\d+", "max_time=1", path.read_text(encoding="utf-8"))
    assert changed
    with mpl.rc_context({"backend": "Agg"}):
        try:
            exec(compile(text, str(path), "exec"), {"__name__": "__main__"})
        finally:
            plt.close("all")
