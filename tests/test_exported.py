"""Sampling from a file: what comes out, what is refused, and what it needs."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
import textwrap

import joblib
import numpy as np
import pandas as pd
import pytest

from gansynth import containers
from gansynth.inference.artifact import ArtifactError, seal, write
from gansynth.inference.exported import ExportedSampler, load
from gansynth.schema import Schema

from . import onnx_graphs as graphs

COLOURS = pd.CategoricalDtype(["red", "green", "blue"])
DATA = pd.DataFrame(
    {
        "height": np.array([1.5, 2.5], np.float32),
        "colour": pd.Categorical(["red", "blue"], dtype=COLOURS),
    }
)
TABLE, _ = containers.read(DATA)
CLASSES = dataclasses.replace(
    TABLE, classes=("lots", "never", "some"), class_counts=(300, 0, 100), class_dtype="<U5"
)


@pytest.fixture(scope="module")
def sampler():
    """A table without classes."""
    return ExportedSampler(seal(graphs.table(), TABLE, {}), "cpu")


@pytest.fixture(scope="module")
def conditional():
    """A table of which a column tells the class, as red, green or blue."""
    return ExportedSampler(seal(graphs.table(conditional=True), CLASSES, {}), "cpu")


@pytest.mark.parametrize("n", [0, 1, 7, np.int64(5), 2000])
def test_samples_have_the_form_of_the_data(sampler, n):
    """Any number of rows comes in the container, names and dtypes of the data."""
    X = sampler.sample(n, random_state=0)
    assert X.shape == (n, 2)
    assert X.dtypes.to_dict() == DATA.dtypes.to_dict()


@pytest.mark.parametrize(
    ("schema", "graph", "expected"),
    [
        (Schema("numpy", image_shape=(4, 5, 1), dtype="float32", squeeze=True), (4, 5, 1), (4, 5)),
        (Schema("numpy", image_shape=(4, 5, 3), dtype="float32"), (4, 5, 3), (4, 5, 3)),
    ],
)
def test_images_have_the_shape_of_the_data(schema, graph, expected):
    """Images come with a channel axis if the data had one."""
    images = ExportedSampler(seal(graphs.images(*graph), schema, {})).sample(3)
    assert images.shape == (3, *expected)
    assert images.dtype == np.float32


def test_one_row_is_the_default(sampler):
    """Without arguments there is one row."""
    assert len(sampler.sample()) == 1


@pytest.mark.parametrize("n", [0, 1, 10, 999])
@pytest.mark.parametrize("seed", [0, 2**64 - 1])
def test_more_rows_begin_with_fewer(conditional, n, seed):
    """Asked for more rows, the first ones and their classes stay the same."""
    X, y = conditional.sample(2500, return_y=True, random_state=seed)
    X_few, y_few = conditional.sample(n, return_y=True, random_state=seed)
    pd.testing.assert_frame_equal(X_few, X.iloc[:n])
    assert np.array_equal(y_few, y[:n])


@pytest.mark.parametrize("batch_size", [1, 7, 16, 100, 5000])
def test_batches_are_the_rows_of_one_sample(conditional, batch_size):
    """With classes, whatever their size; the last one has what is left."""
    n = 40 if batch_size == 1 else 2500
    X, y = conditional.sample(n, return_y=True, random_state=3)
    batches = list(conditional.sample_batches(n, batch_size, return_y=True, random_state=3))
    assert [len(rows) for rows, _ in batches[:-1]] == [batch_size] * (len(batches) - 1)
    pd.testing.assert_frame_equal(pd.concat([rows for rows, _ in batches], ignore_index=True), X)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in batches]), y)


def test_batches_take_labels(conditional):
    """One for all rows, or one for each."""
    labels = np.resize(["lots", "some", "never"], 50)
    for y, n in ((labels, 1), ("some", 50)):
        whole = conditional.sample(n, y=y, random_state=0)
        batches = list(conditional.sample_batches(n, 12, y=y, random_state=0))
        pd.testing.assert_frame_equal(pd.concat(batches, ignore_index=True), whole)


def test_batches_of_no_rows_are_none(sampler):
    """As many as there are."""
    assert list(sampler.sample_batches(0)) == []
    assert len(next(sampler.sample_batches(3, random_state=0))) == 3


def test_more_rows_than_memory_holds_are_refused_at_once(sampler):
    """With what to do instead; and so are more than can be counted."""
    with pytest.raises(MemoryError, match="n_samples=1,000,000,000,000,000 rows take .*sample_ba"):
        sampler.sample(10**15)
    for n in (2**63, 2**70):
        with pytest.raises(ValueError, match=f"n_samples must be less than .*; got {n}"):
            sampler.sample(n)
    last = list(sampler.sample_batches(2**62 + 3, start=2**62, random_state=0))
    assert [len(rows) for rows in last] == [3]


@pytest.mark.parametrize("size", [0, -1, 1.5, None, True])
def test_sizes_of_batches_are_checked_at_once(sampler, size):
    """And so is what `sample` checks: not when the first batch is asked for."""
    with pytest.raises((TypeError, ValueError), match="batch_size must be"):
        sampler.sample_batches(10, size)
    with pytest.raises(ValueError, match="fitted without y"):
        sampler.sample_batches(10, y="red")


def test_rows_differ_with_the_random_state(sampler):
    """Another seed gives other rows, and so does no seed at each call."""
    drawn = [sampler.sample(5, random_state=seed) for seed in (0, 1, None, None)]
    heights = np.concatenate([X["height"] for X in drawn])
    assert len(np.unique(heights)) == 20


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_generator_gives_new_rows_and_reproducible_ones(sampler, make):
    """A numpy generator moves on with each call, from a state that can be set."""
    rng, again = make(0), make(0)
    first, second = sampler.sample(9, random_state=rng), sampler.sample(9, random_state=rng)
    assert not first.equals(second)
    assert first.equals(sampler.sample(9, random_state=again))


def test_classes_are_as_frequent_as_in_training(conditional):
    """Without y, classes come at the training frequencies, and the rows belong to them."""
    X, y = conditional.sample(20_000, return_y=True, random_state=0)
    assert y.dtype == "<U5"
    labels, counts = np.unique(y, return_counts=True)
    assert labels.tolist() == ["lots", "some"]
    assert abs(counts[0] / 20_000 - 0.75) < 5 * np.sqrt(0.75 * 0.25 / 20_000)
    assert X["colour"].cat.codes.map(dict(enumerate(CLASSES.classes))).tolist() == y.tolist()


@pytest.mark.parametrize("n", [0, 1, 40])
@pytest.mark.parametrize("label", ["never", np.str_("never"), np.array("never")])
def test_a_single_label_is_the_class_of_all_rows(conditional, n, label):
    """A scalar y gives n rows of that class, even one that was rare."""
    X, y = conditional.sample(n, y=label, return_y=True)
    assert y.tolist() == ["never"] * n
    assert X["colour"].tolist() == ["green"] * n


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series])
@pytest.mark.parametrize("n", [1, 3])
def test_labels_are_the_classes_of_the_rows(conditional, make, n):
    """An array of labels gives a row for each, whether or not n_samples repeats its length."""
    X, y = conditional.sample(n, y=make(["some", "lots", "never"]), return_y=True)
    assert X["colour"].tolist() == ["blue", "red", "green"]
    assert y.tolist() == ["some", "lots", "never"]


def test_a_row_is_its_own_whatever_the_others_are(conditional):
    """A row's noise depends on its position, not on how classes were given."""
    drawn = conditional.sample(50, random_state=3)
    given = conditional.sample(y=["some"] * 50, random_state=3)
    assert np.array_equal(drawn["height"], given["height"])


@pytest.mark.parametrize("bad", [1.0, "10", None, [3], True])
def test_a_count_that_is_no_integer_is_refused(sampler, bad):
    """Something else than an integer is refused with its value and type."""
    with pytest.raises(TypeError, match="n_samples must be an integer, 0 or more; got .* of type"):
        sampler.sample(bad)


def test_a_negative_count_is_refused(sampler):
    """A negative number of rows is refused with its value."""
    with pytest.raises(ValueError, match="n_samples must be an integer, 0 or more; got -3"):
        sampler.sample(-3)


@pytest.mark.parametrize("bad", [-1, "seed", 0.5])
def test_a_bad_random_state_is_refused(sampler, bad):
    """Something that is no random state is refused by name."""
    with pytest.raises(ValueError, match="random_state must be None, an integer"):
        sampler.sample(random_state=bad)


@pytest.mark.parametrize("given", [{"y": "lots"}, {"y": ["lots"]}, {"return_y": True}])
def test_classes_of_a_model_without_any_are_refused(sampler, given):
    """A model that was fitted without y knows no classes to ask for."""
    (name,) = given
    with pytest.raises(ValueError, match=f"^{name} was given, but the model has no classes"):
        sampler.sample(**given)


@pytest.mark.parametrize("y", ["other", ["lots", "other"]])
def test_an_unknown_class_is_refused(conditional, y):
    """A class that was not fitted is named, and so are those that were."""
    with pytest.raises(ValueError, match="other.*lots.*never.*some"):
        conditional.sample(y=y)


@pytest.mark.parametrize("n", [0, 2, 4])
def test_a_count_that_contradicts_the_labels_is_refused(conditional, n):
    """With an array of labels n_samples is left out or equal to its length."""
    with pytest.raises(ValueError, match=f"n_samples={n}, but y has 3 labels, one for each row"):
        conditional.sample(n, y=["some", "lots", "some"])


def test_a_file_gives_the_same_rows(sampler, tmp_path):
    """What to_onnx writes and load reads is the same model."""
    sampler.to_onnx(tmp_path / "model.onnx")
    loaded = load(tmp_path / "model.onnx", device="cpu")
    assert loaded.schema == TABLE
    assert (tmp_path / "model.onnx").read_bytes() == sampler.artifact.model
    pd.testing.assert_frame_equal(
        loaded.sample(20, random_state=1), sampler.sample(20, random_state=1)
    )


def test_loading_checks_that_the_model_runs(tmp_path):
    """A file that is intact but no graph that ONNX Runtime takes is refused when loaded."""
    model = graphs.table().replace(b"ArgMax", b"NoSuch")
    write(seal(model, TABLE, {}), tmp_path / "model.onnx")
    with pytest.raises(RuntimeError, match="can't run this model.*NoSuch"):
        load(tmp_path / "model.onnx")


def test_loading_something_else_is_an_error(tmp_path):
    """A file of another kind is refused by name."""
    (tmp_path / "model.onnx").write_bytes(b"hello")
    with pytest.raises(ArtifactError, match=r"model\.onnx: This is not an ONNX model"):
        load(tmp_path / "model.onnx")


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_give_the_same_rows(conditional, duplicate):
    """A sampler that has been used can be copied and pickled."""
    expected = conditional.sample(30, random_state=0)
    pd.testing.assert_frame_equal(duplicate(conditional).sample(30, random_state=0), expected)


def test_a_pickle_holds_the_model_once(conditional):
    """The model's bytes are shared within a pickle."""
    conditional.sample()
    assert len(pickle.dumps(conditional)) < len(conditional.artifact.model) + 2000


def test_workers_give_the_same_rows(sampler):
    """Processes and threads of joblib sample what this process does."""
    expected = [sampler.sample(200, random_state=seed) for seed in range(3)]
    for backend in ("loky", "threading"):
        drawn = joblib.Parallel(n_jobs=2, backend=backend)(
            joblib.delayed(sampler.sample)(200, random_state=seed) for seed in range(3)
        )
        for a, b in zip(drawn, expected, strict=True):
            pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sampler", "<ExportedSampler: pandas rows of 2 columns, "),
        ("conditional", "<ExportedSampler: pandas rows of 2 columns, 3 classes, "),
    ],
)
def test_a_sampler_says_what_it_is(name, text, request):
    """Its repr tells the container, columns and classes."""
    assert repr(request.getfixturevalue(name)).startswith(text)
    images = Schema("numpy", image_shape=(8, 9, 3), dtype="float32")
    shown = repr(ExportedSampler(seal(graphs.images(8, 9, 3), images, {})))
    assert shown.startswith("<ExportedSampler: images of 8x9x3, ")


def test_training_is_not_needed(conditional, tmp_path):
    """Loading and sampling work where importing TensorFlow, Keras or onnx fails."""
    conditional.to_onnx(tmp_path / "model.onnx")
    program = """
        import sys

        class NoTraining:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("tensorflow", "keras", "tf2onnx", "onnx"):
                    raise ImportError(f"{name} is for training")

        sys.meta_path.insert(0, NoTraining())
        from gansynth.inference.exported import load

        sampler = load("model.onnx")
        X, y = sampler.sample(3, y="some", return_y=True, random_state=0)
        sampler.to_onnx("copy.onnx")
        print(list(X.columns), X["colour"].tolist(), y.tolist())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    expected = "['height', 'colour'] ['blue', 'blue', 'blue'] ['some', 'some', 'some']\n"
    assert done.stdout == expected
    assert (tmp_path / "copy.onnx").read_bytes() == conditional.artifact.model
