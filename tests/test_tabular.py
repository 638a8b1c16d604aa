"""The tabular architecture: marginals, codec, networks, calibration."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest

from gansynth import GANSampler, containers
from gansynth.architecture import DataSpec
from gansynth_tabular import TabularGAN
from gansynth_tabular.codec import (
    MOST_CHOICES,
    count_decimals,
    fit_marginal,
    match_shares,
    weighted_cdf,
)
from gansynth_tabular.layout import Layout

# A few steps make a poor generator; what is tested here is right all the same.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def codec_of(frame: pd.DataFrame, **parameters: object):
    schema, data = containers.read(frame)
    return TabularGAN(**parameters).codec(DataSpec(schema, len(frame)), data), schema, data


def round_trip(frame: pd.DataFrame, **parameters: object) -> pd.DataFrame:
    """Encode and decode real rows: what a perfect generator would give."""
    codec, schema, data = codec_of(frame, **parameters)
    rows = codec.expand(codec.encode(data, np.random.default_rng(0)))
    decoded = {name: values.numpy() for name, values in codec.decode(rows).items()}
    return containers.write(schema, decoded, len(frame))


def fitted(frame: pd.DataFrame, **parameters: object) -> GANSampler:
    settings = {"steps": 4, "batch_size": 32, "random_state": 0, **parameters}
    return GANSampler(TabularGAN(width=16, depth=1), **settings).fit(frame)


def test_categories_and_few_valued_numbers_come_back_exactly():
    """Strings, bools, numbers of few values, nullable ones too (SDV #1335), come back unchanged."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "s": rng.choice(["a", "b", None], 400),
            "b": rng.random(400) < 0.5,
            "i": rng.integers(-3, 30, 400),
            "f": rng.choice([0.0, 0.25, -7.125, np.nan], 400),
            "n": pd.array(rng.choice([1, 2, None], 400), dtype="Int64"),
            "c": pd.Categorical(rng.choice([3, 1], 400), categories=[3, 2, 1], ordered=True),
        }
    )
    pd.testing.assert_frame_equal(round_trip(frame), frame)


def test_continuous_values_come_back_closely():
    """A continuous column survives the codec to within a fine quantile."""
    values = np.sort(np.random.default_rng(0).lognormal(size=5000))
    back = round_trip(pd.DataFrame({"x": values}))["x"].to_numpy()
    ranks = np.searchsorted(values, back) / len(values)
    np.testing.assert_allclose(ranks, np.arange(5000) / 5000, atol=2e-3)


def test_point_masses_stay_exact_beside_a_continuous_rest():
    """Zeros and caps come back as themselves, the rest as continuous values."""
    rng = np.random.default_rng(0)
    values = np.where(rng.random(3000) < 0.4, 0.0, np.minimum(rng.lognormal(size=3000), 3.0))
    back = round_trip(pd.DataFrame({"x": values}))["x"].to_numpy()
    for mass in (0.0, 3.0):
        np.testing.assert_array_equal(back == mass, values == mass)


def test_repeated_values_give_no_unseen_ones():
    """A column of ages with gaps never comes out with an age in a gap."""
    rng = np.random.default_rng(0)
    ages = np.where(
        rng.random(4000) < 0.5, rng.integers(0, 100, 4000), rng.integers(400, 500, 4000)
    )
    back = round_trip(pd.DataFrame({"age": ages}))["age"]
    assert set(back) <= set(ages)


def test_ties_are_spread_over_their_ranks():
    """Equal values get different scores, so that the critic sees no spikes."""
    ages = np.random.default_rng(0).integers(0, 300, 6000)
    codec, _, data = codec_of(pd.DataFrame({"age": ages}))
    scores = codec.encode(data, np.random.default_rng(0))[:, 0]
    assert len(np.unique(scores)) > 5900
    assert abs(scores.mean()) < 0.05
    assert scores.std() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([1.0, 2.0], 0), ([0.5, 1.25], 2), ([1 / 3], None), ([1e300], None), ([0.1, 0.2, 0.3], 1)],
)
def test_decimals_are_recognised(values, decimals):
    """The fewest decimals that write all values; none where there are too many."""
    assert count_decimals(np.array(values)) == decimals


def test_decimals_are_kept_in_samples():
    """Prices with two decimals are sampled with two decimals, within their range."""
    prices = np.random.default_rng(0).lognormal(3, 1, 500).round(2)
    rows = fitted(pd.DataFrame({"price": prices})).sample(500)["price"]
    np.testing.assert_array_equal(rows, rows.round(2))
    assert rows.between(prices.min(), prices.max()).all()


def test_missing_is_a_choice_of_its_own():
    """A missing share is a category of the column, in training and in samples."""
    x = np.random.default_rng(0).normal(size=1000)
    x[:300] = np.nan
    rows = fitted(pd.DataFrame({"x": x}), steps=30).sample(4000)["x"]
    assert rows.isna().mean() == pytest.approx(0.3, abs=0.03)


def test_calibration_makes_marginals_exact():
    """After a few steps only, every column's marginal is that of the data all the same."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "kind": rng.choice(["a", "b", "c"], 2000, p=[0.9, 0.09, 0.01]),
            "x": np.where(rng.random(2000) < 0.3, 0.0, rng.lognormal(size=2000)),
        }
    )
    rows = fitted(frame, steps=20).sample(20_000)
    shares = rows["kind"].value_counts(normalize=True)
    expected = frame["kind"].value_counts(normalize=True)
    np.testing.assert_allclose(shares[expected.index], expected, atol=0.02)
    assert (rows["x"] == 0).mean() == pytest.approx((frame["x"] == 0).mean(), abs=0.02)
    quantiles = np.linspace(0.05, 0.95, 19)
    positive, real = rows["x"][rows["x"] > 0], frame["x"][frame["x"] > 0]
    ranks = np.searchsorted(np.sort(real), positive.quantile(quantiles)) / len(real)
    np.testing.assert_allclose(ranks, quantiles, atol=0.03)


def test_match_shares_reaches_given_shares():
    """Mean probabilities equal the shares asked for, however far the logits are."""
    logits = np.random.default_rng(0).normal(size=(4000, 3)).astype(np.float32) * 3
    _, probabilities = match_shares(logits, np.array([0.98, 0.015, 0.005]))
    np.testing.assert_allclose(probabilities.mean(0), [0.98, 0.015, 0.005], atol=1e-3)


def test_weighted_cdf_counts_weights():
    """The distribution function of a weighted sample, at points between its values."""
    cdf = weighted_cdf(np.array([1.0, 0.0, 2.0]), np.array([2.0, 1.0, 1.0]), np.array([-1.0, 9.0]))
    np.testing.assert_array_equal(cdf, [0.0, 1.0])
    middle = weighted_cdf(np.array([1.0, 0.0]), np.array([3.0, 1.0]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(middle, [0.125, 0.625])


@pytest.mark.parametrize(
    "column",
    [
        np.full(50, 7),
        np.full(50, 2.5),
        np.full(50, "same"),
        np.full(50, True),
        np.full(50, np.nan),
    ],
)
def test_constant_column_stays_constant(column):
    """A column of one value, missing included, gives that value in every row."""
    frame = pd.DataFrame({"c": column, "x": np.random.default_rng(0).normal(size=50)})
    rows = fitted(frame).sample(20)
    pd.testing.assert_series_equal(rows["c"], frame["c"][:20])


@pytest.mark.parametrize("n", [2, 3])
def test_tiny_tables_train(n):
    """A table of two or three rows gives rows of seen labels and numbers within their range."""
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.5], "k": ["a", "b", "c"]}).iloc[:n]
    rows = fitted(frame).sample(30)
    assert rows["x"].between(frame["x"].min(), frame["x"].max()).all()
    assert set(rows["k"]) <= set(frame["k"])


def test_only_continuous_columns():
    """A table without any category has no one-hot block, and trains."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 3)), columns=list("abc"))
    codec, _, _ = codec_of(frame)
    assert codec.layout == Layout(scores=3, sizes=(), gates=(-1, -1, -1))
    assert fitted(frame).sample(5).notna().all().all()


def test_missing_labels_share_a_category_column():
    """A category column without any label at all is missing throughout."""
    frame = pd.DataFrame({"k": pd.Categorical([None] * 20), "x": np.arange(20.0)})
    assert fitted(frame).sample(5)["k"].isna().all()


def test_wide_category_is_drawn_by_running_sums():
    """A column of a thousand labels, wider than a matrix product pays for, samples them all."""
    labels = np.arange(1000).astype(str)
    frame = pd.DataFrame({"k": np.tile(labels, 3)})
    rows = fitted(frame).sample(20_000, random_state=1)
    assert rows["k"].nunique() > 950


def customers(n: int = 12_000) -> pd.DataFrame:
    """A column with more labels than a block has choices, one of them frequent, some missing."""
    rng = np.random.default_rng(0)
    rare = np.char.add("customer ", rng.integers(0, 2 * MOST_CHOICES, n).astype(str))
    label = np.where(rng.random(n) < 0.2, "guest", rare).astype(object)
    label[rng.random(n) < 0.1] = None
    return pd.DataFrame({"customer": label, "x": rng.normal(size=n)})


def test_very_many_labels_make_a_narrow_row():
    """Of thousands of labels only the frequent ones widen a row: guest, missing, another."""
    codec, _, data = codec_of(customers())
    assert codec.layout == Layout(scores=2, sizes=(3,), gates=(0, -1))
    assert codec.encode(data, np.random.default_rng(0)).shape == (12_000, 3)


def test_very_many_labels_come_back():
    """Thousands of labels survive the codec, but for a few at the border of two."""
    frame = customers()
    back = round_trip(frame)["customer"]
    np.testing.assert_array_equal(back.isna(), frame["customer"].isna())
    np.testing.assert_array_equal(back == "guest", frame["customer"] == "guest")
    assert (back.fillna("") == frame["customer"].fillna("")).mean() > 0.995


def test_very_many_labels_keep_their_marginal():
    """After a few steps only, samples hold seen labels, at the shares of the data."""
    frame = customers()
    rows = fitted(frame, steps=20).sample(20_000)["customer"]
    real = frame["customer"]
    assert set(rows.dropna()) <= set(real.dropna())
    assert rows.isna().mean() == pytest.approx(real.isna().mean(), abs=0.02)
    assert (rows == "guest").mean() == pytest.approx((real == "guest").mean(), abs=0.02)
    rare, real_rare = (np.sort(c[c.notna() & (c != "guest")].to_numpy(str)) for c in (rows, real))
    assert len(np.unique(rare)) > 0.95 * len(np.unique(real_rare))
    shares = np.linspace(0.05, 0.95, 19)
    ranks = np.searchsorted(real_rare, rare[(shares * len(rare)).astype(int)]) / len(real_rare)
    np.testing.assert_allclose(ranks, shares, atol=0.02)


def test_thousands_of_repeated_numbers_come_back():
    """Identifiers too large for a real number survive the codec, each of them."""
    identifiers = 2**60 + np.random.default_rng(0).integers(0, 5000, 40_000)
    back = round_trip(pd.DataFrame({"i": identifiers}))["i"].to_numpy()
    assert (back == identifiers).mean() > 0.995
    assert set(back) <= set(identifiers)


def test_marginal_of_a_spike_and_a_rest_counts_all_rows():
    """Shares of a column's choices sum to one, continuous rest and missing included."""
    schema, data = containers.read(
        pd.DataFrame(
            {"x": np.r_[np.zeros(100), np.random.default_rng(0).normal(size=300), [np.nan]]}
        )
    )
    marginal = fit_marginal(schema.columns[0], data["x"], max_distinct=10, min_mass=0.01)
    assert marginal.shares.sum() == pytest.approx(1.0)
    assert marginal.choices == 3  # zero, missing, continuous


def test_class_conditional_rows_follow_their_class():
    """With y, each class has its own distribution, and the label is exact."""
    rng = np.random.default_rng(0)
    y = rng.choice(["low", "high"], 600)
    X = pd.DataFrame({"x": rng.normal(size=600) + 6 * (y == "high")})
    sampler = GANSampler(TabularGAN(width=32, depth=2), steps=300, batch_size=64, random_state=0)
    rows, labels = sampler.fit(X, y).sample(500, return_y=True)
    means = rows["x"].groupby(labels).mean()
    assert means["high"] - means["low"] > 3
    assert (sampler.sample(100, y="low")["x"] < 3).mean() > 0.8


def diplomas(n: int = 500) -> pd.DataFrame:
    """A diploma, its number, the school that gives it, and a column that is nearly constant."""
    rng = np.random.default_rng(0)
    diploma = rng.choice(["none", "bachelor", "master", "doctor"], n, p=[0.4, 0.3, 0.2, 0.1])
    number = pd.Series(diploma).map({"none": 0, "bachelor": 3, "master": 5, "doctor": 8})
    return pd.DataFrame(
        {
            "number": number.to_numpy(),
            "diploma": diploma,
            "school": np.where(number > 3, "university", np.where(number > 0, "college", "")),
            "odd": rng.random(n) < 0.004,
            "age": rng.integers(18, 60, n),
            "pay": np.where(number > 3, 10.0, rng.normal(size=n)),
        }
    )


def test_what_follows_from_another_column_is_exact():
    """A generator that has learned nothing gives each diploma its number and its school."""
    X = diplomas()
    codec, _, _ = codec_of(X)
    names = {(one.column.name, leader.column.name) for one, leader, _ in codec.followers}
    assert names == {("diploma", "number"), ("school", "number")}
    rows = fitted(X).sample(500, random_state=0)
    known = set(map(tuple, X[["number", "diploma", "school"]].to_numpy()))
    assert set(map(tuple, rows[["number", "diploma", "school"]].to_numpy())) <= known
    assert rows["number"].nunique() == 4
    pd.testing.assert_frame_equal(round_trip(X)[["diploma", "school"]], X[["diploma", "school"]])


@pytest.mark.parametrize(
    "frame",
    [
        diplomas(12),  # hardly any repeats: chance would do
        diplomas().assign(diploma=lambda X: X["diploma"].where(X.index > 0, "other")),
        pd.DataFrame({"a": np.arange(20) % 2, "b": np.arange(20) // 2 % 2}),
        pd.DataFrame({"a": ["x", "y"] * 9, "b": ["u"] * 17 + ["v"]}),
    ],
)
def test_an_exception_or_little_evidence_keeps_columns_apart(frame):
    """Only a relation without exception, which chance does not explain, is taken for one."""
    codec, _, _ = codec_of(frame)
    assert ("diploma", "number") not in {
        (a.column.name, b.column.name) for a, b, _ in codec.followers
    }
    assert not any(b.column.name == "a" for _, b, _ in codec.followers)


def test_missing_values_follow_too():
    """A column that is missing exactly where another one says so."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c"], 300)
    X = pd.DataFrame({"kind": kind, "other": pd.Series(kind).map({"a": "x", "b": "y"})})
    rows = fitted(X).sample(300, random_state=0)
    assert (rows["other"].isna() == (rows["kind"] == "c")).all()


def test_a_warm_start_remembers_what_follows():
    """Also after a pickle."""
    X = diplomas()
    sampler = pickle.loads(pickle.dumps(fitted(X, warm_start=True)))
    rows = sampler.set_params(steps=2).fit(X).sample(200, random_state=0)
    known = set(map(tuple, X[["number", "diploma"]].to_numpy()))
    assert set(map(tuple, rows[["number", "diploma"]].to_numpy())) <= known


def test_column_names_that_collide_with_inputs_are_kept():
    """Columns called z, y and condition come out under their own names."""
    frame = pd.DataFrame(
        {"z": np.arange(30.0), "y": ["a", "b", "c"] * 10, "condition": [1, 2] * 15}
    )
    rows = fitted(frame).sample(4)
    assert list(rows) == ["z", "y", "condition"]
    assert rows.dtypes.equals(frame.dtypes)


def test_no_warnings_from_training_on_odd_columns():
    """Constant, missing and huge columns raise no numpy warning on the way."""
    frame = pd.DataFrame({"big": [1e300, -1e300] * 20, "none": np.nan, "tiny": [1e-300] * 40})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = fitted(frame).sample(10)
    assert np.isfinite(rows["big"]).all()


@pytest.mark.parametrize(("n", "batch_size"), [(2, 64), (105, 64), (1000, 250), (50_000, 500)])
def test_batches_fit_the_table(n, batch_size):
    """A small table comes in small batches; one that takes conditions is trained for longer."""
    schema, _ = containers.read(pd.DataFrame({"a": [0.5, 1.5]}))
    plain, asked = (
        TabularGAN(conditions=conditions).recipe(DataSpec(schema, n))
        for conditions in (False, True)
    )
    assert plain.batch_size == asked.batch_size == batch_size
    assert asked.steps == 1.5 * plain.steps


@pytest.mark.parametrize(
    "parameter",
    [
        {"width": 0},
        {"width": 8.5},
        {"depth": -1},
        {"max_distinct": None},
        {"min_mass": 1.5},
        {"min_mass": np.nan},
        {"min_mass": "some"},
    ],
)
def test_parameters_are_checked_in_fit(parameter):
    """The message names parameter, value and remedy."""
    ((name, value),) = parameter.items()
    with pytest.raises(ValueError, match=rf"{name} must be .* got {value!r}\. Use"):
        GANSampler(TabularGAN(**parameter), steps=1).fit(pd.DataFrame({"x": range(20)}))


def test_the_least_of_everything_fits():
    """Every parameter at the least value that is allowed."""
    X = pd.DataFrame({"x": np.linspace(0.0, 1.0, 40), "job": ["clerk", "pilot"] * 20})
    least = TabularGAN(width=1, depth=0, max_distinct=0, min_mass=0.0, candidates=1)
    drawn = GANSampler(least, steps=2, batch_size=8, random_state=0).fit(X).sample(10)
    assert drawn.dtypes.equals(X.dtypes)
