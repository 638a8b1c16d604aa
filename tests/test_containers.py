"""Containers: what goes in comes out, in kind, names, dtypes and missing values."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest
import scipy.sparse

from gansynth.containers import (
    append,
    codes_of,
    read,
    read_as,
    read_labels,
    write,
    write_labels,
)
from gansynth.schema import MISSING_CODE, MISSING_INTEGER, Schema

NAN = float("nan")


def pandas_frame() -> pd.DataFrame:
    """Every dtype of pandas that is supported, most of them with missing values."""
    nothing = [None, None, None]
    return pd.DataFrame(
        {
            "float64": [1.5, NAN, -0.0],
            "float32": np.array([0.1, 2, 3], dtype=np.float32),
            "float16": np.array([0.5, NAN, 3], dtype=np.float16),
            "empty float": [NAN, NAN, NAN],
            "int64": [1, 2, np.iinfo(np.int64).max],
            "int8": np.array([-128, 0, 127], dtype=np.int8),
            "uint64": np.array([0, 1, 2**63 - 1], dtype=np.uint64),
            "bool": [True, False, True],
            "Int64": pd.array([1, None, 3], dtype="Int64"),
            "UInt8": pd.array([0, None, 255], dtype="UInt8"),
            "Int32 complete": pd.array([1, 2, 3], dtype="Int32"),
            "Float64": pd.array([1.5, None, 3], dtype="Float64"),
            "Float32": pd.array([None, 0.1, 3], dtype="Float32"),
            "boolean": pd.array([True, None, False], dtype="boolean"),
            "boolean complete": pd.array([True, False, False], dtype="boolean"),
            "str": ["b", None, "ä"],
            "empty str": pd.Series(nothing, dtype="str"),
            "str(python)": pd.array(["b", None, "a"], dtype=pd.StringDtype("python", NAN)),
            "string(python)": pd.array(["b", None, "a"], dtype="string[python]"),
            "string(pyarrow)": pd.array(["b", None, "a"], dtype="string[pyarrow]"),
            "object None": pd.Series(["b", None, "a"], dtype=object),
            "object nan": pd.Series(["b", NAN, "a"], dtype=object),
            "object NA": pd.Series(["b", pd.NA, "a"], dtype=object),
            "object int": pd.Series([1, None, 3], dtype=object),
            "object float": pd.Series([1.5, None, 3.5], dtype=object),
            "object bool": pd.Series([True, None, False], dtype=object),
            "object complete": pd.Series([True, True, False], dtype=object),
            "empty object": pd.Series(nothing, dtype=object),
            "category": pd.Categorical(["x", None, "ü"], categories=["ü", "x", "unused"]),
            "ordered": pd.Categorical(["low", "high", "low"], ["low", "mid", "high"], True),
            "category int8": pd.Categorical([3, 1, None], pd.Index([3, 1, 2], dtype="int8")),
            "category bool": pd.Categorical([True, None, True]),
            "category float": pd.Categorical([0.1, 2.5, 0.1]),
            "category mixed": pd.Categorical(["a", 1, None], categories=["a", 1]),
            "category arrow": pd.Categorical(pd.array(["a", None, "b"], dtype="string[pyarrow]")),
            "empty category": pd.Categorical(nothing, categories=["a", "b"]),
            "no category": pd.Categorical(nothing),
            "arrow int": pd.array([1, None, 3], dtype="int16[pyarrow]"),
            "arrow float": pd.array([1.5, None, 3], dtype="double[pyarrow]"),
            "arrow bool": pd.array([True, None, False], dtype="bool[pyarrow]"),
            "arrow string": pd.array(["b", None, "a"], dtype=pd.ArrowDtype(pa.string())),
            "arrow dictionary": pd.Series(
                pd.arrays.ArrowExtensionArray(pa.array(["b", None, "a"]).dictionary_encode())
            ),
        }
    )


def polars_frame() -> pl.DataFrame:
    """Every dtype of polars that is supported, most of them with missing values."""
    return pl.DataFrame(
        [
            pl.Series("Float64", [1.5, None, -0.0]),
            pl.Series("Float32", [0.1, 2, 3], dtype=pl.Float32),
            pl.Series("empty float", [None, None, None], dtype=pl.Float64),
            pl.Series("Int64", [1, None, 2**63 - 1]),
            pl.Series("Int8", [-128, 0, 127], dtype=pl.Int8),
            pl.Series("UInt64", [None, 1, 2**63 - 1], dtype=pl.UInt64),
            pl.Series("Int128", [None, 1, -5], dtype=pl.Int128),
            pl.Series("Boolean", [True, False, True]),
            pl.Series("Boolean null", [True, None, False]),
            pl.Series("String", ["b", None, "ä"]),
            pl.Series("empty string", [None, None, None], dtype=pl.String),
            pl.Series("Categorical", ["b", None, "ä"], dtype=pl.Categorical),
            pl.Series("pool", ["b", None, "ä"], dtype=pl.Categorical(pl.Categories("pool"))),
            pl.Series("Enum", ["x", None, "ü"], dtype=pl.Enum(["ü", "x", "unused"])),
            pl.Series("empty enum", [None, None, None], dtype=pl.Enum(["a"])),
            pl.Series("Null", [None, None, None]),
        ]
    )


def arrow_table() -> pa.Table:
    """Every dtype of pyarrow that is supported, in two chunks, most with missing values."""
    names = pa.array(["x", None, "ü"])
    unused = pa.DictionaryArray.from_arrays(
        pa.array([1, None, 0], pa.int8()), pa.array(["ü", "x", "unused"]), ordered=True
    )
    numbers = pa.DictionaryArray.from_arrays(
        pa.array([1, None, 0], pa.uint16()), pa.array([30, 10], pa.int16())
    )
    columns = {
        "double": pa.array([1.5, None, -0.0]),
        "float": pa.array([0.1, 2, 3], pa.float32()),
        "halffloat": pa.array(np.array([0.5, NAN, 3], np.float16), from_pandas=True),
        "empty double": pa.array([None] * 3, pa.float64()),
        "int64": pa.array([1, None, 2**63 - 1]),
        "int8": pa.array([-128, 0, 127], pa.int8()),
        "uint64": pa.array([None, 1, 2**63 - 1], pa.uint64()),
        "bool": pa.array([True, False, True]),
        "bool null": pa.array([True, None, False]),
        "string": names,
        "large_string": names.cast(pa.large_string()),
        "string_view": names.cast(pa.string_view()),
        "empty string": pa.array([None] * 3, pa.string()),
        "dictionary": unused,
        "numbers": numbers,
        "null": pa.nulls(3),
    }
    fields = [pa.field(name, array.type) for name, array in columns.items()]
    fields[5] = fields[5].with_nullable(False)
    whole = pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))
    return pa.concat_tables([whole.slice(0, 1), whole.slice(1)])


def read_through_json(X):
    """Read X, and take the schema through the JSON of an exported file."""
    schema, data = read(X)
    again = Schema.from_json(schema.to_json())
    assert again == schema
    assert repr(again) == repr(schema)
    return again, data


def assert_neutral(schema, data):
    """Every column is in the neutral form that its schema says."""
    assert list(data) == [column.output for column in schema.columns]
    for column in schema.columns:
        values = data[column.output]
        dtypes = {
            "float": (np.float32, np.float64),
            "integer": (np.int64,),
            "boolean": (np.int64,) if column.nullable else (np.bool_,),
            "category": (np.int64,),
        }[column.kind]
        assert values.dtype in dtypes
        assert values.ndim == 1
        if column.kind == "category":
            assert values.max() < len(column.categories)
            assert all(type(label) in (str, int, float, bool) for label in column.categories)


ARRAYS = {
    "float64": np.array([[1.5, -2], [3, 4]]),
    "float32": np.array([[1.5, NAN], [3, 4]], dtype=np.float32),
    "float16": np.array([[1.5, NAN], [3, 4]], dtype=np.float16),
    "int64": np.array([[1, 2], [3, 4]]),
    "uint8": np.array([[0, 255], [3, 4]], dtype=np.uint8),
    "bool": np.array([[True, False], [True, True]]),
    "str": np.array([["ab", "c"], ["ä", "c"]]),
    "fortran": np.asfortranarray([[1.5, 2], [3, 4]]),
}
LISTS = {
    "floats": [[1.5, 2.0], [3.0, 4.0]],
    "ints beside floats": [[1, 2.5], [3, 4.5]],
    "mixed": [["a", 1, 1.5, True, None], ["b", 2, 2.5, False, "c"]],
    "missing": [["a", 1, 1.5, True, None], [None, None, None, None, None]],
    "one row": [[1, "a"]],
}
IMAGES = {
    "grey uint8": np.arange(32, dtype=np.uint8).reshape(2, 4, 4),
    "grey float32": np.linspace(0, 1, 32, dtype=np.float32).reshape(2, 4, 4),
    "grey float64": np.linspace(0, 16, 32).reshape(2, 4, 4),
    "grey int64": np.arange(32).reshape(2, 4, 4) - 9,
    "grey bool": np.arange(32).reshape(2, 4, 4) % 2 == 0,
    "colour uint8": np.arange(96, dtype=np.uint8).reshape(2, 4, 4, 3),
    "colour float32": np.linspace(-1, 1, 96, dtype=np.float32).reshape(2, 4, 4, 3),
    "one channel": np.arange(32, dtype=np.uint8).reshape(2, 4, 4, 1),
}
EVERYTHING = [pandas_frame(), polars_frame(), arrow_table()]
EVERYTHING += [*ARRAYS.values(), *LISTS.values(), *IMAGES.values()]


# --- what goes in comes out ---------------------------------------------------------------


@pytest.mark.parametrize("rows", [3, 1])
def test_pandas_round_trip(rows):
    """A pandas frame of every dtype comes back strictly equal."""
    X = pandas_frame().head(rows)
    schema, data = read_through_json(X)
    assert schema.container == "pandas"
    assert_neutral(schema, data)
    pd.testing.assert_frame_equal(write(schema, data, rows), X, check_exact=True)


@pytest.mark.parametrize("rows", [3, 1])
def test_polars_round_trip(rows):
    """A polars frame of every dtype comes back strictly equal."""
    X = polars_frame().head(rows)
    schema, data = read_through_json(X)
    assert schema.container == "polars"
    assert_neutral(schema, data)
    again = write(schema, data, rows)
    assert again.schema == X.schema
    polars.testing.assert_frame_equal(again, X, check_exact=True)


@pytest.mark.parametrize("rows", [3, 1])
def test_pyarrow_round_trip(rows):
    """A pyarrow table of every dtype comes back strictly equal."""
    X = arrow_table().slice(0, rows)
    schema, data = read_through_json(X)
    assert schema.container == "pyarrow"
    assert_neutral(schema, data)
    again = write(schema, data, rows)
    assert again.schema == X.schema
    # string views can't be compared by pyarrow
    assert again.to_pylist() == X.to_pylist()
    index = again.schema.get_field_index("dictionary")
    assert again.column(index).chunk(0).dictionary.to_pylist() == ["ü", "x", "unused"]


@pytest.mark.parametrize("X", ARRAYS.values(), ids=ARRAYS.keys())
def test_array_round_trip(X):
    """A two-dimensional numpy array comes back equal, in its dtype."""
    schema, data = read_through_json(X)
    assert schema.container == "numpy"
    assert [column.name for column in schema.columns] == ["x0", "x1"]
    assert_neutral(schema, data)
    again = write(schema, data, len(X))
    assert again.dtype == X.dtype
    np.testing.assert_array_equal(again, X)


def test_object_array_round_trip():
    """An array of objects is read column by column, and comes back with its types."""
    X = np.array([["a", 1, 1.5, True, None], [None, 2, NAN, False, None]], dtype=object)
    schema, data = read_through_json(X)
    kinds = [column.kind for column in schema.columns]
    assert kinds == ["category", "integer", "float", "boolean", "category"]
    again = write(schema, data, 2)
    assert again.dtype == object
    assert repr(again.tolist()) == repr(X.tolist())


@pytest.mark.parametrize("X", LISTS.values(), ids=LISTS.keys())
def test_list_round_trip(X):
    """A list of rows comes back as a list of lists of the same Python values."""
    schema, data = read_through_json(X)
    assert schema.container == "list"
    assert_neutral(schema, data)
    assert repr(write(schema, data, len(X))) == repr(X)


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("X", IMAGES.values(), ids=IMAGES.keys())
def test_image_round_trip(X, as_list):
    """Images, grey or not, as an array or as lists, come back in shape and dtype."""
    schema, data = read_through_json(X.tolist() if as_list else X)
    images = data["image"]
    assert schema.image_shape == images.shape[1:]
    assert images.ndim == 4
    assert schema.squeeze == (X.ndim == 3)
    assert images.dtype in (np.uint8, np.float32, np.float64)
    again = write(schema, data, len(X))
    if as_list:
        assert again == X.tolist()
    else:
        assert again.dtype == X.dtype
        np.testing.assert_array_equal(again, X)


def test_bytes_stay_bytes():
    """Images of uint8 are neutral as they are; other integers are rounded on their way back."""
    assert read(IMAGES["grey uint8"])[1]["image"].dtype == np.uint8
    schema, data = read(IMAGES["grey int64"])
    nearly = {"image": data["image"] + np.float32(0.4)}
    np.testing.assert_array_equal(write(schema, nearly, 2), IMAGES["grey int64"])


@pytest.mark.parametrize(
    "X",
    EVERYTHING,
)
def test_no_rows_can_be_written(X):
    """A sample of no rows has the columns and dtypes of X all the same."""
    schema, data = read(X)
    nothing = write(schema, {name: values[:0] for name, values in data.items()}, 0)
    assert type(nothing) is type(X)
    assert len(nothing) == 0
    if isinstance(X, pd.DataFrame):
        assert nothing.dtypes.equals(X.dtypes)
    elif isinstance(X, pl.DataFrame | pa.Table):
        assert nothing.schema == X.schema
    elif isinstance(X, np.ndarray):
        assert (nothing.shape, nothing.dtype) == ((0, *X.shape[1:]), X.dtype)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"a": [1.5, 2], "b": [3.0, 4]}),
        pd.DataFrame({0: [1.5, 2], 1: [3.0, 4]}),
        pl.DataFrame({"a": [1.5, 2], "b": [3.0, 4]}),
        pa.table({"a": [1.5, 2], "b": [3.0, 4]}),
        np.array([[1.5, 3], [2, 4]]),
        [[1.5, 3.0], [2.0, 4.0]],
    ],
)
def test_points_in_one_array(X):
    """One array of shape (n, d) under any name stands for all columns in order."""
    schema, _ = read(X)
    again = write(schema, {"points": np.array([[1.5, 3], [2, 4]])}, 2)
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(again, X)
    elif isinstance(X, np.ndarray):
        np.testing.assert_array_equal(again, X)
    else:
        assert again.equals(X) if hasattr(X, "equals") else again == X


def test_missing_values_are_neutral():
    """Missing values become NaN, a code or a sentinel, by kind."""
    schema, data = read(pandas_frame())
    assert np.isnan(data["Float64"][1])
    assert data["Int64"].tolist() == [1, MISSING_INTEGER, 3]
    assert data["boolean"].tolist() == [1, MISSING_CODE, 0]
    assert data["category"].tolist() == [1, MISSING_CODE, 0]
    nullable = {column.name: column.nullable for column in schema.columns}
    assert nullable["Float64"]
    assert not nullable["Int32 complete"]


def test_nan_and_null_are_one():
    """polars tells NaN from null; both are missing, and come back as null."""
    schema, data = read(pl.DataFrame({"a": [1.0, NAN, None]}))
    assert write(schema, data, 3)["a"].to_list() == [1.0, None, None]


def test_strings_are_coded_in_order():
    """Codes of strings follow their sorted order, whatever the container and its rows."""
    values = ["b", "ä", "a", "b"]
    for X in (
        pd.DataFrame({"a": values}),
        pl.DataFrame({"a": values}),
        pa.table({"a": values}),
        [[value] for value in values],
    ):
        schema, data = read(X)
        assert schema.columns[0].categories == ("a", "b", "ä")
        assert next(iter(data.values())).tolist() == [1, 2, 0, 1]


def test_polars_pool_is_not_leaked():
    """A polars Categorical has the labels of its own rows, not those of other columns."""
    other = pl.Series(["from elsewhere"], dtype=pl.Categorical)
    schema, _ = read(pl.DataFrame({"a": pl.Series(["b", "a"], dtype=pl.Categorical)}))
    assert other[0] not in schema.columns[0].categories
    assert schema.columns[0].categories == ("a", "b")


@pytest.mark.parametrize("dictionary", [["a", None, "b"], ["a", "b", "a"]])
def test_odd_arrow_dictionaries(dictionary):
    """A dictionary with null or with the same label twice is put in order."""
    array = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2]), pa.array(dictionary))
    schema, data = read(pa.table({"a": array}))
    assert schema.columns[0].categories == ("a", "b")
    assert write(schema, data, 3)["a"].to_pylist() == dictionary


def test_the_index_is_fresh():
    """Rows that are sampled are not those of X: they are numbered from 0."""
    X = pd.DataFrame({"a": [1, 2]}, index=["p", "q"])
    schema, data = read(X)
    pd.testing.assert_index_equal(write(schema, data, 2).index, pd.RangeIndex(2))


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("layout", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
def test_sparse_matrices_come_back_as_they_are(layout, kind):
    """In their format and dtype; read, they are the table that they stand for."""
    dense = np.array([[0, 1.5, 0], [2, 0, 0]], np.float32)
    X = getattr(scipy.sparse, f"{layout}_{kind}")(dense)
    schema, data = read(X)
    again = write(schema, data, 2)
    assert type(again) is type(X)
    assert again.dtype == X.dtype
    np.testing.assert_array_equal(again.toarray(), dense)
    assert [column.name for column in schema.columns] == ["x0", "x1", "x2"]
    assert read_as(schema, dense)["x1"].tolist() == [1.5, 0.0]
    assert Schema.from_json(schema.to_json()) == schema
    both = append(X, again)
    assert type(both) is type(X)
    np.testing.assert_array_equal(both.toarray(), np.vstack([dense, dense]))


def test_sparse_columns_become_dense():
    """A frame with pandas' sparse columns is read as if it was dense."""
    X = pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 0.0, 1.5]), "b": [1, 2, 3]})
    schema, data = read(X)
    pd.testing.assert_frame_equal(write(schema, data, 3), X.astype({"a": "float64"}))


def test_reading_copies_no_floats():
    """Columns of floats share the memory of the container."""
    array = np.zeros((3, 2))
    assert np.shares_memory(read(array)[1]["x0"], array)
    frame = pd.DataFrame({"a": [1.5, 2.5]})
    assert np.shares_memory(read(frame)[1]["a"], frame["a"].to_numpy())


def test_read_only_data():
    """Data that cannot be written to can be read."""
    X = np.array([[1.5, 2], [3, 4]])
    X.flags.writeable = False
    schema, data = read(X)
    np.testing.assert_array_equal(write(schema, data, 2), X)


def test_import_is_light():
    """Importing the containers imports none of their libraries."""
    heavy = ("pandas", "polars", "pyarrow", "sklearn", "narwhals", "tensorflow")
    code = f"import sys, gansynth.containers; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- what cannot be read ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (pd.Series([[1], [2]], dtype=object), "list"),
        (pd.Series([b"a", b"b"], dtype=object), "bytes"),
        (pd.Series(list(np.array([1, 2], "m8")), dtype=object), "timedelta64"),  # of no unit
        (pd.period_range("2024", periods=2, freq="D"), "period"),
        (pd.array([b"a", b"b"], dtype=pd.ArrowDtype(pa.binary())), "binary"),
    ],
)
def test_unsupported_columns_of_pandas(values, dtype):
    """A column of another type is refused by name and dtype, saying what to do."""
    with pytest.raises(TypeError, match=rf"Column 'odd' has dtype .*{dtype}.*convert it to"):
        read(pd.DataFrame({"fine": [1, 2], "odd": values}))


@pytest.mark.parametrize(
    "values",
    [
        pl.Series([[1], [2]]),
        pl.Series([b"a", b"b"]),
        pl.Series([{"a": 1}, {"a": 2}]),
    ],
)
def test_unsupported_columns_of_polars_and_pyarrow(values):
    """Other types are refused in polars frames, and likewise in pyarrow tables."""
    frame = pl.DataFrame({"odd": values})
    for X in (frame, frame.to_arrow()):
        with pytest.raises(TypeError, match=r"Column 'odd' has dtype .*; convert it to numbers"):
            read(X)


def test_mixed_types_are_refused():
    """A column of values of several types is refused with their names."""
    X = pd.DataFrame({"odd": pd.Series(["a", 1, None, 2.5], dtype=object)})
    with pytest.raises(TypeError, match="Column 'odd' mixes values of types float, int, str"):
        read(X)


@pytest.mark.parametrize("labels", [pd.to_datetime(["2024-01-01"]), pd.interval_range(0, 1)])
def test_odd_categories_are_refused(labels):
    """Categories that JSON cannot hold are refused, naming column and type."""
    X = pd.DataFrame({"odd": pd.Categorical(labels, categories=labels)})
    with pytest.raises(TypeError, match=r"Column 'odd' has the category .* convert the column to"):
        read(X)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"x0": [1, np.inf]}),
        pd.DataFrame({"x0": pd.array([1, -np.inf], dtype="Float64")}),
        pd.DataFrame({"x0": pd.Series([None, np.inf], dtype=object)}),
        pl.DataFrame({"x0": [1.0, np.inf]}),
        pa.table({"x0": [1, np.inf]}),
        np.array([[1], [np.inf]]),
        [[1.0], [np.inf]],
    ],
)
def test_infinity_is_refused(X):
    """Infinity is refused in every container, naming the column."""
    with pytest.raises(ValueError, match="Column 'x0' contains infinity; replace"):
        read(X)


@pytest.mark.parametrize("value", [NAN, np.inf])
def test_images_must_be_finite(value):
    """Images with NaN or infinity are refused."""
    X = IMAGES["grey float32"].copy()
    X[0, 0, 0] = value
    with pytest.raises(ValueError, match=r"Images contain NaN|Images contain infinity"):
        read(X)


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"x0": np.array([1, 2**63], dtype=np.uint64)}),
        pd.DataFrame({"x0": pd.array([None, 2**63], dtype="UInt64")}),
        pd.DataFrame({"x0": pd.Series([None, 2**64], dtype=object)}),
        pl.DataFrame({"x0": pl.Series([None, 2**63], dtype=pl.UInt64)}),
        pl.DataFrame({"x0": pl.Series([None, 2**100], dtype=pl.Int128)}),
        pa.table({"x0": pa.array([None, 2**63], pa.uint64())}),
        np.array([[1], [2**63]], dtype=np.uint64),
        [[1], [2**70]],
    ],
)
def test_integers_beyond_64_bits_are_refused(X):
    """Integers that int64 cannot hold are refused, naming column and remedy."""
    with pytest.raises(ValueError, match=r"Column 'x0' has integers that 64 bits .* to float"):
        read(X)


def test_the_sentinel_is_refused_beside_missing_values():
    """The least int64 cannot be told from a missing value, and is refused only beside one."""
    complete = pd.DataFrame({"a": pd.array([MISSING_INTEGER, 1], dtype="Int64")})
    schema, data = read(complete)
    pd.testing.assert_frame_equal(write(schema, data, 2), complete)
    beside = pd.DataFrame({"a": pd.array([MISSING_INTEGER, None], dtype="Int64")})
    with pytest.raises(ValueError, match=f"Column 'a' has missing values and the value {-(2**63)}"):
        read(beside)


@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame])
def test_complex_data_are_refused(make):
    """Complex numbers are refused in scikit-learn's words."""
    with pytest.raises(ValueError, match="Complex data not supported"):
        read(make([[1 + 2j], [3]]))


def test_complex_objects_are_refused():
    """Complex numbers in an array of objects are refused too."""
    with pytest.raises(ValueError, match="Complex data not supported: column 'x0'"):
        read([[1 + 2j], [3j]])


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((0, 3), r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1 is req"),
        ((3, 0), r"Found array with 0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is req"),
    ],
)
@pytest.mark.parametrize("make", [np.asarray, pd.DataFrame])
def test_empty_data_are_refused(make, shape, message):
    """Data without rows or without columns are refused in scikit-learn's words."""
    with pytest.raises(ValueError, match=message):
        read(make(np.zeros(shape)))


@pytest.mark.parametrize("X", [pl.DataFrame({"a": []}), pa.table({"a": []}), np.zeros((0, 8, 8))])
def test_other_empty_data_are_refused(X):
    """Tables of other libraries and images need a row too."""
    with pytest.raises(ValueError, match=r"0 sample\(s\) \(shape=\(0, "):
        read(X)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros(3), ValueError, "Expected 2D array, got 1D array instead.*Reshape your data"),
        ([1, 2], ValueError, "Expected 2D array, got 1D array instead"),
        ([], ValueError, "Expected 2D array, got 1D array instead"),
        (["a", "b"], ValueError, "Expected 2D array, got 1D array instead"),
        (pd.Series([1, 2]), ValueError, r"got a Series instead: pass X.to_frame\(\)"),
        (pl.Series([1, 2]), ValueError, r"got a Series instead: pass X.to_frame\(\)"),
        (np.zeros((2, 2, 2, 2, 2)), ValueError, r"Expected images of shape \(n, h, w\) or"),
        ([[1, 2], [3]], ValueError, "rows of X differ in length, got lengths 1, 2"),
        ([[[1], [2]], [[3]]], ValueError, "nested lists of X differ in length"),
        (
            [np.zeros((8, 8)), np.zeros((9, 8)), np.zeros((8, 8))],
            ValueError,
            r"X holds arrays of 2 sizes: 8x8 \(2\), 9x8 \(1\). Resize .*load_images",
        ),
        (np.full((2, 3, 3), "a"), TypeError, "Images must hold numbers, got dtype <U1"),
        (np.zeros((2, 2), dtype="m8"), TypeError, "Column 'x0' has dtype timedelta64"),
        (np.array([[b"a"]]), TypeError, "Column 'x0' has dtype .*S1"),
        (np.ma.array([[1.0]], mask=True), TypeError, r"masked array; pass X.filled\(np.nan\)"),
        (pl.LazyFrame({"a": [1]}), TypeError, r"not yet computed: pass X.collect\(\)"),
        (pa.RecordBatch.from_pydict({"a": [1]}), TypeError, "RecordBatch; pass a pandas or polars"),
        ({"a": [1, 2]}, TypeError, "X is a builtins.dict; pass a pandas or polars DataFrame"),
        (None, TypeError, "X is a builtins.NoneType"),
    ],
)
def test_other_things_are_refused(X, error, message):
    """What is no table and no images is refused, saying what to pass instead."""
    with pytest.raises(error, match=message):
        read(X)


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        (["a", "a"], ValueError, "must be unique, 'a' occurs twice"),
        ([1, "1"], ValueError, "The column names 1 and '1' are both '1' in an exported graph"),
        (["z", "z_"], ValueError, "The column names 'z' and 'z_' are both 'z_'"),
        (["a", ""], ValueError, "A column has an empty name"),
        (["a", 1.5], TypeError, "Column names must be str or int, got 1.5 of type float"),
        (["a", ("b", "c")], TypeError, "Column names must be str or int, got"),
        ([["a", "b"], ["c", "d"]], ValueError, "X has a MultiIndex of 2 levels as columns"),
    ],
)
def test_odd_names_are_refused(names, error, message):
    """Column names that an exported graph could not tell apart are refused."""
    columns = pd.MultiIndex.from_arrays(names) if isinstance(names[0], list) else names
    X = pd.DataFrame(np.zeros((2, 2)))
    X.columns = pd.Index(columns, tupleize_cols=False) if columns is names else columns
    with pytest.raises(error, match=message):
        read(X)


def test_a_table_with_a_name_twice_is_refused():
    """pyarrow allows a name twice; here it is an error."""
    X = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(ValueError, match="Column names must be unique, 'a' occurs twice"):
        read(X)


# --- further data under a schema ----------------------------------------------------------


def fitted(**columns):
    """Schema of a pandas frame."""
    return read(pd.DataFrame(columns))[0]


@pytest.mark.parametrize(
    "X",
    EVERYTHING,
)
def test_read_as_reads_what_was_fitted(X):
    """The data that were fitted read the same under their own schema."""
    schema, data = read(X)
    again = read_as(schema, X)
    assert list(again) == list(data)
    for name in data:
        np.testing.assert_array_equal(again[name], data[name])


def test_read_as_of_another_container():
    """Columns are found by name, in any order and container, and keep the fitted codes."""
    schema = fitted(a=[1.5, 2.5], b=["q", "r"], c=pd.array([True, None], dtype="boolean"))
    X = pl.DataFrame({"c": [True, False], "b": ["r", "r"], "a": [1, 2]})
    data = read_as(schema, X)
    assert list(data) == ["a", "b", "c"]
    assert data["a"].dtype == np.float64
    assert data["b"].tolist() == [1, 1]
    assert data["c"].tolist() == [1, 0]
    assert data["c"].dtype == np.int64


def test_read_as_of_an_array_goes_by_position():
    """Arrays have no names, so that columns are taken in order."""
    data = read_as(fitted(a=[1.5, 2.5], b=[1, 2]), np.array([[3.5, 4], [5.5, 6]]))
    assert data["a"].tolist() == [3.5, 5.5]
    assert data["b"].tolist() == [4, 6]
    assert data["b"].dtype == np.int64


def test_integers_that_became_floats():
    """A missing value turns a pandas column of ints into floats, which still reads as ints."""
    schema = fitted(a=pd.array([1, None], dtype="Int64"))
    assert read_as(schema, pd.DataFrame({"a": [3.0, NAN]}))["a"].tolist() == [3, MISSING_INTEGER]


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ([1.5, NAN], NAN),
        (pd.array([1, None], dtype="Int64"), MISSING_INTEGER),
        (pd.array([True, None], dtype="boolean"), MISSING_CODE),
        (["a", None], MISSING_CODE),
    ],
)
def test_a_column_without_values_fits_any_kind(values, missing):
    """A column without a single value has no dtype to speak of, and reads as all missing."""
    data = read_as(fitted(a=values), pd.DataFrame({"a": [None, None]}, dtype=object))
    np.testing.assert_array_equal(data["a"], [missing, missing])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["a"], r"differ from those fitted: missing column 'b'\. Pass a table"),
        (["a", "b", "c"], "unexpected column 'c'"),
        (["c", "d"], "missing columns 'a', 'b'; unexpected columns 'c', 'd'"),
    ],
)
def test_other_names_than_those_fitted(columns, message):
    """Columns that are missing or were not there are both named."""
    with pytest.raises(ValueError, match=message):
        read_as(fitted(a=[1], b=[2]), pd.DataFrame({name: [1] for name in columns}))


def test_other_number_of_columns():
    """An array of another width is refused in scikit-learn's words."""
    message = "X has 3 features, but GANSampler is expecting 2 features as input"
    with pytest.raises(ValueError, match=message):
        read_as(read(np.zeros((2, 2)))[0], np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (["a", "b"], ["b", "c"], "Column 'x' has categories that the data fitted had not: 'c'"),
        ([1, 2], [1.5, 2.5], "Column 'x' has dtype float64 .* had int64 .* convert it"),
        ([1, 2], ["1", "2"], "Column 'x' has dtype .* .category values., but had int64"),
        ([1.5, 2], [True, False], "Column 'x' has dtype bool"),
        ([1.5, 2], [1.5, NAN], "Column 'x' has missing values, but had none in the data fitted"),
    ],
)
def test_other_values_than_those_fitted(was, now, message):
    """Values of another kind, or that are unknown, are refused naming the column."""
    with pytest.raises(ValueError, match=message):
        read_as(fitted(x=was), pd.DataFrame({"x": now}))


def test_unused_categories_are_no_error():
    """A further category that no row has is ignored."""
    schema = fitted(x=["a", "b"])
    X = pd.DataFrame({"x": pd.Categorical(["b"], categories=["c", "b"])})
    assert read_as(schema, X)["x"].tolist() == [1]


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ((2, 4, 4), (2, 5, 4), r"images of shape \(5, 4, 1\), but images of shape \(4, 4, 1\) we"),
        ((2, 4), (2, 4, 4), "images of shape .*, but tables were fitted"),
        ((2, 4, 4), (2, 4), "X holds tables, but images of shape"),
    ],
)
def test_other_images_than_those_fitted(was, now, message):
    """Images of another shape, or tables for images, are refused naming both."""
    with pytest.raises(ValueError, match=message):
        read_as(read(np.zeros(was))[0], np.zeros(now))


# --- labels -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("y", "classes", "dtype"),
    [
        ([2, 1, 2], (1, 2), "int64"),
        (np.array([2, 1, 2], dtype=np.int8), (1, 2), "int8"),
        ([True, False, True], (False, True), "bool"),
        (["b", "ä", "b"], ("b", "ä"), "object"),
        (np.array(["b", "ä", "b"]), ("b", "ä"), "<U1"),
        (np.array([2.0, 1.0, 2.0]), (1.0, 2.0), "float64"),
        (np.array([[2], [1], [2]]).ravel(), (1, 2), "int64"),
        (pd.Series(["b", "a", "b"], index=[5, 6, 7]), ("a", "b"), "object"),
        (pd.Series(["b", "a", "b"], dtype="string"), ("a", "b"), "object"),
        (pd.Series(pd.Categorical(["b", "a", "b"], ["unused", "b", "a"])), ("a", "b"), "object"),
        (pd.Series(pd.Categorical([2, 1, 2])), (1, 2), "int64"),
        (pd.Series([2, 1, 2], dtype="Int64"), (1, 2), "int64"),
        (pd.Series([True, False, True], dtype="boolean"), (False, True), "bool"),
        (pd.Series([2, 1, 2], dtype=object), (1, 2), "int64"),
        (pl.Series(["b", "a", "b"]), ("a", "b"), "<U1"),
        (pl.Series(["b", "a", "b"], dtype=pl.Categorical), ("a", "b"), "object"),
        (pa.chunked_array([["b", "a", "b"]]), ("a", "b"), "object"),
        (["only", "only", "only"], ("only",), "object"),
    ],
)
def test_labels_round_trip(y, classes, dtype):
    """Labels become sorted classes and codes, and come back in their dtype."""
    found, codes, counts, class_dtype = read_labels(y)
    assert repr(found) == repr(classes)
    assert codes.dtype == np.int32
    assert counts == tuple(np.bincount(codes).tolist())
    schema = Schema(
        "numpy", columns=(), classes=found, class_counts=counts, class_dtype=class_dtype
    )
    schema = Schema.from_json(schema.to_json())
    written = write_labels(schema, codes)
    assert str(written.dtype) == dtype
    assert written.tolist() == list(y.to_pylist() if isinstance(y, pa.ChunkedArray) else y)
    np.testing.assert_array_equal(codes_of(schema, y), codes)


def test_no_labels():
    """No labels have no codes, and no codes no labels."""
    schema = Schema("numpy", classes=("a", "b"), class_dtype="<U1")
    assert codes_of(schema, []).shape == (0,)
    assert write_labels(schema, np.array([], dtype=np.int32)).shape == (0,)


def test_codes_follow_the_classes_fitted():
    """Codes index the classes that were fitted, not those that occur."""
    schema = Schema("numpy", classes=("a", "b", "c"), class_dtype="<U1")
    codes = codes_of(schema, np.array(["c", "b", "c"]))
    assert codes.tolist() == [2, 1, 2]
    assert codes.dtype == np.int32


@pytest.mark.parametrize(("y", "unknown"), [(["x", "a"], "'x'"), ([1, 2], "1, 2")])
def test_unknown_classes(y, unknown):
    """A class that was not fitted is named, with those that were."""
    schema = Schema("numpy", classes=("a", "b"), class_dtype="<U1")
    message = f"unknown classes: {unknown}; the classes fitted are 'a', 'b'"
    with pytest.raises(ValueError, match=message):
        codes_of(schema, y)


def test_many_unknown_classes_are_cut_short():
    """An error about very many classes names the first ten of them."""
    schema = Schema("numpy", classes=("a",), class_dtype="<U1")
    with pytest.raises(ValueError, match="0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 90 more; the"):
        codes_of(schema, np.arange(100))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.1, 0.2, 0.3], "^Unknown label type: continuous"),
        ([1.0, NAN], "Input y contains NaN; drop the rows without a label"),
        (["a", None], "Input y contains NaN"),
        (pd.Series([1, None], dtype="Int64"), "Input y contains NaN"),
        ([1.0, np.inf], "Input y contains infinity"),
        (["a", 1], "^Unknown label type: int, str; labels must be all str"),
        (pd.to_datetime(["2024-01-01"]), "^Unknown label type: datetime64"),
        ([[1, 0], [0, 1]], "Multilabel and multioutput targets are not supported"),
        (1, "1d array"),
    ],
)
def test_labels_that_are_none(y, message):
    """Labels that are continuous, missing, mixed or in several columns are refused."""
    with pytest.raises(ValueError, match=message):
        read_labels(y)


def test_a_column_vector_of_labels():
    """Labels of shape (n, 1) are taken, with scikit-learn's warning."""
    from sklearn.exceptions import DataConversionWarning

    with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
        classes, codes, _, _ = read_labels(np.array([["b"], ["a"]]))
    assert classes == ("a", "b")
    assert codes.tolist() == [1, 0]


def test_a_frame_without_its_library_is_a_dict(monkeypatch):
    """Names and values are those of the frame, dates in UTC, and None is what is missing."""
    moments = pd.to_datetime(["2024-01-01", None, "2024-07-01"]).as_unit("s")
    X = pd.DataFrame(
        {
            "float": np.array([1.5, NAN, -2], np.float32),
            "integer": np.array([1, 2, 3], np.uint8),
            "nullable": pd.array([1, None, 2**60 + 1], dtype="Int64"),
            "boolean": [True, False, True],
            "maybe": pd.array([True, None, False], dtype="boolean"),
            3: ["b", None, "a"],
            "moment": moments,
            "zoned": moments.tz_localize("Europe/Berlin"),
            "span": pd.to_timedelta([1, None, 3], unit="h").as_unit("s"),
            "price": [Decimal("1.50"), None, Decimal("-2.25")],
        }
    )
    schema, data = read(X)
    monkeypatch.setattr("gansynth.containers.find_spec", lambda name: None)
    rows = write(schema, data, len(X))
    assert list(rows) == list(X)
    for name in ("float", "integer", "boolean", "moment", "span"):
        np.testing.assert_array_equal(rows[name], X[name].to_numpy())
    assert rows["float"].dtype == np.float32
    assert rows["nullable"].tolist() == [1, None, 2**60 + 1]
    assert rows["maybe"].tolist() == [True, None, False]
    assert rows[3].tolist() == ["b", None, "a"]
    assert rows["price"].tolist() == [Decimal("1.50"), None, Decimal("-2.25")]
    utc = X["zoned"].dt.tz_convert(None).to_numpy()
    np.testing.assert_array_equal(rows["zoned"], utc)
    none = write(schema, {name: values[:0] for name, values in data.items()}, 0)
    assert {len(values) for values in none.values()} == {0}
