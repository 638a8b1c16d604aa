"""Images that come as rows of pixels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix
from sklearn.datasets import load_digits

import gansynth
from gansynth import GANSampler, containers
from gansynth.schema import Schema
from gansynth_image import ImageGAN

PIXELS, CLASSES = load_digits(return_X_y=True)
PIXELS, CLASSES = PIXELS[:60], CLASSES[:60]
NAMES = [f"pixel_{i}" for i in range(64)]
ROWS = {
    "float64": PIXELS,
    "uint8": PIXELS.astype(np.uint8),
    "bool": PIXELS > 8,
    "object": PIXELS.astype(object),
    "list": PIXELS.tolist(),
    "pandas": pd.DataFrame(PIXELS.astype(np.int16), columns=NAMES),
    "nullable": pd.DataFrame(PIXELS.astype(int), columns=NAMES).astype("Int32"),
    "mixed": pd.DataFrame(PIXELS, columns=NAMES).astype({"pixel_3": int}),
    "polars": pl.DataFrame(PIXELS.astype(np.float32), schema=NAMES),
    "sparse": csr_matrix(PIXELS),
}
SMALL = {"steps": 2, "batch_size": 8, "random_state": 0}


def as_array(X):
    return X.toarray() if hasattr(X, "toarray") else np.asarray(X).astype(float)


@pytest.mark.parametrize("kind", ROWS)
def test_rows_are_folded_and_unfolded(kind):
    """Into images of the same values, and back into what they came in, by a schema of JSON."""
    X = ROWS[kind]
    schema, data = containers.fold(*containers.read(X), (8, 8))
    assert schema.is_image
    assert data["image"].shape == (60, 8, 8, 1)
    np.testing.assert_array_equal(data["image"].reshape(60, 64).astype(float), as_array(X))
    schema = Schema.from_json(schema.to_json())
    back = containers.write(schema, data, 60)
    assert type(back) is type(X)
    np.testing.assert_array_equal(as_array(back), as_array(X))
    if isinstance(X, pd.DataFrame):
        pd.testing.assert_frame_equal(back, X)
    again = containers.read_as(schema, X)["image"]
    np.testing.assert_array_equal(again, data["image"])
    assert again.dtype == data["image"].dtype


def test_channels_change_fastest():
    """As numpy's reshape has it."""
    rows = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 60)
    schema, data = containers.fold(*containers.read(rows), (4, 5, 3))
    np.testing.assert_array_equal(data["image"], rows.reshape(2, 4, 5, 3))
    assert schema.modelled.dtype == data["image"].dtype == np.uint8


@pytest.fixture(scope="module", params=["uint8", "pandas"])
def fitted(request):
    """A sampler of digits that came as rows, and the rows."""
    X = ROWS[request.param]
    sampler = GANSampler(ImageGAN(width=4), image_shape=(8, 8), **SMALL)
    return sampler.fit(X, CLASSES), X


def test_samples_are_rows_too(fitted, tmp_path):
    """Of the dtype and names of X, from a file too; and a score is told of rows."""
    sampler, X = fitted
    rows = sampler.sample(5)
    assert type(rows) is type(X)
    assert rows.shape == (5, 64)
    assert sampler.n_features_in_ == 64
    if isinstance(X, pd.DataFrame):
        assert rows.dtypes.equals(X.dtypes)
        assert list(sampler.feature_names_in_) == NAMES
    else:
        assert rows.dtype == X.dtype
    assert sampler.score(X, CLASSES) < 0
    sampler.to_onnx(tmp_path / "digits.onnx")
    loaded = gansynth.load(tmp_path / "digits.onnx").sample(5, random_state=0)
    np.testing.assert_array_equal(np.asarray(loaded), np.asarray(sampler.sample(5, random_state=0)))
    assert "8 x 8 x 1" in sampler._repr_html_()


def test_auto_finds_the_architecture_of_images():
    """Without the shape, rows are a table."""
    sampler = GANSampler(image_shape=(8, 8), steps=1, batch_size=4, random_state=0)
    assert sampler.fit(PIXELS[:20]).architecture_name_ == "image"


def test_rows_are_oversampled():
    """Originals first and untouched, in a frame."""
    X, y = ROWS["pandas"], np.where(CLASSES == 3, "three", "other")
    sampler = GANSampler(ImageGAN(width=4), image_shape=(8, 8), **SMALL)
    with pytest.warns(UserWarning, match="of class 'three'"):
        rows, labels = sampler.fit_resample(X, y)
    pd.testing.assert_frame_equal(rows[:60], X)
    assert pd.Series(labels).value_counts().nunique() == 1


@pytest.mark.parametrize(
    ("X", "shape", "message"),
    [
        (PIXELS, (8, 9), r"makes 72 values an image, but X has 64 columns"),
        (PIXELS, (64,), r"image_shape=\(64,\) is no shape of images"),
        (PIXELS, (8, 8.0), r"is no shape of images"),
        (PIXELS, (-8, -8), r"makes 64 values"),
        (PIXELS.reshape(-1, 8, 8), (8, 8), "X holds images of shape .* already"),
        (ROWS["pandas"].assign(pixel_3="grey"), (8, 8), "Columns 'pixel_3' hold no numbers"),
        (ROWS["mixed"].assign(pixel_5=np.nan), (8, 8), "Columns 'pixel_5' of X have missing"),
    ],
)
def test_what_makes_no_images_is_told(X, shape, message):
    """By name, before training."""
    with pytest.raises(ValueError, match=message):
        GANSampler(image_shape=shape).fit(X)


def test_columns_of_pixels_have_no_types():
    """They are pixels."""
    with pytest.raises(ValueError, match="is about columns, but X holds images"):
        GANSampler(image_shape=(8, 8), column_types={"x0": "float"}).fit(PIXELS)


def test_further_rows_have_to_be_of_the_kind_fitted(fitted):
    """As many columns; no images."""
    sampler, X = fitted
    schema = sampler.artifact_.schema
    with pytest.raises(ValueError, match=r"63 features|missing column"):
        containers.read_as(schema, X[NAMES[1:]] if hasattr(X, "columns") else X[:, 1:])
    with pytest.raises(ValueError, match="from 0 to 96000, which u?int.* can't hold"):
        containers.read_as(schema, 6000 * PIXELS.astype(int))
    with pytest.raises(ValueError, match="but tables were fitted"):
        containers.read_as(schema, PIXELS.reshape(-1, 8, 8))
