"""The distribution gansynth-serve, in an environment of numpy and ONNX Runtime alone."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gansynth import containers
from gansynth.inference.artifact import seal
from gansynth.inference.exported import ExportedSampler

from . import onnx_graphs as graphs

SERVE = Path(__file__).parents[1] / "plugins" / "serve"
COLOURS = pd.CategoricalDtype(["red", "green", "blue"])


def attempt(*command, **options):
    """Run a command that meets what is installed, not the folder that it runs in."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PYTHONSAFEPATH"] = "1"
    words = [str(word) for word in command]
    return subprocess.run(
        words, check=False, capture_output=True, text=True, env=environment, **options
    )


def run(*command, **options):
    """Run one, and show what it said if it fails."""
    done = attempt(*command, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """Return the Python of a new environment with the wheel."""
    if os.name == "nt":
        pytest.skip("packages are lent by links")
    folder = tmp_path_factory.mktemp("serve")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    # Nothing comes from the network: what the build needs is there already,
    offline = ["--no-deps", "--no-index"]
    run(*pip, "wheel", *offline, "--no-build-isolation", "-w", folder, SERVE)
    (wheel,) = folder.glob("gansynth_serve-*.whl")
    venv.create(folder / "environment", symlinks=True)
    python = folder / "environment" / "bin" / "python"
    run(*pip, "--python", python, "install", *offline, wheel)
    # ... and so is what the wheel needs.
    own = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    for name in ("numpy", "onnxruntime"):
        lent = Path(importlib.util.find_spec(name).origin).parent
        for found in (lent, lent.with_name(f"{name}.libs")):
            if found.exists():
                (own / found.name).symlink_to(found)
    return python


@pytest.fixture(scope="module")
def sampler():
    """A table with classes, of a pandas frame."""
    data = pd.DataFrame(
        {
            "height": np.array([1.5, 2.5], np.float32),
            "colour": pd.Categorical(["red", "blue"], dtype=COLOURS),
        }
    )
    schema, _ = containers.read(data)
    classes = {"classes": ("lots", "some"), "class_counts": (3, 1), "class_dtype": "<U4"}
    return ExportedSampler(
        seal(graphs.table(conditional=True), type(schema)(**vars(schema) | classes), {}), "cpu"
    )


def test_rows_are_those_of_gansynth(python, sampler, tmp_path):
    """As a dict of arrays, with classes drawn or asked for; nothing else is imported."""
    sampler.to_onnx(tmp_path / "model.onnx")
    program = """
        import json, sys, warnings
        import gansynth

        warnings.simplefilter("ignore", ResourceWarning)  # of the status, read below
        model = gansynth.load("model.onnx")
        X, y = model.sample(50, return_y=True, random_state=3)
        asked = model.sample(y=["some", "lots"], random_state=3)
        one = model.sample(4, y="some", random_state=3)
        files = [str(getattr(module, "__file__", "")) for module in sys.modules.values()]
        paths = {file.partition("site-packages/")[2] for file in files} - {""}
        packages = {path.partition("/")[0] for path in paths}
        columns = [{name: rows[name].tolist() for name in rows} for rows in (X, asked, one)]
        print(json.dumps([columns, y.tolist(), sorted(packages), str(X["height"].dtype)]))
        if sys.platform == "linux":  # ru_maxrss would be the parent's
            status = dict(line.split(":", 1) for line in open("/proc/self/status"))
            assert int(status["VmHWM"].split()[0]) < 250 * 1024, status["VmHWM"]
    """
    out = run(python, "-W", "error", "-c", textwrap.dedent(program), cwd=tmp_path)
    columns, labels, packages, dtype = json.loads(out)
    X, y = sampler.sample(50, return_y=True, random_state=3)
    assert set(packages) <= {"gansynth_serve", "numpy", "onnxruntime"}
    assert labels == y.tolist()
    assert dtype == "float32"
    expected = (
        X,
        sampler.sample(y=["some", "lots"], random_state=3),
        sampler.sample(4, y="some", random_state=3),
    )
    for frame, rows in zip(expected, columns, strict=True):
        assert frame["height"].tolist() == rows["height"]
        assert frame["colour"].tolist() == rows["colour"]


def test_conditions_are_read(python):
    """Values that columns are to hold need no pandas either; missing ones, too."""
    program = """
        import datetime as dt, decimal
        import numpy as np
        from gansynth.containers import read_values
        from gansynth.schema import Column

        NAN = float("nan")
        for kind, unit, values, expected in (
            ("float", "", [1, 2.5, None, NAN], [1.0, 2.5, NAN, NAN]),
            ("integer", "", [np.int16(3), 4.0, None], [3, 4, -(2**63)]),
            ("boolean", "", [True, None], [1, -1]),
            ("category", "", ["b", None, "a"], [1, -1, 0]),
            ("datetime", "D", [dt.date(1970, 1, 3), None], [2, -(2**63)]),
            ("datetime", "D", [np.datetime64("1970-01-03"), None], [2, -(2**63)]),
            ("duration", "s", [np.timedelta64(1, "m"), np.timedelta64(2, "s")], [60, 2]),
            ("datetime", "s", [dt.datetime(1970, 1, 1, 1)], [3600]),
            ("duration", "s", [dt.timedelta(minutes=1)], [60]),
            ("decimal", "1e-2", [decimal.Decimal("1.5")], [150]),
        ):
            labels = ("a", "b") if kind == "category" else ()
            column = Column("c", kind, "", labels, nullable=True, unit=unit)
            np.testing.assert_array_equal(read_values(column, values), expected)
        import sys
        assert "pandas" not in sys.modules
    """
    run(python, "-W", "error", "-c", textwrap.dedent(program))


def test_rows_are_read(python):
    """What is to be imputed is a dict such as a sample is, or of lists."""
    program = """
        import numpy as np
        from gansynth.containers import read_part
        from gansynth.schema import Column, Schema

        schema = Schema("pandas", columns=(
            Column("age", "integer", "int64"),
            Column("pay", "float", "float64", nullable=True),
            Column("job", "category", "str", ("a", "b", "c")),
            Column("day", "datetime", "datetime64[us]", unit="us"),
        ), dropped=("note",))
        days = [np.datetime64("2024-02-01"), None]
        lists = {"age": [30, None], "pay": [None, 2.5], "job": ["c", None], "day": days}
        for X in (
            lists,
            lists | {"job": np.array(["c", None]), "note": ["x", "y"]},
            lists | {"pay": np.array([np.nan, 2.5], np.float32), "day": np.array(days, "M8[D]")},
        ):
            values, known = read_part(schema, X, whole=True)
            where = {"age": [1, 0], "pay": [0, 1], "job": [1, 0], "day": [1, 0]}
            assert {name: there.tolist() for name, there in known.items()} == where
            of_known = {name: values[name][there].tolist() for name, there in known.items()}
            day = 1706745600000000  # microseconds
            assert of_known == {"age": [30], "pay": [2.5], "job": [2], "day": [day]}
        texts = np.array(["a", "c"])
        assert read_part(schema, {"job": texts})[0]["job"].tolist() == [0, 2]
        for X, told in (
            ({"age": [1], "pay": [1.0, 2.0]}, "one dimension and length, got shapes (1,), (2,)"),
            ({"age": np.ones((2, 2))}, "got shapes (2, 2)"),
            ({}, "0 feature(s)"),
            ({"age": []}, "0 sample(s)"),
            ({"job": ["d"]}, "'d'"),
            ({"jbo": ["a"]}, "not fitted: 'jbo'"),
        ):
            try:
                read_part(schema, X)
            except ValueError as error:
                assert told in str(error), error
            else:
                raise AssertionError(told)
        import sys
        assert "pandas" not in sys.modules
    """
    run(python, "-W", "error", "-c", textwrap.dedent(program))


def test_frames_are_read_where_pandas_is_there(python, tmp_path):
    """Without any other library of gansynth's."""
    for name in ("pandas", "dateutil", "six"):
        path = Path(importlib.util.find_spec(name).origin)
        lent = path.parent if path.name == "__init__.py" else path
        (tmp_path / lent.name).symlink_to(lent)
    program = f"""
        import sys
        sys.path.append({str(tmp_path)!r})
        import pandas as pd
        from gansynth.containers import read, read_part

        frame = pd.DataFrame({{"age": [30, 40], "job": ["a", None]}})
        schema, _ = read(frame)
        values, known = read_part(schema, frame[["job"]])
        assert known["job"].tolist() == [True, False]
        assert values["job"][0] == 0
    """
    run(python, "-c", textwrap.dedent(program))


def test_local_days_say_what_to_install(python):
    """Of what pandas alone can make, the column and the package are named."""
    program = """
        from gansynth.containers import write
        from gansynth.schema import Column, Schema
        import numpy as np
        zone = {"unit": "s", "timezone": "Europe/Berlin", "range": (0.0, 1.0), "local_step": 86400}
        schema = Schema("pandas", (Column("day", "datetime", "datetime64[s, UTC]", **zone),))
        try:
            write(schema, {"day": np.zeros(1, np.int64)}, 1)
        except ModuleNotFoundError as error:
            print(error)
    """
    out = run(python, "-c", textwrap.dedent(program))
    assert out == (
        "Column 'day' holds local times of Europe/Berlin, which pandas is needed for, and it is "
        "not installed: `pip install pandas`\n"
    )


def test_what_only_trains_says_what_to_install(python):
    """An estimator is missed by name."""
    program = """
        import gansynth
        try:
            gansynth.GANSampler
        except ModuleNotFoundError as error:
            print(error)
    """
    out = run(python, "-c", textwrap.dedent(program))
    assert out.startswith("gansynth.GANSampler needs imblearn, which is not installed.")
    assert "`pip install gansynth`" in out


def test_the_command_line_says_what_to_install(python):
    """In a line, without a traceback."""
    done = attempt(python, "-m", "gansynth")
    assert done.returncode == 1
    assert done.stderr.startswith("The command line needs typer, which is not installed.")
    assert "`pip install gansynth`" in done.stderr
