"""What a file says of itself on the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from gansynth import GANSampler, cli

from .documents import small_networks

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FRAME = pd.DataFrame(
    {
        "age": [20, 31, 45, 60] * 60,
        "[job]": ["nurse", "pilot", None, "clerk"] * 60,
        "id": [f"K{i}" for i in range(1000, 1240)],
    }
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Files of a table with classes and of points without, hardly trained."""
    folder = tmp_path_factory.mktemp("models")
    tiny = {"steps": 2, "batch_size": 16, "random_state": 0, "validation_fraction": 0.0}
    y = pd.Series(["stays", "goes"] * 120, name="churn")
    scored = tiny | {"validation_fraction": 0.5}
    X = np.random.default_rng(0).standard_normal((240, 2))
    with small_networks():
        GANSampler("tabular", **tiny).fit(FRAME, y).to_onnx(folder / "table.onnx")
        GANSampler("distribution2d", **scored).fit(X).to_onnx(folder / "points.onnx")
    return folder


def told(path, *options):
    """What the command prints."""
    done = CliRunner().invoke(cli.app, ["inspect", str(path), *options], env={"COLUMNS": "120"})
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_a_table_tells_its_columns_and_classes(models):
    """Kinds, dtypes, values and counts; names are printed as they are."""
    lines = [line.rstrip() for line in told(models / "table.onnx").splitlines()]
    assert lines[0] == "3 columns of a pandas data frame, 2 classes"
    by_start = {line.split("  ")[0].strip(): line for line in lines}
    assert by_start["rows learned"].endswith("240")
    assert by_start["steps"].endswith("2")
    assert by_start["classes (churn)"].endswith("goes (120), stays (120)")
    assert by_start["age"].split()[1:] == ["integer", "int64", "20", "to", "60"]
    assert "3 categories, missing values" in by_start["[job]"]
    assert "made anew, such as K1240" in by_start["id"]
    assert "input y" in by_start
    assert "score on held-out rows (real rows: 1)" not in by_start


def test_the_score_is_told_where_rows_were_held_out(models):
    """And the step that it is of."""
    lines = told(models / "points.onnx")
    assert "score on held-out rows (real rows: 1)" in lines
    assert "best after steps" in lines


def test_programs_are_told_all(models):
    """As JSON, with inputs and whether they may be left out."""
    found = json.loads(told(models / "table.onnx", "--json"))
    assert found["bytes"] == (models / "table.onnx").stat().st_size
    assert found["meta"]["architecture"] == "tabular"
    assert found["inputs"]["y"] == {"type": "tensor(int64) [n]", "optional": False}
    assert found["outputs"] == ["age", "[job]"]
    assert [column["name"] for column in found["schema"]["columns"]] == ["age", "[job]", "id"]


def test_what_is_no_model_is_refused_in_a_line(tmp_path):
    """As everywhere."""
    (tmp_path / "no.onnx").write_bytes(b"no")
    done = CliRunner().invoke(cli.app, ["inspect", str(tmp_path / "no.onnx")])
    assert done.exit_code == 1
    assert done.stderr.startswith("gansynth: ")
    assert done.stderr.count("\n") == 1
