"""Identifiers: recognised, left out of the model, and made anew."""

from __future__ import annotations

import re
import uuid

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gansynth
from gansynth import GANSampler, containers
from gansynth.column_types import settle
from gansynth.containers import read, read_as
from gansynth.identifiers import draw, pattern_of
from gansynth.schema import Column, Pattern, Schema
from gansynth_tabular import TabularGAN

N = 120
RNG = np.random.default_rng(0)
COUNT = np.arange(1, N + 1)
UUIDS = [str(uuid.UUID(bytes=RNG.bytes(16), version=4)) for _ in range(N)]


def column(values, name: str = "code") -> Column:
    """What a column of a frame is taken for."""
    frame = pd.DataFrame({name: values, "x": np.linspace(0, 1, len(values))})
    return settle(*read(frame), None)[0].columns[0]


def identifiers_like(values, n: int = 1000, seed: int = 0) -> list:
    """New identifiers, in the form of these."""
    found = column(values)
    assert found.kind == "identifier"
    return draw(found, seed, 0, n).tolist()


# --- which columns they are ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([f"CUST-{i:06}" for i in COUNT], r"CUST-\d{6}"),
        ([f"user{i}" for i in COUNT], r"user\d+"),
        ([f"{i * 977 % 10**8:08}" for i in RNG.permutation(10**5)[:N]], r"\d{8}"),
        (UUIDS, r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
        (
            [u.replace("-", "").upper() for u in UUIDS],
            r"[0-9A-F]{12}4[0-9A-F]{3}[89AB][0-9A-F]{15}",
        ),
        ([f"{'ABC'[i % 3]}{i * 7919 % 10**5:05}-X" for i in COUNT], r"[ABC]\d{5}-X"),
        ([f"078-{i % 90 + 10}-{i * 617 % 9000 + 1000}" for i in COUNT], r"078-\d\d-\d{4}"),
    ],
    ids=["padded", "counted", "digits", "uuid", "hexadecimal", "classes", "three parts"],
)
@pytest.mark.parametrize("dtype", ["str", "object", "string"])
def test_strings_of_one_form_are_made_anew(values, form, dtype):
    """Strings that all differ and have one form give new ones of it, each only once."""
    made = identifiers_like(pd.Series(values, dtype=dtype))
    assert len(set(made)) == 1000
    assert all(re.fullmatch(form, text) for text in made)


@pytest.mark.parametrize(
    ("values", "name", "first"),
    [
        (COUNT, "row", N + 1),
        (COUNT - 1, "row", N),
        (15_000_000 + 997 * COUNT, "CustomerId", 15_000_000 + 997 * N + 1),
        (15_000_000 + 997 * COUNT, "customer_id", 15_000_000 + 997 * N + 1),
        (COUNT.astype("int32"), "row", N + 1),
        (pd.array(COUNT, dtype="Int64"), "row", N + 1),
    ],
)
def test_integers_are_continued(values, name, first):
    """Numbers that were given out one by one go on after the largest."""
    found = column(values, name)
    assert found.kind == "identifier"
    made = draw(found, 0, 0, 5)
    assert made.dtype == np.int64
    assert made.tolist() == list(range(first, first + 5))


NAMES = ["Anna", "Bo", "Christina", "Dieter"]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (RNG.normal(size=N), "id"),
        (COUNT.astype(float), "id"),
        (RNG.permutation(1000)[:N], "weight"),
        (1900 + COUNT, "year"),
        (COUNT[:49], "id"),
        (np.repeat(COUNT[:60], 2), "id"),
        (pd.array([None, *COUNT[1:]], dtype="Int64"), "id"),
        (-COUNT, "id"),
        (COUNT.astype("int8"), "row"),
        ([f"{NAMES[i % 4]} {NAMES[i // 4 % 4]} {'x' * i}" for i in COUNT], "name"),
        ([f"{a}{b}{c}" for a in "AEIOU" for b in "BDFKL" for c in "NRSTZ"][:N], "code"),
        (pd.date_range("2024", periods=N).strftime("%Y-%m-%d"), "id"),
        (pd.date_range("2024", periods=N).strftime("%d.%m.%Y"), "id"),
        (pd.date_range("2024", periods=N, freq="min").strftime("%H:%M"), "id"),
        ([f"{i / 1000:.3f}" for i in COUNT], "id"),
        ([f"{i * i * 31}" for i in COUNT], "price"),
        ([f"user{i}" for i in COUNT[:49]], "id"),
        ([f"user{i // 2}" for i in COUNT], "id"),
        ([f"user{i}" if i > 1 else None for i in COUNT], "id"),
        (pd.Categorical([f"user{i}" for i in COUNT]), "id"),
        (COUNT % 2 == 0, "id"),
        (pd.date_range("2024", periods=N), "id"),
    ],
)
def test_what_is_no_identifier(values, name):
    """Reals, quantities, dates, small tables, repeated and missing values are left alone."""
    assert column(values, name).kind != "identifier"


@pytest.mark.parametrize("container", [np.array, np.ndarray.tolist], ids=["array", "list"])
def test_arrays_of_numbers_have_no_identifiers(container):
    """In an array of numbers all columns are measurements; among others they need not be."""
    numbers = container(np.stack([COUNT, COUNT**2], axis=1))
    schema, data = read(numbers)
    assert {column.kind for column in settle(schema, data, None)[0].columns} == {"integer"}
    mixed = container(np.array([[int(i), f"{i % 3} apples"] for i in COUNT], dtype=object))
    found = settle(*read(mixed), None)[0]
    assert [column.kind for column in found.columns] == ["identifier", "category"]


def test_a_table_of_identifiers_has_nothing_to_learn():
    """A table of identifiers only is refused by name, before TensorFlow is needed."""
    X = pd.DataFrame({"id": COUNT, "uuid": UUIDS})
    with pytest.raises(ValueError, match="All columns of X are identifiers: 'id', 'uuid'"):
        GANSampler().fit(X)


# --- what they are made like --------------------------------------------------------------


@pytest.mark.parametrize(
    "values", [[f"n{i}" for i in COUNT], UUIDS, COUNT], ids=["n", "uuid", "int"]
)
def test_an_identifier_is_addressed(values):
    """The identifier of row i depends on i and the seed, not on how many are made."""
    assert identifiers_like(values, 1000)[:10] == identifiers_like(values, 10)
    assert identifiers_like(values, 0) == []


def test_seeds_and_columns_differ():
    """Another seed, or another column of the same form, gives other strings."""
    found = column(UUIDS)
    other = Column("other", "identifier", "str", identifier=found.identifier)
    made = [set(draw(c, seed, 0, 500)) for c, seed in ((found, 0), (found, 2**64 - 1), (other, 0))]
    assert len(set.union(*made)) == 1500


@pytest.mark.parametrize("characters", [("ab", "01", "-", "xyz"), ("0123456789",) * 2, ("ab",)])
def test_all_strings_come_before_longer_ones(characters):
    """Each string of the form is used once; what goes beyond them is longer, and unique too."""
    pattern = Pattern(characters=characters)
    made = draw(Column("c", "identifier", "str", identifier=pattern), 3, 0, 3 * pattern.size)
    assert len(set(made)) == 3 * pattern.size
    assert {len(text) for text in made[: pattern.size]} == {len(characters)}
    assert {len(text) for text in made[pattern.size :]} == {len(characters) + 1}


def test_characters_are_spread_evenly():
    """All characters of a class come up about as often, at each place."""
    made = np.array([list(text) for text in identifiers_like(UUIDS, 16_000)])
    for place in (0, 5, 20, 35):
        counts = np.unique(made[:, place], return_counts=True)[1]
        assert len(counts) == 16
        assert counts.min() > 800


def test_a_narrow_dtype_is_no_trap():
    """More numbers than the dtype can hold are refused, naming column and dtype."""
    narrow = Column("id", "identifier", "int8", stored="integer", identifier=Pattern(start=100))
    assert draw(narrow, 0, 0, 28)[-1] == 127
    with pytest.raises(ValueError, match="'id' of dtype int8 can't hold 29 identifiers from"):
        draw(narrow, 0, 0, 29)


@pytest.mark.parametrize("values", [["a", "bc"], ["1", "007"], ["x1", "x02"], [""]])
def test_strings_without_a_form(values):
    """Strings of several lengths have no form, unless a number after one beginning counts."""
    assert pattern_of(values) is None


# --- through a fit ------------------------------------------------------------------------


def table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": COUNT.astype("int32"),
            "x": rng.normal(size=N),
            "key": pd.Series(UUIDS, dtype=object),
            "group": rng.choice(["a", "b"], N),
        }
    )


def tiny(**parameters) -> GANSampler:
    settings = {"steps": 2, "batch_size": 16, "random_state": 0, "validation_fraction": 0}
    return GANSampler(TabularGAN(width=16, depth=1, candidates=1), **settings | parameters)


@pytest.mark.parametrize(
    "container",
    [lambda X: X, pl.from_pandas, lambda X: pa.Table.from_pandas(X, preserve_index=False)],
    ids=["pandas", "polars", "pyarrow"],
)
def test_samples_have_new_identifiers(container):
    """Identifiers are unique, new, in their dtype, and not in the graph."""
    X = container(table())
    sampler = tiny().fit(X)
    assert sampler._exported.generator.output_names == ["x", "group"]
    rows = sampler.sample(400, random_state=0)
    assert type(rows) is type(X)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_series_equal(rows.dtypes, X.dtypes)
    else:
        assert rows.schema == X.schema
    again = pd.DataFrame({name: rows[name].to_numpy() for name in ("id", "key")})
    assert again["id"].tolist() == list(range(N + 1, N + 401))
    assert again["key"].is_unique
    assert not set(again["key"]) & set(UUIDS)
    assert len(sampler.sample(0)) == 0


def test_a_file_makes_the_same_identifiers(tmp_path):
    """All that identifiers need is in the file: the same rows without TensorFlow."""
    sampler = tiny().fit(table())
    sampler.to_onnx(tmp_path / "model.onnx")
    loaded = gansynth.load(tmp_path / "model.onnx")
    rows = loaded.sample(50, random_state=7)
    pd.testing.assert_frame_equal(rows, sampler.sample(50, random_state=7))
    pd.testing.assert_frame_equal(loaded.sample(9, random_state=7), rows[:9])
    schema = sampler.artifact_.schema
    assert Schema.from_json(schema.to_json()) == schema
    assert sampler.n_features_in_ == 4


def test_points_with_an_identifier():
    """Two columns of reals are points to the graph, whatever identifier is beside them."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=N), "id": COUNT, "y": rng.normal(size=N)})
    sampler = GANSampler(steps=2, batch_size=16, random_state=0).fit(X)
    assert sampler.architecture_name_ == "distribution2d"
    rows = sampler.sample(3)
    assert list(rows) == ["x", "id", "y"]
    assert rows["id"].tolist() == [N + 1, N + 2, N + 3]


def test_further_data_need_no_identifiers_of_the_form():
    """Further chunks may have any identifiers: they are not looked at."""
    schema, _ = settle(*read(table()), None)
    further = table().assign(key=["?"] * N)
    assert list(read_as(schema, further)) == ["x", "group"]
    assert list(containers.read_as(schema, further[:1])) == ["x", "group"]


@pytest.mark.parametrize("values", [[f"K{i}" for i in range(N)], UUIDS, np.arange(N)], ids=str)
def test_a_range_of_rows_has_the_identifiers_of_all(values):
    """Batches go on where the one before stopped."""
    found = column(values)
    whole = draw(found, 7, 0, 100)
    assert [*draw(found, 7, 0, 33), *draw(found, 7, 33, 100)] == [*whole]
