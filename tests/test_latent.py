"""Ways through the latent space."""

from __future__ import annotations

import numpy as np
import pytest

from gansynth.inference import latent, noise
from gansynth.inference.artifact import seal
from gansynth.inference.exported import ExportedSampler
from gansynth.schema import Schema

from . import onnx_graphs as graphs
from .test_exported import CLASSES

IMAGES = Schema("numpy", image_shape=(4, 5, 1), dtype="float32", squeeze=True)


@pytest.fixture(scope="module")
def sampler():
    """Images without classes."""
    return ExportedSampler(seal(graphs.images(4, 5, 1), IMAGES, {}), "cpu")


def test_an_arc_keeps_to_the_sphere():
    """Ends are exact, lengths go from one to the other, steps are as far from each other."""
    a, b = np.random.default_rng(0).standard_normal((2, 50)).astype(np.float32)
    b *= 2
    points = latent.arc(a, b, 9)
    np.testing.assert_array_equal(points[[0, -1]], [a, b])
    lengths = np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(lengths, np.linspace(lengths[0], lengths[-1], 9), rtol=1e-5)
    turns = (points / lengths[:, None])[:-1] * (points / lengths[:, None])[1:]
    np.testing.assert_allclose(turns.sum(1), turns.sum(1).mean(), rtol=1e-5)


@pytest.mark.parametrize("b", [[2.0, 0.0], [-1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
def test_points_on_a_line_through_the_origin_have_a_line_between(b):
    """There is no arc then, and no division by zero."""
    points = latent.arc(np.array([1, 0], np.float32), np.array(b, np.float32), 3)
    np.testing.assert_allclose(points[1], [(1 + b[0]) / 2, 0])


def test_ends_are_the_rows_at_their_places(sampler):
    """Of the same random state, to the last bit; vectors go as well."""
    rows = sampler.sample(9, random_state=3)
    way = sampler.interpolate(2, 8, 5, random_state=3)
    assert way.shape == (5, 4, 5)
    np.testing.assert_array_equal(way[[0, -1]], rows[[2, 8]])
    width = sampler.generator.noise_dim
    z = noise.normal(3, 0, 9, width)
    np.testing.assert_array_equal(sampler.interpolate(z[2], z[8], 5), way)


@pytest.mark.parametrize("bad", [-1, 1.5, "row", [1.0], None, [[0.0]]])
def test_what_is_no_place_and_no_noise_is_refused(sampler, bad):
    """By the name of the parameter."""
    with pytest.raises(ValueError, match="b must be the place of a row .* or a vector of"):
        sampler.interpolate(0, bad)
    with pytest.raises(ValueError, match="a must be the place"):
        sampler.interpolate(np.full(sampler.generator.noise_dim, np.nan), 0)


def test_steps_are_checked(sampler):
    """Both ends are on the way."""
    with pytest.raises(ValueError, match="n_steps must be 2 or more"):
        sampler.interpolate(0, 1, 1)
    with pytest.raises(TypeError, match="n_steps must be an integer"):
        sampler.interpolate(0, 1, 2.5)


def test_classes_have_to_be_said():
    """One for all rows, or one each."""
    sampler = ExportedSampler(seal(graphs.table(conditional=True), CLASSES, {}), "cpu")
    way = sampler.interpolate(0, 1, 4, y="never")
    assert way["colour"].tolist() == ["green"] * 4
    labels = ["lots", "lots", "some", "never"]
    colours = sampler.interpolate(0, 1, 4, y=labels)["colour"].tolist()
    assert colours == ["red", "red", "blue", "green"]
    with pytest.raises(ValueError, match="y is missing"):
        sampler.interpolate(0, 1, 4)
    with pytest.raises(ValueError, match="y has 4 labels, but n_steps=5"):
        sampler.interpolate(0, 1, 5, y=labels)
