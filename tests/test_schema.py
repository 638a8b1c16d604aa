"""Schemas: what is written as JSON comes back equal."""

from __future__ import annotations

import json

import pytest

from gansynth.schema import INPUT_NAMES, Column, Schema

SCHEMAS = {
    "table": Schema(
        "pandas",
        columns=(
            Column("größe", "float", "float64", nullable=True),
            Column(7, "integer", "Int64"),
            Column("färbe", "category", "category[str]", ("grün", "rot", "藍", ""), ordered=True),
            Column("grade", "category", "category[int64]", (3, 1, 2)),
            Column("flag", "category", "category[bool]", (False, True)),
            Column("level", "category", "category[float64]", (0.1, 2.5)),
            Column("nothing", "category", "object", (), nullable=True),
        ),
        classes=("ja", "nein"),
        class_counts=(3, 4),
        class_dtype="<U4",
    ),
    "images": Schema("numpy", image_shape=(8, 8, 1), dtype="uint8", squeeze=True),
    "boolean classes": Schema("list", classes=(False, True), class_counts=(1, 1)),
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS.keys())
def test_json_round_trip(schema):
    """A schema read from its JSON equals itself, labels keeping their types."""
    read = Schema.from_json(schema.to_json())
    assert read == schema
    assert repr(read) == repr(schema)  # True == 1 == 1.0, but their reprs differ


def test_json_is_plain_ascii():
    """Any file format can hold the JSON, whatever letters the labels have."""
    text = SCHEMAS["table"].to_json()
    assert text.isascii()
    assert json.loads(text)["columns"][2]["categories"] == ["grün", "rot", "藍", ""]


@pytest.mark.parametrize("name", INPUT_NAMES)
def test_output_avoids_the_names_of_inputs(name):
    """A column called like an input of the exported graph gets an underscore there."""
    assert Column(name, "float", "float64").output == f"{name}_"


def test_output_of_other_names():
    """Other columns keep their names in the graph, as strings."""
    assert Column("age", "float", "float64").output == "age"
    assert Column(0, "float", "float64").output == "0"


@pytest.mark.parametrize(("shape", "is_image"), [((), False), ((8, 8, 3), True)])
def test_is_image(shape, is_image):
    """A schema with an image shape is one of images."""
    assert Schema("numpy", image_shape=shape).is_image is is_image


def test_an_unknown_container_is_refused():
    """A file may say anything; what no sample can be handed back in is refused as it is read."""
    text = Schema("numpy").to_json().replace("numpy", "save_npz")
    with pytest.raises(ValueError, match="container 'save_npz' is unknown"):
        Schema.from_json(text)
