"""Oversampling: fit_resample, inside imbalanced-learn and inside scikit-learn alone."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
import sklearn
from imblearn.over_sampling import RandomOverSampler
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.pipeline import Pipeline as SamplingPipeline
from imblearn.pipeline import make_pipeline as make_sampling_pipeline
from imblearn.utils.estimator_checks import check_param_validation
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from gansynth import GANSampler, OversampledClassifier
from gansynth_image import ImageGAN
from gansynth_tabular import TabularGAN

from .documents import run
from .toys import ToyGAN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RARE, COMMON = 24, 36
Y = np.array(["common", "rare"])[np.repeat([0, 1], [COMMON, RARE])]


def tiny(**parameters):
    """The least that trains."""
    settings = {"steps": 2, "batch_size": 16, "random_state": 0}
    return GANSampler(TabularGAN(width=8, depth=1, candidates=1), **settings | parameters)


def toy(**parameters):
    """The least of all, for numbers alone."""
    return GANSampler(ToyGAN(), **{"steps": 2, "random_state": 0, **parameters})


def table(n: int = COMMON + RARE) -> pd.DataFrame:
    """Mixed columns, numbered from 100 on."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "amount": rng.normal(size=n),
            "count": rng.integers(0, 5, n).astype(np.int8),
            "gap": pd.array(np.where(rng.random(n) < 0.2, None, 1), dtype="Int64"),
            "city": pd.Categorical(
                rng.choice(["Graz", "Ulm"], n), categories=["Ulm", "Bonn", "Graz"]
            ),
            "flag": rng.random(n) < 0.5,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 99, n), unit="D"),
        },
        index=np.arange(100, 100 + n),
    )


def numbers(n: int = COMMON + RARE) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 3))


def test_originals_come_first_untouched_and_new_rows_behind_them():
    """Names, dtypes and categories stay; rows are numbered from 0, as imbalanced-learn does."""
    X, y = table(), pd.Series(Y, name="kind", dtype="category")
    before = X.copy()
    X_new, y_new = tiny().fit_resample(X, y)
    pd.testing.assert_frame_equal(X, before)
    pd.testing.assert_frame_equal(X_new[: len(X)], before.reset_index(drop=True))
    assert X_new.dtypes.equals(X.dtypes)
    assert isinstance(X_new.index, pd.RangeIndex)
    assert list(y_new[len(X) :]) == ["rare"] * (COMMON - RARE)
    assert (y_new.name, y_new.dtype) == ("kind", y.dtype)
    assert set(X_new["city"][len(X) :].dropna()) <= {"Ulm", "Graz"}


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (numbers(), Y.tolist()),
        (numbers().tolist(), Y),
        (numbers().astype(np.float32), np.repeat([True, False], [COMMON, RARE])),
        (scipy.sparse.csr_matrix(np.round(numbers())), Y),
        (scipy.sparse.coo_array(np.round(numbers())), np.repeat([3, 1], [COMMON, RARE])),
        (pl.DataFrame(numbers(), schema=["a", "b", "c"]), pl.Series("kind", Y)),
        (
            pl.DataFrame({"a": np.where(numbers()[:, 0] > 0, "x", "y")}).cast(pl.Categorical),
            pl.Series("kind", Y, dtype=pl.Enum(["common", "rare"])),
        ),
        (
            pa.table({"a": numbers()[:, 0], "b": np.where(numbers()[:, 1] > 0, "x", "y")}),
            pa.chunked_array([Y]).dictionary_encode(),
        ),
        (pd.DataFrame(numbers()).astype(pd.SparseDtype(float, 0.0)), pd.Series(Y, dtype=object)),
        (numbers(), pd.DataFrame({"kind": np.repeat([0, 1], [COMMON, RARE]).astype(np.int8)})),
        (numbers(), pd.Series(Y, index=np.arange(60) * 2)),
        (numbers(), np.repeat([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [30, 18, 12], axis=0)),
        (numbers(), np.repeat([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [30, 18, 12], axis=0).tolist()),
        (numbers(), pd.Series(np.repeat([1, 0], [COMMON, RARE]), dtype="Int64")),
        (numbers(), pd.Series(np.repeat([True, False], [COMMON, RARE]), dtype="boolean")),
        (np.array([["a", "x"], ["b", "y"]])[np.random.default_rng(0).integers(0, 2, 60)], Y),
    ],
    ids=[
        "array",
        "list",
        "float32",
        "csr_matrix",
        "coo_array",
        "polars",
        "polars categories",
        "arrow",
        "sparse frame",
        "frame as y",
        "series as y",
        "one-vs-all",
        "list of those",
        "Int64",
        "boolean",
        "strings",
    ],
)
def test_what_comes_in_comes_out(X, y):
    """Of every container, with its dtypes; and rows are balanced."""
    X_new, y_new = tiny().fit_resample(X, y)
    n = 60
    assert type(X_new) is type(X)
    assert type(y_new) is type(y)
    for new, old in ((X_new, X), (y_new, y)):
        for name in ("dtype", "dtypes", "schema", "type", "name"):
            assert str(getattr(new, name, None)) == str(getattr(old, name, None))
        new, old = (of.tocsr() if hasattr(of, "tocsr") else of for of in (new, old))
        first = np.asarray((new[:n]).toarray() if hasattr(new, "toarray") else new[:n])
        whole = np.asarray(old.toarray() if hasattr(old, "toarray") else old)
        np.testing.assert_array_equal(first, whole)
    labels = np.asarray(y_new)
    labels = labels.argmax(1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.ravel()
    assert len(set(Counter(labels.tolist()).values())) == 1


def test_images():
    """Pictures of any shape, with channels or without."""
    X, y = load_digits(return_X_y=True)
    chosen = np.flatnonzero((y == 1) | ((y == 7) & (np.arange(len(y)) < 400)))
    images = X[chosen].reshape(-1, 8, 8).astype(np.uint8)
    sampler = GANSampler(ImageGAN(width=4), steps=2, batch_size=8, random_state=0)
    X_new, y_new = sampler.fit_resample(images[..., None], y[chosen])
    assert X_new.shape == (2 * (y == 1).sum(), 8, 8, 1)
    assert X_new.dtype == np.uint8
    np.testing.assert_array_equal(X_new[: len(chosen), ..., 0], images)
    assert (y_new[len(chosen) :] == 7).all()


def test_strategies():
    """Those of imbalanced-learn: a ratio, a name, numbers of rows, a function of y."""
    y = np.repeat(["a", "b", "c"], [30, 18, 12])
    for strategy, expected in (
        ("auto", {"b": 12, "c": 18}),
        ("minority", {"c": 18}),
        ("all", {"a": 0, "b": 12, "c": 18}),
        ({"c": 20}, {"c": 8}),
        (lambda y: {"b": 19}, {"b": 1}),
    ):
        sampler = toy(sampling_strategy=strategy)
        X_new, y_new = sampler.fit_resample(numbers(), y)
        assert sampler.sampling_strategy_ == expected
        assert Counter(y_new[60:].tolist()) == {k: v for k, v in expected.items() if v}
        assert len(X_new) == len(y_new)
    _, y_new = toy(sampling_strategy=0.75).fit_resample(numbers(), Y)
    assert (y_new == "rare").sum() == 27


def test_a_seed_makes_it_repeatable():
    """The same rows each time, and numpy's global state is left alone."""
    state = np.random.get_state()[1].copy()
    first, second = (toy().fit_resample(numbers(), Y)[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(np.random.get_state()[1], state)


def test_it_is_one_of_imbalanced_learns_and_has_no_indices():
    """No new row is a row of X, so there is nothing for sample_indices_ to hold."""
    sampler = toy()
    sampler.fit_resample(numbers(), Y)
    assert isinstance(sampler, BaseOverSampler)
    assert not hasattr(sampler, "sample_indices_")
    assert list(sampler.classes_) == ["common", "rare"]
    assert sampler.sample(4, y="rare").shape == (4, 3)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_rows_of_a_class_are_told(n):
    """The number is named, and so is how many of the new rows are copies."""
    y = np.repeat(["common", "rare"], [60 - n, n])
    with pytest.warns(UserWarning, match=rf"y holds {n} row\(s\) of class 'rare'.*copies of them"):
        X_new, y_new = toy().fit_resample(numbers(), y)
    assert (y_new == "rare").sum() == 60 - n
    assert np.isfinite(X_new).all()


def test_copies_of_few_rows_are_counted():
    """In a table of two values they can't be helped, and are owned up to."""
    X = pd.DataFrame({"a": ["x", "y"] * 20, "b": [None, None] * 20})
    y = np.repeat(["common", "rare"], [38, 2])
    with pytest.warns(UserWarning, match=r"Exact copies of them: 36 of 36 new rows"):
        tiny().fit_resample(X, y)


@pytest.mark.parametrize(
    ("X", "y", "parameters", "message"),
    [
        (numbers(), np.zeros(60), {}, "more than 1 class"),
        (numbers(), numbers()[:, 0], {}, "Unknown label type: 'continuous'|Unknown label type"),
        (numbers(), np.ones((60, 2), int), {}, "Multilabel and multioutput targets"),
        (numbers(), Y[:-1], {}, "inconsistent numbers of samples"),
        (numbers(), np.where(np.arange(60) == 3, np.nan, np.arange(60) % 2), {}, "NaN"),
        (numbers(), Y, {"sampling_strategy": {"rare": 3}}, "greater or equal|equal to"),
        (numbers(), Y, {"sampling_strategy": {"none": 99}}, "none"),
        (numbers(), Y, {"sampling_strategy": 0.1}, "remove samples"),
        (numbers(), Y, {"sampling_strategy": "more"}, "'sampling_strategy' parameter"),
        (numbers(), None, {}, "requires y to be passed, but the target y is None"),
        (numbers(), Y, {"column_types": {"x1": "drop"}}, r"drops 'x1': .* before fit_resample"),
    ],
)
def test_bad_input(X, y, parameters, message):
    """A ValueError in the words that users of imbalanced-learn know; what was fitted stays."""
    sampler = toy().fit(numbers())
    before = sampler.sample(5)
    sampler.set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        sampler.fit_resample(X, y)
    np.testing.assert_array_equal(sampler.sample(5), before)


def test_a_wrong_parameter_is_named():
    """By every method that fits."""
    check_param_validation("GANSampler", toy())


# -- pipelines of imbalanced-learn ----------------------------------------------------------


def test_pipeline_with_steps_before_and_behind():
    """Its parameters go through two levels, and a grid search over them picks one."""
    X, y = make_classification(120, weights=[0.8], random_state=0)
    pipe = make_sampling_pipeline(StandardScaler(), toy(), StandardScaler(), LogisticRegression())
    grid = {"gansampler__architecture__units": [2, 4], "gansampler__sampling_strategy": [0.6, 1.0]}
    search = GridSearchCV(pipe, grid, cv=2, scoring="balanced_accuracy").fit(X, y)
    assert set(search.best_params_) == set(grid)
    assert search.best_score_ > 0.5
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


class Spy(GANSampler):
    """Remembers the rows that it was given; as a class, since a search clones what it fits."""

    seen: list[np.ndarray] = []  # noqa: RUF012

    def fit_resample(self, X, y):
        Spy.seen.append(np.asarray(X))
        return super().fit_resample(X, y)


@pytest.mark.parametrize("kind", ["pipeline", "classifier"])
def test_no_validation_row_is_ever_seen(kind):
    """What fit_resample is given are the training rows of the fold, and nothing else."""
    X, y = make_classification(90, weights=[0.7], random_state=0)
    X[:, 0] = np.arange(90)  # which row it is
    spy, last = Spy(ToyGAN(), steps=1, random_state=0), DecisionTreeClassifier(random_state=0)
    model = SamplingPipeline([("add", spy), ("last", last)])
    if kind == "classifier":
        model = OversampledClassifier(last, spy)
    folds = list(StratifiedKFold(3).split(X, y))
    Spy.seen.clear()
    cross_validate(model, X, y, cv=folds)
    assert len(Spy.seen) == 3
    for rows, (train, test) in zip(Spy.seen, folds, strict=True):
        assert set(rows[:, 0]) == set(train)
        assert not set(rows[:, 0]) & set(test)


def test_prediction_does_not_resample():
    """As many predictions as there are rows."""
    X, y = numbers(), Y
    pipe = make_sampling_pipeline(toy(), LogisticRegression()).fit(X, y)
    assert len(pipe.predict(X)) == len(X)


class Listener:
    """A callback of scikit-learn's that remembers whose tasks there were."""

    max_propagation_depth = None
    begun: list[tuple[str, str]] = []  # noqa: RUF012

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        Listener.begun.append((context.estimator_name, context.task_name))

    def on_fit_task_end(self, estimator, context):
        pass


@pytest.mark.skipif(
    not hasattr(GANSampler, "set_callbacks"), reason="scikit-learn has callbacks from 1.9 on"
)
@pytest.mark.parametrize("kind", ["pipeline", "classifier"])
def test_progress_is_nested(kind):
    """Scikit-learn's callbacks of a search reach the intervals of the sampler's training.

    Imbalanced-learn's pipeline hands none on, so that there they are set on the sampler.
    """
    Listener.begun.clear()
    if kind == "classifier":
        model = OversampledClassifier(DecisionTreeClassifier(), toy(steps=3))
        search = GridSearchCV(model, {}, cv=2).set_callbacks(Listener())
    else:
        inner = toy(steps=3).set_callbacks(Listener())
        search = GridSearchCV(make_sampling_pipeline(inner, DecisionTreeClassifier()), {}, cv=2)
    search.fit(numbers(), Y)
    tasks = Counter(Listener.begun)
    assert tasks["GANSampler", "interval"] == 9
    assert tasks["GANSampler", "fit"] == 3
    assert (("GridSearchCV", "fit") in tasks) == (kind == "classifier")


# -- plain scikit-learn ----------------------------------------------------------------------


def model(estimator=None) -> OversampledClassifier:
    return OversampledClassifier(estimator or LogisticRegression(), toy())


def test_it_works_wherever_a_classifier_does():
    """In pipelines, searches, cross-validation, calibration and stacks."""
    X, y = make_classification(90, weights=[0.7], random_state=0)
    search = GridSearchCV(model(), {"estimator__C": [0.1, 1], "sampler__steps": [1]}, cv=2)
    models = {
        "pipeline": make_pipeline(StandardScaler(), model()),
        "search": search,
        "calibrated": CalibratedClassifierCV(model(), cv=2),
        "stack": StackingClassifier([("one", model()), ("two", DecisionTreeClassifier())], cv=2),
    }
    for name, one in models.items():
        assert one.fit(X, y).score(X, y) > 0.6, name
        assert one.predict_proba(X).shape == (90, 2), name
    assert len(cross_validate(model(), X, y, cv=2, scoring="average_precision")["test_score"]) == 2


def test_it_is_what_its_classifier_is():
    """It has the methods that the classifier has, its classes, features and names."""
    X = pd.DataFrame(numbers(), columns=["a", "b", "c"])
    one = model().fit(X, Y)
    assert list(one.classes_) == ["common", "rare"]
    assert list(one.feature_names_in_) == ["a", "b", "c"]
    assert one.n_features_in_ == 3
    assert one.sampler_.sampling_strategy_ == {"rare": COMMON - RARE}
    assert one.decision_function(X).shape == (60,)
    np.testing.assert_allclose(np.exp(one.predict_log_proba(X)), one.predict_proba(X))
    assert not hasattr(model(DecisionTreeClassifier()), "decision_function")
    assert not hasattr(clone(one), "estimator_")


def test_mixed_tables_with_missing_values_go_through():
    """Categories, dates and gaps reach a pipeline that can take them."""
    encoder = sklearn.preprocessing.OrdinalEncoder()
    trees = sklearn.ensemble.HistGradientBoostingClassifier(max_iter=3)
    pipe = make_pipeline(encoder, trees)
    fitted = OversampledClassifier(pipe, tiny()).fit(table(), Y)
    assert len(fitted.predict(table())) == 60


def test_weights_of_new_rows_are_the_mean_of_their_class():
    """The classifier is given as many as there are rows."""
    given = {}

    class Weighted(LogisticRegression):
        def fit(self, X, y, sample_weight=None):
            given["weights"], given["y"] = sample_weight, y
            return super().fit(X, y, sample_weight)

    weights = np.where(Y == "rare", 3.0, 1.0) + np.arange(60) % 2
    OversampledClassifier(Weighted(), toy()).fit(numbers(), Y, sample_weight=weights)
    np.testing.assert_array_equal(given["weights"][:60], weights)
    np.testing.assert_allclose(given["weights"][60:], weights[Y == "rare"].mean())
    with pytest.raises(ValueError, match=r"sample_weight has shape \(3,\), but there are 60 rows"):
        model().fit(numbers(), Y, sample_weight=[1.0, 1.0, 1.0])


def test_metadata_is_routed():
    """With routing enabled, the classifier gets the weights that it asked for, through a search."""
    X, y = make_classification(90, weights=[0.7], random_state=0)
    weights = np.random.default_rng(0).random(90)
    with sklearn.config_context(enable_metadata_routing=True):
        asking = LogisticRegression().set_fit_request(sample_weight=True)
        asked = model(asking).set_score_request(sample_weight=False)
        search = GridSearchCV(asked, {"sampler__steps": [1, 2]}, cv=2)
        search.fit(X, y, sample_weight=weights)
        other = clone(search).fit(X, y)
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
            model().fit(X, y, sample_weight=weights)
    assert not np.allclose(search.predict_proba(X), other.predict_proba(X))


def test_any_sampler_will_do():
    """One of imbalanced-learn's, too."""
    fitted = OversampledClassifier(
        RandomForestClassifier(5, random_state=0), RandomOverSampler(random_state=0)
    ).fit(numbers(), Y)
    assert fitted.predict(numbers()).shape == (60,)


def test_dump_and_load(tmp_path):
    """By joblib and pickle, fitted."""
    one = model().fit(numbers(), Y)
    joblib.dump(one, tmp_path / "model.joblib")
    for again in (joblib.load(tmp_path / "model.joblib"), pickle.loads(pickle.dumps(one))):
        np.testing.assert_array_equal(again.predict(numbers()), one.predict(numbers()))
        np.testing.assert_array_equal(again.sampler_.sample(5), one.sampler_.sample(5))


SAMPLE = """
import json, joblib, pickle, sys

def drawn(sampler):
    rows = sampler.sample(20, y="rare", random_state=1)
    return rows.tolist(), sorted({"tensorflow", "keras", "tf2onnx"} & set(sys.modules))

sampler = pickle.load(open(sys.argv[1], "rb"))
workers = joblib.Parallel(2)(joblib.delayed(drawn)(sampler) for _ in range(2))
print(json.dumps([drawn(sampler), *workers]))
"""


def test_a_fitted_sampler_samples_where_tensorflow_is_not_imported(tmp_path):
    """In another process, and in joblib's workers: the same rows."""
    sampler = tiny().fit(numbers(), Y)
    expected = sampler.sample(20, y="rare", random_state=1)
    (tmp_path / "sampler.pickle").write_bytes(pickle.dumps(sampler))
    script = tmp_path / "script.py"
    script.write_text(SAMPLE)
    out = subprocess.run(
        [sys.executable, script, tmp_path / "sampler.pickle"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    ).stdout
    for rows, heavy in json.loads(out):
        np.testing.assert_array_equal(rows, expected)
        assert heavy == []


def test_without_a_sampler_it_takes_the_default():
    """A GANSampler: nothing has to be known of it."""
    assert OversampledClassifier(LogisticRegression()).sampler is None
    one = OversampledClassifier(LogisticRegression())
    assert "sampler" in one.get_params()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert clone(one).sampler is None
    assert isinstance(one.get_metadata_routing().__repr__(), str)


def test_the_page_on_oversampling_runs(capsys):
    """Its examples, on networks that are small by default."""
    namespace = run("docs/oversampling.md")
    assert len(set(namespace["y_new"].value_counts())) == 1
    assert namespace["X_new"].dtypes.equals(namespace["X"].dtypes)
    assert namespace["scores"].mean() > 0.6
    assert "gansampler__sampling_strategy" in capsys.readouterr().out


def test_pipeline_refuses_nothing_it_needs():
    """A sampler must not have transform, or a pipeline refuses it."""
    assert not hasattr(GANSampler(), "transform")
    with pytest.raises(TypeError, match="All intermediate steps should be transformers"):
        Pipeline([("add", toy()), ("last", LogisticRegression())]).fit(numbers(), Y)
