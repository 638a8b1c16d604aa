"""The examples of the README, and of the pages on tables and images, run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

TABLES = (Path(__file__).parents[1] / "docs" / "tables.md").read_text(encoding="utf-8")
IMAGES = (Path(__file__).parents[1] / "docs" / "images.md").read_text(encoding="utf-8")
REPORT = (Path(__file__).parents[1] / "docs" / "report.md").read_text(encoding="utf-8")
README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def run(page: str) -> dict:
    """Run the blocks of Python of a page, one after the other."""
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)
    assert blocks
    namespace = {}
    for block in blocks:
        exec(compile(block, "page.md", "exec"), namespace)
    return namespace


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    """Each block of Python runs after those before it, and prints the rows that it promises."""
    monkeypatch.chdir(tmp_path)
    namespace = run(README)
    assert capsys.readouterr().out.count("alcohol") == 2
    assert namespace["rare"].shape == namespace["X"][:100].shape
    assert len(namespace["X_new"]) == len(namespace["y_new"]) == 1000


def test_the_pictures_are_there():
    """Every picture, file and folder that the README points to is in the repository."""
    targets = re.findall(r"(?:\]\(|src=\")([^)#:\"]+)[)\"]", README)
    assert targets
    for target in targets:
        assert (Path(__file__).parents[1] / target).exists()


def test_the_page_on_tables_is_right(capsys):
    """Midnights stay midnights, codes are codes that were seen, identifiers go on."""
    namespace = run(TABLES)
    X, rows = namespace["X"], namespace["rows"]
    assert (rows["joined"] == rows["joined"].dt.normalize()).all()
    assert set(rows["zip"]) <= set(X["zip"])
    assert rows.dtypes.equals(X.dtypes.drop("notes"))
    assert capsys.readouterr().out.endswith("['C-00500', 'C-00501', 'C-00502']\n")


@pytest.mark.filterwarnings("ignore:The generator covers:sklearn.exceptions.ConvergenceWarning")
def test_the_page_on_images_is_right():
    """Shapes are as the comments have them."""
    namespace = run(IMAGES)
    assert namespace["threes"].shape == (10, 8, 8)
    assert namespace["rows"].shape == (10, 64)
    np.testing.assert_array_equal(namespace["way"][[0, -1]], namespace["threes"][:2])
    assert namespace["images"].shape == (6, 8, 8)
    assert namespace["labels"].tolist() == ["dark"] * 3 + ["light"] * 3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_page_on_reports_is_right(capsys):
    """A report is written, and a picture."""
    folder = run(REPORT)["folder"]
    assert {path.name for path in folder.iterdir()} == {"report.html", "fidelity.png"}
    assert "boosted trees tell which is which" in capsys.readouterr().out
