"""The conformance checks catch what they are for: each of these architectures fails one."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from gansynth.architecture import Augmentation
from gansynth.testing import architecture_checks, parametrize_with_checks
from gansynth_tabular import TabularGAN

X = np.random.default_rng(0).normal(size=(32, 3))


class Healthy(TabularGAN):
    """Small, so that checks are quick."""

    api_version = 1

    def __init__(self, width=8, depth=1, max_distinct=1, min_mass=0.5):
        super().__init__(width, depth, max_distinct, min_mass)


def altered(method, change):
    """Make an architecture of which one method gives what ``change`` makes of its result."""

    def changed(self, *args, **kwargs):
        return change(getattr(Healthy, method)(self, *args, **kwargs))

    return type("Broken", (Healthy,), {"__init__": Healthy.__init__, method: changed})()


def altered_codec(method, change):
    """Make an architecture of which one method of the codec is changed."""

    def change_codec(codec):
        original = getattr(codec, method)
        setattr(codec, method, lambda *args: change(original(*args)))
        return codec

    return altered("codec", change_codec)


def followed_by(layer):
    """Return a change of a network: one more layer on its output."""

    def change(network):
        import keras

        return keras.Model(network.inputs, layer()(network.output))

    return change


def keras_layer(name, *args, **kwargs):
    """Return a maker of a layer, by its name, so that Keras is imported only in a test."""

    def make():
        import keras

        return getattr(keras.layers, name)(*args, **kwargs)

    return make


def without_gradient(network):
    """Cut a network off from the weights before its output."""
    import keras

    return keras.Model(network.inputs, keras.ops.stop_gradient(network.output))


def with_a_part_that_sees_no_rows(critic):
    """Add a kernel to the logits that no row goes through."""
    import keras

    blind = keras.layers.Dense(1)(keras.ops.stop_gradient(critic.inputs[0]))
    return keras.Model(critic.inputs, critic.output + blind)


def drawing_globally(network):
    """Draw a number on the way, as an initialiser without a seed does."""
    random.random()
    return network


def with_noise_of_its_own(columns):
    """Add random numbers to columns, inside the graph."""
    import tensorflow as tf

    return {name: v + tf.random.normal(tf.shape(v), dtype=v.dtype) for name, v in columns.items()}


def otherwise_in_a_graph(columns):
    """Give other values when traced than when run eagerly."""
    import tensorflow as tf

    step = 0.0 if tf.executing_eagerly() else 0.01
    return {name: v + tf.constant(step, v.dtype) for name, v in columns.items()}


class Resized(Augmentation):
    """Has a gradient, of which TensorFlow has none."""

    numbers = 1

    def __call__(self, rows, numbers):
        import tensorflow as tf

        return tf.image.resize(rows[:, :, None, None], (6, 1))[:, ::2, 0, 0]


class Halved(Augmentation):
    """Gives fewer rows than it takes."""

    numbers = 1

    def __call__(self, rows, numbers):
        return rows[: len(rows) // 2]


def summed_along_rows(columns):
    """Let each row depend on those after it."""
    import tensorflow as tf

    return {name: tf.cumsum(v, reverse=True) for name, v in columns.items()}


def refusing_few_rows(rows):
    """Fail on data of two rows."""
    if len(rows) < 3:
        raise ValueError("too few rows")
    return rows


class Restless(Healthy):
    """Changes its parameters while it works."""

    def codec(self, spec, data):
        self.width += 1
        return super().codec(spec, data)


class Growing(Healthy):
    """Is never settled."""

    def sized(self, spec, on_gpu):
        return Growing(width=self.width + 1)


class Grasping(Healthy):
    """Accepts images, and can't read them."""

    def accepts(self, spec):
        return 50

    def codec(self, spec, data):
        if spec.schema.is_image:
            raise ValueError("these are images")
        return super().codec(spec, data)


class Drifting(Healthy):
    """Does not calibrate twice alike."""

    offset = 0.0

    def codec(self, spec, data):
        codec = super().codec(spec, data)
        decode = codec.decode
        Drifting.offset += 1.0
        offset = Drifting.offset
        codec.decode = lambda rows: {k: v + offset for k, v in decode(rows).items()}
        return codec


class Unpicklable(Healthy):
    """Holds on to what can't be pickled."""

    def codec(self, spec, data):
        self.held_ = lambda: None
        return super().codec(spec, data)


BROKEN = [
    ("parameters", Restless(), "parameters were changed"),
    ("sized", altered("sized", lambda _: "large"), "no Architecture"),
    ("sized", Growing(), "sized() of Growing"),
    ("accepts", altered("accepts", str), "which is no int"),
    ("accepts", altered("accepts", lambda _: 101), "not from 0 to 100"),
    ("accepts", altered("accepts", lambda _: 0), "does not accept the data"),
    ("accepts", Grasping(), "these are images"),
    ("recipe", altered("recipe", lambda r: replace(r, loss="best")), "'best' is none of"),
    ("recipe", altered("recipe", lambda r: replace(r, steps=0)), "steps=0 is no count"),
    ("encode", altered_codec("encode", lambda rows: rows.astype(float)), "float64, not float32"),
    ("encode", altered_codec("encode", lambda rows: rows[1:]), "gave 31 rows for 32"),
    ("encode", altered_codec("encode", lambda rows: rows[:, :0]), "encode gave nothing"),
    ("encode", altered_codec("encode", lambda rows: rows * np.float32("nan")), "not finite"),
    (
        "encode",
        altered_codec("encode", lambda rows: rows + np.float32(random.random())),
        "Arrays are not equal",
    ),
    ("shapes", altered("generator", followed_by(keras_layer("Dense", 9))), "the data are (5, 3)"),
    ("shapes", altered("critic", followed_by(keras_layer("Dense", 2))), "gives (5, 2), not (5, 1)"),
    ("seed", altered("critic", followed_by(keras_layer("Dense", 1))), "one seed gave two weights"),
    (
        "rows_are_independent",
        altered("generator", followed_by(keras_layer("BatchNormalization"))),
        "generator(training=True): rows depend on each other, or on chance",
    ),
    (
        "rows_are_independent",
        altered("critic", followed_by(keras_layer("Dropout", 0.5, seed=1))),
        "critic(training=True): rows depend on each other, or on chance",
    ),
    ("gradients", altered("generator", without_gradient), "gets no gradient"),
    ("gradient_penalty", altered("critic", with_a_part_that_sees_no_rows), "does not reach"),
    (
        "gradient_penalty",
        altered("recipe", lambda r: replace(r, augmentation=Resized())),
        "does not reach",
    ),
    (
        "shapes",
        altered("recipe", lambda r: replace(r, augmentation=Halved())),
        "augmentation makes (2, 3) of (5, 3)",
    ),
    ("export", altered_codec("decode", otherwise_in_a_graph), "x0, batch of 1"),
    ("graph", altered_codec("decode", with_noise_of_its_own), "draws by chance: ['RandomNormal"),
    ("fit_is_deterministic", Drifting(), "Arrays are not equal"),
    ("sample", altered_codec("decode", summed_along_rows), "Arrays are not equal"),
    ("pickle", Unpicklable(), "local object 'Unpicklable.codec"),
    ("two_rows", altered_codec("encode", refusing_few_rows), "too few rows"),
    ("global_random_state", altered("critic", drawing_globally), "state of random was used"),
]


@pytest.mark.parametrize(
    ("name", "architecture", "reason"), BROKEN, ids=[f"{i}-{b[0]}" for i, b in enumerate(BROKEN)]
)
def test_a_broken_architecture_fails_the_check_that_is_for_it(name, architecture, reason):
    """Each check fails, with a reason, on an architecture that breaks its rule."""
    check = dict(architecture_checks(architecture, X))[name]
    with pytest.raises(Exception) as caught:
        check()
    assert reason in str(caught.value)


def test_the_healthy_one_is_healthy():
    """What is broken above is what was altered: without it, the checks pass."""
    checks = dict(architecture_checks(Healthy(), X))
    assert {name for name, *_ in BROKEN} <= set(checks)
    for name in ("parameters", "accepts", "encode", "layout", "shapes", "seed", "gradients"):
        checks[name]()


def test_checks_become_parameters_of_a_test_by_name():
    """The decorator names each test after the architecture, the use of y, and the check."""
    mark = parametrize_with_checks([(Healthy(), X), (Healthy(), X, np.arange(32) % 2)]).mark
    names = [parameter.id for parameter in mark.args[1]]
    assert "Healthy-encode" in names
    assert "Healthy-y-encode" in names
    assert len(names) == len(set(names))
