"""Real rows and synthetic ones, brought into one form."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gansynth.comparison import of_samples

rng = np.random.default_rng(0)


def table(n: int = 30) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "size": rng.normal(size=n),
            "kind": rng.choice(["a", "b"], n),
            "name": [f"{i:x} Street" for i in range(n)],
        }
    )


def test_names_are_left_out():
    """Labels that are different in most rows can't be compared."""
    rows = of_samples(table(), table())
    assert list(rows.real.columns) == ["size", "kind"]
    assert (rows.kind, rows.left_out) == ("table", ("name",))
    with pytest.raises(ValueError, match="nothing to compare: name hold names"):
        of_samples(table()[["name"]], table()[["name"]])


def test_containers_may_differ():
    """Times and decimals are the same wherever they are, in whatever unit."""
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 9), None]
    prices = [Decimal("1.50"), None, Decimal("2.5")]
    real = pd.DataFrame({"day": days, "price": prices})
    synthetic = pl.DataFrame({"day": days, "price": [1.5, None, 2.5]})
    rows = of_samples(real, synthetic)
    for name in ("day", "price"):
        np.testing.assert_array_equal(rows.real[name], rows.synthetic[name])


def test_classes_are_a_column_more():
    """With a name that is not taken; points stay points."""
    points = rng.normal(size=(20, 2))
    rows = of_samples(points, points, y=([1] * 20, [2] * 20), target="x0")
    assert (rows.kind, rows.target) == ("points", "x0_")
    assert rows.features == ["x0", "x1"]
    assert set(rows.synthetic["x0_"]) == {"2"}


@pytest.mark.parametrize(
    ("real", "synthetic", "told"),
    [
        (table(), table()[:0], "synthetic has no rows"),
        (table()[:0], table(), "real has no rows"),
        (table(), table().drop(columns="size"), "only one of them has size"),
        (table(), table().assign(size="x"), "'size' holds numbers in real and labels in synth"),
        (np.ones((9, 4, 4)), np.ones((9, 4, 5)), r"\(4, 4, 1\), synthetic of \(4, 5, 1\)"),
        (np.ones((9, 4, 4)), np.ones((9, 4)), "give one kind"),
    ],
)
def test_what_can_not_be_compared_is_refused(real, synthetic, told):
    """By name, with a remedy."""
    with pytest.raises(ValueError, match=told):
        of_samples(real, synthetic)
