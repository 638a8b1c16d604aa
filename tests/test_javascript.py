"""Rows of exported models in JavaScript: the noise protocol, made by another hand, is the same."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

import gansynth
from gansynth import GANSampler, containers
from gansynth.schema import Kind
from gansynth_image import ImageGAN
from gansynth_tabular import TabularGAN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RUNTIME = "onnxruntime-web@1.30.0"  # WebAssembly: nothing is downloaded or built as it is installed
SCRIPT = Path(__file__).parent / "javascript" / "sample.mjs"
SETTINGS = {"steps": 3, "batch_size": 32, "random_state": 0, "validation_fraction": 0.0}
N = 120
ASKED = [("table", 0, 0, 200), ("table", 2**64 - 1, 70_001, 70_200), ("images", 7, 3, 40)]
"""Model, seed, first row, and the one behind the last."""
KINDS = set(get_args(Kind)) - {"duration"}
WHOLE = ("integer", "datetime", "decimal")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the script and ONNX Runtime for JavaScript."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("Node is not installed")
    folder = tmp_path_factory.mktemp("javascript")
    (folder / "package.json").write_text('{"private": true}')
    npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    installed = subprocess.run(
        [*npm, RUNTIME], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    if installed.returncode:
        pytest.skip(f"{RUNTIME} can't be had: {installed.stderr.strip()[-200:]}")
    shutil.copy(SCRIPT, folder)
    return folder


@pytest.fixture(scope="module")
def models(folder):
    """Return a table and images, both with classes, exported after few steps and loaded."""
    rng = np.random.default_rng(1)
    y = rng.choice(["few", "many"], N, p=[0.2, 0.8])
    table = GANSampler(TabularGAN(width=16, depth=1), **SETTINGS).fit(frame(), y)
    X = rng.random((64, 8, 8)).astype(np.float32)
    images = GANSampler(ImageGAN(width=4), **SETTINGS).fit(X, np.arange(64) % 3)
    table.to_onnx(folder / "table.onnx")
    images.to_onnx(folder / "images.onnx")
    return {name: gansynth.load(folder / f"{name}.onnx") for name in ("table", "images")}


@pytest.fixture(scope="module")
def found(folder, models):
    """Return what Node made of them, all in one process, for its start takes seconds."""
    asked = [(f"{name}.onnx", *map(str, rows)) for name, *rows in ASKED]
    done = subprocess.run(
        ["node", "sample.mjs", *itertools.chain(*asked)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1000:]
    return dict(zip(ASKED, map(json.loads, done.stdout.splitlines()), strict=True))


def drawn(model, seed, start, stop):
    """Rows and classes as Python draws them."""
    ((X, y),) = model.sample_batches(stop, stop, start=start, return_y=True, random_state=seed)
    return X, y.tolist()


def frame():
    """Columns of all kinds."""
    rng = np.random.default_rng(0)
    holes = rng.random(N) < 0.2
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, N), unit="D")
    return pd.DataFrame(
        {
            "key": [f"K-{i:05}" for i in range(N)],
            "code": ["".join(rng.choice(list("ABCDEF0123456789"), 12)) for _ in range(N)],
            "job": rng.choice(["clerk", "nürse", "pilot"], N),
            "gaps": np.where(holes, np.nan, rng.normal(size=N)),
            "light": rng.normal(size=N).astype(np.float32),
            "visits": pd.array(rng.integers(0, 2000, N), dtype="Int64"),
            "some": pd.array(np.where(holes, None, rng.integers(0, 9, N)), dtype="Int64"),
            "small": rng.integers(0, 200, N).astype(np.uint8),
            "flag": rng.random(N) < 0.5,
            "maybe": pd.array(np.where(holes, None, rng.random(N) < 0.5), dtype="boolean"),
            "day": pd.Series(days).where(~holes),
            "price": [Decimal(int(cents)).scaleb(-2) for cents in rng.integers(0, 999, N)],
            "z": rng.lognormal(size=N),
        }
    )


def plain(column, values):
    """What JSON has for values of a column: whole numbers of a unit, as text."""
    as_read = containers.read(pd.DataFrame({column.name: values}))[1][column.output]
    missing = containers.missing_in(column, as_read)
    if column.kind == "category":
        return [None if pd.isna(value) else value for value in values]
    if column.kind == "identifier":
        return list(values)
    whole = column.kind in WHOLE
    return [
        None if gap else f"{value}n" if whole else value
        for gap, value in zip(missing, as_read.tolist(), strict=True)
    ]


@pytest.mark.parametrize("asked", ASKED[:2])
def test_tables(models, found, asked):
    """Columns of all kinds, classes and identifiers, from any row of any seed."""
    X, y = drawn(models["table"], *asked[1:])
    assert found[asked]["classes"] == y
    columns = models["table"].schema.columns
    assert {column.kind for column in columns} == KINDS
    for column, values in zip(columns, found[asked]["columns"], strict=True):
        expected = plain(column, X[column.name])
        if column.kind == "float":
            ours, theirs = (np.array(side, float) for side in (expected, values))
            np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-5)
        elif column.kind in WHOLE:
            assert_rounded_alike(values, expected)
        else:
            assert values == expected, column.name


def assert_rounded_alike(values, expected):
    """Whole numbers, as text, are equal, but for one in a hundred that is its neighbour.

    Runtimes, and processors, differ in the last bits of a float32, which are steps of .0001 in
    ``visits``. Where these decide between two neighbours, either may come out.
    """
    assert [value is None for value in values] == [value is None for value in expected]
    theirs, ours = (
        np.array([int(value[:-1]) for value in side if value is not None], np.int64)
        for side in (values, expected)
    )
    apart = theirs != ours
    assert apart.mean() <= 0.01
    np.testing.assert_array_equal(np.abs(theirs - ours)[apart], np.gcd.reduce(ours - ours[0]))


def test_images(models, found):
    """Images of real numbers, of classes that are drawn."""
    X, y = drawn(models["images"], *ASKED[2][1:])
    images = found[ASKED[2]]
    assert images["classes"] == y
    assert images["shape"] == [*X.shape, 1]
    np.testing.assert_allclose(np.ravel(images["array"]), X.ravel(), rtol=0, atol=1e-5)
