"""Values that columns are given: conditions on samples, and missing cells that are filled."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import gansynth
from gansynth import GANImputer, GANSampler, containers
from gansynth.architecture import DataSpec
from gansynth.inference import noise
from gansynth_tabular import TabularGAN

from .documents import run
from .toys import ToyGAN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 600


def frame(n: int = N, seed: int = 0) -> pd.DataFrame:
    """Columns of all kinds; ``income`` goes by ``job``, and ``zeros`` by nothing."""
    rng = np.random.default_rng(seed)
    job = rng.choice(["clerk", "nurse", "pilot"], n, p=[0.6, 0.3, 0.1])
    return pd.DataFrame(
        {
            "job": job,
            "age": rng.integers(18, 90, n),
            "income": np.where(job == "clerk", 10.0, 100.0) + rng.normal(0, 5, n),
            "zeros": np.where(rng.random(n) < 0.3, 0.0, rng.lognormal(size=n)).round(2),
            "gaps": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "size": pd.Categorical(rng.choice(list("SML"), n), list("SML"), ordered=True),
            "flag": rng.random(n) < 0.5,
            "visits": pd.array(rng.integers(0, 2000, n), dtype="Int64"),
            "same": 1,
        }
    )


def tiny(**parameters: object) -> GANSampler:
    settings = {"steps": 3, "batch_size": 32, "random_state": 0, "validation_fraction": 0.0}
    sampler = GANSampler(TabularGAN(width=16, depth=1, conditions=True))
    return sampler.set_params(**{**settings, **parameters})


@pytest.fixture(scope="module")
def sampler() -> GANSampler:
    """One that has learned nothing: what it is given has to come out all the same."""
    return tiny().fit(frame())


@pytest.fixture(scope="module")
def trained() -> GANSampler:
    """One that has learned how income goes by job."""
    X = frame(2000)[["job", "income"]]
    network = TabularGAN(width=64, depth=2, conditions=True)
    return GANSampler(network, steps=1000, batch_size=200, random_state=0).fit(X)


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ("job", "pilot"),
        ("age", 41),
        ("age", 117),  # never seen: exact all the same
        ("income", 12.345678901234567),
        ("zeros", 0.0),
        ("zeros", 0.73),
        ("gaps", 0.125),
        ("size", "M"),
        ("flag", True),
        ("visits", 2**53 + 1),  # more than a float64 holds
        ("same", 1),
    ],
)
def test_a_value_is_in_every_row(sampler, column, wanted):
    """What is asked for comes out to the last bit, and dtypes are as ever."""
    rows = sampler.sample(300, conditions={column: wanted})
    assert (rows[column] == wanted).all()
    assert rows.dtypes.to_dict() == frame().dtypes.to_dict()


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_a_missing_value_can_be_asked_for(sampler, missing):
    """None, NaN and NA ask for the missing value, where the data had it."""
    assert sampler.sample(50, conditions={"gaps": missing})["gaps"].isna().all()


@pytest.mark.parametrize(
    ("column", "wanted", "met"),
    [
        ("job", ["clerk", "pilot"], lambda x: x.isin(["clerk", "pilot"])),
        ("job", {"nurse"}, lambda x: x == "nurse"),
        ("age", np.array([20, 30]), lambda x: x.isin([20, 30])),
        ("age", (30, 40), lambda x: x.between(30, 40)),
        ("age", (None, 25), lambda x: x <= 25),
        ("income", (50.0, None), lambda x: x >= 50),
        ("gaps", (None, 0.0), lambda x: x <= 0),
        ("size", ("S", "M"), lambda x: x.isin(["S", "M"])),
        ("flag", [False], lambda x: ~x),
        ("visits", (100, 200), lambda x: x.between(100, 200)),
    ],
)
def test_values_to_choose_from(sampler, column, wanted, met):
    """A list allows its values, and a pair all in between."""
    rows = sampler.sample(200, conditions={column: wanted}, random_state=0)
    assert met(rows[column]).all()
    if not isinstance(wanted, set) and column != "flag":
        assert rows[column].nunique() > 1


def test_conditions_add_up(sampler):
    """Several columns are given together, ranges and lists too."""
    wanted = {"job": ["nurse", "pilot"], "age": (30, 60), "flag": True, "same": 1}
    rows = sampler.sample(500, conditions=wanted, random_state=0)
    assert rows["job"].isin(["nurse", "pilot"]).all()
    assert rows["age"].between(30, 60).all()
    assert rows["flag"].all()


def test_what_no_row_meets_is_drawn_evenly(sampler):
    """Rows that hold what was never seen come with a warning, not without end."""
    with pytest.warns(UserWarning, match=r"meets the conditions on 'age' together"):
        rows = sampler.sample(100, conditions={"age": (200, 300)}, random_state=0)
    assert rows["age"].between(200, 300).all()
    assert rows["age"].nunique() > 30


@pytest.mark.parametrize("wanted", [{"job": "pilot"}, {"age": (30, 40)}, {"job": ["nurse"]}])
def test_a_row_depends_on_its_number_alone(sampler, wanted):
    """Fewer rows are the beginning of more."""
    many = sampler.sample(700, conditions=wanted, random_state=5)
    few = sampler.sample(30, conditions=wanted, random_state=5)
    pd.testing.assert_frame_equal(few, many.iloc[:30])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.Table.from_pydict])
def test_a_table_asks_for_each_row(sampler, make):
    """Each row of a table of some columns comes back completed; gaps in it are drawn."""
    part = {"age": [20, 30, 40], "job": ["pilot", None, "clerk"]}
    rows = sampler.sample(conditions=make(part), random_state=0)
    assert rows["age"].tolist() == [20, 30, 40]
    assert rows["job"].tolist()[::2] == ["pilot", "clerk"]
    assert rows["job"].isin(["clerk", "nurse", "pilot"]).all()
    assert list(rows) == list(frame())


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"jobs": "pilot"}, r"unknown columns 'jobs'; the columns are 'job', 'age'"),
        ({"job": "pilots"}, r"'job' has categories that the data fitted had not: 'pilots'"),
        ({"job": []}, r"conditions\['job'\] is empty"),
        ({"job": None}, r"'job' has missing values, but had none"),
        ({"age": "old"}, r"'age' has dtype object \(category values\), but had int64"),
        ({"age": 30.5}, r"'age' has dtype object \(float values\)"),
        ({"age": (40, 30)}, r"ends in the wrong order"),
        ({"age": (None, None)}, r"is no pair"),
        ({"age": (1, 2, 3)}, r"is no pair"),
        ({"job": ("clerk", "pilot")}, r"is a range, but the column has no order"),
        (pd.DataFrame({"wage": [1]}), r"columns that were not fitted: 'wage'"),
    ],
)
def test_bad_conditions_are_refused(sampler, conditions, words):
    """The message names the column, and what it can hold."""
    with pytest.raises(ValueError, match=words):
        sampler.sample(3, conditions=conditions)


def test_a_table_of_conditions_says_how_many_rows(sampler):
    """n_samples beside a table of another length is refused."""
    part = pd.DataFrame({"age": [20, 30]})
    with pytest.raises(ValueError, match=r"n_samples=3, but conditions has 2 rows"):
        sampler.sample(3, conditions=part)
    assert len(sampler.sample(2, conditions=part)) == 2


def test_points_take_no_conditions():
    """An architecture that draws all columns together says so."""
    points = np.random.default_rng(0).normal(size=(50, 2))
    fitted = GANSampler("distribution2d", steps=1, random_state=0).fit(points)
    for ask in (
        lambda: fitted.sample(conditions={"x0": 1.0}),
        lambda: fitted.impute(points),
    ):
        with pytest.raises(ValueError, match=r"needs a model that takes values of columns"):
            ask()


def test_classes_go_with_conditions():
    """Labels and conditions are both exact; ranges are settled within the class."""
    X = frame(300).drop(columns=["flag"])
    y = np.where(X["income"] > 50, "rich", "poor")
    fitted = tiny(architecture__candidates=1).fit(X, y)
    rows, labels = fitted.sample(
        200, y="rich", conditions={"job": "nurse", "age": (20, 50)}, return_y=True
    )
    assert (labels == "rich").all()
    assert (rows["job"] == "nurse").all()
    assert rows["age"].between(20, 50).all()
    with pytest.raises(ValueError, match="y is missing"):
        fitted.impute(X)
    gaps = X.astype({"income": float})
    gaps.loc[:4, "income"] = np.nan
    assert fitted.impute(gaps, y=y)["income"].notna().all()


def test_any_program_can_ask(sampler, tmp_path):
    """The file takes a matrix of values, NaN where they are to be drawn, or does without."""
    sampler.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    asked = np.full((64, 9), np.nan)
    asked[:, 1] = 33  # age
    z = noise.normal(4, 0, 64, session.get_inputs()[0].shape[1])
    age, income = session.run(["age", "income"], {"z": z, "condition": asked})
    rows = sampler.sample(64, conditions={"age": 33}, random_state=4)
    np.testing.assert_array_equal(age, 33)
    np.testing.assert_allclose(income, rows["income"], rtol=1e-6)
    [free] = session.run(["age"], {"z": z})
    np.testing.assert_array_equal(free, sampler.sample(64, random_state=4)["age"])
    loaded = gansynth.load(tmp_path / "m.onnx")
    pd.testing.assert_frame_equal(loaded.sample(64, conditions={"age": 33}, random_state=4), rows)


def test_values_are_encoded_as_in_training():
    """The graph gives the generator what training did, but for ties, which training spreads."""
    X = frame(400)
    schema, data = containers.read(X)
    codec = TabularGAN(conditions=True).codec(DataSpec(schema, len(X)), data)
    real = codec.expand(codec.encode(data, np.random.default_rng(0)))
    expected = codec.give(real, np.ones((len(X), codec.parts), np.float32)).numpy()
    values = np.stack(
        [
            np.where(
                containers.missing_in(column, data[column.output]), np.inf, data[column.output]
            )
            for column in schema.columns
        ],
        axis=1,
    ).astype(float)
    given = codec.given(values).numpy()
    scores, width = codec.layout.scores, codec.layout.width
    np.testing.assert_array_equal(given[:, scores:], expected[:, scores:])
    assert np.median(np.abs(given[:, :scores] - expected[:, :scores])) < 0.01
    np.testing.assert_allclose(given[:, :scores], expected[:, :scores], atol=0.75)
    hidden = values.copy()
    hidden[::2] = np.nan
    hidden[1::2, 0] = -np.inf
    free = codec.given(hidden).numpy()
    assert not free[::2].any()
    present = free[1::2, width + codec.parts :]
    np.testing.assert_array_equal(present[:, 0], 1.0)
    assert not present[:, 1:].any()


def test_the_rest_goes_with_what_is_given(trained):
    """A condition on one column moves the others, either way round."""
    clerks, pilots = (
        trained.sample(500, conditions={"job": job}, random_state=0)["income"]
        for job in ("clerk", "pilot")
    )
    assert (clerks < 50).mean() > 0.85
    assert (pilots > 50).mean() > 0.85
    poor, rich = (
        trained.sample(500, conditions={"income": income}, random_state=0)["job"]
        for income in (10.2, 99.8)
    )
    assert (poor == "clerk").mean() > 0.85
    assert (rich != "clerk").mean() > 0.85
    wanted = trained.sample(500, conditions={"income": (80, None)}, random_state=0)
    assert (wanted["job"] != "clerk").mean() > 0.85


def test_gaps_are_filled_to_go_with_the_row(trained):
    """Missing cells get values that the rest of the row makes likely."""
    X = frame(500, seed=1)[["job", "income"]]
    holes = X.copy()
    holes.loc[::2, "income"] = np.nan
    filled = trained.impute(holes, random_state=0)
    pd.testing.assert_frame_equal(filled.iloc[1::2], X.iloc[1::2])
    right = (filled["income"] < 50) == (X["job"] == "clerk")
    assert right[::2].mean() > 0.85


def test_nothing_is_left_missing(sampler):
    """Gaps are filled by values, never by the missing value; what was there stays."""
    X = frame(200, seed=2)
    X.loc[:49, "job"] = None
    filled = sampler.impute(X, random_state=0)
    assert not filled.isna().any().any()
    there = X["gaps"].notna()
    np.testing.assert_array_equal(filled["gaps"][there], X["gaps"][there])
    pd.testing.assert_frame_equal(filled, sampler.impute(X, random_state=0))
    other = sampler.impute(X, random_state=1)
    assert (other["gaps"][~there] != filled["gaps"][~there]).any()


def test_a_dict_is_filled_too(sampler):
    """As samples come where the library of frames is missing: into the same frame."""
    X = frame(12)
    X.loc[::3, "job"] = None
    filled = sampler.impute({name: list(X[name]) for name in X}, random_state=0)
    pd.testing.assert_frame_equal(filled, sampler.impute(X, random_state=0))


def test_columns_to_fill_are_those_fitted(sampler):
    """A table that lacks a column is refused."""
    with pytest.raises(ValueError, match=r"missing column 'age'"):
        sampler.impute(frame().drop(columns="age"))


@pytest.mark.parametrize("asked", [{"age": (30, 40)}, {"job": "pilot"}, "rows"], ids=str)
def test_batches_take_conditions(sampler, asked):
    """Those of all rows, and those of each; a batch knows its own."""
    if asked == "rows":
        asked = pd.DataFrame({"job": ["pilot", None, "clerk"] * 7})
    whole = sampler.sample(21, conditions=asked, random_state=0)
    batches = sampler.sample_batches(21, 8, conditions=asked, random_state=0)
    pd.testing.assert_frame_equal(pd.concat(batches, ignore_index=True), whole)


def test_an_array_is_filled_too(capfd):
    """An imputer takes arrays, and gives arrays back; it prints nothing."""
    X = np.random.default_rng(0).normal(size=(120, 3))
    X[::5, 1] = np.nan
    filled = GANImputer(
        tiny(architecture__conditions=False, architecture__candidates=1), random_state=0
    ).fit_transform(X)
    assert isinstance(filled, np.ndarray)
    assert np.isfinite(filled).all()
    there = np.isfinite(X)
    np.testing.assert_array_equal(filled[there], X[there])
    assert filled[::5, 1].min() >= np.nanmin(X[:, 1])
    assert filled[::5, 1].max() <= np.nanmax(X[:, 1])
    assert "graph inputs" not in capfd.readouterr().err


def test_the_page_on_conditions_runs():
    """The examples of its page run, in order."""
    namespace = run("docs/conditions.md")
    assert (namespace["pilots"]["job"] == "pilot").all()
    assert (namespace["some"]["age"] >= 30).all()
    assert namespace["rows"]["pay"][2] == 41.0
    assert not namespace["complete"].isna().any().any()


@pytest.mark.parametrize("architecture", ["distribution2d", ToyGAN(), ToyGAN])
def test_an_imputer_refuses_what_cannot_be_given_values(architecture):
    """Before it trains, and in words."""
    with pytest.raises(ValueError, match="can't be given values.* Use architecture='tabular'"):
        GANImputer(GANSampler(architecture)).fit(np.zeros((9, 2)))


@parametrize_with_checks([GANImputer(tiny(steps=1, architecture__candidates=1), random_state=0)])
def test_the_imputer_is_a_transformer(estimator, check):
    """Scikit-learn's own checks of estimators."""
    check(estimator)
