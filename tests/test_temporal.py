"""Dates, times, durations and decimals: read, written back, and sampled through the graph."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pyarrow as pa
import pytest

from gansynth import GANSampler
from gansynth.architecture import DataSpec
from gansynth.column_types import settle
from gansynth.containers import read, read_as, write
from gansynth.metrics import column_scores, exact_copies
from gansynth.schema import MISSING_INTEGER, Schema
from gansynth_tabular import TabularGAN
from gansynth_tabular.codec import granularity

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = pd.DatetimeIndex(["2024-10-27 00:30", None, "2024-03-31 01:00"])  # when clocks change
FIRST = pd.Timestamp(0)
DAYS = [dt.date(2024, 2, 29), None, dt.date(1912, 4, 15)]
STAMPS = [dt.datetime(2024, 2, 29, 12, 0, 0, 1), None, dt.datetime(9999, 12, 31)]
SPANS = [dt.timedelta(days=3, microseconds=1), None, dt.timedelta(hours=-5)]
TIMES = [dt.time(23, 59, 59, 999999), None, dt.time(0, 0)]
PRICES = [Decimal("12.50"), None, Decimal("-0.01")]


def objects(values: list) -> pd.Series:
    return pd.Series(values, dtype=object)


def scalars(*values: object) -> pd.Series:
    """Numpy's own, which pandas would make its own of."""
    array = np.empty(len(values), object)
    for i, value in enumerate(values):
        array[i] = value
    return pd.Series(array, dtype=object)


def arrow(values: list, kind: pa.DataType) -> pd.Series:
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(values, kind)))


def pandas_frame() -> pd.DataFrame:
    """Every temporal dtype of pandas, and every decimal one."""
    night = NIGHT.tz_localize("UTC").tz_convert("Europe/Berlin")
    spans = pd.to_timedelta(["3 days 00:00:01", None, "-5h"])
    columns = {f"datetime64 {unit}": NIGHT.as_unit(unit) for unit in ("s", "ms", "us", "ns")}
    columns |= {f"Berlin {unit}": night.as_unit(unit) for unit in ("s", "ms", "us", "ns")}
    columns |= {f"timedelta64 {unit}": spans.as_unit(unit) for unit in ("s", "ms", "us", "ns")}
    return pd.DataFrame(
        {
            **columns,
            "UTC": NIGHT.tz_localize("UTC"),
            "+05:30": NIGHT.tz_localize("+05:30"),
            "complete": pd.date_range("2024", periods=3),
            "nothing": pd.DatetimeIndex([None] * 3),
            "date": objects(DAYS),
            "datetime": objects(STAMPS),
            "datetime NaT": objects([STAMPS[0], pd.NaT, STAMPS[2]]),
            "datetime nan": objects([STAMPS[0], np.nan, STAMPS[2]]),
            "aware": objects([dt.datetime(2024, 7, 1, tzinfo=BERLIN), None, None]),
            "Timestamp": objects([pd.Timestamp("2024-01-01 00:00:00.000000001"), None, FIRST]),
            "timedelta": objects(SPANS),
            "numpy datetime": scalars(
                NIGHT.to_numpy()[0].astype("M8[h]"), None, np.datetime64(0, "s")
            ),
            "numpy timedelta": scalars(np.timedelta64(5, "m"), None, np.timedelta64(-3, "s")),
            "Timedelta": objects([pd.Timedelta(1, "ns"), None, pd.Timedelta(2, "ns")]),
            "time": objects(TIMES),
            "Decimal": objects(PRICES),
            "arrow date32": arrow(DAYS, pa.date32()),
            "arrow date64": arrow(DAYS, pa.date64()),
            "arrow timestamp": arrow(STAMPS, pa.timestamp("us")),
            "arrow Berlin": arrow(STAMPS[:2] * 2, pa.timestamp("ns", "Europe/Berlin"))[:3],
            "arrow duration": arrow(SPANS, pa.duration("us")),
            "arrow time": arrow(TIMES, pa.time64("us")),
            "arrow decimal": arrow(PRICES, pa.decimal128(10, 2)),
        }
    )


def polars_frame() -> pl.DataFrame:
    """Every temporal dtype of polars, and decimals."""
    return pl.DataFrame(
        [
            pl.Series("Date", DAYS),
            *(
                pl.Series(f"Datetime {u}", STAMPS[:2], dtype=pl.Datetime(u)).extend_constant(
                    None, 1
                )
                for u in ("ms", "us", "ns")
            ),
            pl.Series("Berlin", STAMPS, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(
                "Europe/Berlin"
            ),
            *(pl.Series(f"Duration {u}", SPANS, dtype=pl.Duration(u)) for u in ("ms", "us", "ns")),
            pl.Series("Time", TIMES),
            pl.Series("Decimal", PRICES, dtype=pl.Decimal(10, 2)),
            pl.Series("wide", PRICES, dtype=pl.Decimal(38, 4)),
            pl.Series("empty", [None, None, None], dtype=pl.Date),
        ]
    )


def arrow_table() -> pa.Table:
    """Every temporal dtype of pyarrow, and every decimal one, in two chunks."""
    columns = {
        "date32": pa.array(DAYS, pa.date32()),
        "date64": pa.array(DAYS, pa.date64()),
        **{
            f"timestamp {u}": pa.array([1, None, -1], pa.timestamp(u))
            for u in ("s", "ms", "us", "ns")
        },
        "Berlin": pa.array(STAMPS, pa.timestamp("us", "Europe/Berlin")),
        "+02:00": pa.array([1, None, 2], pa.timestamp("s", "+02:00")),
        **{
            f"duration {u}": pa.array([1, None, -1], pa.duration(u))
            for u in ("s", "ms", "us", "ns")
        },
        "time32 s": pa.array([1, None, 86399], pa.time32("s")),
        "time32 ms": pa.array([1, None, 86399999], pa.time32("ms")),
        "time64 us": pa.array(TIMES, pa.time64("us")),
        "time64 ns": pa.array([1, None, 2], pa.time64("ns")),
        "decimal128": pa.array(PRICES, pa.decimal128(10, 2)),
        "decimal256": pa.array(PRICES, pa.decimal256(50, 2)),
        "tens": pa.array([Decimal("1E+1"), None, Decimal("-3E+2")], pa.decimal128(5, -1)),
        "empty": pa.array([None] * 3, pa.decimal128(10, 2)),
    }
    whole = pa.table(columns)
    return pa.concat_tables([whole.slice(0, 1), whole.slice(1)])


def through_json(X):
    """Read X, and take the schema through the JSON of an exported file."""
    schema, data = read(X)
    for values in data.values():
        assert values.dtype == np.int64 or np.isnan(values).all()
    again = Schema.from_json(schema.to_json())
    assert again == schema
    return again, data


# --- what goes in comes out ---------------------------------------------------------------


ALL, ONE, NONE = slice(0, 3), slice(0, 1), slice(1, 2)
"""Rows of the tables above: one of them all missing, or nearly."""


@pytest.mark.parametrize("some", [ALL, ONE, NONE], ids=["all", "one", "none"])
@pytest.mark.parametrize("name", list(pandas_frame()))
def test_pandas_round_trip(name, some):
    """A temporal column of pandas comes back strictly equal: values, dtype, unit, time zone."""
    X = pandas_frame()[[name]][some].reset_index(drop=True)
    schema, data = through_json(X)
    again = write(schema, data, len(X))
    pd.testing.assert_frame_equal(again, X, check_exact=True)
    types = [[type(value) for value in frame[name]] for frame in (X, again)]
    assert types[0] == types[1]
    nothing = write(schema, {key: values[:0] for key, values in data.items()}, 0)
    assert nothing.dtypes.equals(X.dtypes)


@pytest.mark.parametrize("some", [ALL, ONE, NONE], ids=["all", "one", "none"])
@pytest.mark.parametrize("name", polars_frame().columns)
def test_polars_round_trip(name, some):
    """A temporal column of polars comes back strictly equal."""
    X = polars_frame().select(name)[some]
    schema, data = through_json(X)
    again = write(schema, data, len(X))
    assert again.schema == X.schema
    polars.testing.assert_frame_equal(again, X, check_exact=True)
    assert write(schema, {key: values[:0] for key, values in data.items()}, 0).schema == X.schema


@pytest.mark.parametrize("some", [ALL, ONE, NONE], ids=["all", "one", "none"])
@pytest.mark.parametrize("name", arrow_table().column_names)
def test_pyarrow_round_trip(name, some):
    """A temporal column of pyarrow comes back strictly equal."""
    X = arrow_table().select([name])[some]
    schema, data = through_json(X)
    again = write(schema, data, len(X))
    assert again.schema == X.schema
    assert again.combine_chunks().equals(X.combine_chunks())
    assert write(schema, {key: values[:0] for key, values in data.items()}, 0).schema == X.schema


@pytest.mark.parametrize(
    "dtype", ["M8[D]", "M8[m]", "M8[ns]", "M8[M]", ">M8[s]", "m8[h]", "m8[us]", "M8[5s]"]
)
def test_array_round_trip(dtype):
    """An array of datetimes or durations comes back equal, in its dtype."""
    X = np.array([[1, 2], [-3, 4]]).astype(dtype)
    X[0, 1] = "NaT"
    schema, data = through_json(X)
    again = write(schema, data, 2)
    assert again.dtype == X.dtype
    np.testing.assert_array_equal(again, X)


def test_list_round_trip():
    """Dates, durations and decimals in a list of rows come back as the same Python values."""
    X = [list(row) for row in zip(DAYS, STAMPS, SPANS, TIMES, PRICES, strict=True)]
    schema, data = through_json(X)
    assert repr(write(schema, data, 3)) == repr(X)


@pytest.mark.parametrize(
    ("X", "kind", "unit", "zone", "first"),
    [
        (pd.DataFrame({"x": pd.to_datetime(["1970-01-02"])}), "datetime", None, "", None),
        (pl.DataFrame({"x": DAYS}), "datetime", "D", "", 19782),
        (pa.table({"x": DAYS}), "datetime", "D", "", 19782),
        (pl.DataFrame({"x": TIMES}), "duration", "ns", "", 86_399_999_999_000),
        (pa.table({"x": PRICES}), "decimal", "1e-2", "", 1250),
        (
            pd.DataFrame({"x": pd.to_datetime(["1970-01-01 01:00"]).tz_localize("Europe/Berlin")}),
            "datetime",
            None,
            "Europe/Berlin",
            0,
        ),
    ],
)
def test_neutral_form_is_whole_numbers_of_a_unit(X, kind, unit, zone, first):
    """The neutral form counts units since 1970 in UTC, and the schema names unit and zone."""
    schema, data = read(X)
    column = schema.columns[0]
    assert (column.kind, column.timezone) == (kind, zone)
    assert unit is None or column.unit == unit
    assert first is None or data["x"][0] == first


# --- what can't be read -------------------------------------------------------------------


@pytest.mark.parametrize(
    "X",
    [
        pd.DataFrame({"price": [Decimal("1.00"), Decimal(10) ** 17]}),
        pa.table({"price": pa.array([Decimal("1.00"), Decimal(10) ** 17], pa.decimal128(38, 2))}),
        pa.table({"price": pa.array([Decimal(10) ** 40], pa.decimal256(50, 2))}),
        pl.DataFrame({"price": pl.Series([Decimal(10) ** 17], dtype=pl.Decimal(38, 2))}),
    ],
)
def test_decimals_beyond_64_bits_are_refused(X):
    """Decimals that int64 can't hold are refused, naming column and remedy."""
    with pytest.raises(
        ValueError, match="Column 'price' has the decimal .* at 2 places .* round it"
    ):
        read(X)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([Decimal(1), Decimal("Infinity")], "Column 'x' contains infinity"),
        (
            [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, tzinfo=BERLIN)],
            "Column 'x' has the time zones Europe/Berlin, UTC; convert it",
        ),
        (
            [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1)],
            "Column 'x' has the time zones UTC, none",
        ),
        ([dt.time(1, tzinfo=dt.UTC)], "Column 'x' has the time zones UTC"),
    ],
)
def test_odd_objects_are_refused(values, message):
    """Infinite decimals and several time zones are refused, naming the column."""
    with pytest.raises(ValueError, match=message):
        read(pd.DataFrame({"x": objects(values)}))


def test_dates_beside_datetimes_are_refused():
    """A date would lose nothing, but a datetime its time: a column of both is mixed."""
    X = pd.DataFrame({"x": objects([dt.date(2024, 1, 1), dt.datetime(2024, 1, 1, 12)])})
    with pytest.raises(TypeError, match="Column 'x' mixes values of types date, datetime"):
        read(X)


# --- further data under a schema ----------------------------------------------------------


def test_read_as_reads_what_was_fitted():
    """The data that were fitted read the same under their own schema."""
    for X in (pandas_frame(), polars_frame(), arrow_table()):
        schema, data = read(X)
        for name, values in read_as(schema, X).items():
            np.testing.assert_array_equal(values, data[name])


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (pl.Series(DAYS), objects([STAMPS[2], None]), [2932896, MISSING_INTEGER]),
        (pl.Series(STAMPS), arrow(DAYS[:1], pa.date32()), [19782 * 86400 * 10**6]),
        (pl.Series(SPANS), pd.Series(pd.to_timedelta(["1s"])), [10**6]),
        (pl.Series(PRICES), objects([Decimal("1.5")]), [150]),
        (pl.Series(PRICES), objects([Decimal("1.5000")]), [150]),
    ],
)
def test_units_convert_where_that_is_exact(was, now, expected):
    """Further data may come in another unit."""
    schema, _ = read(pl.DataFrame({"x": was}))
    assert read_as(schema, pd.DataFrame({"x": now}))["x"].tolist() == expected


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (pl.Series(DAYS), objects([STAMPS[0]]), "Column 'x' has the value .* in units of us"),
        (pl.Series(PRICES), objects([Decimal("1.555")]), "Column 'x' has the value 1555"),
        (pl.Series(STAMPS), pd.Series(SPANS[:1]), "duration values.* but had .*datetime values"),
        (pl.Series(STAMPS), pd.Series([1]), "integer values.* but had .*datetime values"),
        (
            pl.Series(STAMPS),
            pd.Series(pd.to_datetime(["2024"]).tz_localize("UTC")),
            "Column 'x' has the time zone UTC, but had none",
        ),
    ],
)
def test_what_is_not_exact_is_refused(was, now, message):
    """Values that the fitted unit can't tell, other kinds and time zones are refused."""
    schema, _ = read(pl.DataFrame({"x": was}))
    with pytest.raises(ValueError, match=message):
        read_as(schema, pd.DataFrame({"x": now}))


# --- the codec ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (0, 0)),
        ([7], (7, 1)),
        ([10, 30, 70], (10, 20)),
        ([-5, 0, 2], (-5, 1)),
        ([1_700_000_000 * 10**9, 1_700_000_060 * 10**9], (1_700_000_000 * 10**9, 60 * 10**9)),
        ([-(2**63) + 1, 2**63 - 1], (-(2**63) + 1, 2**64 - 2)),
    ],
)
def test_granularity(values, expected):
    """The least value, and the largest step that leads from it to all others."""
    assert granularity(np.array(values, np.int64)) == expected


def decoded(X: pd.DataFrame, **parameters: object) -> pd.DataFrame:
    """Encode and decode real rows: what a perfect generator would give."""
    schema, data = read(X)
    codec = TabularGAN(**parameters).codec(DataSpec(schema, len(X)), data)
    rows = codec.expand(codec.encode(data, np.random.default_rng(0)))
    return write(schema, {k: v.numpy() for k, v in codec.decode(rows).items()}, len(X))


def test_nanoseconds_survive_the_codec():
    """Stamps of 19 digits come back within their range, to a part in a thousand of it."""
    start = 1_700_000_000_123_456_789
    stamps = start + np.sort(np.random.default_rng(0).integers(0, 10**6, 3000))
    X = pd.DataFrame({"at": stamps.view("M8[ns]")})
    back = decoded(X)["at"].to_numpy().view(np.int64)
    assert back.min() >= stamps[0]
    assert back.max() <= stamps[-1]
    np.testing.assert_allclose(back - start, stamps - start, atol=2e3)
    assert len(np.unique(back % 1000)) > 500  # not rounded to what a real number could hold


def test_the_widest_range_is_not_left():
    """Integers from end to end of 64 bits come back in their range, without overflow."""
    rng = np.random.default_rng(0)
    values = rng.integers(-(2**63) + 1, 2**63 - 1, 2000, endpoint=True)
    back = decoded(pd.DataFrame({"i": values}))["i"].to_numpy()
    assert values.min() <= back.min()
    assert back.max() <= values.max()
    ranks = np.searchsorted(np.sort(values), back) - np.searchsorted(np.sort(values), values)
    assert np.abs(ranks).max() < 10


# --- fitted and sampled -------------------------------------------------------------------

N = 300


def moments(unit: str, n: int, span: int) -> np.ndarray:
    """Random moments, ``span`` of a unit apart at most."""
    start = np.datetime64("2023-11-05", unit)
    return start + np.random.default_rng(n).integers(0, span, N).astype(f"m8[{unit}]")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """Columns that are continuous, of every temporal kind, some of them coarser than their unit."""
    rng = np.random.default_rng(0)
    aware = pd.DatetimeIndex(moments("s", 1, 10**7)).tz_localize("UTC")
    gaps = moments("m", 2, 10**6).astype("M8[ns]")
    gaps[rng.random(N) < 0.3] = "NaT"
    cents = rng.integers(100, 10**6, N)
    spans = rng.integers(0, 10**5, N) * 250
    return pd.DataFrame(
        {
            "midnight": moments("D", 3, 10**4).astype("M8[ns]"),
            "minute, gaps": gaps,
            "Berlin midnight": pd.DatetimeIndex(moments("D", 3, 10**4)).tz_localize(
                "Europe/Berlin"
            ),
            "Berlin": aware.tz_convert("Europe/Berlin").as_unit("ms"),
            "date": objects(moments("D", 4, 10**4).tolist()),
            "quarter": pd.array(spans.astype("m8[ms]")),
            "price": objects([Decimal(c).scaleb(-2) for c in cents.tolist()]),
            "arrow price": arrow(
                [Decimal(c).scaleb(-2) for c in cents.tolist()], pa.decimal128(9, 2)
            ),
            "tens": rng.integers(-1000, 1000, N) * 10,
            "always": pd.Timestamp("2024-02-29 12:00", tz="UTC"),
            "never": pd.DatetimeIndex([None] * N),
        }
    )


@pytest.fixture(scope="module")
def sampler(table) -> GANSampler:
    settings = {"steps": 3, "batch_size": 16, "random_state": 0, "validation_fraction": 0}
    return GANSampler(TabularGAN(width=16, depth=1, candidates=1), **settings).fit(table)


@pytest.fixture(scope="module")
def rows(sampler) -> pd.DataFrame:
    return sampler.sample(500, random_state=1)


def test_samples_have_the_dtypes_of_the_data(table, rows):
    """Names, dtypes, units and time zones are those of the data (CTGAN #48)."""
    pd.testing.assert_series_equal(rows.dtypes, table.dtypes)
    for name in ("date", "price"):
        assert {type(value) for value in rows[name]} == {type(table[name][0])}


def test_samples_stay_in_range(table, rows):
    """No moment, duration or decimal is before the first or after the last one seen."""
    for name in table.columns.drop("never"):
        present = table[name].dropna()
        assert rows[name].dropna().between(present.min(), present.max()).all(), name
        assert rows[name].nunique() > 100 or name == "always"


def test_samples_keep_the_granularity(rows):
    """Midnights come out at midnight, minutes as minutes, tens as tens (SDV #1039)."""
    assert (rows["midnight"] == rows["midnight"].dt.normalize()).all()
    assert (rows["Berlin midnight"] == rows["Berlin midnight"].dt.normalize()).all()
    gaps = rows["minute, gaps"].dropna()
    assert (gaps == gaps.dt.floor("min")).all()
    assert (rows["Berlin"].dt.microsecond == 0).all()
    assert (rows["quarter"] % pd.Timedelta(250, "ms") == pd.Timedelta(0)).all()
    assert {value.as_tuple().exponent for value in rows["price"]} == {-2}
    assert (rows["tens"] % 10 == 0).all()


def test_constant_and_missing_columns(table, rows):
    """One moment stays that moment, no moment stays none, and gaps are where there were gaps."""
    assert (rows["always"] == table["always"][0]).all()
    assert rows["never"].isna().all()
    nullable = table.columns[table.isna().any()]
    assert rows.columns[rows.isna().any()].tolist() == nullable.tolist()
    assert rows["minute, gaps"].isna().mean() == pytest.approx(0.3, abs=0.1)


def test_the_graph_gives_whole_numbers(sampler):
    """The exported graph's outputs are int64 of the unit that the schema names."""
    data = sampler._exported.generator(np.zeros((4, sampler._exported.generator.noise_dim), "f"))
    for column in sampler.artifact_.schema.columns:
        assert data[column.output].dtype == np.int64
    columns = {column.name: column for column in sampler.artifact_.schema.columns}
    assert (columns["Berlin"].unit, columns["Berlin"].timezone) == ("ms", "Europe/Berlin")


def test_samples_can_be_read_again(sampler, rows):
    """A sample is data of the schema."""
    assert len(read_as(sampler.artifact_.schema, rows)["midnight"]) == 500


@pytest.mark.parametrize(
    "X",
    [
        pl.DataFrame({"day": DAYS[::2], "price": PRICES[::2], "time": TIMES[::2]}),
        pa.table({"stamp": STAMPS[::2], "span": SPANS[::2]}),
        [[DAYS[0], PRICES[0]], [DAYS[2], PRICES[2]]],
    ],
    ids=["polars", "pyarrow", "list"],
)
def test_two_rows_are_enough(X):
    """Two rows of temporal columns train, and samples are within them."""
    sampler = GANSampler(TabularGAN(width=16, depth=1), steps=2, batch_size=4, random_state=0)
    rows = sampler.fit(X).sample(9)
    assert type(rows) is type(X)
    assert len(rows) == 9
    if not isinstance(X, list):
        assert rows.schema == X.schema


ZONES = ["Europe/Berlin", "America/Sao_Paulo", "UTC", "Asia/Kolkata"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("container", ["pandas", "polars", "pyarrow"])
def test_local_midnights(zone, container):
    """Days of a time zone come out as its days, whatever the clocks did in between."""
    days = pd.DatetimeIndex(moments("D", 5, 3000)).tz_localize(zone, nonexistent="shift_forward")
    X = pd.DataFrame({"day": days.as_unit("us")})
    table = {"pandas": lambda: X, "polars": lambda: pl.from_pandas(X),
             "pyarrow": lambda: pa.table({"day": pa.array(X["day"])})}[container]()  # fmt: skip
    schema, data = settle(*read(table), None)
    column = schema.columns[0]
    assert (column.local_step > 0) == (zone in ZONES[:1])
    schema = Schema.from_json(schema.to_json())
    assert write(schema, data, N).equals(table)
    if column.local_step:
        second = 10 ** {"s": 0, "ms": 3, "us": 6, "ns": 9}[column.unit]
        late = {"day": data["day"] + 5 * 3600 * second}
        assert write(schema, late, N).equals(table)
        late["day"][0] = MISSING_INTEGER
        assert np.isin(data["day"][1:], read(write(schema, late, N))[1]["day"]).all()


@pytest.mark.parametrize("row", [0, 1], ids=["constant", "missing"])
def test_columns_of_one_value(row):
    """A column of one moment, duration or decimal has that in each row; of none, none."""
    X = pl.concat([polars_frame()[row : row + 1]] * 6)
    sampler = GANSampler(TabularGAN(width=16, depth=1), steps=2, batch_size=4, random_state=0)
    polars.testing.assert_frame_equal(sampler.fit(X).sample(6), X)


# --- metrics ------------------------------------------------------------------------------


def test_metrics_know_temporal_columns():
    """Moments, durations and decimals are compared as numbers, in any container of pandas."""
    X = pandas_frame().drop(columns=["nothing", "time", "arrow time"])
    np.testing.assert_array_equal(column_scores(X, X), 1.0)
    assert exact_copies(X, X) == 1.0
    later = pd.DataFrame({"day": objects([dt.date(2024, 1, d) for d in (1, 2, 3, 4)])})
    earlier = pd.DataFrame(
        {"day": objects([dt.date(2023, 12, 31)] * 2 + later["day"].tolist()[:2])}
    )
    assert column_scores(later, earlier)["day"] == pytest.approx(0.5)
