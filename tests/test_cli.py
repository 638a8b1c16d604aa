"""The command line, as it is typed: what it writes, what it says, and what it imports."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import gansynth
from gansynth import cli, containers
from gansynth.inference.artifact import seal, write
from gansynth.schema import Schema

from . import onnx_graphs as graphs

TABLE = pd.DataFrame(
    {
        "size": [1.5, 2.25, np.nan, 4.0] * 10,
        "count": pd.array([1, None, 3, 3] * 10, dtype="Int64"),
        "flag": [True, False, False, True] * 10,
        "city": ["Graz", "Ulm", None, "Bern"] * 10,
        "species": ["cat", "dog"] * 20,
    }
)


def run(*arguments):
    """Run a command in this process."""
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def python(code, *arguments, **kwargs):
    """Run code in a new process."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)


def refused(result):
    """Check that a command was refused in one line on stderr, and return the line."""
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("gansynth: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.fixture
def table_model(tmp_path):
    """A file with a model of a table with the classes 3 and 40, made without training."""
    data = pd.DataFrame(
        {
            "height": np.array([1.5, 2.5], np.float32),
            "colour": pd.Categorical(["red", "blue"], dtype=pd.CategoricalDtype(["red", "blue"])),
        }
    )
    schema, _ = containers.read(data)
    schema = dataclasses.replace(
        schema, classes=(3, 40), class_counts=(30, 10), class_dtype="int64"
    )
    path = tmp_path / "table.onnx"
    write(seal(graphs.table(conditional=True), schema, {"target": "kind"}), path)
    return path


@pytest.fixture
def image_model(tmp_path):
    """A file with a model of images, made without training."""
    path = tmp_path / "images.onnx"
    schema = Schema("numpy", image_shape=(4, 5, 1), dtype="float32", squeeze=True)
    write(seal(graphs.images(4, 5, 1), schema, {}), path)
    return path


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_come_back_as_they_went_in(tmp_path, suffix):
    """Rows drawn from a fitted model are a file with the columns, dtypes and labels of the data."""
    data, model, rows = (tmp_path / name for name in (f"data.{suffix}", "m.onnx", f"rows.{suffix}"))
    if suffix == "csv":
        TABLE.to_csv(data, index=False)
    else:
        TABLE.to_parquet(data)
    fitted = run(
        "fit", data, "-o", model, "-a", "tabular", "--target", "species", "--steps", 2, "--seed", 0
    )
    assert fitted.exit_code == 0, fitted.stderr
    assert "tabular learned 40 rows in 2 steps" in fitted.stdout
    assert fitted.stderr == ""

    drawn = run("sample", model, "-n", 200, "-o", rows, "--seed", 1)
    assert drawn.exit_code == 0, drawn.stderr
    assert "200 rows" in drawn.stdout
    table = pd.read_csv(rows) if suffix == "csv" else pd.read_parquet(rows)
    assert list(table.columns) == list(TABLE.columns)
    assert set(table["species"]) == {"cat", "dog"}
    assert set(table["city"].dropna()) <= {"Graz", "Ulm", "Bern"}
    assert set(table["count"].dropna()) <= {1, 3}
    assert table["flag"].dtype == bool
    if suffix == "parquet":
        assert table["count"].dtype == "Int64"
        assert table["size"].dtype == "float64"


def test_points_and_labels_come_from_arrays(tmp_path):
    """Arrays are fitted from .npz, with labels by name, and drawn into .npz and .npy."""
    X = np.random.default_rng(0).standard_normal((40, 2))
    np.savez(tmp_path / "points.npz", X=X, side=(X[:, 0] > 0).astype(int))
    model = tmp_path / "points.onnx"
    data = tmp_path / "points.npz"
    fitted = run("fit", data, "-o", model, "--target", "side", "--steps", 2, "-q")
    assert (fitted.exit_code, fitted.stdout) == (0, "")

    assert run("sample", model, "-n", 9, "-o", tmp_path / "new.npz").exit_code == 0
    with np.load(tmp_path / "new.npz") as new:
        assert new["X"].shape == (9, 2)
        assert set(new["y"]) <= {0, 1}
    assert run("sample", model, "-n", 3, "-o", tmp_path / "new.npy").exit_code == 0
    assert np.load(tmp_path / "new.npy").shape == (3, 2)


def test_column_types_are_told(tmp_path):
    """Columns are dropped or taken for something else, whatever is in their names."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.standard_normal((80, 3)), columns=["height", "width", "depth"])
    words = rng.choice(["came", "late", "and", "left", "soon"], (80, 12))
    table = table.assign(**{"a=b": range(80), "notes": [" ".join(row) for row in words]})
    table.to_csv(tmp_path / "data.csv", index=False)
    model = tmp_path / "model.onnx"
    fit = ("fit", tmp_path / "data.csv", "-o", model, "--steps", 2)
    assert "notes" in refused(run(*fit))
    told = ("--column-type", "notes=drop", "--column-type", "a=b=float")
    assert run(*fit, *told).exit_code == 0
    columns = {column.name: column.kind for column in gansynth.load(model).schema.columns}
    assert "notes" not in columns
    assert columns["a=b"] == "float"


def test_a_folder_of_images_is_fitted_by_class(tmp_path):
    """Folders are the classes, images of any size are resized, and drawn into .npz."""
    for label, shade in (("cat", 20), ("dog", 220)):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for i in range(10):
            image = Image.fromarray(np.full((10 + i, 12), shade + i, np.uint8))
            image.save(tmp_path / "pets" / label / f"{i}.png")
    model = tmp_path / "pets.onnx"
    assert "10x12 (2 images)" in refused(run("fit", tmp_path / "pets", "-o", model))
    fitted = run("fit", tmp_path / "pets", "-o", model, "--size", 8, 8, "--steps", 2)
    assert fitted.exit_code == 0
    assert "image learned 20 rows in 2 steps" in fitted.stdout

    assert run("sample", model, "-n", 9, "-o", tmp_path / "new.npz").exit_code == 0
    with np.load(tmp_path / "new.npz") as new:
        assert new["X"].shape == (9, 8, 8)
        assert set(new["y"]) <= {"cat", "dog"}


def test_a_seed_gives_the_same_rows(table_model, tmp_path):
    """Two files of one seed are equal, and a longer one begins with the shorter."""
    for name, n in (("a", 5), ("b", 5), ("c", 9)):
        run("sample", table_model, "-n", n, "-o", tmp_path / f"{name}.csv", "--seed", 7)
    a, b, c = ((tmp_path / f"{name}.csv").read_text() for name in "abc")
    assert a == b
    assert c.startswith(a)


@pytest.mark.parametrize("label", [3, 40])
def test_rows_of_one_class_are_drawn(table_model, tmp_path, label):
    """A class is given as it is printed, and the last column is named as the labels were."""
    result = run("sample", table_model, "-n", 6, "-o", tmp_path / "rows.csv", "--y", label)
    assert result.exit_code == 0
    rows = pd.read_csv(tmp_path / "rows.csv")
    assert rows.columns[-1] == "kind"
    assert list(rows["kind"]) == [label] * 6


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["missing.csv", "-o", "m.onnx"], "missing.csv: No such file or directory"),
        (["data.xlsx", "-o", "m.onnx"], "data.xlsx: The suffix '.xlsx' is unknown; use .csv"),
        (["data", "-o", "m.onnx"], "data: A suffix is missing; use .csv, .parquet, .npy, .npz"),
        (["data.csv", "-o", "model"], "model: A suffix is missing; use .onnx"),
        (["data.csv", "-o", "no/m.onnx"], "Can't write 'no/m.onnx': there is no directory"),
        (["data.csv", "-o", "folder.onnx"], "it is a directory"),
        (["data.csv", "-o", "m.onnx", "--target", "age"], "no column 'age'; it has size, count"),
        (["data.csv", "-o", "m.onnx", "--target", "size"], "Input y contains NaN"),
        (["empty.csv", "-o", "m.onnx"], "empty.csv can't be read as csv: No columns"),
        (["noise.npz", "-o", "m.onnx"], "noise.npz can't be read as npz"),
        (["two.npz", "-o", "m.onnx"], "two.npz holds a, b; call the one to learn X."),
        (["data.csv", "-o", "m.onnx", "-a", "tabula"], "Did you mean 'tabular'?"),
        (["data.csv", "-o", "m.onnx", "--steps", "0"], "The 'steps' parameter of GANSampler"),
        (["nested.parquet", "-o", "m.onnx"], "Column 'a'"),
        (["data.csv", "-o", "m.onnx", "--size", "8", "8"], "Leave --size out"),
        (["folder.onnx", "-o", "m.onnx", "--target", "age"], "Leave --target out"),
        (["folder.onnx", "-o", "m.onnx"], "holds no images"),
        (["data.csv", "-o", "m.onnx", "--column-type", "city"], "no NAME=TYPE"),
        (["data.csv", "-o", "m.onnx", "--column-type", "city=text"], "Use one of float, integer"),
        (["data.csv", "-o", "m.onnx", "--column-type", "town=drop"], "town"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(tmp_path, monkeypatch, arguments, line):
    """Files, columns and parameters that can't be used are told before anything is trained."""
    monkeypatch.chdir(tmp_path)
    TABLE.to_csv("data.csv", index=False)
    pd.DataFrame({"a": [[1], [2, 3]]}).to_parquet("nested.parquet")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "noise.npz").write_bytes(b"noise")
    (tmp_path / "folder.onnx").mkdir()
    np.savez("two.npz", a=np.ones((2, 2)), b=np.ones((2, 2)))
    assert line in refused(run("fit", *arguments))
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["missing.onnx", "-o", "r.csv"], "missing.onnx: No such file or directory"),
        (["foreign.onnx", "-o", "r.csv"], "foreign.onnx"),
        (["table.onnx", "-o", "r.txt"], "r.txt: The suffix '.txt' is unknown"),
        (["table.onnx", "-o", "no/r.csv"], "there is no directory"),
        (["table.onnx", "-o", "r.npy"], "r.npy: a table goes into a file with the suffix .csv"),
        (["images.onnx", "-o", "r.csv"], "r.csv: images go into a file with the suffix .npy"),
        (["table.onnx", "-o", "r.csv", "-n", "-1"], "n_samples must be an integer, 0 or more"),
        (["table.onnx", "-o", "r.csv", "--y", "5"], "unknown classes: '5'"),
        (["images.onnx", "-o", "r.npy", "--y", "5"], "the model has no classes"),
    ],
)
def test_what_cannot_be_sampled_is_refused_in_one_line(
    tmp_path, monkeypatch, table_model, image_model, arguments, line
):
    """A wrong model, output, number or class is told in a line, and no file is left."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "foreign.onnx").write_bytes(b"nothing of ours")
    before = sorted(tmp_path.iterdir())
    assert line in refused(run("sample", *arguments))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("bug", [lambda: len(1), lambda: {}["key"], lambda: 1 / 0])
def test_a_bug_traces_back(bug):
    """An error that isn't about the input is not dressed up as one."""
    with pytest.raises((TypeError, KeyError, ZeroDivisionError)), cli._refusals():
        bug()


@pytest.mark.parametrize(
    ("arguments", "without"),
    [
        (["--help"], ["tensorflow", "keras", "pandas", "sklearn", "onnxruntime", "matplotlib"]),
        (["fit", "--help"], ["tensorflow", "keras", "pandas", "sklearn", "onnxruntime"]),
        (["--version"], ["tensorflow", "keras", "pandas", "sklearn", "onnxruntime"]),
        (["architectures"], ["tensorflow", "keras", "onnxruntime", "matplotlib"]),
    ],
)
def test_telling_about_itself_imports_little(arguments, without):
    """Help, version and the list of architectures come at once, without heavy packages."""
    code = (
        f"import sys\nsys.modules.update(dict.fromkeys({without}))\n"
        "import gansynth.__main__  # what `python -m gansynth` runs"
    )
    result = python(code, *arguments)
    assert result.returncode == 0, result.stderr
    expected = {"--version": gansynth.__version__, "architectures": "gansynth_tabular:TabularGAN"}
    assert expected.get(arguments[0], "Usage: gansynth") in result.stdout


def test_all_installed_architectures_are_listed():
    """Every architecture has a line with its name and version."""
    lines = run("architectures").stdout.splitlines()
    for name in ("distribution2d", "image", "tabular"):
        assert any(name in line and gansynth.__version__ in line for line in lines)


def test_sampling_needs_no_tensorflow(table_model, tmp_path):
    """Rows are drawn where importing TensorFlow or Keras fails."""
    code = (
        "import sys\nsys.modules.update(tensorflow=None, keras=None)\n"
        "from gansynth.cli import app\napp(sys.argv[1:])"
    )
    rows = tmp_path / "rows.csv"
    result = python(code, "sample", table_model, "-n", 4, "-o", rows)
    assert result.returncode == 0, result.stderr
    assert len(pd.read_csv(rows)) == 4


def test_the_demo_writes_what_it_says(tmp_path):
    """A quick demo leaves rows, model and picture of each data set, and a quiet stderr."""
    result = python(
        "from gansynth.cli import app; app(['demo', '--quick', '-o', 'out'])",
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "120"},
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    names = ("diabetes", "moons", "digits")
    suffixes = ("csv", "onnx", "png")
    files = {f"{name}.{suffix}" for name in names for suffix in suffixes}
    assert {path.name for path in (tmp_path / "out").iterdir()} == files
    for name in files:
        assert os.path.join("out", name) in result.stdout
    lengths = {name: len(pd.read_csv(tmp_path / "out" / f"{name}.csv")) for name in names}
    assert lengths == {"diabetes": 221, "moons": 2000, "digits": 898}
    assert gansynth.load(tmp_path / "out" / "digits.onnx").sample(2, y=7).shape == (2, 8, 8)
    for figure in ("column shapes", "told apart", "coverage", "accuracy"):
        assert figure in result.stdout
    assert "gansynth.load(" in result.stdout
