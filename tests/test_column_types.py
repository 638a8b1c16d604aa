"""Types of columns: declared by the user, or refused as free text."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gansynth import GANSampler, column_types
from gansynth.containers import read, read_as, write
from gansynth_tabular import TabularGAN

N = 120
RNG = np.random.default_rng(0)
NOTES = [f"Called on day {i}, was told to come back later about {i * 7}." for i in range(N)]


def settled(X, **wanted):
    """Schema and data of X, with columns declared."""
    schema, data = read(X, column_types.dropped(wanted))
    return column_types.settle(schema, data, wanted)


def tiny(**parameters) -> GANSampler:
    settings = {"steps": 2, "batch_size": 16, "random_state": 0, "validation_fraction": 0}
    return GANSampler(TabularGAN(width=16, depth=1, candidates=1), **settings | parameters)


def frame(values, dtype=None) -> pd.DataFrame:
    return pd.DataFrame({"c": pd.Series(values, dtype=dtype), "x": np.arange(len(values)) / 7})


# --- one kind for another -----------------------------------------------------------------

CONVERSIONS = [
    (frame([80331, 10115, 80331]), "category", [1, 0, 1]),
    (frame([3, None, 1], "Int64"), "category", [1, -1, 0]),
    (frame([2.5, np.nan, -1.0]), "category", [1, -1, 0]),
    (frame([1.0, 0.0, np.nan], "float32"), "category", [1, 0, -1]),
    (frame([True, False, True]), "category", [1, 0, 1]),
    (frame([True, None, False], "boolean"), "category", [1, -1, 0]),
    (frame(pd.to_datetime(["2024-01-02", None, "2023-01-01"])), "category", [1, -1, 0]),
    (frame([Decimal("0.50"), None, Decimal("0.25")], object), "category", [1, -1, 0]),
    (frame([dt.date(2024, 1, 2), dt.date(2023, 1, 1)], object), "category", [1, 0]),
    (frame([3.0, np.nan, 1.0]), "integer", [3, -(2**63), 1]),
    (frame([1.0, 0.0]), "boolean", [True, False]),
    (frame([1, 0]), "boolean", [True, False]),
    (frame([1, None, 0], "Int8"), "boolean", [1, -1, 0]),
    (frame([True, False]), "integer", [1, 0]),
    (frame([True, None], "boolean"), "float", [1.0, np.nan]),
    (frame([3, 1]), "float", [3.0, 1.0]),
    (pl.DataFrame({"c": [3, None, 1], "x": [0.5, 1.5, 2.5]}), "category", [1, -1, 0]),
    (pa.table({"c": [3, None, 1], "x": [0.5, 1.5, 2.5]}), "category", [1, -1, 0]),
]


@pytest.mark.parametrize(("X", "wanted", "neutral"), CONVERSIONS)
def test_a_column_is_taken_for_what_is_declared(X, wanted, neutral):
    """Its neutral form is that of the kind declared; written back, it is what it was."""
    schema, data = settled(X, c=wanted)
    assert schema.columns[0].kind == wanted
    np.testing.assert_array_equal(data["c"], neutral)
    schema = type(schema).from_json(schema.to_json())
    again = write(schema, data, len(neutral))
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(again, X)
    else:
        assert again.equals(X)
    np.testing.assert_array_equal(read_as(schema, X)["c"], neutral)


def test_arrays_name_their_columns_by_number():
    """Columns of arrays are x0, x1, …: declared so, and dropped so."""
    X = np.array([[1, 5, 9], [2, 6, 9], [1, 7, 9]])
    schema, data = settled(X, x0="category", x1="drop")
    assert [column.name for column in schema.columns] == ["x0", "x2"]
    np.testing.assert_array_equal(write(schema, data, 3), X[:, [0, 2]])
    for further in (X, X[:, [0, 2]]):
        assert read_as(schema, further)["x0"].tolist() == [0, 1, 0]


def test_real_numbers_round_to_the_dtype():
    """Integers that were declared real come back as integers, the nearest ones."""
    schema, data = settled(frame([1, 4]), c="float")
    assert write(schema, data | {"c": np.array([1.4, 3.6])}, 2)["c"].tolist() == [1, 4]


@pytest.mark.parametrize(
    ("values", "wanted", "message"),
    [
        ([1.5, 2.0], "integer", "'c': 'integer'.*float64 and holds the float value 1.5"),
        ([1, 2], "boolean", "holds the integer value 2"),
        (["a", "b"], "float", "holds the category value 'a'.*astype"),
        (["2024-01-01", "b"], "datetime", r"value '2024-01-01'.*pandas.to_datetime\(X\['c'\]\)"),
        ([1, 2], "duration", r"value 1.*pandas.to_timedelta\(X\['c'\]\)"),
        ([1.5], "decimal", "value 1.5.*decimals first"),
        (pd.Categorical([1, 2]), "integer", "value 1"),
        (pd.to_datetime(["2024"]), "integer", "holds the datetime values"),
        (pd.Categorical(["a", "b"]), "identifier", "'identifier'.*of dtype category.*'a', 'b'"),
        (["a", "bcd"], "identifier", "such as 'a', 'bcd', are neither whole numbers nor strings"),
        ([1.5], "identifier", "'integer'.*value 1.5"),
        (pd.to_datetime(["2024"]), "identifier", "neither whole numbers nor"),
    ],
)
def test_what_can_not_be_is_refused(values, wanted, message):
    """A conversion that fails names the column, a value, and what to do."""
    with pytest.raises(ValueError, match=message):
        settled(frame(values), c=wanted)


@pytest.mark.parametrize(
    ("wanted", "X", "message"),
    [
        ({"c": "text"}, frame([1]), "{'c': 'text'} is unknown. Use one of float, integer"),
        ({"d": "float"}, frame([1]), "names the column 'd', but X has the columns 'c', 'x'"),
        ({"cc": "drop"}, frame([1]), "names the column 'cc'.* Did you mean 'c'"),
        ({"c": "float"}, np.zeros((5, 8, 8)), "about columns, but X holds images"),
        ({"c": "drop", "x": "drop"}, frame([1]), r"0 feature\(s\)"),
        ("c", frame([1]), "'column_types' parameter"),
    ],
)
def test_odd_declarations_are_refused(wanted, X, message):
    """Unknown types and columns, and types of pixels, are refused in fit."""
    with pytest.raises(ValueError, match=message):
        GANSampler(column_types=wanted).fit(X)


@pytest.mark.parametrize("values", [[[1], [2]], ["a", 1], pd.period_range("2024", periods=2)])
def test_dropped_columns_are_not_read(values):
    """A column that can't be read at all can be dropped; further data may have it or not."""
    X = frame(values)
    schema, data = settled(X, c="drop")
    assert (list(data), schema.dropped) == (["x"], ("c",))
    for further in (X, X[["x"]]):
        assert list(read_as(schema, further)) == ["x"]


@pytest.mark.parametrize("container", [pl.from_pandas, pa.Table.from_pandas])
def test_columns_are_dropped_from_any_frame(container):
    """polars and pyarrow tables lose columns likewise."""
    schema, data = settled(container(frame([1, 2])), c="drop")
    assert list(write(schema, data, 2).to_pandas()) == ["x"]


def test_declared_identifiers_may_repeat():
    """What is declared an identifier needs no proof of it: repeated, few, missing, or real."""
    X = pd.DataFrame(
        {
            "a": ["AB12", "CD34", "AB12"],
            "b": [7.0, np.nan, 3.0],
            "c": [5, 5, 1],
            "x": [0.5, 1.5, 2.5],
        }
    )
    schema, data = settled(X, a="identifier", b="identifier", c="identifier")
    assert list(data) == ["x"]
    assert [column.kind for column in schema.columns] == ["identifier"] * 3 + ["float"]


def test_a_declaration_overrules_recognition():
    """Numbers that look like identifiers can be declared to be quantities."""
    X = pd.DataFrame({"rank": np.arange(1, N + 1), "x": RNG.normal(size=N)})
    assert settled(X)[0].columns[0].kind == "identifier"
    assert settled(X, rank="integer")[0].columns[0].kind == "integer"


# --- free text ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["str", object])
def test_free_text_is_refused_by_name(dtype):
    """Sentences are no labels: they are refused, with both remedies."""
    X = pd.DataFrame({"notes": pd.Series(NOTES, dtype=dtype), "x": RNG.normal(size=N)})
    with pytest.raises(ValueError, match="'notes' holds free text.*{'notes': 'drop'}.*'cat"):
        GANSampler().fit(X)
    with pytest.raises(ValueError, match=r"Columns 'a', 'b' hold free text"):
        settled(pd.DataFrame({"a": NOTES, "b": NOTES}))
    assert settled(X, notes="category")[0].columns[0].kind == "category"
    assert list(settled(X, notes="drop")[1]) == ["x"]


@pytest.mark.parametrize(
    "values",
    [
        NOTES[:10],
        [NOTES[i % 5] for i in range(N)],
        [f"Dr {i} Smith" for i in range(N)],
        pd.Categorical(NOTES),
        [f"https://example.org/a/very/long/path/to/the/{i}/th/page.html?x" for i in range(N)],
    ],
    ids=["few", "repeated", "names", "categorical", "one word"],
)
def test_what_is_no_free_text(values):
    """Few or repeated sentences, names, and what was declared a categorical are labels."""
    assert settled(frame(values))[0].columns[0].kind in ("category", "identifier")


REFUSED = """
import sys
import pandas as pd
from gansynth import GANSampler
X = pd.DataFrame({"t": [f"a long sentence that has number {i} in its middle" for i in range(99)]})
for types, words in ((None, "free text"), ({"t": "float"}, "astype"), ({"q": "drop"}, "'q'")):
    try:
        GANSampler(column_types=types).fit(X)
    except ValueError as error:
        assert words in str(error), error
    else:
        raise AssertionError(types)
assert "tensorflow" not in sys.modules
"""


def test_refusals_come_before_tensorflow():
    """What is wrong with a table is told at once, without loading TensorFlow."""
    subprocess.run([sys.executable, "-c", REFUSED], check=True)


# --- through a fit ------------------------------------------------------------------------


def test_declared_columns_are_sampled():
    """Codes come out as codes that were seen, dropped columns not at all, dtypes as they were."""
    X = pd.DataFrame(
        {
            "zip": RNG.choice([10115, 20095, 80331, 50667], N),
            "notes": NOTES,
            "when": pd.Series(pd.to_datetime(RNG.choice(["2024-01-01", "2024-02-01"], N))),
            "amount": np.where(RNG.random(N) < 0.2, np.nan, RNG.integers(0, 10**6, N)),
            "rank": RNG.permutation(N) + 1,
            "key": RNG.integers(0, 99, N).astype(float),
        }
    )
    wanted = {"zip": "category", "notes": "drop", "when": "category", "amount": "integer"}
    sampler = tiny(column_types=wanted | {"rank": "integer", "key": "identifier"}).fit(X)
    rows = sampler.sample(300, random_state=0)
    pd.testing.assert_series_equal(rows.dtypes, X.dtypes.drop("notes"))
    assert set(rows["zip"]) == set(X["zip"])
    assert set(rows["when"]) == set(X["when"])
    amount = rows["amount"].dropna()
    assert (amount == amount.round()).all()
    assert 0 < len(amount) < 300
    assert rows["rank"].between(1, N).all()
    assert rows["key"].tolist() == [X["key"].max() + 1 + i for i in range(300)]
    assert sampler.n_features_in_ == 5
    assert sampler.feature_names_in_.tolist() == list(rows)
    again = sampler.set_params(warm_start=True).fit(X).fit(X).sample(3)
    assert list(again) == list(rows)
