"""The gallery's examples run, on small networks, for a moment where they take a minute."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from .documents import ROOT, quickly, small_networks

EXAMPLES = sorted((ROOT / "docs" / "examples").glob("plot_*.py"))


# Of samplers that had no time to learn.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path, capsys):
    """From its first line to its last, with something to show and no number that is none."""
    import matplotlib.pyplot as plt

    code = compile(quickly(path.read_text(encoding="utf-8")), str(path), "exec")
    with mpl.rc_context({"backend": "Agg"}), small_networks():
        try:
            exec(code, {"__name__": "__main__"})
            told = capsys.readouterr().out
            assert told or plt.get_fignums()
            assert "nan" not in told.split()
        finally:
            plt.close("all")
