"""The examples of docstrings run as they stand, and everything public has one."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import walk_packages

import matplotlib.pyplot as plt
import pytest
from sklearn.datasets import make_moons

from gansynth import GANSampler

PACKAGES = ("gansynth", "gansynth_distribution2d", "gansynth_image", "gansynth_tabular")
INTERNAL = {"gansynth._compat", "gansynth.containers", "gansynth.rewriting"}
"""What says in __all__ what the rest of the library may use."""


def sources() -> dict[str, str]:
    """The text of each module, by its name."""
    names = [*PACKAGES]
    for package in PACKAGES:
        folders = find_spec(package).submodule_search_locations
        names += [found.name for found in walk_packages(folders, f"{package}.")]
    return {name: Path(find_spec(name).origin).read_text(encoding="utf-8") for name in names}


def public() -> set[str]:
    """What is told of in the reference, and in __all__ of public modules."""
    page = (Path(__file__).parents[1] / "docs" / "api.rst").read_text(encoding="utf-8")
    names = set(re.findall(r"^   (gansynth\S*\.\w+)$", page, flags=re.MULTILINE))
    for module, text in sources().items():
        if "__all__ = [" in text and module not in INTERNAL:
            names |= {f"{module}.{name}" for name in import_module(module).__all__}
    return names - {"gansynth.__version__"}


def examples() -> list[doctest.DocTest]:
    """Those of all modules, in which there are any."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    modules = [name for name, text in sources().items() if ">>>" in text]
    found = [test for name in modules for test in finder.find(import_module(name))]
    return [test for test in found if test.examples]


@pytest.fixture(scope="module")
def shared() -> dict:
    """What the reference says that examples may use."""
    X, y = make_moons(100, noise=0.1, random_state=0)
    sampler = GANSampler(steps=3, random_state=0).fit(X[:60], y[:60])
    return {"sampler": sampler, "X_test": X[60:], "y_test": y[60:]}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("test", examples(), ids=lambda test: test.name)
def test_the_example_runs(test, shared, tmp_path, monkeypatch):
    """Its output is what stands there; nothing is written where it runs."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "folder"
    folder.mkdir()
    test.globs |= shared | {"folder": folder}
    told: list[str] = []
    try:
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=told.append)
    finally:
        plt.close("all")
    assert not told, "".join(told)
    assert list(tmp_path.iterdir()) == [folder]
    assert "SKIP" not in test.docstring


@pytest.mark.parametrize("name", sorted(public()))
def test_everything_public_has_an_example(name):
    """And is told of in the reference."""
    page = (Path(__file__).parents[1] / "docs" / "api.rst").read_text(encoding="utf-8")
    assert f"   {name}\n" in page
    module, _, name = name.rpartition(".")
    assert ">>> " in getattr(import_module(module), name).__doc__
