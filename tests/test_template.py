"""The template in plugins/template, as a stranger would use it: built, installed, run."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[1] / "plugins" / "template"


def run(*command, **options):
    """Run a command, and show what it said if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Return the Python of a new environment with the template, beside gansynth."""
    folder = tmp_path_factory.mktemp("template")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    # What the build needs is there already: nothing comes from the network.
    offline = ["--no-deps", "--no-index"]
    run(*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, TEMPLATE)
    (wheel,) = folder.glob("gansynth_template-*.whl")

    venv.create(folder / "environment", symlinks=os.name != "nt")
    windows = os.name == "nt"
    python = folder / "environment" / ("Scripts/python.exe" if windows else "bin/python")
    run(*pip, "--python", python, "install", *offline, wheel)

    # gansynth and TensorFlow are not installed again, which would take minutes: the new
    # environment sees what the running one has.
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    lent = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    lines = [f"import site; site.addsitedir({path!r})\n" for path in dict.fromkeys(lent)]
    (Path(own) / "beside.pth").write_text("".join(lines))
    return python


def test_the_wheel_is_listed_once_installed(python):
    """Installing a plugin is all it takes; this process, without it, doesn't know it."""
    listing = "from gansynth.registry import available; print(*available(), sep='\\n')"
    here, there = run(sys.executable, "-c", listing), run(python, "-c", listing)
    assert "'template' (gansynth_template:TemplateGAN, from gansynth-template 0.1.0)" in there
    assert "'tabular'" in there
    assert "template" not in here


def test_it_fits_by_name_and_passes_its_own_tests_beside_a_broken_plugin(python, tmp_path):
    """The template's own tests run in the new environment, the way its README says."""
    broken = Path(run(python, "-c", "import gansynth_template as t; print(t.__file__)").strip())
    info = broken.parents[1] / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gansynth.architectures]\nbroken = nowhere:GAN\n")
    out = run(
        python,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error::RuntimeWarning"),
        *("--import-mode=importlib", f"--rootdir={tmp_path}", "-c", os.devnull),
        TEMPLATE / "tests",
        cwd=tmp_path,
    )
    assert " passed" in out
    assert "skipped" not in out
