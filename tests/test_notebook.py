"""What notebooks show of a sampler."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from decimal import Decimal
from textwrap import dedent

import nbclient
import nbformat
import numpy as np
import pandas as pd
import pytest
import sklearn

from gansynth import ExportedSampler, GANSampler
from gansynth.column_types import settle
from gansynth.containers import read
from gansynth.notebook import details, notes, title
from gansynth.schema import Column, Schema
from gansynth_tabular import TabularGAN

N = 60
RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "<b>id</b>": [f"N-{i:04}" for i in range(N)],
        "price": pd.Series([Decimal(i).scaleb(-2) for i in range(N)], dtype=object),
        "when": pd.date_range("2024-01-01 12:00", periods=N, tz="Europe/Berlin", unit="s"),
        "span": pd.to_timedelta(np.arange(N), unit="h").as_unit("s"),
        "kind": pd.Categorical(RNG.choice(["a", "b", "c"], N), ordered=True),
        "gap": np.where(RNG.random(N) < 0.5, np.nan, 2.5),
        "flag": RNG.random(N) < 0.5,
        "count": RNG.integers(10, 9999, N),
        "notes": "x",
    }
)


@pytest.fixture(scope="module")
def schema() -> Schema:
    return settle(*read(TABLE, ["notes"]), {"notes": "drop"})[0]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("<b>id</b>", "made anew, such as N-0060"),
        ("price", "0.00 to 0.59"),
        ("when", "2024-01-01 11:00:00 to 2024-02-29 11:00:00, Europe/Berlin"),
        ("span", "0:00:00 to 2 days, 11:00:00"),
        ("kind", "3 ordered categories"),
        ("gap", "2.5, missing values"),
        ("flag", ""),
        ("count", f"{TABLE['count'].min()} to {TABLE['count'].max()}"),
    ],
)
def test_notes_on_a_column(schema, name, said):
    """Range, categories, time zone, gaps, and what identifiers look like are told."""
    assert notes({column.name: column for column in schema.columns}[name]) == said


def test_the_table_is_well_formed_and_escaped(schema):
    """Names are text, never markup; headers have scopes, the table a caption."""
    tree = ET.fromstring(details(schema, {"steps & co": "<3"}))
    assert tree.find("summary").text == "8 columns of a pandas data frame"
    assert tree.find("dl/dt").text == "steps & co"
    assert tree.find("dl/dd").text == "<3"
    assert tree.find("table/caption").text == "Columns"
    heads = [head.get("scope") for head in tree.findall("table/thead/tr/th")]
    assert heads == ["col"] * 4
    rows = tree.findall("table/tbody/tr")
    assert [row.find("th").text for row in rows[:-1]] == list(TABLE)[:-1]
    assert rows[-1].find("td").text == "dropped: notes"


def test_very_many_columns_are_cut_short():
    """A page is not flooded by a table of a thousand columns."""
    columns = tuple(Column(i, "float", "float64") for i in range(1000))
    shown = details(Schema("numpy", columns=columns), {})
    assert shown.count("<tr>") == 102
    assert "and 900 more" in shown


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (Schema("numpy", image_shape=(8, 9, 3)), "Images of 8 x 9 x 3"),
        (
            Schema("list", columns=(Column("x0", "float", "float64"),), classes=(0, 1)),
            "1 column of a list of rows, 2 classes",
        ),
    ],
)
def test_titles(schema, expected):
    """Images and classes are named too."""
    assert title(schema) == expected
    ET.fromstring(details(schema, {}))


def test_a_fitted_sampler_shows_what_it_learned():
    """scikit-learn's diagram comes first, then what was learned; before fit, the diagram alone."""
    sampler = GANSampler(
        TabularGAN(width=16, depth=1),
        steps=2,
        batch_size=16,
        random_state=0,
        column_types={"notes": "drop"},
    )
    assert "GANSampler" in sampler._repr_html_()
    assert "<details><summary>8 columns" not in sampler._repr_html_()
    sampler.fit(TABLE)
    for shown in (sampler._repr_html_(), sampler._repr_mimebundle_()["text/html"]):
        assert shown.index("sk-container") < shown.index("<details><summary>8 columns")
        assert f"<dt>architecture</dt><dd>{sampler.architecture_name_}</dd>" in shown
    with sklearn.config_context(display="text"):
        assert not hasattr(sampler, "_repr_html_")
    exported = ExportedSampler(sampler.artifact_, "cpu")._repr_html_()
    assert "<dt>samples</dt><dd>60</dd>" in exported
    assert "8 columns of a pandas data frame" in exported


CELLS = (
    """
    from sklearn.datasets import make_moons
    from gansynth import GANSampler
    from gansynth.display import SampleDisplay
    X, _ = make_moons(80, noise=0.1, random_state=0)
    """,
    "sampler = GANSampler(steps=20, verbose=1, random_state=0).fit(X)",
    "sampler",
    "display = SampleDisplay.from_estimator(sampler, X)",
)


def test_a_notebook_runs(tmp_path, monkeypatch):
    """The bar is seen to its end, then what was learned, and a picture: nothing else, no error."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    cells = [nbformat.v4.new_code_cell(dedent(cell).strip()) for cell in CELLS]
    book = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(
        book, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    imported, fitted, shown, drawn = (cell.outputs for cell in book.cells)
    assert not imported
    (bar,) = (output.data["text/html"] for output in fitted)
    assert "20/20 steps" in bar
    assert "<details><summary>2 columns" in shown[0].data["text/html"]
    assert "image/png" in drawn[0].data
