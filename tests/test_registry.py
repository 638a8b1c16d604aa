"""Discovery and loading of architectures, with fake distributions on sys.path."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import textwrap

import pytest

from gansynth import registry
from gansynth.architecture import Architecture, DataSpec
from gansynth.registry import ArchitectureError
from gansynth.schema import Column, Schema

HEALTHY = """
from gansynth.architecture import Architecture

class FakeGAN(Architecture):
    api_version = 1

    def __init__(self, fit={fit}):
        self.fit = fit

    def accepts(self, spec):
        return self.fit

    def codec(self, spec, data): ...
    def generator(self, spec, seed): ...
    def critic(self, spec, seed): ...
    def recipe(self, spec): ...
"""

# What makes a plugin unusable, and what its error says beyond name, distribution and version.
BROKEN = {
    "raises": ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
    "imports": (
        "import a_module_that_is_not_there",
        "No module named 'a_module_that_is_not_there'",
    ),
    "lacks": ("", "has no attribute 'FakeGAN'"),
    "syntax": ("class FakeGAN(", "SyntaxError"),
    "function": ("def FakeGAN(): ...", "no subclass of gansynth.architecture.Architecture"),
    "stranger": ("class FakeGAN: ...", "no subclass of gansynth.architecture.Architecture"),
    "older": (
        HEALTHY.format(fit=100).replace("version = 1", "version = 0"),
        "was written for api_version 0, and this gansynth speaks version 1",
    ),
    "silent": (
        HEALTHY.format(fit=100).replace("api_version = 1", ""),
        "states no api_version, and this gansynth speaks version 1",
    ),
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that lays out a distribution and its package, as pip would."""
    monkeypatch.syspath_prepend(tmp_path)

    def _install(name, code, *, version="1.0", package=None, distribution=None):
        package = package or f"fake_{name}"
        distribution = distribution or f"gansynth-{name}"
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(
            f"[gansynth.architectures]\n{name} = {package}:FakeGAN\n"
        )
        (tmp_path / f"{package}.py").write_text(textwrap.dedent(code))
        monkeypatch.delitem(sys.modules, package, raising=False)

    yield _install
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """Leave the standard library and what the test installs: the built-ins are not there."""
    paths = [*(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib")), *_extensions()]
    monkeypatch.setattr(sys, "path", [str(tmp_path), *paths])


@pytest.fixture
def spec():
    """Return what an architecture is told of three columns."""
    columns = tuple(Column(name, "float", "float64") for name in "abc")
    return DataSpec(Schema("numpy", columns=columns, dtype="float64"), n_samples=10)


def _extensions():
    return [path for path in sys.path if path.endswith("lib-dynload")]


def names():
    return [info.name for info in registry.available()]


def test_built_in_architectures_are_listed_as_entry_points_of_gansynth():
    """The core's own architectures come in by the same door as anybody's."""
    built_in = {info.name: info for info in registry.available() if info.distribution == "gansynth"}
    assert set(built_in) == {"distribution2d", "image", "tabular"}
    assert built_in["tabular"].value == "gansynth_tabular:TabularGAN"


def test_an_installed_plugin_is_listed_with_its_distribution_and_version(install):
    """A listing says where each architecture comes from, in order of names."""
    install("mine", HEALTHY.format(fit=1), version="2.3")
    (mine,) = [info for info in registry.available() if info.name == "mine"]
    assert (mine.distribution, mine.version, mine.value) == (
        "gansynth-mine",
        "2.3",
        "fake_mine:FakeGAN",
    )
    assert str(mine) == "'mine' (fake_mine:FakeGAN, from gansynth-mine 2.3)"
    assert names() == sorted(names())


def test_listing_imports_neither_plugins_nor_tensorflow(install, tmp_path):
    """Listing reads metadata only, so one slow or broken plugin costs nobody anything."""
    install("mine", "raise SystemExit('imported')")
    code = """
        import sys
        from gansynth import registry
        assert "mine" in [info.name for info in registry.available()]
        loaded = {"tensorflow", "keras", "fake_mine", "gansynth_tabular"} & set(sys.modules)
        assert not loaded, loaded
    """
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )


def test_loading_imports_only_the_one_that_was_asked_for(install):
    """A plugin that can't be imported does not stand in another one's way."""
    install("broken", "raise RuntimeError")
    install("other", HEALTHY.format(fit=1))
    install("mine", HEALTHY.format(fit=1))
    assert registry.load("mine").__module__ == "fake_mine"
    assert "fake_other" not in sys.modules


@pytest.mark.parametrize(("code", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_plugin_that_can_not_be_used_is_an_error_that_names_it(install, code, reason):
    """The error names plugin, distribution and version, and what is wrong."""
    install("bad", code, version="0.7")
    with pytest.raises(ArchitectureError) as caught:
        registry.load("bad")
    assert "'bad' (fake_bad:FakeGAN, from gansynth-bad 0.7)" in str(caught.value)
    assert reason in str(caught.value)


def test_a_failed_import_keeps_its_cause(install):
    """The traceback of the plugin's own exception stays in sight."""
    install("bad", "raise RuntimeError('no licence')")
    with pytest.raises(ArchitectureError) as caught:
        registry.load("bad")
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert "Repair, upgrade or uninstall gansynth-bad." in str(caught.value)


def test_an_interrupt_while_loading_is_not_swallowed(install):
    """Ctrl-C during an import is Ctrl-C, not a broken plugin."""
    install("bad", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.load("bad")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("tabluar", " Did you mean 'tabular'?"), ("zzz", " Installed: 'distribution2d', 'image'")],
)
def test_an_unknown_name_is_answered_with_what_there_is(name, hint):
    """A typing error gets a suggestion, and everybody the list."""
    with pytest.raises(ValueError, match=f"architecture='{name}' is not installed.") as caught:
        registry.load(name)
    assert hint in str(caught.value)
    assert "'tabular'" in str(caught.value)


def test_a_name_that_two_distributions_claim_is_refused_naming_both(install):
    """Neither silently overrides the other, and both are listed."""
    install("twin", HEALTHY.format(fit=1), distribution="one", package="fake_one")
    install("twin", HEALTHY.format(fit=1), distribution="two", package="fake_two", version="2.0")
    with pytest.raises(ArchitectureError, match=r"'twin' is claimed by") as caught:
        registry.load("twin")
    assert "one 1.0" in str(caught.value)
    assert "two 2.0" in str(caught.value)
    assert names().count("twin") == 2


def test_a_built_in_name_can_not_be_taken_over(install):
    """A package that registers a built-in name does not replace it."""
    install("tabular", HEALTHY.format(fit=100), distribution="imposter", package="fake_tabular")
    with pytest.raises(ArchitectureError, match=r"imposter 1\.0"):
        registry.load("tabular")


def test_the_same_distribution_twice_on_the_path_is_one(install):
    """An editable install in front of a plain one is no clash."""
    install("mine", HEALTHY.format(fit=1))
    install("mine", HEALTHY.format(fit=1), version="1.1")
    assert names().count("mine") == 1
    assert registry.load("mine").__name__ == "FakeGAN"


def test_unreadable_metadata_are_warned_of_and_disturb_nobody(install, tmp_path):
    """Damaged entry points of one distribution leave the others listed."""
    install("mine", HEALTHY.format(fit=1))
    install("bad", "", version="0.7")
    damaged = tmp_path / "gansynth_bad-0.7.dist-info" / "entry_points.txt"
    damaged.write_text("[gansynth.architectures]\nbad\n")
    with pytest.warns(RuntimeWarning, match=r"entry points of gansynth-bad 0\.7 can't be read"):
        listed = names()
    assert "mine" in listed
    assert "bad" not in listed


def test_auto_takes_the_best_fit(install, alone, spec):
    """The architecture that accepts the data best is made, with default parameters."""
    install("good", HEALTHY.format(fit=60))
    install("best", HEALTHY.format(fit=70))
    name, architecture = registry.choose(spec)
    assert name == "best"
    assert architecture.fit == 70


def test_auto_prefers_a_built_in_of_equals(install, alone, spec):
    """Installing a package that claims no better fit changes no result."""
    install("zzz", HEALTHY.format(fit=60), distribution="gansynth")
    install("aaa", HEALTHY.format(fit=60))
    assert registry.choose(spec)[0] == "zzz"


def test_auto_takes_the_first_name_of_equal_strangers(install, alone, spec):
    """The choice does not depend on the order of installation."""
    install("zzz", HEALTHY.format(fit=60))
    install("aaa", HEALTHY.format(fit=60))
    assert registry.choose(spec)[0] == "aaa"


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        *BROKEN.values(),
        (HEALTHY.format(fit="None"), "TypeError"),
        (HEALTHY.format(fit=99).replace("return self.fit", "return 1 / 0"), "ZeroDivisionError"),
    ],
    ids=[*BROKEN, "accepts-none", "accepts-raises"],
)
def test_auto_leaves_a_broken_plugin_out_and_says_so(install, alone, spec, code, reason):
    """A plugin that can't be used is no candidate, and is named in a warning."""
    install("bad", code)
    install("good", HEALTHY.format(fit=1))
    with pytest.warns(RuntimeWarning, match="architecture='bad' is left out") as caught:
        name, _ = registry.choose(spec)
    assert name == "good"
    assert reason in str(caught[0].message)


def test_auto_says_so_when_nothing_fits(install, alone, spec):
    """Data that no architecture accepts are described, with what is installed."""
    install("picky", HEALTHY.format(fit=0))
    with pytest.raises(ValueError, match="No installed architecture accepts") as caught:
        registry.choose(spec)
    assert "10 rows of 3 columns: float" in str(caught.value)
    assert "Installed: 'picky'" in str(caught.value)


def test_resolve_takes_a_name_an_instance_a_class_and_auto(install, alone, spec):
    """All four ways to say what is meant end in an instance and its name."""
    install("mine", HEALTHY.format(fit=99))
    kind = registry.load("mine")
    instance = kind(fit=3)
    for given in ("mine", "auto", kind):
        name, made = registry.resolve(given, spec)
        assert name == "mine"
        assert type(made) is kind
    assert registry.resolve(instance, spec) == ("mine", instance)


def test_an_architecture_from_a_notebook_needs_no_packaging(install, spec):
    """A class that nobody installed goes by its own name."""
    install("mine", HEALTHY.format(fit=1))

    class HomeMade(registry.load("mine")):
        pass

    assert registry.resolve(HomeMade(), spec)[0] == "HomeMade"


def test_an_instance_of_another_version_is_refused(install, spec):
    """The contract's version is checked however the architecture is given."""
    install("mine", HEALTHY.format(fit=1))

    class Newer(registry.load("mine")):
        api_version = 2

    with pytest.raises(ArchitectureError, match="architecture=Newer was written for api_version 2"):
        registry.resolve(Newer(), spec)


@pytest.mark.parametrize("given", [None, 3, object, {"width": 3}])
def test_what_is_no_architecture_is_refused(spec, given):
    """Anything else is a TypeError that says what would do."""
    with pytest.raises(TypeError, match=r"is no architecture\. Give the name of an installed one"):
        registry.resolve(given, spec)


def test_the_base_class_states_no_version_for_its_heirs():
    """A plugin states the version it was written for: the base class can't know it."""
    assert not hasattr(Architecture, "api_version")
