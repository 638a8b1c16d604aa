"""warm_start and partial_fit: going on from an earlier fit."""

from __future__ import annotations

import copy
import itertools
import pickle
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from gansynth import GANSampler, containers
from gansynth.architecture import DataSpec, Recipe
from gansynth.schema import Schema
from gansynth.training import loop
from gansynth.training.checkpoint import CheckpointError
from gansynth_tabular import TableCodec, TabularGAN

from .toys import PlainCodec, ToyGAN, points

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def toy(**parameters: object) -> GANSampler:
    settings = {"steps": 20, "random_state": 0, "device": "cpu", "batch_size": 8, **parameters}
    return GANSampler(settings.pop("architecture", ToyGAN()), **settings)


def table(n: int = 60, kinds: str = "ab") -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"amount": rng.normal(size=n), "kind": rng.choice(list(kinds), n)})


def tabular(**parameters: object) -> GANSampler:
    return toy(**{"architecture": TabularGAN(width=8, depth=1), "steps": 2, **parameters})


def codec_of(X: pd.DataFrame) -> TableCodec:
    schema, data = containers.read(X)
    return TabularGAN().codec(DataSpec(schema, len(X)), data)


def encoded(codec: TableCodec, X: pd.DataFrame) -> np.ndarray:
    """Rows of later data, whose columns are as in those fitted."""
    columns = tuple(marginal.column for marginal in codec.marginals)
    data = containers.read_as(Schema("pandas", columns), X)
    return codec.encode(data, np.random.default_rng(0))


@pytest.fixture(scope="module")
def on_points() -> GANSampler:
    return toy(warm_start=True).fit(points())


@pytest.fixture(scope="module")
def on_table() -> GANSampler:
    return tabular(warm_start=True).fit(table())


@pytest.fixture(scope="module")
def on_classes() -> GANSampler:
    return toy(steps=1).partial_fit(points(40), ["a", "b"] * 20, classes=["a", "b", "c"])


@pytest.fixture
def warm(on_points) -> GANSampler:
    """Fitted on 300 points, in 20 steps."""
    return copy.deepcopy(on_points)


@pytest.fixture
def warm_table(on_table) -> GANSampler:
    """Fitted on a table, in 2 steps."""
    return copy.deepcopy(on_table)


@pytest.fixture
def classed(on_classes) -> GANSampler:
    """Fitted on a chunk of 40 points of classes a and b, told that there is c too."""
    return copy.deepcopy(on_classes)


@pytest.mark.parametrize("n", [60, 300], ids=["none held out", "held out"])
def test_a_warm_fit_goes_on(n):
    """Steps add up, the history continues, and the learning rate starts over to fall."""
    sampler = toy(warm_start=True).fit(points(n))
    first = copy.deepcopy(sampler.history_)
    sampler.set_params(steps=10).fit(points(n))
    assert sampler.n_steps_ == sampler.history_["step"][-1] == 30
    history = pd.DataFrame(sampler.history_)
    pd.testing.assert_frame_equal(history[: len(first["step"])], pd.DataFrame(first))
    assert history["step"].is_unique
    assert history["seconds"].is_monotonic_increasing
    added = history[history["step"] > 20]["learning_rate"]
    assert added.iloc[0] > first["learning_rate"][-1]
    assert sampler.best_step_ > 20


def test_a_warm_fit_is_closer_than_a_short_one():
    """Two fits of a few steps each learn what one alone does not."""
    sampler = toy(architecture=ToyGAN(learning_rate=3e-2), warm_start=True, steps=100)
    X = points(150) + 8.0
    far, near = (np.abs(sampler.fit(X).sample(2000).mean(0) - X.mean(0)).max() for _ in range(2))
    assert near < 0.85 * far


def test_batches_are_others_and_held_out_rows_the_same():
    """A warm fit doesn't repeat the steps of the first, nor train on rows to score by."""
    from gansynth.training import validation

    splits = []
    split = validation.split

    def spy(*arguments):
        splits.append(split(*arguments)[1].tolist())
        return split(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "split", spy)
        for random_state in (0, None):
            sampler = toy(warm_start=True, random_state=random_state)
            sampler.fit(points()).fit(points())
            one, two = splits[-2:]
            assert one == two != []
    losses = sampler.history_["critic_loss"]
    assert losses[0] != losses[20]


def test_without_warm_start_a_fit_forgets(warm):
    """A cold fit is as if it were the first, and nothing is kept beside what it fitted."""
    first = warm.sample(50)
    warm.set_params(warm_start=False).fit(points())
    np.testing.assert_array_equal(warm.sample(50), first)
    assert warm.n_steps_ == 20
    assert len(pickle.dumps(warm)) < 2 * len(warm.artifact_.model) + 10_000
    assert "_memory" not in vars(warm)


def test_a_clone_starts_afresh(warm):
    """clone takes parameters and nothing of the fit."""
    again = clone(warm).fit(points())
    assert again.n_steps_ == 20
    np.testing.assert_array_equal(again.sample(50), warm.sample(50))


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"architecture__units": 5}, r"architecture=ToyGAN\(units=5\) .* architecture=ToyGAN\(\)"),
        ({"architecture": "distribution2d"}, r"architecture=Distribution2DGAN\(\) does not fit"),
        ({"latent_dim": 3}, "latent_dim=3 does not fit .* latent_dim=2. Set it back"),
    ],
    ids=["width", "architecture", "latent_dim"],
)
def test_other_networks_are_refused(warm, parameters, words):
    """What the weights don't fit is named, with the remedy; the earlier fit goes on sampling."""
    before = warm.sample(10)
    warm.set_params(**parameters)
    for go_on in (warm.fit, warm.partial_fit):
        with pytest.raises(ValueError, match=words):
            go_on(points())
    np.testing.assert_array_equal(warm.sample(10), before)


def test_other_ways_of_learning_are_taken(warm):
    """Batch size, loss, penalty and budget may change between warm fits."""
    warm.set_params(batch_size=16, loss="hinge", gamma=0.5, steps=4, early_stopping=False)
    warm.set_params(latent_dim=2, random_state=7).fit(points())
    assert warm.n_steps_ == 24
    assert warm.history_["gamma"][-1] == 0.5
    assert np.isfinite(warm.sample(50)).all()


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (table().rename(columns={"kind": "sort"}), None, "missing column 'kind'; unexpected"),
        (table(kinds="abc"), None, "categories that the data fitted had not: 'c'"),
        (table().assign(amount="x"), None, "'amount' has dtype"),
        (table().mask(table() == "b"), None, "'kind' has missing values, but had none"),
        (table(), ["x", "y"] * 30, "y is given, unlike in the fit that this one goes on from"),
    ],
    ids=["columns", "category", "kind", "missing", "y"],
)
def test_other_columns_are_refused(warm_table, X, y, words):
    """Columns are settled by the first call; the earlier fit goes on sampling."""
    before = warm_table.sample(10)
    for go_on in (warm_table.fit, warm_table.partial_fit):
        with pytest.raises(ValueError, match=words):
            go_on(X, y)
    pd.testing.assert_frame_equal(warm_table.sample(10), before)


def test_images_of_another_range_are_refused():
    """Bytes and numbers can't be told apart by their values."""
    X = np.zeros((12, 4, 4), np.uint8)
    schema, _ = containers.read(X)
    assert containers.read_as(schema, X)["image"].shape == (12, 4, 4, 1)
    with pytest.raises(ValueError, match="images of float64, but images of uint8 were fitted"):
        containers.read_as(schema, X / 255)


def test_other_containers_are_taken_and_the_first_comes_back(warm_table):
    """Columns of a later table may be in another order, or an array."""
    warm_table.fit(table()[["kind", "amount"]]).partial_fit(table().to_numpy())
    assert warm_table.n_steps_ == 2 + 2 + 2
    assert list(warm_table.sample(3)) == ["amount", "kind"]


def test_max_time_counts_for_one_fit():
    """A warm fit has all of its own time, however long the one before took."""
    sampler = toy(warm_start=True, steps=10**9, max_time=4.0, early_stopping=False)
    sampler.fit(points())
    first = sampler.n_steps_
    begin = time.monotonic()
    sampler.set_params(max_time=2.0).fit(points())
    assert sampler.n_steps_ > first + 20
    assert sampler.history_["seconds"][-1] >= 6.0
    assert time.monotonic() - begin > 2.0


@pytest.mark.parametrize("max_time", np.arange(3.0, 6.0, 0.5))
def test_a_run_that_time_has_ended_took_all_of_it(monkeypatch, max_time):
    """Whichever look at the clock is the one that finds it late, the history says so."""
    clock = SimpleNamespace(monotonic=(0.5 * n for n in itertools.count()).__next__)
    monkeypatch.setattr(loop, "time", clock)
    sampler = toy(steps=10**9, max_time=max_time, early_stopping=False).fit(points())
    assert max_time <= sampler.history_["seconds"][-1] < max_time + 2.0


@pytest.mark.parametrize("n", [60, 300], ids=["none held out", "held out"])
def test_hardly_any_time_leaves_a_sampler(n):
    """However short max_time is, each fit makes a step, and what it leaves samples."""
    sampler = toy(warm_start=True, max_time=1e-3)
    for go_on in (sampler.fit, sampler.fit, sampler.partial_fit):
        before = getattr(sampler, "n_steps_", 0)
        go_on(points(n))
        assert sampler.n_steps_ > before
        assert np.isfinite(sampler.sample(20)).all()
        assert np.isfinite(sampler.best_score_) or n == 60 or go_on == sampler.partial_fit


GOING_ON = """
import pickle, sys
sampler = pickle.load(open("warm.pickle", "rb"))
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
import pandas as pd
sampler.fit(pd.read_pickle("table.pickle"))
pickle.dump(sampler, open("warm.pickle", "wb"))
"""


def test_a_pickle_goes_on_in_another_process(warm_table, tmp_path):
    """A pickled sampler keeps what it goes on from, and ends as it would have here."""
    (tmp_path / "warm.pickle").write_bytes(pickle.dumps(warm_table))
    table().to_pickle(tmp_path / "table.pickle")
    subprocess.run([sys.executable, "-W", "ignore", "-c", GOING_ON], cwd=tmp_path, check=True)
    elsewhere = pickle.loads((tmp_path / "warm.pickle").read_bytes())
    here = warm_table.fit(table())
    assert elsewhere.n_steps_ == here.n_steps_ == 4
    pd.testing.assert_frame_equal(elsewhere.sample(50), here.sample(50))


def test_an_interrupted_warm_fit_leaves_the_one_before(warm):
    """Going on after Ctrl-C repeats no line of the history, and ends as if it had not come."""
    import keras

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    before, whole = warm.sample(10), copy.deepcopy(warm).fit(points())
    with pytest.raises(KeyboardInterrupt):
        warm.set_params(callbacks=[Interrupt]).fit(points())
    assert warm.history_["step"][-1] == 21
    np.testing.assert_array_equal(warm.sample(10), before)
    warm.set_params(callbacks=None).fit(points())
    assert warm.history_["step"] == whole.history_["step"]
    np.testing.assert_array_equal(warm.sample(50), whole.sample(50))


def test_each_warm_fit_has_a_checkpoint_folder_of_its_own(tmp_path):
    """The weights that a fit starts from are part of what its checkpoints are for."""
    sampler = toy(warm_start=True, checkpoint_dir=tmp_path / "1").fit(points())
    with pytest.raises(CheckpointError, match='its start was "fresh weights", .* "step 20'):
        sampler.fit(points())
    sampler.set_params(checkpoint_dir=tmp_path / "2").fit(points())
    assert sampler.n_steps_ == 40
    resumed = toy(warm_start=True, checkpoint_dir=tmp_path / "1").fit(points())
    resumed.set_params(checkpoint_dir=tmp_path / "2").fit(points())
    np.testing.assert_array_equal(resumed.sample(50), sampler.sample(50))


def test_chunks_add_up():
    """partial_fit makes its steps on each chunk, of one row too, at a rate that doesn't fall."""
    sampler = toy(steps=3)
    for chunk in (points(60), points(300), points(1)):
        sampler.partial_fit(chunk)
    assert sampler.n_steps_ == sampler.history_["step"][-1] == 9
    assert len(set(sampler.history_["learning_rate"])) == 1
    assert sampler.artifact_.meta["samples"] == "361"
    assert np.isfinite(sampler.sample(100)).all()


def test_a_chunk_is_passed_over_once_by_default():
    """steps="auto" makes as many steps as there are batches."""
    sampler = toy(steps="auto")
    for n, steps in ((60, 8), (17, 11), (1, 12)):
        assert sampler.partial_fit(points(n)).n_steps_ == steps


def test_chunks_teach_what_they_hold():
    """A stream of chunks brings samples to the data."""
    X = points(600) + 8.0
    sampler = toy(architecture=ToyGAN(learning_rate=3e-2), steps=100)
    off = [
        np.abs(sampler.partial_fit(X[i::3]).sample(2000).mean(0) - X.mean(0)).max()
        for i in range(3)
    ]
    assert off[-1] < 0.5 * off[0]


def test_the_first_chunk_has_two_rows_at_least():
    """From one row no column can be learned."""
    with pytest.raises(ValueError, match=r"X has 1 sample\(s\)"):
        toy().partial_fit(points(1))


def test_classes_may_come_later(classed):
    """Classes that the first chunk lacks are announced; frequencies are those of all chunks."""
    assert classed.classes_.tolist() == ["a", "b", "c"]
    assert set(classed.sample(200, return_y=True)[1]) == {"a", "b"}
    assert len(classed.sample(5, y="c")) == 5
    classed.partial_fit(points(40), ["c"] * 40, classes=["c", "b", "a"])
    _, labels = classed.sample(4000, return_y=True)
    assert (labels == "c").mean() == pytest.approx(0.5, abs=0.03)
    assert classed.artifact_.schema.class_counts == (20, 20, 40)


@pytest.mark.parametrize(
    ("first", "later"),
    [(["x", "y"], ["y", "z"]), (["x"], ["y"]), ([False], [True])],
    ids=["category", "constant", "boolean"],
)
def test_values_that_the_first_chunk_only_announced_are_refused(first, later):
    """A categorical may name labels that don't occur: a later chunk can't bring them in."""

    def frame(labels: list[object]) -> pd.DataFrame:
        dtype = bool if isinstance(labels[0], bool) else pd.CategoricalDtype(["x", "y", "z"])
        return pd.DataFrame({"kind": pd.Series(labels * 10, dtype=dtype), "number": 1.5})

    codec = codec_of(frame(first))
    with pytest.raises(ValueError, match=f"'kind' has values that .* had not: {later[-1]!r}. Drop"):
        encoded(codec, frame(later))


def test_numbers_that_the_first_chunk_had_not_are_taken_for_the_nearest():
    """A column of few numbers stays one; what is between them, or beyond, is rounded to them."""
    codec = codec_of(pd.DataFrame({"number": [0.0, 1.0, 4.0, np.nan] * 10}))
    later = pd.DataFrame({"number": [0.2, 0.9, 3.0, 99.0, -5.0, np.nan]})
    assert encoded(codec, later)[:, -1].tolist() == [0, 1, 2, 2, 0, 3]


def test_a_warm_fit_learns_the_classes_of_its_rows(classed):
    """Classes come as often as in the rows of the last fit, which are all there is to learn."""
    classed.set_params(warm_start=True).fit(points(40), ["a", "c", "c", "c"] * 10)
    assert classed.artifact_.schema.class_counts == (10, 0, 30)


class DrawingCodec(PlainCodec):
    """Remembers the classes that it is calibrated by."""

    def calibrate(self, generator, draw):
        self.drawn = draw(4000)[1]


class DrawingGAN(ToyGAN):
    def codec(self, spec, data):
        return DrawingCodec(list(data))


def test_chunks_are_calibrated_by_the_classes_of_all():
    """A chunk of one class doesn't make the marginals of all the marginals of that class."""
    sampler = toy(architecture=DrawingGAN(), steps=1)
    for labels, share in (([0, 1, 1, 1] * 10, 0.75), ([0] * 40, 0.375)):
        sampler.partial_fit(points(40), labels)
        assert sampler._memory.codec.drawn.mean() == pytest.approx(share, abs=0.03)


class PreparingCodec(PlainCodec):
    """Begins at zero, and remembers by what rows."""

    def __init__(self, names):
        super().__init__(names)
        self.begun = []

    def prepare(self, generator, rows, labels, seed):
        self.begun.append((rows, labels))
        generator.set_weights([np.zeros_like(weight) for weight in generator.get_weights()])


class PreparingGAN(ToyGAN):
    def codec(self, spec, data):
        return PreparingCodec(list(data))


def test_fresh_fits_begin_where_the_codec_says():
    """Weights are prepared by all rows but the held-out ones, and once."""
    architecture = PreparingGAN(learning_rate=1e-6)
    settings = {"steps": 1, "validation_fraction": 0.25, "warm_start": True}
    sampler = toy(architecture=architecture, **settings)
    X, labels = points(400), np.arange(400) % 2
    sampler.fit(X, labels)
    ((rows, of_rows),) = sampler._memory.codec.begun
    where = [np.flatnonzero((X.astype(np.float32) == row).all(axis=1)).item() for row in rows]
    assert len(set(where)) == 300
    np.testing.assert_array_equal(of_rows, labels[where])
    assert np.abs(sampler.sample(100)).max() < 1e-3
    sampler.fit(X, labels)
    assert len(sampler._memory.codec.begun) == 1


def test_chunks_begin_anywhere():
    """The first chunk may lie elsewhere than those that come later."""
    sampler = toy(architecture=PreparingGAN(), steps=1).partial_fit(points(40))
    assert sampler._memory.codec.begun == []


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        ({"y": ["a", "d"] * 20}, "y holds unknown classes: 'd'"),
        ({}, "y is missing, unlike in the fit"),
        (
            {"y": ["a", "b"] * 20, "classes": ["a", "b"]},
            r"classes=\['a', 'b'\] differ from those of the first call, \['a', 'b', 'c'\]",
        ),
    ],
    ids=["unknown class", "y missing", "other classes"],
)
def test_chunks_of_other_classes_are_refused(classed, chunk, words):
    """Classes are settled by the first chunk; what is fitted by then goes on sampling."""
    before = classed.sample(10)
    with pytest.raises(ValueError, match=words):
        classed.partial_fit(points(40), **chunk)
    np.testing.assert_array_equal(classed.sample(10), before)


@pytest.mark.parametrize(
    ("chunk", "words"),
    [
        ({"classes": ["a", "b"]}, "classes is given, but y is missing"),
        ({"y": ["a", "b"] * 20, "classes": ["a"]}, "y holds unknown classes: 'b'"),
    ],
    ids=["no y", "too few classes"],
)
def test_classes_that_do_not_fit_y_are_refused(chunk, words):
    """The first chunk tells its classes, or is told them with y."""
    with pytest.raises(ValueError, match=words):
        toy().partial_fit(points(40), **chunk)


def test_partial_fit_does_not_forget_a_fit_silently(warm):
    """It goes on from any fit of this process; from a copy that kept nothing, it says so."""
    sampler = copy.deepcopy(warm).set_params(warm_start=False).fit(points())
    for again in (copy.deepcopy(sampler), pickle.loads(pickle.dumps(sampler))):
        with pytest.raises(ValueError, match="once it was copied or pickled.* warm_start=True"):
            again.partial_fit(points())
    assert sampler.set_params(steps=3).partial_fit(points()).n_steps_ == 23
    assert warm.set_params(steps=3).partial_fit(points()).n_steps_ == 23


def test_a_fit_may_end_a_stream():
    """With warm_start, fit goes on from chunks, and lets the learning rate fall."""
    sampler = toy(warm_start=True, steps=3).partial_fit(points()).set_params(steps=10)
    sampler.fit(points())
    assert sampler.n_steps_ == 13
    rates = sampler.history_["learning_rate"]
    assert rates[-1] < 0.1 * rates[0]


class EarlyGAN(ToyGAN):
    """Its learning rate falls long before gamma has fallen."""

    def recipe(self, spec: DataSpec) -> Recipe:
        return replace(super().recipe(spec), decay_start=0.1)


def test_rate_and_gamma_of_later_fits():
    """Of chunks the rate stays and gamma falls; then the rate falls, and gamma has fallen."""
    sampler = toy(architecture=EarlyGAN(), gamma=(1.0, 0.01), warm_start=True)
    sampler.partial_fit(points()).partial_fit(points())
    of_chunk = {name: list(values) for name, values in sampler.history_.items()}
    assert len(set(of_chunk["learning_rate"])) == 1
    assert of_chunk["gamma"][0] > 2 * of_chunk["gamma"][-1]
    assert of_chunk["gamma"][-1] == pytest.approx(0.01, rel=1e-4)

    sampler.fit(points())
    rates, gammas = (
        sampler.history_[name][len(of_chunk["step"]) :] for name in ("learning_rate", "gamma")
    )
    assert rates[-1] < 0.1 * rates[0]
    np.testing.assert_allclose(gammas, of_chunk["gamma"][-1], rtol=1e-4)


def test_checkpoints_are_for_fit(tmp_path):
    """A chunk isn't a run: partial_fit says what to do instead of writing checkpoints."""
    with pytest.raises(ValueError, match="checkpoint_dir=.* is for fit.*pickle the sampler"):
        toy(checkpoint_dir=tmp_path).partial_fit(points())
