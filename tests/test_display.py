"""Displays: what they draw, and on which axes."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.exceptions import NotFittedError

import gansynth
from gansynth import GANSampler
from gansynth.display import LatentDisplay

from .test_mixing import clouds, images

TINY = {"steps": 5, "batch_size": 8, "random_state": 0}


@pytest.fixture(autouse=True)
def no_windows():
    """Draw into memory, and leave no figure open."""
    with mpl.rc_context({"backend": "agg"}):
        yield
    plt.close("all")


def shown(display: LatentDisplay) -> np.ndarray:
    """The mosaic that was drawn."""
    (mosaic,) = display.ax_.get_images()
    return np.asarray(mosaic.get_array())


def test_each_way_is_a_row_of_images():
    """Tiles are what `interpolate` gives, a class a row, with a line between them."""
    display = LatentDisplay.from_estimator(images(), n_steps=4, random_state=2)
    assert display.ways.shape == (5, 4, 6, 5, 1)
    way = images().interpolate(2, 3, 4, y=1, random_state=2)
    np.testing.assert_array_equal(display.ways[1, ..., 0], way)
    mosaic = shown(display)
    assert mosaic.shape == (5 * 7 - 1, 4 * 6 - 1)
    assert (mosaic[6] == 1).all()
    expected = (way[3] - float(display.ways.min())) / np.ptp(display.ways.astype(float))
    np.testing.assert_allclose(mosaic[7:13, 18:23], expected)


def test_a_row_goes_from_class_to_class():
    """Each of the same noise, by default."""
    display = LatentDisplay.from_estimator(images(), y=(0, 2))
    way = images().interpolate(3, 3, 8, y=(0, 2), random_state=0)
    np.testing.assert_array_equal(display.ways[3, ..., 0], way)


def test_points_are_lines_on_axes_that_are_given():
    """With and without classes; options are matplotlib's."""
    ax = Figure().add_subplot()
    for sampler in clouds():
        ax.clear()
        display = LatentDisplay.from_estimator(sampler, [(0, 1), (5, 2)], 6, ax=ax, color="k")
        assert display.ax_ is ax
        assert display.figure_ is ax.figure
        lines = ax.get_lines()
        assert [line.get_color() for line in lines] == ["k", "k"]
        np.testing.assert_array_equal(np.transpose(lines[1].get_data()), display.ways[1])


def test_rows_of_pixels_and_files_are_shown_as_images(tmp_path):
    """Whatever the container; colours stay colours, of real numbers too."""
    X = np.random.default_rng(0).random((20, 4 * 4 * 3))
    sampler = GANSampler("image", image_shape=(4, 4, 3), **TINY).fit(X)
    sampler.to_onnx(tmp_path / "m.onnx")
    display = LatentDisplay.from_estimator(gansynth.load(tmp_path / "m.onnx"), n_steps=3)
    assert display.ways.shape == (5, 3, 4, 4, 3)
    assert shown(display).shape == (24, 14, 3)
    np.testing.assert_array_equal(
        shown(display), shown(LatentDisplay.from_estimator(sampler, n_steps=3))
    )


def test_one_coordinate_is_drawn_over_the_steps():
    """There is no plane to draw it in."""
    display = LatentDisplay(np.arange(6.0).reshape(2, 3, 1)).plot()
    assert display.ax_.get_lines()[1].get_xydata().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_what_can_not_be_shown_is_refused():
    """Samplers that are not fitted, tables, and no ways at all."""
    with pytest.raises(NotFittedError):
        LatentDisplay.from_estimator(GANSampler())
    with pytest.raises(ValueError, match=r"ends=\[\] has no ways"):
        LatentDisplay.from_estimator(clouds()[1], [])
    table = GANSampler("tabular", **TINY).fit(np.arange(40).reshape(20, 2))
    with pytest.raises(ValueError, match="these are rows of a table"):
        LatentDisplay.from_estimator(table)
