"""Between classes: weights of classes in the exported graph, and ways that lead through them."""

from __future__ import annotations

import functools

import keras
import numpy as np
import onnxruntime
import pytest

from gansynth import GANSampler
from gansynth.training.export import export
from gansynth.training.mixing import MOST_CLASSES
from gansynth_distribution2d import Distribution2DGAN
from gansynth_image import ImageGAN

from .toys import PlainCodec, ToyGAN, points

rng = np.random.default_rng(0)
TINY = {"steps": 5, "batch_size": 8, "random_state": 0}


def session_of(n_classes: int) -> tuple[keras.Model, onnxruntime.InferenceSession]:
    """A generator that adds a vector of the class to the noise, and its graph."""
    z, y = keras.Input((2,)), keras.Input((), dtype="int32")
    vectors = keras.layers.Embedding(n_classes, 2, keras.initializers.RandomNormal(seed=0))(y)
    generator = keras.Model([z, y], z + vectors)
    graph = export(generator, PlainCodec(["a", "b"]), n_classes=n_classes, mixed=True)
    return generator, onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])


@functools.cache
def images() -> GANSampler:
    """A sampler of images in three classes."""
    X = rng.integers(0, 256, (30, 6, 5)).astype(np.uint8)
    return GANSampler(ImageGAN(width=4), **TINY).fit(X, np.arange(30) % 3)


@functools.cache
def clouds() -> tuple[GANSampler, GANSampler]:
    """A sampler of points in two classes, and one of the same without."""
    X = rng.standard_normal((40, 2))
    architecture = Distribution2DGAN(width=8, charts=32)
    labelled = GANSampler(architecture, **TINY).fit(X, np.repeat(["left", "right"], 20))
    return labelled, GANSampler(architecture, **TINY).fit(X)


def test_weights_take_the_place_of_the_class_row_by_row():
    """A mean of vectors where they are given, the class elsewhere; they may be left out."""
    generator, session = session_of(3)
    vectors = generator.layers[-2].get_weights() or generator.get_weights()
    z, y = np.zeros((2, 2), np.float32), np.array([2, 1])
    weights = np.array([[0.25, 0.75, 0.0], [np.nan] * 3], np.float32)
    mixed = np.transpose(session.run(None, {"z": z, "y": y, "class_weights": weights}))
    np.testing.assert_allclose(mixed[0], 0.25 * vectors[0][0] + 0.75 * vectors[0][1], rtol=1e-6)
    np.testing.assert_allclose(mixed[1], vectors[0][1], rtol=1e-6)
    alone = np.transpose(session.run(None, {"z": z, "y": y}))
    np.testing.assert_allclose(alone, vectors[0][y], rtol=1e-6)


def test_very_many_classes_are_not_mixed():
    """Every row would pay for the weights of all."""
    optional = [
        [value.name for value in session_of(n)[1].get_overridable_initializers()]
        for n in (MOST_CLASSES, MOST_CLASSES + 1)
    ]
    assert optional == [["class_weights"], []]


def test_the_generator_is_left_as_it_was():
    """Its layers are shared, its own graph still takes codes."""
    generator, _ = session_of(3)
    rows = generator([np.zeros((2, 2), np.float32), np.array([2, 1])])
    np.testing.assert_array_equal(rows, generator.get_weights()[0][[2, 1]])


def test_a_way_leads_from_one_class_to_another():
    """From the row of one to the same row of the other, to the last bit, through neither."""
    way = images().interpolate(4, 4, 5, y=(0, 2), random_state=3)
    ends = [images().sample(5, y=label, random_state=3)[4] for label in (0, 2)]
    np.testing.assert_array_equal(way[[0, -1]], ends)
    assert all((way[2] != end).any() for end in ends)


def test_two_labels_for_two_steps_are_the_ends():
    """One label a row and the labels of both ends are the same thing there."""
    way = images().interpolate(0, 1, 2, y=(0, 2), random_state=3)
    np.testing.assert_array_equal(way[0], images().sample(1, y=0, random_state=3)[0])
    np.testing.assert_array_equal(way[1], images().sample(2, y=2, random_state=3)[1])


def test_points_go_from_class_to_class():
    """A file does it as well, and without TensorFlow."""
    labelled, _ = clouds()
    way = labelled.interpolate(0, 0, 4, y=("left", "right"), random_state=1)
    np.testing.assert_array_equal(way[0], labelled.sample(1, y="left", random_state=1)[0])
    np.testing.assert_array_equal(way[-1], labelled.sample(1, y="right", random_state=1)[0])
    assert len(np.unique(way, axis=0)) == 4


def test_what_has_nothing_between_classes_is_told():
    """A model of an architecture that does not mix classes, and a wrong number of labels."""
    X = points()[:40]
    toy = GANSampler(ToyGAN(), **TINY).fit(X, np.arange(len(X)) % 2)
    with pytest.raises(ValueError, match="y has 2 labels, but n_steps=5 .* nothing between"):
        toy.interpolate(0, 1, 5, y=(0, 1))
    with pytest.raises(ValueError, match="y has 3 labels, but n_steps=5 .* those of both ends"):
        images().interpolate(0, 1, 5, y=(0, 1, 2))
