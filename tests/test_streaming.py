"""Rows to a file in parts: any number, by any number of processes, and after an interrupt."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gansynth import containers, datafiles, streaming
from gansynth.inference.artifact import seal, write
from gansynth.inference.exported import load
from gansynth.schema import Schema

from . import onnx_graphs as graphs

FRAME = pd.DataFrame(
    {
        "height": np.array([1.5, 2.5], np.float32),
        "colour": pd.Categorical(
            ["red", "blue"], dtype=pd.CategoricalDtype(["red", "green", "blue"])
        ),
    }
)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    """Several parts of few rows."""
    monkeypatch.setattr(streaming, "MOST_ROWS_A_PART", 32)


@pytest.fixture
def table(tmp_path):
    """A model of a table with the classes 3, 40 and 500, which are in a column called kind."""
    schema, _ = containers.read(FRAME)
    schema = dataclasses.replace(
        schema, classes=(3, 40, 500), class_counts=(30, 10, 5), class_dtype="int64"
    )
    path = tmp_path / "table.onnx"
    write(seal(graphs.table(conditional=True), schema, {"target": "kind"}), path)
    return path


@pytest.fixture
def images(tmp_path):
    """A model of images without classes."""
    path = tmp_path / "images.onnx"
    schema = Schema("numpy", image_shape=(4, 5, 1), dtype="float32", squeeze=True)
    write(seal(graphs.images(4, 5, 1), schema, {}), path)
    return path


def drawn(model, output, n, workers=1, **asked):
    """Draw to a file; the numbers of rows of the parts as they came."""
    order = streaming.order(model, output, n, **asked)
    rows = list(streaming.draw(order, workers))
    streaming.join(order)
    assert not order.folder.exists()
    return rows


def of(model, n, **asked):
    """The rows of one sample, with the class."""
    X, y = load(model).sample(n, return_y=True, **asked)
    return X.assign(kind=y)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_parts_make_the_table_of_one_sample(tmp_path, table, suffix, workers):
    """Whoever draws them: row by row, and in their dtypes where the format has dtypes."""
    path = tmp_path / f"rows.{suffix}"
    assert sorted(drawn(table, path, 100, workers, seed=4)) == [4, 32, 32, 32]
    whole = of(table, 100, random_state=4).astype({"kind": str})
    if suffix == "csv":
        pd.testing.assert_frame_equal(
            pd.read_csv(path).astype({"kind": str}),
            whole,
            check_dtype=False,
            check_categorical=False,
        )
    else:
        read = pd.read_parquet(path).astype({"kind": str})
        pd.testing.assert_frame_equal(read, whole)


def test_images_are_one_array(tmp_path, images):
    """In files of either kind."""
    whole = load(images).sample(100, random_state=0)
    for suffix in ("npy", "npz"):
        path = tmp_path / f"rows.{suffix}"
        drawn(images, path, 100, seed=0)
        read = np.load(path)
        np.testing.assert_array_equal(read if suffix == "npy" else read["X"], whole)


def test_large_images_have_parts_of_fewer_rows(tmp_path, images, monkeypatch):
    """A part is to fit into memory."""
    monkeypatch.setattr(streaming, "VALUES_A_PART", 100)
    assert drawn(images, tmp_path / "rows.npy", 11) == [5, 5, 1]


@pytest.mark.parametrize("n", [0, 1, 32])
def test_few_rows_are_one_part(tmp_path, table, n):
    """None at all is a file as well, with the columns."""
    drawn(table, tmp_path / "rows.parquet", n)
    read = pd.read_parquet(tmp_path / "rows.parquet")
    assert read.shape == (n, 3)


def test_labels_are_those_of_a_class(tmp_path, table):
    """As they are written, too: a command knows only text."""
    for y in (40, "40"):
        drawn(table, tmp_path / "rows.csv", 40, y=y)
        assert (pd.read_csv(tmp_path / "rows.csv")["kind"] == 40).all()


def test_what_is_there_is_not_drawn_again(tmp_path, table):
    """An order goes on, with the seed that it had, from whatever was left of it."""
    path = tmp_path / "rows.parquet"
    order = streaming.order(table, path, 100)
    parts = streaming.draw(order)
    assert next(parts) == 32
    parts.close()
    first = next(order.parts())[0]
    before = first.stat().st_mtime_ns
    again = streaming.order(table, path, 100)
    assert again == order
    assert sum(streaming.draw(again)) == 100
    assert first.stat().st_mtime_ns == before
    streaming.join(again)
    pd.testing.assert_frame_equal(pd.read_parquet(path), of(table, 100, random_state=order.seed))


def test_an_absurd_order_begins_at_once(tmp_path, table):
    """Its parts are more than memory could list."""
    parts = streaming.draw(streaming.order(table, tmp_path / "rows.parquet", 10**15))
    assert next(parts) == 32
    parts.close()


@pytest.mark.parametrize(
    ("changed", "told"), [({"n": 99}, "rows"), ({"y": 3}, "y"), ({"seed": 8}, "seed")]
)
def test_parts_of_another_order_are_told(tmp_path, table, changed, told):
    """And left as they are."""
    asked = {"n": 100, "y": None, "seed": 7}

    def order(n, y, seed):
        return streaming.order(table, tmp_path / "rows.csv", n, y=y, seed=seed)

    next(streaming.draw(order(**asked)))
    with pytest.raises(ValueError, match=f"rows of another call: it had another {told}. Repeat"):
        order(**asked | changed)
    assert len(list(order(**asked).folder.iterdir())) > 1


def test_parts_of_another_size_are_told(tmp_path, table, monkeypatch):
    """Of another version, say: their rows are not where they would be looked for."""
    streaming.order(table, tmp_path / "rows.csv", 100)
    monkeypatch.setattr(streaming, "MOST_ROWS_A_PART", 16)
    with pytest.raises(ValueError, match="another size of parts"):
        streaming.order(table, tmp_path / "rows.csv", 100)


def test_a_model_that_is_replaced_meanwhile_is_told(tmp_path, table):
    """No file has rows of two models."""
    order = streaming.order(table, tmp_path / "rows.csv", 100)
    write(seal(graphs.table(conditional=True), load(table).schema, {"target": "sort"}), table)
    with pytest.raises(ValueError, match="was replaced while"):
        list(streaming.draw(order))
    with pytest.raises(ValueError, match="another model"):
        streaming.order(table, tmp_path / "rows.csv", 100)


def test_a_column_that_a_part_lacks_altogether_is_joined(tmp_path):
    """Parquet has no type for it there; names with line breaks have several lines in a .csv."""
    frames = [
        pl.DataFrame({"a": [None, None], "b\nc": [1, 2]}, schema_overrides={"a": pl.Null}),
        pl.DataFrame({"a": ["x", None], "b\nc": [3, 4]}),
    ]
    for suffix, read in (("parquet", pl.read_parquet), ("csv", pl.read_csv)):
        parts = [tmp_path / f"{i}.{suffix}" for i in range(2)]
        for part, frame in zip(parts, frames, strict=True):
            datafiles.write(part, frame)
        datafiles.join(tmp_path / f"all.{suffix}", parts)
        joined = read(tmp_path / f"all.{suffix}")
        assert joined.to_dict(as_series=False) == {
            "a": [None, None, "x", None],
            "b\nc": [1, 2, 3, 4],
        }


def test_labels_of_any_length_are_joined(tmp_path):
    """A part's array is as wide as its longest."""
    parts = [tmp_path / f"{i}.npz" for i in range(2)]
    for part, label in zip(parts, ("no", "perhaps"), strict=True):
        datafiles.write(part, np.zeros((2, 3)), np.array([label] * 2, object), "answer")
    datafiles.join(tmp_path / "all.npz", parts)
    joined = np.load(tmp_path / "all.npz")
    assert joined["answer"].tolist() == ["no", "no", "perhaps", "perhaps"]
    assert joined["X"].shape == (4, 3)


@pytest.mark.skipif(os.name != "posix", reason="sends a signal to a process")
def test_an_interrupted_command_goes_on(tmp_path, table):
    """Ctrl-C ends it in a line, with the rows so far; the same command draws the rest."""
    code = (
        "from gansynth import streaming; streaming.MOST_ROWS_A_PART = 16\n"
        "from gansynth.cli import app; app()"
    )
    command = [sys.executable, "-c", code, "sample", str(table), "-n", "16000", "-o", "rows.csv"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    folder = tmp_path / "rows.csv.parts"
    while process.poll() is None and len(list(folder.glob("*.csv"))) < 3:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert told.splitlines()[-1] == "Interrupted. The same call goes on from rows.csv.parts."
    assert not (tmp_path / "rows.csv").exists()
    seed = json.loads((folder / "plan.json").read_text())["seed"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "rows.csv: 16,000 rows.\n"
    assert not folder.exists()
    whole = of(table, 16_000, random_state=seed)
    read = pd.read_csv(tmp_path / "rows.csv").astype(whole.dtypes)
    pd.testing.assert_frame_equal(read, whole)
