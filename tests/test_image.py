"""The image architecture: any size, channels, range and dtype; networks that export."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from sklearn.base import clone

import gansynth_image
from gansynth import GANSampler, containers
from gansynth.architecture import DataSpec, NetworkSpec
from gansynth_image import ImageGAN, networks

rng = np.random.default_rng(0)
SIZES = [(8, 8, 1), (28, 28, 1), (9, 13, 3), (4, 5, 2), (7, 32, 4)]


def described(X, y=None):
    """Spec, data and class codes of X and y."""
    schema, data = containers.read(X)
    codes = None
    if y is not None:
        classes, codes, counts, dtype = containers.read_labels(y)
        schema = replace(schema, classes=classes, class_counts=counts, class_dtype=dtype)
    return DataSpec(schema, len(X)), data, codes


def codec_of(X):
    """The architecture's codec of X."""
    spec, data, _ = described(X)
    return ImageGAN().codec(spec, data)


def stirred(network):
    """Move all weights a little, those too that are zero at first."""
    draws = np.random.default_rng(1)
    for weight in network.trainable_weights:
        weight.assign_add(0.05 * draws.standard_normal(weight.shape).astype(np.float32))
    return network


def inputs_of(network, n, n_classes):
    """Noise and, where there are classes, codes for n images, as tensors."""
    import tensorflow as tf

    draws = np.random.default_rng(n)
    z = tf.constant(draws.standard_normal((n, network.inputs[0].shape[-1])), tf.float32)
    return [z, tf.constant(draws.integers(0, n_classes, n), tf.int32)] if n_classes else [z]


@pytest.mark.parametrize(
    "X",
    [
        rng.integers(0, 256, (5, 8, 8)).astype(np.uint8),
        rng.integers(3, 17, (5, 6, 7, 3)).astype(np.uint8),
        rng.normal(1e4, 3.0, (5, 5, 4)).astype(np.float32),
        rng.uniform(-1e-6, 1e-6, (5, 4, 9, 2)),
        1e9 + rng.random((5, 8, 8, 4)),
        rng.random((5, 4, 4)).astype(np.float16),
        rng.integers(-3000, 3000, (5, 4, 4, 1)).astype(np.int16),
        rng.random((5, 4, 4)) < 0.5,
    ],
    ids=lambda X: f"{X.dtype}-{'x'.join(map(str, X.shape[1:]))}",
)
def test_images_survive_encoding(X):
    """Encoded images lie in [-1, 1], and decode to the image they came from and its dtype."""
    spec, data, _ = described(X)
    codec = ImageGAN().codec(spec, data)
    rows = codec.encode(data, np.random.default_rng(0))
    assert rows.shape == (len(X), *codec.layout)
    assert rows.dtype == np.float32
    assert np.isclose(np.abs(rows).max(), 1.0)
    assert np.abs(rows).max() <= 1.0 + 1e-6
    images = codec.decode(rows)["image"].numpy()
    assert images.dtype == X.dtype
    decoded = containers.write(spec.schema, {"image": images}, len(X))
    assert decoded.shape == X.shape
    if X.dtype.kind == "f":
        precision = max(1e-6, np.finfo(X.dtype).eps)
        room = precision * np.ptp(X.astype(float)) + np.finfo(X.dtype).eps * np.abs(X).max()
        np.testing.assert_allclose(decoded.astype(float), X.astype(float), rtol=0, atol=room)
    else:
        np.testing.assert_array_equal(decoded, X)


def test_channels_have_ranges_of_their_own():
    """A faint channel fills [-1, 1] like a bright one, and a constant one stays constant."""
    X = rng.random((6, 4, 4, 3)) * [1.0, 1000.0, 0.0] + [0.0, -500.0, 0.3]
    codec = codec_of(X)
    rows = codec.encode({"image": X}, np.random.default_rng(0))
    np.testing.assert_allclose(rows.min(axis=(0, 1, 2)), [-1, -1, 0], atol=1e-6)
    np.testing.assert_allclose(rows.max(axis=(0, 1, 2)), [1, 1, 0], atol=1e-6)
    anything = np.full((2, 4, 4, 3), 0.7, np.float32)
    np.testing.assert_array_equal(codec.decode(anything)["image"][..., 2], 0.3)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_generated_values_stay_in_the_range_of_the_data(dtype):
    """What the generator makes beyond the range is clipped to it."""
    X = rng.integers(10, 201, (6, 4, 4, 2)).astype(dtype)
    rows = np.linspace(-9, 9, 3 * 32, dtype=np.float32).reshape(3, 4, 4, 2)
    images = codec_of(X).decode(rows)["image"].numpy()
    low, high = (bound(axis=(0, 1, 2)) for bound in (X.min, X.max))
    np.testing.assert_array_equal(images.min(axis=(0, 1, 2)), low)
    np.testing.assert_array_equal(images.max(axis=(0, 1, 2)), high)


def test_a_range_can_be_stated():
    """It is what [-1, 1] stands for, whatever the data reach of it; data beyond it are named."""
    X = rng.uniform(0.2, 0.4, (6, 4, 4, 2))
    spec, data, _ = described(X)
    codec = ImageGAN(value_range=(0, 1)).codec(spec, data)
    rows = codec.encode(data, np.random.default_rng(0))
    np.testing.assert_allclose(rows, 2 * X - 1, atol=1e-6)
    anything = np.array([-9.0, 0.0, 9.0], np.float32).reshape(3, 1, 1, 1) * np.ones((4, 4, 2))
    decoded = codec.decode(anything.astype(np.float32))["image"].numpy()
    np.testing.assert_array_equal(decoded[:, 0, 0, 0], [0.0, 0.5, 1.0])
    X[4, 1, 1, 1] = 1.5
    beyond = r"from 0\.2\d* to 1\.5, outside value_range=\(0, 1\), in 1 of 6 images.*image 4"
    with pytest.raises(ValueError, match=beyond):
        ImageGAN(value_range=(0, 1)).codec(*described(X)[:2])


@pytest.mark.parametrize("span", [(1, 0), (0, np.inf), (0, 1, 2), (0, 0), 255])
def test_ranges_are_pairs(span):
    """A lower and a higher number."""
    with pytest.raises(ValueError, match="is no pair of a lower and a higher number"):
        ImageGAN(value_range=span).codec(*described(rng.random((4, 4, 4)))[:2])


@pytest.mark.parametrize("shape", [(3, 8), (8, 3, 3), (1, 1, 1)])
def test_tiny_images_are_refused(shape):
    """Images below 4 pixels a side are refused, with the size and a remedy."""
    with pytest.raises(ValueError, match=rf"{shape[0]}x{shape[1]} pixels.*4 or more a side.*table"):
        codec_of(np.zeros((5, *shape)))


def test_a_class_for_each_image_is_refused():
    """Nothing can be learned of such classes; two images of two classes are the least."""
    X = rng.random((4, 4, 4))
    with pytest.raises(ValueError, match="y has 4 classes for 4 images.*leave y out"):
        GANSampler("image", steps=1).fit(X, list("abcd"))
    assert GANSampler("image", steps=1).fit(X[:2], list("ab")).sample(3).shape == (3, 4, 4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    """NaN and infinity are refused, with how many images hold them and where."""
    X = rng.random((5, 4, 4, 1))
    spec, _, _ = described(X)
    X[3, 1, 1] = X[4, 2, 2] = value
    with pytest.raises(ValueError, match="NaN or infinite values in 2 of 5 images.*image 3"):
        ImageGAN().codec(spec, {"image": X})


def test_accepts_images_and_nothing_else():
    """Images of any dtype score high, tables and points nothing."""
    for X in (rng.random((4, 8, 8)), np.zeros((4, 5, 9, 3), np.uint8)):
        assert ImageGAN().accepts(described(X)[0]) == 90
    for X in (rng.random((4, 64)), pd.DataFrame({"a": [1.0, 2.0]})):
        assert ImageGAN().accepts(described(X)[0]) == 0


def test_the_budget_goes_by_the_size_of_images():
    """Larger images get more steps, at a lower rate."""
    tiny, small, large = (
        ImageGAN().recipe(described(np.zeros((4, side, side), np.uint8))[0]) for side in (8, 16, 28)
    )
    assert tiny.steps <= small.steps < large.steps
    assert tiny.learning_rate > small.learning_rate > large.learning_rate
    for recipe in (tiny, small, large):
        assert 64 <= recipe.batch_size <= 128


def test_is_a_scikit_learn_estimator():
    """Parameters are kept as given and survive cloning."""
    params = {"networks": "dcgan", "width": 4, "depth": 2, "value_range": (0, 1)}
    params["augmentation"] = ("cutout",)
    assert clone(ImageGAN(**params)).get_params() == params


def test_networks_go_by_the_names_of_their_files():
    """A file beside them is a pair; an unknown name is refused with those there are."""
    files = {file.stem for file in Path(networks.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(networks.NAMES) == files >= {"resnet", "dcgan"}
    with pytest.raises(ValueError, match=r"networks='stylegan' is unknown. Use one of dcgan, resn"):
        ImageGAN("stylegan").recipe(described(np.zeros((4, 8, 8)))[0])


@pytest.fixture
def on_pretended_gpu(monkeypatch):
    """A CPU that passes for a GPU, for which networks are small as well."""
    from gansynth.training import devices

    monkeypatch.setattr(gansynth_image, "WIDTH_ON_GPU", 3)
    on_cpu = devices.resolve("cpu")
    with monkeypatch.context() as pretence:
        pretence.setattr(devices, "resolve", lambda *_: replace(on_cpu, is_gpu=True))
        yield pretence


def test_networks_are_wider_on_a_gpu():
    """There they cost little; a width that is stated stays."""
    spec = described(np.zeros((4, 8, 8)))[0]
    widths = [ImageGAN(depth=2).sized(spec, on_gpu).width for on_gpu in (False, True)]
    assert widths == [gansynth_image.WIDTH, gansynth_image.WIDTH_ON_GPU]
    assert widths[0] < widths[1]
    assert ImageGAN(width=5).sized(spec, on_gpu=True).width == 5
    assert ImageGAN("dcgan", depth=2).sized(spec, on_gpu=True).depth == 2


def test_networks_of_small_colour_images_are_wider():
    """Three digits as channels have a thousand modes, and pixels are few."""
    widths = {
        shape: ImageGAN().sized(described(np.zeros((4, *shape)))[0], on_gpu=False).width
        for shape in ((8, 8, 2), (8, 8, 3), (16, 9, 4), (17, 9, 3))
    }
    assert list(widths.values()) == [16, 32, 32, 16]


@pytest.mark.parametrize("name", networks.NAMES)
def test_wide_networks_learn_at_a_lower_rate(name):
    """At that of narrow ones they diverge."""
    spec = described(np.zeros((4, 8, 8)))[0]
    auto, same, wide = (
        ImageGAN(name, width=width).recipe(spec).learning_rate for width in ("auto", 32, 64)
    )
    assert auto == same == 4 * wide


def test_a_fit_goes_on_with_the_width_it_had(on_pretended_gpu):
    """The width is told by ``architecture_``; on another device it is kept, or asked for."""
    X = rng.integers(0, 256, (12, 8, 8)).astype(np.uint8)
    settled, asked = (
        GANSampler(architecture, steps=1, batch_size=4, warm_start=True, random_state=0)
        for architecture in ("auto", ImageGAN())
    )
    for sampler in (settled, asked):
        sampler.fit(X)
        assert repr(sampler.architecture_) == "ImageGAN(width=3)"
    assert repr(asked.architecture) == "ImageGAN()"
    on_pretended_gpu.undo()
    assert settled.partial_fit(X).architecture_.width == 3
    with pytest.raises(
        ValueError, match=r"architecture=ImageGAN\(width=16\) does not fit.*width=3"
    ):
        asked.partial_fit(X)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": "wide"}, "width='wide' is no size. Use 'auto' or an integer from 1 on"),
        ({"width": 0}, "width=0 is no size"),
        ({"depth": 1.5}, "depth=1.5 is no size. Use an integer from 1 on"),
    ],
)
def test_sizes_of_networks_that_are_none(params, message):
    """The parameter is named before anything is built."""
    with pytest.raises(ValueError, match=message):
        GANSampler(ImageGAN(**params), steps=1).fit(np.zeros((12, 8, 8)))


@pytest.mark.parametrize("name", networks.NAMES)
def test_images_do_not_leave_their_range(name):
    """However large weights grow, so that black can stay black."""
    generator = ImageGAN(name, width=2).generator(NetworkSpec((8, 8, 1), 8, 0), seed=0)
    generator.set_weights([100 * weights for weights in generator.get_weights()])
    images = np.asarray(generator(inputs_of(generator, 20, 0)))
    assert np.abs(images).max() == 1


@pytest.mark.parametrize(("side", "finest"), [(16, 16), (17, 9), (28, 14)])
def test_large_images_have_no_blocks_at_their_full_resolution(side, finest):
    """They would take nearly as long as all others together."""
    spec = NetworkSpec((side, side, 1), 8, 0)
    pair = ImageGAN(width=4)
    for player in (pair.generator(spec, seed=0), pair.critic(spec, seed=0)):
        kernels = {layer: getattr(layer, "kernel_size", ()) for layer in player.layers}
        grids = [layer.output.shape[1:3] for layer, size in kernels.items() if size == (3, 3)]
        assert max(grids) == (finest, finest)


@pytest.mark.parametrize("name", networks.NAMES)
def test_larger_images_have_a_stronger_penalty(name):
    """As the squares of distances grow, to a limit; it falls to a tenth, whatever the networks."""
    specs = [described(np.zeros((4, side, side), np.uint8))[0] for side in (8, 16, 28, 64)]
    gammas = [ImageGAN(name).recipe(spec).gamma for spec in specs]
    assert gammas == [(1.0, 0.1), (4.0, 0.4), (10.0, 1.0), (10.0, 1.0)]


@pytest.mark.parametrize("n_classes", [0, 3])
@pytest.mark.parametrize("layout", SIZES, ids=str)
@pytest.mark.parametrize("name", networks.NAMES)
def test_networks_of_any_size(name, layout, n_classes):
    """Both players fit the image, odd and non-square ones too, and share no random state."""
    spec = NetworkSpec(layout, 8, n_classes)
    pair = ImageGAN(name, width=2, depth=2)
    generator, critic = pair.generator(spec, seed=0), pair.critic(spec, seed=0)
    inputs = inputs_of(generator, 3, n_classes)
    images = generator(inputs)
    assert images.shape == (3, *layout)
    assert critic([images, *inputs[1:]]).shape == (3, 1)
    again = pair.generator(spec, seed=0)
    np.testing.assert_array_equal(again(inputs), images)


@pytest.mark.parametrize("side", [8, 32])
@pytest.mark.parametrize("name", networks.NAMES)
def test_signals_keep_their_size(name, side):
    """At the start, neither images nor logits vanish or explode, however many layers there are."""
    spec = NetworkSpec((side, side, 3), 64, 0)
    pair = ImageGAN(name, width=16)
    images = pair.generator(spec, seed=0)(inputs_of(pair.generator(spec, seed=0), 64, 0))
    assert 0.3 < np.std(images) < 3.0
    logits = pair.critic(spec, seed=0)([rng.standard_normal((64, side, side, 3))])
    assert 0.03 < np.std(logits) < 10.0


@pytest.mark.parametrize("name", networks.NAMES)
def test_classes_matter(name):
    """Another class gives another image and another logit."""
    import tensorflow as tf

    spec = NetworkSpec((8, 8, 1), 8, 2)
    generator = ImageGAN(name, width=2).generator(spec, seed=0)
    critic = ImageGAN(name, width=2).critic(spec, seed=0)
    z = inputs_of(generator, 4, 0)[0]
    zeros, ones = tf.zeros(4, tf.int32), tf.ones(4, tf.int32)
    image = generator([z, zeros])
    assert np.abs(image - generator([z, ones])).max() > 0.01
    assert np.abs(critic([image, zeros]) - critic([image, ones])).max() > 0.001


@pytest.mark.parametrize("layout", [(8, 8, 1), (9, 13, 3)], ids=str)
@pytest.mark.parametrize("name", networks.NAMES)
def test_penalty_reaches_every_kernel(name, layout):
    """The gradient penalty has a gradient for every kernel of the critic."""
    import tensorflow as tf

    critic = stirred(ImageGAN(name, width=2).critic(NetworkSpec(layout, 8, 3), seed=0))
    images = tf.constant(rng.uniform(-1, 1, (6, *layout)), tf.float32)
    labels = tf.constant([0, 1, 2, 0, 1, 2])
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(images)
            logits = critic([images, labels], training=True)
        penalty = tf.reduce_mean(tf.square(inner.gradient(logits, images)))
    kernels = [weight for weight in critic.trainable_weights if weight.name == "kernel"]
    assert len(kernels) >= (7 if name == "resnet" else 2)
    for kernel, gradient in zip(kernels, tape.gradient(penalty, kernels), strict=True):
        assert gradient is not None, kernel.path
        assert np.isfinite(gradient).all(), kernel.path
        assert np.any(gradient != 0), kernel.path


@pytest.mark.parametrize(
    ("layout", "dtype", "n_classes"),
    [
        ((8, 8, 1), np.uint8, 3),
        ((9, 13, 3), np.float32, 0),
        ((7, 9, 4), np.float64, 2),
        ((5, 4, 2), np.int16, 0),
    ],
    ids=str,
)
@pytest.mark.parametrize("name", networks.NAMES)
def test_exported_graph_equals_keras(name, layout, dtype, n_classes):
    """The graph gives what Keras gives: floats to 1e-5 of the range, whole numbers within 1."""
    from gansynth.training.export import export

    X = rng.integers(0, 201, (6, *layout)).astype(dtype)
    codec = codec_of(X)
    spec = NetworkSpec(layout, 8, n_classes)
    generator = stirred(ImageGAN(name, width=4).generator(spec, seed=0))
    session = onnxruntime.InferenceSession(
        export(generator, codec, n_classes=n_classes, mixed=True),
        providers=["CPUExecutionProvider"],
    )
    for n in (1, 7):
        inputs = inputs_of(generator, n, n_classes)
        expected = codec.decode(generator(inputs))["image"].numpy()
        feed = {"z": inputs[0].numpy()}
        if n_classes:
            feed["y"] = inputs[1].numpy().astype(np.int64)
        (images,) = session.run(["image"], feed)
        assert images.dtype == dtype
        assert images.shape == (n, *layout)
        assert np.ptp(images.astype(float)) > 20
        room = 200 * 1e-5 if np.dtype(dtype).kind == "f" else 1
        np.testing.assert_allclose(images.astype(float), expected.astype(float), atol=room, rtol=0)


def test_fit_end_to_end():
    """A few steps on labelled uint8 images export a graph that draws such images by class."""
    from gansynth.training.devices import resolve
    from gansynth.training.fit import Settings, fit
    from gansynth.watching import Watcher

    X = rng.integers(0, 256, (12, 6, 5, 3)).astype(np.uint8)
    spec, data, codes = described(X, np.array(["cat", "dog", "eel"])[np.arange(12) % 3])
    architecture = ImageGAN(width=2)
    recipe = replace(architecture.recipe(spec), steps=3, batch_size=4, latent_dim=8)
    settings = Settings(seed=0, place=resolve("cpu"))
    fitted = fit(architecture, spec, data, codes, recipe, settings, Watcher())
    history = fitted.state.history
    assert history["step"][-1] == 3
    assert np.isfinite(json.loads(json.dumps(history))["penalty"]).all()
    session = onnxruntime.InferenceSession(fitted.graph, providers=["CPUExecutionProvider"])
    z = np.repeat(rng.standard_normal((1, 8)).astype(np.float32), 3, axis=0)
    (images,) = session.run(["image"], {"z": z, "y": np.arange(3)})
    assert images.dtype == np.uint8
    assert images.shape == (3, 6, 5, 3)
    assert (images[0] != images[1]).any()
    assert containers.write(spec.schema, {"image": images}, 3).shape == (3, 6, 5, 3)
