"""The README's examples run as they stand, in order."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_examples_run(tmp_path, monkeypatch, capsys):
    """Each block of Python runs after those before it, and prints the rows that it promises."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    assert blocks
    namespace = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    assert capsys.readouterr().out.count("alcohol") == 2
    assert namespace["rare"].shape == namespace["X"][:100].shape
    assert len(namespace["X_new"]) == len(namespace["y_new"]) == 1000


def test_the_pictures_are_there():
    """Every picture and file that the README points to is in the repository."""
    targets = re.findall(r"(?:\]\(|src=\")([^)#:\"]+)[)\"]", README)
    assert targets
    for target in targets:
        assert (Path(__file__).parents[1] / target).is_file()
