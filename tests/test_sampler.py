"""GANSampler: the estimator's manners, its containers, its errors, its file."""

from __future__ import annotations

import importlib.metadata
import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import gansynth
from gansynth import GANSampler
from gansynth_distribution2d import Distribution2DGAN
from gansynth_image import ImageGAN
from gansynth_tabular import TabularGAN

TINY = TabularGAN(width=16, depth=1)


def mixed(n: int = 60) -> pd.DataFrame:
    """A table with a column of every kind, missing values in each that may have them."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "float": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "int": rng.integers(0, 500, n),
            "nullable": pd.array(rng.choice([1, 2, None], n), dtype="Int64"),
            "bool": rng.random(n) < 0.5,
            "text": rng.choice(["a", "ä", None], n),
            "category": pd.Categorical(rng.choice(["x", "y"], n), categories=["y", "x", "z"]),
        }
    )


@pytest.fixture(scope="module")
def fitted() -> GANSampler:
    return tiny().fit(mixed())


@pytest.fixture(scope="module")
def classed() -> GANSampler:
    frame = mixed()
    return tiny().fit(frame[["float", "int"]], frame["category"])


def tiny(architecture: object = TINY, **parameters: object) -> GANSampler:
    settings = {"steps": 2, "batch_size": 8, "random_state": 0, **parameters}
    return GANSampler(architecture, **settings)


def test_sample_begins_alike_whatever_the_number_of_rows(fitted):
    """sample(1000, random_state=0) begins with sample(10, random_state=0), to the bit."""
    many = fitted.sample(1000, random_state=0)
    for n in (0, 1, 10, 257):
        pd.testing.assert_frame_equal(fitted.sample(n, random_state=0), many[:n])


def test_sample_follows_the_random_states(fitted):
    """sample's random_state goes first, then the estimator's; without any, rows differ."""
    pd.testing.assert_frame_equal(fitted.sample(9), fitted.sample(9, random_state=0))
    assert not fitted.sample(9).equals(fitted.sample(9, random_state=1))
    loose = clone(fitted).set_params(random_state=None).fit(mixed())
    assert not loose.sample(9).equals(loose.sample(9))


@pytest.mark.parametrize(
    "container",
    [
        lambda X: X,
        pl.from_pandas,
        lambda X: pa.Table.from_pandas(X, preserve_index=False),
    ],
    ids=["pandas", "polars", "pyarrow"],
)
def test_tables_come_back_in_kind(container):
    """Samples are in the container that X came in, with its names and dtypes."""
    X = container(mixed())
    rows = tiny().fit(X).sample(7)
    assert type(rows) is type(X)
    assert rows.shape == (7, 6)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_series_equal(rows.dtypes, X.dtypes)
        assert list(rows["category"].cat.categories) == ["y", "x", "z"]
    else:
        assert rows.schema == X.schema


@pytest.mark.parametrize(
    "X",
    [
        np.random.default_rng(0).normal(size=(30, 2)).astype(np.float32),
        np.random.default_rng(0).normal(size=(30, 3)),
        np.random.default_rng(0).integers(0, 9, (30, 4)),
    ],
    ids=["float32", "float64", "int64"],
)
def test_arrays_come_back_in_kind(X):
    """An array gives an array of the same dtype."""
    rows = tiny("auto").fit(X).sample(5)
    assert isinstance(rows, np.ndarray)
    assert (rows.dtype, rows.shape) == (X.dtype, (5, X.shape[1]))


def test_lists_come_back_as_lists():
    """A list of rows gives a list of rows, strings and numbers where they were."""
    rows = tiny().fit([[1.5, "a"], [2.5, "b"], [0.5, "a"]] * 5).sample(4)
    assert isinstance(rows, list)
    assert {(type(number), type(text)) for number, text in rows} == {(float, str)}


@pytest.mark.parametrize(
    ("X", "name", "kind"),
    [
        (mixed(), "tabular", TabularGAN),
        (np.random.default_rng(0).normal(size=(40, 2)), "distribution2d", Distribution2DGAN),
        (np.random.default_rng(0).random((20, 6, 5)).astype("f"), "image", ImageGAN),
        (np.random.default_rng(0).integers(0, 9, (40, 12)), "tabular", TabularGAN),
    ],
    ids=["table", "points", "images", "integers"],
)
def test_auto_takes_the_fitting_architecture_and_says_which(X, name, kind):
    """architecture='auto' takes what fits the data best and names it."""
    sampler = tiny("auto").fit(X)
    assert sampler.architecture_name_ == name
    assert isinstance(sampler.architecture_, kind)
    assert sampler.sample(3).shape == (3, *np.shape(X)[1:])


def test_images_of_bytes_come_back_as_bytes():
    """uint8 images with channels give uint8 images, and classes are exact."""
    X = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    sampler = tiny("image").fit(X, ["a", "b", "c"] * 8)
    images, labels = sampler.sample(y=["c", "a"], return_y=True)
    assert (images.dtype, images.shape) == (np.uint8, (2, 8, 8, 3))
    assert labels.tolist() == ["c", "a"]


def test_classes_are_drawn_at_their_frequencies(classed):
    """Without y, labels come as often as in training; with y they are those asked for."""
    _, labels = classed.sample(4000, return_y=True)
    share = (mixed()["category"] == "x").mean()
    assert (labels == "x").mean() == pytest.approx(share, abs=0.03)
    assert set(classed.sample(20, y="y", return_y=True)[1]) == {"y"}
    assert classed.classes_.tolist() == ["x", "y"]


def test_scikit_learn_attributes(fitted):
    """n_features_in_ and feature_names_in_ are set; history has lists of equal length."""
    assert fitted.n_features_in_ == 6
    assert fitted.feature_names_in_.tolist() == list(mixed())
    assert {len(values) for values in fitted.history_.values()} == {len(fitted.history_["step"])}
    assert fitted.n_steps_ == 2


def test_refit_forgets(fitted):
    """A fit on other data leaves nothing of the one before."""
    sampler = tiny().fit(mixed(), mixed()["bool"])
    sampler.fit(np.arange(40.0).reshape(20, 2))
    assert not hasattr(sampler, "feature_names_in_")
    assert not hasattr(sampler, "classes_")
    assert sampler.n_features_in_ == 2


def test_failed_fit_keeps_what_was_fitted(fitted):
    """Bad input raises and loses nothing."""
    sampler = tiny().fit(mixed())
    before = sampler.sample(5)
    with pytest.raises(ValueError, match="infinity"):
        sampler.fit(pd.DataFrame({"x": [1.0, np.inf]}))
    pd.testing.assert_frame_equal(sampler.sample(5), before)


def test_clone_and_nested_parameters():
    """Parameters of the architecture are reached through the sampler, and clones are equal."""
    sampler = clone(tiny()).set_params(architecture__width=32, steps=7)
    assert (sampler.architecture.width, sampler.steps) == (32, 7)
    assert TINY.width == 16


def test_saved_file_gives_the_same_rows(fitted, tmp_path):
    """The file holds what the sampler samples with: same bytes, same rows."""
    path = tmp_path / "model.onnx"
    fitted.to_onnx(path)
    assert path.read_bytes() == fitted.artifact_.model
    loaded = gansynth.load(path)
    pd.testing.assert_frame_equal(
        loaded.sample(50, random_state=3), fitted.sample(50, random_state=3)
    )


def test_pickle_keeps_samples_and_drops_the_session(fitted):
    """A pickled sampler gives the same rows; a live session does not travel."""
    rows = fitted.sample(5)
    copy = pickle.loads(pickle.dumps(fitted))
    assert "_session" not in copy.__dict__
    pd.testing.assert_frame_equal(copy.sample(5), rows)


WITHOUT_TENSORFLOW = """
import importlib.abc, pickle, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"tensorflow", "keras", "tf2onnx", "onnx"}:
            raise ImportError(f"{name} must not be needed")

sys.meta_path.insert(0, Refuse())
import gansynth
from gansynth import GANSampler, registry
assert {info.name for info in registry.available()} >= {"tabular", "distribution2d", "image"}
loaded = gansynth.load(sys.argv[1])
fitted = pickle.load(open(sys.argv[2], "rb"))
assert loaded.sample(20, random_state=1).equals(fitted.sample(20, random_state=1))
GANSampler().get_params()
print("ok")
"""


def test_tensorflow_is_not_needed_after_fit(fitted, tmp_path):
    """Import, load, unpickle, list and sample work where importing TensorFlow raises."""
    fitted.to_onnx(tmp_path / "model.onnx")
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    run = subprocess.run(
        [sys.executable, "-c", WITHOUT_TENSORFLOW, "model.onnx", "model.pickle"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "ok\n", run.stderr


def test_version_is_that_of_the_distribution():
    """gansynth.__version__ agrees with the metadata."""
    assert gansynth.__version__ == importlib.metadata.version("gansynth")


def test_sample_before_fit_is_an_error():
    """Sampling and saving need a fit."""
    for use in (lambda s: s.sample(), lambda s: s.to_onnx("never.onnx")):
        with pytest.raises(NotFittedError):
            use(GANSampler())
    assert not os.path.exists("never.onnx")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"steps": 0}, "'steps' parameter"),
        ({"steps": "many"}, "'steps' parameter"),
        ({"max_time": 0}, "'max_time' parameter"),
        ({"batch_size": 1}, "'batch_size' parameter"),
        ({"latent_dim": 0}, "'latent_dim' parameter"),
        ({"loss": "best"}, "'loss' parameter"),
        ({"random_state": "x"}, "'random_state' parameter"),
        ({"device": "tpu"}, "device='tpu' is unknown"),
        ({"device": "gpu:x"}, "device='gpu:x' is unknown"),
        ({"precision": "float16"}, "'precision' parameter"),
        ({"architecture": "tabluar"}, "Did you mean 'tabular'"),
        ({"architecture": 3}, "'architecture' parameter"),
    ],
)
def test_bad_parameters_are_named_in_fit(parameters, words):
    """The constructor stores anything; fit names the parameter and what it takes."""
    sampler = GANSampler(**parameters)
    with pytest.raises(ValueError, match=words):
        sampler.fit(mixed())


def test_gpu_that_is_not_there():
    """Asking for a GPU that isn't there is an error that says how to fall back."""
    with pytest.raises(RuntimeError, match="Use device='auto'"):
        tiny(device="gpu:77").fit(mixed())


@pytest.mark.parametrize(
    ("X", "error", "words"),
    [
        (pd.DataFrame({"x": [1.0, np.inf, 2.0]}), ValueError, "infinity"),
        (pd.DataFrame({"x": []}, dtype=float), ValueError, r"0 sample\(s\)"),
        (pd.DataFrame(index=range(3)), ValueError, r"0 feature\(s\)"),
        (np.zeros((1, 3)), ValueError, r"1 sample\(s\)"),
        (np.zeros(5), ValueError, "Expected 2D array"),
        (pd.DataFrame({"when": pd.period_range("2020", periods=3)}), TypeError, "'when'"),
        (pd.DataFrame({"m": [1, "a", 2.5]}), TypeError, "'m'"),
        (pd.DataFrame([[1, 2]] * 3, columns=["a", "a"]), ValueError, "'a'"),
        (np.full((4, 8, 8), np.nan), ValueError, "NaN"),
        ("text", TypeError, "str"),
    ],
    ids=["infinity", "no rows", "no columns", "one row", "1-D", "periods", "mixed types"]
    + ["duplicate names", "NaN images", "text"],
)
def test_bad_data_are_named(X, error, words):
    """Data that can't be learned from raise an error that names the cause."""
    with pytest.raises(error, match=words):
        tiny("auto").fit(X)


def test_nan_where_the_architecture_cannot_take_it():
    """Points with NaN are refused by the points architecture, with the remedy."""
    X = np.random.default_rng(0).normal(size=(20, 2))
    X[3, 1] = np.nan
    with pytest.raises(ValueError, match="tabular"):
        tiny("distribution2d").fit(X)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.linspace(0, 1, 60), "Unknown label type"),
        ([0, 1], "inconsistent numbers of samples"),
        (np.r_[[np.nan], np.ones(59)], "NaN"),
    ],
)
def test_bad_labels_are_named(y, words):
    """Continuous, too few or missing labels are refused."""
    with pytest.raises(ValueError, match=words):
        tiny().fit(mixed(), y)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_samples": -1}, "n_samples must be an integer, 0 or more; got -1"),
        ({"y": "q"}, "'q'"),
        ({"n_samples": 3, "y": ["x", "y"]}, "n_samples=3, but y has 2 labels"),
        ({"random_state": "x"}, "random_state"),
    ],
)
def test_bad_sample_arguments_are_named(classed, arguments, words):
    """What sample can't do it says, naming parameter and value."""
    with pytest.raises(ValueError, match=words):
        classed.sample(**arguments)


def test_unwritable_path_is_named_and_nothing_is_left(fitted, tmp_path):
    """A path that can't be written is an error that names it; no file is left behind."""
    with pytest.raises(OSError, match="missing"):
        fitted.to_onnx(tmp_path / "missing" / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_verbose_shows_a_bar_and_silence_is_the_default(capsys):
    """verbose=1 shows progress; by default nothing is printed."""
    tiny().fit(mixed())
    assert capsys.readouterr().out == ""
    tiny(verbose=1).fit(mixed())
    assert "Training" in capsys.readouterr().out


IMPORT = """
import sys
from gansynth import GANSampler
heavy = {"tensorflow", "keras", "tf2onnx", "matplotlib", "polars"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def test_import_is_light():
    """Importing the estimator loads neither TensorFlow nor what other commands need."""
    subprocess.run([sys.executable, "-c", IMPORT], check=True)
