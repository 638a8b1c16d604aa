"""The examples of the README, and of the pages on tables, images and reports, run."""

from __future__ import annotations

import numpy as np
import pytest

from .documents import run


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    """Each block of Python runs after those before it, and prints the rows that it promises."""
    monkeypatch.chdir(tmp_path)
    namespace = run("README.md")
    assert capsys.readouterr().out.count("alcohol") == 2
    assert namespace["rare"].shape == namespace["X"][:100].shape
    assert len(namespace["X_new"]) == len(namespace["y_new"]) == 1000


def test_the_page_on_tables_is_right(capsys):
    """Midnights stay midnights, codes are codes that were seen, identifiers go on."""
    namespace = run("docs/tables.md")
    X, rows = namespace["X"], namespace["rows"]
    assert (rows["joined"] == rows["joined"].dt.normalize()).all()
    assert set(rows["zip"]) <= set(X["zip"])
    assert rows.dtypes.equals(X.dtypes.drop("notes"))
    assert capsys.readouterr().out.endswith("['C-00500', 'C-00501', 'C-00502']\n")


@pytest.mark.filterwarnings("ignore:The generator covers:sklearn.exceptions.ConvergenceWarning")
def test_the_page_on_images_is_right():
    """Shapes are as the comments have them."""
    namespace = run("docs/images.md")
    assert namespace["threes"].shape == (10, 8, 8)
    assert namespace["rows"].shape == (10, 64)
    np.testing.assert_array_equal(namespace["way"][[0, -1]], namespace["threes"][:2])
    assert namespace["images"].shape == (6, 8, 8)
    assert namespace["labels"].tolist() == ["dark"] * 3 + ["light"] * 3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_page_on_reports_is_right(capsys):
    """A report is written, and a picture."""
    folder = run("docs/report.md")["folder"]
    assert {path.name for path in folder.iterdir()} == {"report.html", "fidelity.png"}
    assert "boosted trees tell which is which" in capsys.readouterr().out
