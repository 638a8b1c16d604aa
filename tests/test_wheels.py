"""What is built of this repository: complete, typed, and nothing beside it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "gansynth": ROOT,
    "gansynth_distribution2d": ROOT / "plugins" / "distribution2d",
    "gansynth_image": ROOT / "plugins" / "image",
    "gansynth_tabular": ROOT / "plugins" / "tabular",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build sdist and wheel, without a network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return sorted(folder.iterdir())


def test_their_metadata_is_in_order(built):
    """Twine would upload them, and the README can be shown."""
    assert [path.name.partition("-")[0] for path in built] == ["gansynth", "gansynth"]
    command = [sys.executable, "-m", "twine", "check", "--strict", *built]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("PASSED") == 2


def test_the_wheel_has_the_packages_and_nothing_else(built):
    """Every file of theirs, marked as typed, and what describes them."""
    (wheel,) = (path for path in built if path.suffix == ".whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    described = {name for name in names if name.partition("/")[0].endswith(".dist-info")}
    files = {
        path.relative_to(folder).as_posix()
        for package, folder in PACKAGES.items()
        for path in (folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names - described == files
    assert {f"{package}/py.typed" for package in PACKAGES} < files
    kinds = {name.partition("/")[2] for name in described}
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} < kinds


def test_the_source_has_what_the_tests_read(built):
    """Tests, documents and benchmarks are in the sdist."""
    (source,) = (path for path in built if path.name.endswith(".tar.gz"))
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ("README.md", "CHANGELOG.md", "LICENSE", "tests/test_wheels.py", "docs/conf.py")
    assert {*wanted, "plugins/serve/pyproject.toml", "benchmarks/runs.py"} < names
