"""Constraints: they hold in every row of a model that has hardly been trained."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import gansynth
from gansynth import GANSampler, column_types, comparison, containers, rewriting
from gansynth.architecture import Codec
from gansynth.constraints import Constraint, FixedCombinations, Formula, Inequality, Range
from gansynth.expressions import parse
from gansynth.inference import artifact
from gansynth.inference.exported import ExportedSampler
from gansynth.report import sections
from gansynth.training.checkpoint import CheckpointError
from gansynth_tabular import TabularGAN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 300
CITIES = {"Rome": "Italy", "Milan": "Italy", "Oslo": "Norway"}


def orders(n: int = N, seed: int = 0) -> pd.DataFrame:
    """Orders of a shop, with a gap here and there, and a name that is no identifier."""
    rng = np.random.default_rng(seed)
    price, quantity = rng.lognormal(3, 1, n).round(2), rng.integers(1, 9, n)
    ordered = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 10**7, n), unit="s")
    shipped = ordered + pd.to_timedelta(rng.integers(1, 10**6, n), unit="s")
    city = rng.choice(list(CITIES), n)
    return pd.DataFrame(
        {
            "unit price": price,
            "quantity": quantity,
            "total": (price * quantity + 4.9).round(2),
            "ordered": ordered,
            "shipped": pd.Series(shipped).where(rng.random(n) < 0.8),
            "city": city,
            "country": [CITIES[name] for name in city],
        }
    )


CONSTRAINTS = [
    Formula("total", "`unit price` * quantity + 4.9"),
    Inequality("ordered", "shipped", strict=True),
    FixedCombinations(["city", "country"]),
    Range("unit price", low=0),
]


def sampler(constraints: Any, candidates: int = 1, **parameters: Any) -> GANSampler:
    settings = {"steps": 2, "batch_size": 32, "random_state": 0, "device": "cpu", **parameters}
    architecture = TabularGAN(width=8, depth=1, candidates=candidates)
    return GANSampler(architecture, constraints=constraints, **settings)


@pytest.fixture(scope="module")
def fitted() -> GANSampler:
    return sampler(CONSTRAINTS, candidates=4).fit(orders())


def check_orders(rows: pd.DataFrame) -> None:
    """All of CONSTRAINTS."""
    total = (rows["unit price"] * rows["quantity"] + 4.9).round(2)
    pd.testing.assert_series_equal(rows["total"], total, check_names=False, check_exact=True)
    assert (rows["shipped"].isna() | (rows["shipped"] > rows["ordered"])).all()
    assert set(zip(rows["city"], rows["country"], strict=True)) <= set(CITIES.items())
    assert (rows["unit price"] >= 0).all()


def test_all_kinds_hold_in_every_row(fitted, tmp_path):
    """They hold in samples, in those of the file, and columns, dtypes and gaps are as in X."""
    rows = fitted.sample(5000, random_state=1)
    check_orders(rows)
    assert rows.dtypes.equals(orders().dtypes)
    assert 0.1 < rows["shipped"].isna().mean() < 0.3
    assert rows["total"].nunique() > 1000
    fitted.to_onnx(tmp_path / "orders.onnx")
    model = gansynth.load(tmp_path / "orders.onnx")
    pd.testing.assert_frame_equal(model.sample(5000, random_state=1), rows)


def test_a_sampler_with_constraints_is_an_estimator(fitted):
    """It can be cloned, copied and pickled, and prints what it was given."""
    assert clone(fitted).constraints == fitted.get_params()["constraints"] == CONSTRAINTS
    assert "Inequality(low='ordered', high='shipped', strict=True)" in repr(fitted)
    copy = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(copy.sample(9, random_state=2), fitted.sample(9, random_state=2))


def test_notebooks_show_constraints(fitted):
    """The HTML names the constraints, and the columns that follow from others."""
    html = ExportedSampler(artifact.parse(fitted.artifact_.model))._repr_html_()
    assert "constraint: FixedCombinations(columns=(&#x27;city&#x27;" in html
    derived = [column.name for column in fitted.artifact_.schema.columns if column.derived]
    assert derived == ["total", "shipped", "city", "country"]
    assert html.count("by a constraint") == 4


def test_reports_tell_what_share_of_rows_keeps_them(fitted):
    """Of combinations, where the rows are known that they are from; of a file, the words alone."""
    known = comparison.learned(fitted.artifact_.schema, orders())
    exported = ExportedSampler(fitted.artifact_, "cpu")
    for estimator, train, told in ((fitted, known, 4), (fitted, None, 3), (exported, known, 0)):
        shown = sections.kept(estimator, train)
        cells = re.findall(r'<td class="number">([^<]+)</td>', shown)
        assert cells.count("1.000") == told
        assert len(cells) == 4
        assert ("could not be measured" in shown) == (told < 4)
    assert "FixedCombinations(columns=(&#x27;city&#x27;" in shown


def test_the_share_of_rows_that_keep_a_constraint():
    """Missing values break none."""
    X = orders()
    schema, data = containers.read(X)
    by_hand = {
        Range("quantity", high=4): (X["quantity"] <= 4).mean(),
        Inequality("unit price", "quantity"): (X["unit price"] <= X["quantity"]).mean(),
        Inequality("shipped", "ordered"): X["shipped"].isna().mean(),
        Formula("total", "`unit price` * quantity"): 0.0,
    }
    for constraint, share in by_hand.items():
        assert rewriting.share_kept(constraint, schema, data) == pytest.approx(share)
    with pytest.raises(TypeError, match="is no constraint"):
        rewriting.share_kept(Constraint(), schema, data)


def test_constraints_go_with_classes_and_types(tmp_path):
    """Beside y, identifiers, dropped columns and declared types, they hold, too."""
    X = orders().assign(order=[f"N-{i:04}" for i in range(N)], note="x")
    kinds = {"note": "drop", "quantity": "float"}
    made = sampler([*CONSTRAINTS, Range("quantity", 1, 8)], column_types=kinds)
    rows = made.fit(X, X["city"]).sample(500, y="Oslo")
    check_orders(rows)
    assert list(rows) == list(X.drop(columns="note"))
    assert rows["quantity"].dtype == np.int64
    assert rows["order"].is_unique


class Shuffled(Codec):
    """Gives each column that is modelled in an order of its own: no relation is left."""

    layout = 0

    def __init__(self, data: Mapping[str, np.ndarray]) -> None:
        self.data = data

    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        return np.zeros((len(next(iter(data.values()))), len(data)), np.float32)

    def decode(self, rows: Any) -> dict[str, Any]:
        import tensorflow as tf

        places = tf.cast(tf.floor(rows * np.float32(len(self.encode(self.data, None)))), tf.int32)
        return {
            name: tf.gather(values, places[:, i])
            for i, (name, values) in enumerate(self.data.items())
        }


def shuffled(X: Any, constraints: Any, n: int = 4000) -> Any:
    """Rows of an exported graph of which each modelled column is shuffled on its own."""
    import keras
    import onnxruntime

    from gansynth.training.export import export
    from gansynth.training.restored import Restored

    schema, data = column_types.settle(*containers.read(X), {})
    plan = rewriting.plan(constraints, schema, data)
    codec = Restored(Shuffled(plan.apply(data)), plan)
    z = keras.Input((len(plan.modelled),))
    graph = export(keras.Model([z], keras.layers.Identity()(z)), codec)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    uniform = np.random.default_rng(1).random((n, len(plan.modelled)), np.float32)
    values = session.run(None, {"z": np.minimum(uniform, np.float32(1 - 1e-6))})
    return containers.write(schema, dict(zip(names, values, strict=True)), n)


RNG = np.random.default_rng(7)
LOW = RNG.integers(0, 1000, N)
ABOVE = RNG.integers(0, 500, N) * (RNG.random(N) < 0.8)
DAYS = pd.to_datetime("2020-01-01") + pd.to_timedelta(LOW, unit="D")


def with_gaps(values: Any, seed: int = 0) -> pd.Series:
    return pd.Series(values).where(np.random.default_rng(seed).random(N) < 0.7)


PAIRS = {
    "integers": (LOW, LOW + ABOVE),
    "integers beyond 2**53": (2**60 + LOW, 2**60 + LOW + 2**33 * ABOVE),
    "narrow integers": ((LOW // 10).astype(np.int8), (LOW // 10 + ABOVE // 20).astype(np.int16)),
    "nullable integers": (
        with_gaps(LOW).astype("Int64"),
        with_gaps(LOW + ABOVE, 1).astype("Int64"),
    ),
    "tens above ones": (LOW, -(-(LOW + ABOVE) // 10) * 10),
    "floats": (LOW / 7, LOW / 7 + ABOVE / 3),
    "floats with gaps": (with_gaps(LOW / 7), with_gaps(LOW / 7 + ABOVE / 3, 1)),
    "prices": ((LOW / 100).round(2), ((LOW + ABOVE) / 100).round(2)),
    "float32": ((LOW / 10).astype(np.float32), ((LOW + ABOVE) / 10).astype(np.float32)),
    "float32 above float64": (LOW / 7, (LOW / 7 + ABOVE + 0.01).astype(np.float32)),
    "integers above floats": (LOW / 7, np.ceil(LOW / 7).astype(int) + ABOVE),
    "datetimes": (DAYS, DAYS + pd.to_timedelta(ABOVE, unit="s")),
    "days above seconds": (
        DAYS + pd.to_timedelta(ABOVE, unit="s"),
        DAYS + pd.to_timedelta(1 + ABOVE // 9, unit="D"),
    ),
    "nanoseconds": (
        DAYS.as_unit("ns") + pd.to_timedelta(LOW, unit="ns"),
        DAYS.as_unit("ns") + pd.to_timedelta(LOW + ABOVE, unit="ns"),
    ),
    "moments of time zones": (
        pd.Series(DAYS).dt.tz_localize("UTC"),
        pd.Series(DAYS + pd.to_timedelta(ABOVE, unit="s"))
        .dt.tz_localize("UTC")
        .dt.tz_convert("Asia/Tokyo"),
    ),
    "decimals": (
        pd.Series([Decimal(int(v)).scaleb(-1) for v in LOW], dtype=object),
        pd.Series([Decimal(int(v)).scaleb(-2) for v in 10 * LOW + ABOVE], dtype=object),
    ),
}


STRICT = {
    *{"integers", "integers beyond 2**53", "nullable integers", "tens above ones", "prices"},
    *{"floats with gaps", "float32", "datetimes", "decimals"},
}


@pytest.fixture(scope="module")
def in_order() -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """All pairs in one table, and rows of it."""
    frames = {}
    for name, (low, high) in PAIRS.items():
        X = pd.DataFrame({"low": pd.Series(low), "high": pd.Series(high)})
        allowed = X["low"].isna() | X["high"].isna() | (X["low"] < X["high"])
        allowed |= name not in STRICT
        frames[name] = X.iloc[np.resize(np.flatnonzero(allowed), N)].reset_index(drop=True)
    table = pd.concat([X.add_prefix(f"{name} ") for name, X in frames.items()], axis=1)
    kept = [Inequality(f"{name} low", f"{name} high", strict=name in STRICT) for name in PAIRS]
    return frames, shuffled(table, kept)


@pytest.mark.parametrize("name", PAIRS)
def test_inequality(in_order, name):
    """Of numbers and times of any dtype, with any gaps, no row breaks the order or the range."""
    X, rows = in_order[0][name], in_order[1][[f"{name} low", f"{name} high"]]
    rows = rows.set_axis(["low", "high"], axis=1)
    assert rows.dtypes.equals(X.dtypes)
    both = rows["low"].notna() & rows["high"].notna()
    low, high = rows["low"][both], rows["high"][both]
    assert (low < high).all() if name in STRICT else (low <= high).all()
    assert high.nunique() > 20
    for column in X:
        values, seen = rows[column], X[column]
        assert values.dropna().between(seen.min(), seen.max()).all()
        assert values.isna().mean() == pytest.approx(seen.isna().mean(), abs=0.15)


def test_polars_and_arrays_have_constraints():
    """Any table has names to call its columns by: those of an array are x0, x1, ..."""
    import polars as pl

    X = np.sort(np.random.default_rng(0).normal(size=(N, 2)), axis=1)
    rows = shuffled(X, [Inequality("x0", "x1"), Range("x1", high=9)])
    assert rows.shape == (4000, 2)
    assert (rows[:, 0] <= rows[:, 1]).all()
    rows = shuffled(pl.DataFrame({"a": X[:, 0], "b": X[:, 1]}), [Inequality("a", "b", strict=True)])
    assert (rows["a"] < rows["b"]).all()


def test_inequality_of_local_midnights():
    """Midnights of a time zone are kept in order; above other moments they are refused."""
    zone = "Europe/Berlin"
    X = pd.DataFrame({"low": DAYS, "high": DAYS + pd.to_timedelta(ABOVE, unit="D")})
    X = X.apply(lambda column: column.dt.tz_localize(zone))
    rows = shuffled(X, [Inequality("low", "high")])
    assert (rows["high"] == rows["high"].dt.normalize()).all()
    assert (rows["low"] <= rows["high"]).all()
    X["low"] -= pd.Timedelta("90s")
    with pytest.raises(ValueError, match="steps of the local time of Europe/Berlin"):
        shuffled(X, [Inequality("low", "high")])


def test_inequality_keeps_steps_and_equal_values():
    """Tens stay tens, prices cents; rows that were equal can be so."""
    X = pd.DataFrame({"low": LOW, "high": -(-(LOW + ABOVE) // 10) * 10})
    assert (shuffled(X, [Inequality("low", "high")])["high"] % 10 == 0).all()
    X = pd.DataFrame({"low": (LOW / 100).round(2), "high": ((LOW + ABOVE) / 100).round(2)})
    rows = shuffled(X, [Inequality("low", "high")])
    assert (rows["high"] == rows["high"].round(2)).all()
    share = (X["low"] == X["high"]).mean()
    assert (rows["low"] == rows["high"]).mean() == pytest.approx(share, abs=0.05)


def test_real_rows_come_back():
    """What is rewritten and restored is what it was."""
    X = orders()
    schema, data = column_types.settle(*containers.read(X), {})
    plan = rewriting.plan(CONSTRAINTS, schema, data)
    modelled = plan.apply(data)
    assert list(modelled) == ["unit price", "quantity", "ordered", "shipped", "city & country"]

    import tensorflow as tf

    from gansynth.training.restored import restore

    values = {name: tf.constant(array) for name, array in modelled.items()}
    for step in plan.steps:
        values |= restore(step, values)
    for name, array in data.items():
        np.testing.assert_array_equal(values[name], array)


EXPRESSIONS = {
    "a + b - c": lambda a, b, c: a + b - c,
    "a + 0.1 + 0.2": lambda a, b, c: a + 0.1 + 0.2,
    "a * 3 * 0.7 / 3": lambda a, b, c: a * 3 * 0.7 / 3,
    "a / 7 + c / 49": lambda a, b, c: a / 7 + c / 49,
    "a * c + b * c": lambda a, b, c: a * c + b * c,
    "a ** 2 - -b": lambda a, b, c: a**2 - -b,
    "abs(b) ** 0.5": lambda a, b, c: np.abs(b) ** 0.5,
    "min(a, b, 0.5) + max(a, c)": lambda a, b, c: (
        np.minimum(a, b).clip(upper=0.5) + np.maximum(a, c)
    ),
    "round(a) + round(b, 1)": lambda a, b, c: np.round(a) + np.round(b, 1),
    "round(100 * a, -2)": lambda a, b, c: np.round(100 * a, -2),
    "(a - b) / (c + 1) * +2": lambda a, b, c: (a - b) / (c + 1) * 2,
}


@pytest.fixture(scope="module")
def with_formulas() -> pd.DataFrame:
    """All expressions in one table."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=N), "b": rng.normal(size=N), "c": rng.integers(0, 9, N)})
    results = {text: compute(*map(X.get, "abc")) for text, compute in EXPRESSIONS.items()}
    return shuffled(X.assign(**results), [Formula(text, text) for text in EXPRESSIONS])


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_formula_is_what_numpy_computes(with_formulas, text):
    """To the last bit (but for powers), without what optimisers of graphs make of constants."""
    wanted = EXPRESSIONS[text](*map(with_formulas.get, "abc"))
    tolerance = 1e-15 if "0.5" in text and "**" in text else 0
    np.testing.assert_allclose(with_formulas[text], wanted, rtol=tolerance)


def test_formula_of_integers_is_exact():
    """Beyond 2**53, where real numbers have gaps, and in the dtype of the column."""
    X = pd.DataFrame({"a": 2**58 + LOW, "b": LOW, "small": (LOW % 50).astype(np.int8)})
    X["c"] = abs(3 * X["a"] - max(7, 5)) + X["b"].clip(upper=9)
    X["twice"] = (X["small"] * 2).astype(np.int8)
    rows = shuffled(X, [Formula("c", "abs(3 * a - 7) + min(b, 9)"), Formula("twice", "small * 2")])
    assert (rows["c"] == 3 * rows["a"] - 7 + rows["b"].clip(upper=9)).all()
    assert rows["twice"].dtype == np.int8
    assert (rows["twice"] == 2 * rows["small"]).all()


def test_formula_of_decimals_booleans_and_float32():
    """Decimals count as what they are, booleans as 0 and 1, and the dtype is that of X."""
    X = pd.DataFrame(
        {
            "net": pd.Series([Decimal(int(v)).scaleb(-2) for v in LOW], dtype=object),
            "gift": np.random.default_rng(5).random(N) < 0.5,
            "rate": np.random.default_rng(5).choice([0.07, 0.19], N).astype(np.float32),
        }
    )
    net = X["net"].astype(float)
    X["gross"] = pd.Series([Decimal(round(v * 200)).scaleb(-2) for v in net], dtype=object)
    X["tax"] = (net * X["rate"] * (1 - X["gift"])).astype(np.float32)
    X["whole"] = (net * 10).round().astype(int)
    rows = shuffled(
        X,
        [
            Formula("gross", "net * 2"),
            Formula("tax", "net * rate * (1 - gift)"),
            Formula("whole", "net * 10"),
        ],
    )
    assert (rows["gross"] == rows["net"] * 2).all()
    net = rows["net"].astype(float)
    tax = net * rows["rate"].astype(float) * (1 - rows["gift"])
    assert rows["tax"].dtype == np.float32
    np.testing.assert_array_equal(rows["tax"], tax.astype(np.float32))
    np.testing.assert_array_equal(rows["whole"], (net * 10).round())


def test_formula_and_missing_values():
    """A column is missing where its operands are; or as often as in the data, on its own."""
    X = pd.DataFrame({"a": with_gaps(LOW / 4), "b": LOW / 8})
    X["sum"] = X["a"] + X["b"]
    rows = shuffled(X, [Formula("sum", "a + b")])
    pd.testing.assert_series_equal(rows["sum"], rows["a"] + rows["b"], check_names=False)
    X["sum"] = (X["a"].fillna(1) + X["b"]).where(np.random.default_rng(5).random(N) < 0.9)
    rows = shuffled(X, [Formula("sum", "a + b")])
    both = rows["a"].notna() & rows["sum"].notna()
    assert (rows["sum"] == rows["a"] + rows["b"])[both].all()
    assert rows["sum"].isna().mean() == pytest.approx(X["sum"].isna().mean(), abs=0.03)
    assert rows["sum"][rows["a"].isna()].notna().any()


@pytest.mark.parametrize("gaps", [False, True])
def test_formula_without_a_value(gaps):
    """Where generated rows divide by zero, the value is missing, or else the least one seen."""
    a = LOW.astype(float)
    b = np.where(np.random.default_rng(5).random(N) < 0.5, a + 1, a - 1)
    X = pd.DataFrame({"a": a, "b": b})
    X["ratio"] = 1 / (X["a"] - X["b"])
    if gaps:
        X.loc[:9, "ratio"] = np.nan
    rows = shuffled(X, [Formula("ratio", "1 / (a - b)")], 20_000)
    same = rows["a"] == rows["b"]
    assert same.any()
    assert rows["ratio"][same].isna().all() if gaps else (rows["ratio"][same] == -1).all()


def test_fixed_combinations():
    """Of any kinds, missing values included: what comes out has been seen together."""
    X = pd.DataFrame(
        {
            "kind": np.where(LOW % 3 == 0, None, (LOW % 5).astype(str)),
            "number": LOW % 7 / 2,
            "count": pd.array(np.where(LOW % 4 == 0, None, LOW % 6), dtype="Int64"),
            "day": DAYS,
            "flag": LOW % 2 == 0,
            "free": np.random.default_rng(5).normal(size=N),
        }
    )
    fixed = ["kind", "number", "count", "day", "flag"]
    rows = shuffled(X, [FixedCombinations(fixed), Range("count", 0, 5)])
    assert rows.dtypes.equals(X.dtypes)
    seen = set(map(str, X[fixed].to_numpy().tolist()))
    found = set(map(str, rows[fixed].to_numpy().tolist()))
    assert found <= seen
    assert len(found) > 0.9 * len(seen)


def tangled(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    steps = rng.integers(0, 50, (n, 5))
    X = pd.DataFrame(np.cumsum(steps, axis=1), columns=list("abcde"))
    X["other"] = X["c"] - rng.integers(0, 30, n)
    X["sum"] = X["a"] + X["other"] + X["e"]
    X["least"] = X["sum"] - rng.integers(0, 10, n)
    X["most"] = X["sum"] + rng.integers(0, 10, n)
    X["f"], X["g"] = X["a"] % 3, X["a"] % 3 + 1
    X["h"] = X["g"] + rng.integers(0, 3, n)
    X["i"] = X["f"] - rng.integers(1, 3, n)
    return X


def test_constraints_can_be_chained():
    """Chains, several bounds of one column, formulas of bounded columns and bounds of formulas."""
    X = tangled()
    constraints = [
        *(Inequality(low, high) for low, high in zip("abcd", "bcde", strict=True)),
        Inequality("a", "c"),
        Inequality("other", "c"),
        Formula("sum", "a + other + e"),
        Inequality("least", "sum"),
        Inequality("sum", "most"),
        FixedCombinations(["f", "g"]),
        Inequality("f", "g", strict=True),
        Inequality("g", "h"),
        Inequality("i", "f", strict=True),
        Range("h", 0),
        Range("e", high=int(X["e"].max())),
    ]
    rows = shuffled(X, constraints)
    for constraint in constraints:
        if isinstance(constraint, Inequality):
            low, high = rows[constraint.low], rows[constraint.high]
            assert (low < high).all() if constraint.strict else (low <= high).all(), constraint
    assert (rows["sum"] == rows["a"] + rows["other"] + rows["e"]).all()
    for name in [*"abcdefghi", "other"]:
        assert rows[name].between(X[name].min(), X[name].max()).all(), name


def test_a_bounded_column_between_others_turns_the_chain():
    """A column above one and below a fixed one: the lower ones follow from the higher ones."""
    X = pd.DataFrame({"a": LOW, "b": LOW + ABOVE, "half": LOW / 2 + ABOVE})
    X["c"] = X["half"] * 2
    constraints = [Inequality("a", "b"), Inequality("b", "c"), Formula("c", "half * 2")]
    rows = shuffled(X, constraints)
    assert (rows["a"] <= rows["b"]).all()
    assert (rows["b"] <= rows["c"]).all()
    assert (rows["c"] == 2 * rows["half"]).all()


def test_gaps_in_a_chain_leave_the_ends_alone():
    """With the middle one missing, the ends of a chain of two may be in any order."""
    X = pd.DataFrame({"a": LOW, "b": with_gaps(LOW + ABOVE), "c": LOW + ABOVE})
    X.loc[X["b"].isna(), "c"] = np.random.default_rng(5).integers(0, 1500, X["b"].isna().sum())
    rows = shuffled(X, [Inequality("a", "b"), Inequality("b", "c")])
    present = rows["b"].notna()
    assert (rows["a"] <= rows["b"])[present].all()
    assert (rows["b"] <= rows["c"])[present].all()
    assert (rows["a"] > rows["c"]).any()


def test_bounds_are_given_as_the_column_is():
    """Numbers, moments, strings in ISO's form, durations and decimals bound their columns."""
    X = pd.DataFrame(
        {
            "when": pd.Series(DAYS).dt.tz_localize("UTC"),
            "day": [day.date() for day in DAYS],
            "span": pd.to_timedelta(LOW, unit="s"),
            "price": pd.Series([Decimal(int(v)).scaleb(-1) for v in LOW], dtype=object),
            "count": LOW,
        }
    )
    plan: Callable[..., Any] = rewriting.plan
    schema, data = column_types.settle(*containers.read(X), {})
    for column, low, too_low in (
        ("when", pd.Timestamp("2020-01-01", tz="UTC"), "2021-01-01T00:00+00:00"),
        ("day", DAYS.min().date(), "2021-01-01"),
        ("span", pd.Timedelta(0), np.timedelta64(5, "s")),
        ("price", Decimal("0.0"), 5),
        ("count", -0.5, 0.5 + LOW.min()),
    ):
        assert plan([Range(column, low)], schema, data) is not None
        with pytest.raises(ValueError, match=f"Range\\(column='{column}'.* is broken by "):
            plan([Range(column, too_low)], schema, data)


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        (
            Range("a", high=2),
            "Range(column='a', high=2) is broken by 2 of 5 rows of X, the first of "
            "which is row 3 (counted from 0), where 'a' is 3. Correct or drop such rows, or leave "
            "the constraint out.",
        ),
        (
            Inequality("a", "b"),
            "is broken by 1 of 5 rows of X, the first of which is row 2 (counted "
            "from 0), where 'a' is 2, 'b' is 1.5",
        ),
        (Inequality("a", "b", strict=True), "is broken by 2 of 5 rows"),
        (Inequality("day", "later"), "where 'day' is 2024-05-03T00:00:00"),
        (
            Formula("a", "b * 2"),
            "row 0 (counted from 0), where 'a' is 0, 'b' is 0.5, and the expression gives 1.",
        ),
        (Formula("a", "1 / (k1 - k1)"), "is broken by 5 of 5 rows"),
        (Range("a", low="0"), "'0' is no bound for column 'a', which holds integer values"),
        (Range("a", low=np.nan), "it is no finite number"),
        (Range("day", low=3), "3 is no bound for column 'day', which holds datetime values"),
        (Range("kind", low=3), "can't be kept: column 'kind' holds category values."),
        (
            Range("aa", low=3),
            "X has no column 'aa', but the columns 'a', 'b', 'day', 'later', "
            "'kind', 'k1', 'zoned', 'big'; did you mean 'a'?",
        ),
        (Range("gone", low=3), "column 'gone' is dropped by column_types"),
        (Inequality("a", "kind"), "column 'kind' holds category values"),
        (Inequality("a", "day"), "columns 'a' (integer) and 'day' (datetime) are not of one kind"),
        (Inequality("day", "zoned"), "column 'day' has no time zone, the other one has"),
        (Inequality("b", "big"), "column 'big' has integers beyond 2**53"),
        (Formula("kind", "a"), "column 'kind' holds category values"),
        (Formula("a", "day * 2"), "column 'day' holds datetime values"),
        (FixedCombinations(["a", "none"]), "X has no column 'none'"),
    ],
)
def test_what_can_not_be_kept_is_refused(constraint, said):
    """By name, with the row, the values and the remedy; before anything is trained."""
    days = pd.date_range("2024-05-01", periods=5)
    X = pd.DataFrame(
        {
            "a": range(5),
            "b": [0.5, 1.5, 1.5, 3, 9],
            "day": days,
            "later": [*days[:2], days[0], *days[3:]],
            "kind": list("abcde"),
            "k1": range(5),
            "zoned": days.tz_localize("UTC"),
            "big": 2**60 + np.arange(5),
            "gone": 1,
        }
    )
    with pytest.raises(ValueError, match="^constraints: ") as error:
        sampler([constraint], column_types={"gone": "drop"}).fit(X)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("constraints", "said"),
    [
        (
            [FixedCombinations(["a", "b"]), FixedCombinations(["b", "c"])],
            "both say what column 'b' is. Join",
        ),
        ([Formula("b", "a"), Formula("b", "a * 1")], "both say what column 'b' is. Leave one out"),
        ([FixedCombinations(["b", "c"]), Formula("b", "a")], "both say what column 'b' is"),
        ([Inequality("a", "b"), Inequality("b", "a")], "can't be kept together"),
        ([Formula("b", "a"), Formula("a", "b")], "can't be kept together: each of their columns"),
        ([Formula("b", "a"), Inequality("a", "b")], "can't be kept together"),
        ([Formula("b", "a"), Formula("c", "d"), Inequality("b", "c")], "can't be kept together"),
        (
            [Formula("b", "a"), Range("b", low=0)],
            "follows from Formula(column='b', expression='a'), "
            "which may lead out of it; leave one of them out",
        ),
        ([Formula("b", "a"), Inequality("b", "c"), Range("c", low=0)], "may lead out of it"),
    ],
)
def test_constraints_that_contradict_are_refused(constraints, said):
    """Both are named."""
    X = pd.DataFrame(dict.fromkeys("abcd", range(40)))
    with pytest.raises(ValueError, match="^constraints: ") as error:
        sampler(constraints, column_types=dict.fromkeys("abcd", "integer")).fit(X)
    assert said in str(error.value)


def test_more_that_is_refused():
    """Images, identifiers, what is no constraint, and what is no list."""
    with pytest.raises(ValueError, match="are about columns, but X holds images"):
        sampler([Range("a", low=0)]).fit(np.zeros((4, 8, 8)))
    X = pd.DataFrame({"id": range(60), "b": np.random.default_rng(5).normal(size=60)})
    with pytest.raises(ValueError, match=r"column_types=\{'id': 'integer'\}"):
        sampler([Range("id", low=0)]).fit(X)
    with pytest.raises(TypeError, match="constraints holds 'b > 0', which is none. Use Range"):
        sampler(["b > 0"]).fit(X)
    with pytest.raises(ValueError, match="'constraints' parameter of GANSampler must be"):
        sampler(Range("b", low=0)).fit(X)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Range("a"), ValueError, "no bound"),
        (lambda: Range(("a",), 1), TypeError, "name of a column"),
        (lambda: Inequality("a", "a"), ValueError, "with itself"),
        (lambda: FixedCombinations("ab"), TypeError, "in a list"),
        (lambda: FixedCombinations(["a"]), ValueError, "two columns or more"),
        (lambda: FixedCombinations(["a", "a"]), ValueError, "each once"),
        (lambda: Formula("a", lambda b: b), TypeError, "as a string"),
        (lambda: Formula("a", "a + 1"), ValueError, "from itself"),
        (lambda: Formula("a", "2 + 3"), ValueError, "names no column"),
        (lambda: Formula("a", "b c"), ValueError, "can't be read (invalid syntax)"),
        (lambda: Formula("a", ""), ValueError, "can't be read"),
        (lambda: Formula("a", "__import__('os').system('true')"), ValueError, "not understood"),
        (lambda: Formula("a", "b.real"), ValueError, "the part 'b.real', which is not understood"),
        (lambda: Formula("a", "b[0]"), ValueError, "'b[0]'"),
        (lambda: Formula("a", "`x y` @ b"), ValueError, "'`x y` @ b'"),
        (lambda: Formula("a", "b if c else d"), ValueError, "not understood"),
        (lambda: Formula("a", "b > 1"), ValueError, "'b > 1'"),
        (lambda: Formula("a", "b + True"), ValueError, "'True'"),
        (lambda: Formula("a", "b + 'c'"), ValueError, "not understood"),
        (lambda: Formula("a", "b + 2j"), ValueError, "'2j'"),
        (lambda: Formula("a", "exp(b)"), ValueError, "'exp(b)'"),
        (lambda: Formula("a", "min(b)"), ValueError, "'min(b)'"),
        (lambda: Formula("a", "abs(b, c)"), ValueError, "'abs(b, c)'"),
        (lambda: Formula("a", "round(b, c)"), ValueError, "'round(b, c)'"),
        (lambda: Formula("a", "round(b, ndigits=1)"), ValueError, "not understood"),
        (lambda: Formula("a", "b // 2"), ValueError, "'b // 2'"),
    ],
)
def test_a_constraint_checks_itself(make, error, said):
    """What can't be meant is refused where it is written."""
    with pytest.raises(error) as caught:
        make()
    assert said in str(caught.value)


def test_constraints_print_and_compare_as_values():
    """They print what was given, are equal if that is, and can't be changed."""
    assert repr(Range("age", low=0)) == "Range(column='age', low=0)"
    assert repr(Inequality("a", "b")) == "Inequality(low='a', high='b')"
    assert FixedCombinations(["a", "b"]) == FixedCombinations(("a", "b"))
    assert len({Formula("a", "b"), Formula("a", "b")}) == 1
    with pytest.raises(AttributeError):
        Range("age", low=0).low = 1


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("`unit price` * b", ("unit price", "b")),
        ("`0` + `class`", ("0", "class")),
        ("b + b", ("b",)),
        ("_0_ + `a b`", ("_0_", "a b")),
    ],
)
def test_names_in_an_expression(text, names):
    """Names stand as they are, or in backquotes."""
    assert parse(text).names == names


def test_later_data_keep_the_first_constraints():
    """Chunks have to keep them; other ones, and new combinations, are refused."""
    X = orders()
    made = sampler(CONSTRAINTS).partial_fit(X).partial_fit(orders(seed=1))
    check_orders(made.sample(2000))
    with pytest.raises(ValueError, match="Inequality.* is broken by 300 of 300 rows"):
        made.partial_fit(X.assign(shipped=X["ordered"]))
    moved = X.assign(country=np.where(X["city"] == "Oslo", "Italy", X["country"]))
    with pytest.raises(ValueError, match="Columns 'city', 'country' have combinations that the"):
        made.partial_fit(moved)
    with pytest.raises(ValueError, match="constraints=.* differ from those of the fit"):
        made.set_params(constraints=CONSTRAINTS[:2]).partial_fit(X)


def test_warm_start_keeps_constraints():
    """A fit that goes on from another one keeps them, and refuses others."""
    made = sampler(CONSTRAINTS, warm_start=True).fit(orders())
    made = pickle.loads(pickle.dumps(made)).fit(orders(seed=1))
    check_orders(made.sample(2000))
    with pytest.raises(ValueError, match="Set them back, or start afresh"):
        made.set_params(constraints=None).fit(orders())


def test_checkpoints_belong_to_constraints(tmp_path):
    """A run with other constraints does not go on from them."""
    X = pd.DataFrame({"a": LOW / 7, "b": LOW / 7 + 1, "c": np.random.default_rng(5).normal(size=N)})
    sampler([Range("c", low=-9)], checkpoint_dir=tmp_path).fit(X)
    with pytest.raises(CheckpointError, match="its constraints was"):
        sampler([Range("c", low=-8)], checkpoint_dir=tmp_path).fit(X)
    made = sampler([Range("c", low=-9)], checkpoint_dir=tmp_path).fit(X)
    assert made.sample(100)["c"].between(X["c"].min(), X["c"].max()).all()
