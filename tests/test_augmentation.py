"""Differentiable augmentation: its numbers, its gradients, and its place in the training loop."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from gansynth import GANSampler, containers
from gansynth.architecture import DataSpec, NetworkSpec
from gansynth.training import checkpoint, devices
from gansynth.training.fit import Settings, fit
from gansynth.training.program import Program, borrowed
from gansynth.training.step import Player, Rule, Schedule, critic_update
from gansynth.watching import Watcher
from gansynth_image import ImageGAN
from gansynth_image.augmentation import CHANGES, DiffAugment, coloured, cut, translated

from .toys import Moved, PlainCodec, ToyGAN, points

SIZES = [(8, 8, 1), (9, 13, 3), (4, 5, 2), (7, 32, 4)]
EVERYTHING = DiffAugment(tuple(CHANGES))
NEARLY_ONE = np.nextafter(np.float32(1), np.float32(0))

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def images_of(shape: tuple[int, ...], n: int = 6, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (n, *shape)).astype(np.float32)


def numbers_for(n: int, width: int = EVERYTHING.numbers, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((n, width)).astype(np.float32)


def of(shape: tuple[int, ...], n: int) -> DataSpec:
    """Spec of n images, of which none need be there."""
    return DataSpec(containers.read(np.zeros((2, *shape), np.float32))[0], n)


class Augmented(ToyGAN):
    """Its critic sees rows moved."""

    def recipe(self, spec):
        return replace(super().recipe(spec), augmentation=Moved())


@pytest.mark.parametrize("shape", SIZES, ids=str)
@pytest.mark.parametrize("name", CHANGES)
def test_images_of_any_size_keep_their_shape(name, shape):
    """Each change gives other images of the same shape and type, odd and non-square ones too."""
    images = images_of(shape, 32)
    change = DiffAugment((name,))
    changed = change(images, numbers_for(32, change.numbers)).numpy()
    assert changed.shape == images.shape
    assert changed.dtype == np.float32
    assert (changed != images).any(axis=(1, 2, 3)).mean() > 0.6


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_a_shift_moves_pixels_and_leaves_a_grey_margin(shape):
    """Every image is shifted by its own number of whole pixels, and filled up with 0."""
    images, numbers = images_of(shape, 40), numbers_for(40, 2)
    numbers[:2] = [[0, 0], [NEARLY_ONE, NEARLY_ONE]]
    height, width, _ = shape
    most = [int(side / 8 + 0.5) for side in (height, width)]
    shifts = np.floor(numbers * (2 * np.array(most) + 1)).astype(int) - most
    assert (shifts[0] == np.negative(most)).all()
    assert (shifts[1] == most).all()
    for image, (down, right), changed in zip(
        images, shifts, translated(images, numbers), strict=True
    ):
        expected = np.zeros_like(image)
        for y in range(height):
            for x in range(width):
                if 0 <= y + down < height and 0 <= x + right < width:
                    expected[y, x] = image[y + down, x + right]
        np.testing.assert_array_equal(changed, expected)


@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_a_rectangle_is_cut_out(shape):
    """What is 0 is a rectangle, of half the sides where it lies inside; the rest is as it was."""
    images, numbers = images_of(shape, 200), numbers_for(200, 2)
    numbers[:2] = [[0, 0], [NEARLY_ONE, NEARLY_ONE]]
    changed = cut(images, numbers).numpy()
    sizes = [int(side / 2 + 0.5) for side in shape[:2]]
    whole = 0
    for image, result in zip(images, changed, strict=True):
        gone = np.nonzero((result == 0).all(axis=2))
        rows, columns = (np.unique(places) for places in gone)
        expected = image.copy()
        expected[np.ix_(rows, columns)] = 0
        np.testing.assert_array_equal(result, expected)
        assert 0 < len(rows) <= sizes[0]
        assert 0 < len(columns) <= sizes[1]
        whole += (len(rows), len(columns)) == tuple(sizes)
    assert whole > 20


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_colours_change_as_the_paper_has_it(channels):
    """Brightness is added, saturation is about the pixel's mean, contrast about the image's."""
    images, numbers = images_of((5, 4, channels)), numbers_for(6, 3)
    colours = {2: 1, 4: 3}.get(channels, channels)
    expected = images.copy()
    for image, (brightness, saturation, contrast) in zip(expected, numbers, strict=True):
        seen = image[..., :colours]  # a view: opacity stays as it is
        seen += brightness - 0.5
        if colours > 1:
            grey = seen.mean(axis=2, keepdims=True)
            seen[:] = grey + 2 * saturation * (seen - grey)
        seen[:] = seen.mean() + (contrast + 0.5) * (seen - seen.mean())
    np.testing.assert_allclose(coloured(images, numbers), expected, atol=1e-6)


def numerically(images: np.ndarray, kernel: np.ndarray, numbers: np.ndarray) -> float:
    """Penalty of a small critic of changed images, by central differences in every pixel."""
    step = 1e-4
    moves = step * np.eye(images[0].size).reshape(-1, *images.shape[1:])
    slopes = [
        (critic(image + moves, kernel, number) - critic(image - moves, kernel, number)) / (2 * step)
        for image, number in zip(images, numbers, strict=True)
    ]
    return float(np.square(slopes).sum() / len(images))


def critic(images: tf.Tensor, kernel: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """Logits of a convolution and a curved function of changed images, in float64."""
    numbers = tf.broadcast_to(numbers, (len(images), EVERYTHING.numbers))
    hidden = tf.nn.conv2d(EVERYTHING(tf.constant(images), numbers), kernel, 1, "SAME")
    return tf.reduce_sum(tf.tanh(hidden), axis=(1, 2, 3))


def by_tape(images: tf.Tensor, kernel: tf.Tensor, numbers: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """The same penalty, and its gradient in the kernel."""
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        with tf.GradientTape() as inner:
            inner.watch(images)
            hidden = tf.nn.conv2d(EVERYTHING(images, numbers), kernel, 1, "SAME")
            logits = tf.reduce_sum(tf.tanh(hidden), axis=(1, 2, 3))
        slopes = inner.gradient(logits, images)
        penalty = tf.reduce_mean(tf.reduce_sum(slopes**2, axis=(1, 2, 3)))
    return penalty, tape.gradient(penalty, kernel)


def test_the_gradient_of_the_penalty_is_right():
    """Through all changes, it is what differences of differences give."""
    images = images_of((5, 4, 3), 3).astype(np.float64)
    numbers = numbers_for(3).astype(np.float64)
    draws = np.random.default_rng(2)
    kernel, way = draws.normal(size=(2, 3, 3, 3, 2)) / 3
    penalty, gradient = by_tape(*map(tf.constant, (images, kernel, numbers)))
    assert float(penalty) == pytest.approx(numerically(images, kernel, numbers), rel=1e-5)
    step = 1e-3
    ahead, behind = (numerically(images, kernel + s * way, numbers) for s in (step, -step))
    slope = float(tf.reduce_sum(gradient * way))
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-4)
    assert abs(slope) > 0.01


@pytest.mark.parametrize("shape", [(8, 8, 1), (9, 13, 3)], ids=str)
@pytest.mark.parametrize("networks", ["resnet", "dcgan"])
def test_the_penalty_reaches_every_kernel(networks, shape):
    """Through all changes, the penalty has a gradient for every kernel of the critic."""
    network = ImageGAN(networks, width=2).critic(NetworkSpec(shape, 8, 0), seed=0)
    draws = np.random.default_rng(1)
    for weight in network.trainable_weights:  # those too that are zero at first
        weight.assign_add(0.05 * draws.standard_normal(weight.shape))
    images = tf.constant(images_of(shape))
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(images)
            logits = network([EVERYTHING(images, numbers_for(6))], training=True)
        penalty = tf.reduce_mean(tf.square(inner.gradient(logits, images)))
    kernels = [weight for weight in network.trainable_weights if weight.name == "kernel"]
    assert kernels
    for kernel, gradient in zip(kernels, tape.gradient(penalty, kernels), strict=True):
        assert gradient is not None, kernel.path
        assert np.isfinite(gradient).all(), kernel.path
        assert np.any(gradient != 0), kernel.path


def test_xla_gives_the_same():
    """Compiled by XLA, images, penalty and its gradient are what they are without."""
    images, numbers = tf.constant(images_of((9, 13, 4))), tf.constant(numbers_for(6))
    kernel = tf.constant(images_of((3, 3, 4, 2), 1)[0])
    compiled = tf.function(EVERYTHING, jit_compile=True)
    np.testing.assert_allclose(compiled(images, numbers), EVERYTHING(images, numbers), atol=1e-6)
    quick = tf.function(by_tape, jit_compile=True)(images, kernel, numbers)
    for one, other in zip(quick, by_tape(images, kernel, numbers), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def program(change: Moved | None = None) -> Program:
    place = devices.resolve("cpu")
    codec = PlainCodec(["x", "y"])
    return Program(ToyGAN(), NetworkSpec(2, 2, 0), codec, 8, "relativistic", 0.99, place, change)


def test_real_and_generated_rows_are_changed_alike():
    """Of a batch after another, row i is changed as row i is; another step changes it otherwise."""
    lent = program(Moved())
    rows = tf.constant(points(8), tf.float32)
    seed = tf.constant(3, tf.int64)
    now, later = (lent._augment(seed, tf.constant(step, tf.int64)) for step in (0, 1))
    both = now(tf.concat([rows, rows], axis=0))
    real, fake = tf.split(both, 2)
    np.testing.assert_array_equal(real, fake)
    np.testing.assert_array_equal(now(rows), real)
    assert np.ptp(real - rows, axis=0).min() > 0.1
    assert not np.array_equal(later(rows), real)


@pytest.mark.parametrize("loss", ["relativistic", "wgan-gp"])
def test_the_critic_judges_changed_rows_and_is_penalised_before_the_change(loss):
    """Rows doubled for the critic have twice the slope where the penalty is taken."""
    draws = np.random.default_rng(0)
    real, fake, mix = (tf.constant(draws.random((8, n)), tf.float32) for n in (2, 2, 1))
    penalties, losses = [], []
    for factor in (1.0, 2.0):
        rows = keras.Input((2,))
        linear = keras.Model([rows], keras.layers.Dense(1)(rows))
        linear.set_weights([np.float32([[0.3], [0.4]]), np.zeros(1, np.float32)])
        scalars = Schedule(*(tf.constant(value) for value in (0.0, 1.0, 0.5)))
        rule = Rule(loss, scalars, 0.99, tf.constant(1), lambda rows, by=factor: by * rows)
        adversarial, penalty = critic_update(Player(linear), real, fake, [], mix, rule)
        penalties.append(float(penalty))
        losses.append(float(adversarial))
    slopes = np.array([0.5, 1.0])
    expected = slopes**2 if loss == "relativistic" else (slopes - 1) ** 2
    np.testing.assert_allclose(penalties, expected, atol=1e-4)
    assert losses[0] != losses[1]


def test_nothing_is_drawn_without_augmentation():
    """A step draws noise and mixtures, and a third time only for changes."""

    def drawn(lent: Program) -> int:
        step = lent._step.get_concrete_function(
            tf.zeros((8, 2)),
            tf.zeros(8, tf.int32),
            tf.constant(0, tf.int64),
            tf.constant(0, tf.int64),
            Schedule(*(tf.constant(0.5) for _ in range(3))),
        )
        kinds = [op.type for op in step.graph.get_operations()]
        return sum(kinds.count(f"StatelessRandom{kind}V2") for kind in ("Normal", "Uniform"))

    assert (drawn(program()), drawn(program(Moved()))) == (2, 3)


def test_programs_are_kept_by_what_they_change():
    """Equal changes share a compiled loop, others and none have one of their own."""
    place, codec = devices.resolve("cpu"), PlainCodec(["x", "y"])
    held = []
    for change in (Moved(0.5), Moved(0.5), Moved(0.25), None):
        rest = (8, "hinge", 0.5, place, change)
        with borrowed(ToyGAN(), NetworkSpec(2, 2, 0), codec, *rest) as lent:
            held.append(lent)
    assert held[0] is held[1]
    assert len(set(map(id, held))) == 3


def test_changes_are_what_the_run_is_trained_by():
    """A fit with changes, seen by the critic alone, ends elsewhere than one without."""
    plain, moved = (
        GANSampler(architecture, random_state=0, device="cpu").fit(points()).sample(20)
        for architecture in (ToyGAN(), Augmented())
    )
    assert not np.array_equal(plain, moved)


def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, monkeypatch):
    """A run that crashed half-way ends like one that was never interrupted."""
    monkeypatch.setattr(checkpoint, "SHARE_OF_TIME", float("inf"))  # a state after every interval

    class CrashError(RuntimeError):
        pass

    def crash(epoch, logs=None):
        if epoch == 20:
            raise CrashError

    def sampler(**parameters):
        return GANSampler(Augmented(), random_state=0, device="cpu", **parameters)

    breaking = keras.callbacks.LambdaCallback(on_epoch_end=crash)
    with contextlib.suppress(CrashError):
        sampler(checkpoint_dir=tmp_path, callbacks=[breaking]).fit(points())
        pytest.fail("it did not crash")
    newest = max(file.name for file in Path(tmp_path).iterdir())
    assert "step-000000000000" < newest.removesuffix(".npz") < "step-000000000040"
    resumed = sampler(checkpoint_dir=tmp_path).fit(points())
    whole = sampler().fit(points())
    np.testing.assert_array_equal(resumed.sample(50), whole.sample(50))
    assert resumed.history_["critic_loss"] == whole.history_["critic_loss"]


class Keeping(Watcher):
    """Keeps what the generator's average makes of noise, as Keras computes it."""

    def __init__(self, z: np.ndarray) -> None:
        self.z = z

    def end(self, run):
        self.rows = run.network([self.z]).numpy()


def test_what_is_exported_is_not_augmented():
    """The graph of an augmented fit draws nothing, and makes the generator's own images."""
    X = np.random.default_rng(0).integers(0, 256, (12, 6, 5, 3)).astype(np.uint8)
    schema, data = containers.read(X)
    spec = DataSpec(schema, len(X))
    architecture = ImageGAN(width=2, augmentation=tuple(CHANGES))
    recipe = replace(architecture.recipe(spec), steps=5, batch_size=4, latent_dim=8)
    assert recipe.augmentation == EVERYTHING
    z = np.random.default_rng(1).standard_normal((7, 8)).astype(np.float32)
    keeping = Keeping(z)
    settings = Settings(seed=0, place=devices.resolve("cpu"))
    fitted = fit(architecture, spec, data, None, recipe, settings, keeping)
    expected = architecture.codec(spec, data).decode(keeping.rows)["image"].numpy()
    session = onnxruntime.InferenceSession(fitted.graph, providers=["CPUExecutionProvider"])
    (images,) = session.run(["image"], {"z": z})
    assert np.ptp(images.astype(int)) > 20
    np.testing.assert_allclose(images.astype(int), expected.astype(int), atol=1)
    ops = {node.op_type for node in onnx.load_from_string(fitted.graph).graph.node}
    assert not {op for op in ops if "Random" in op}


@pytest.mark.parametrize(
    ("shape", "names"),
    [
        ((32, 32, 1), ("translation", "cutout")),
        ((40, 32, 2), ("translation", "cutout")),
        ((32, 32, 3), ("colour", "translation", "cutout")),
        ((32, 32, 4), ("colour", "translation", "cutout")),
    ],
    ids=str,
)
def test_auto_is_for_few_images(shape, names):
    """Fewer than 5,000 are changed, in colour where they have colours; 5,000 are not."""
    few, many = (ImageGAN().recipe(of(shape, n)).augmentation for n in (4_999, 5_000))
    assert few == DiffAugment(names)
    assert many is None


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (31, 40, 3)], ids=str)
def test_auto_leaves_small_images_alone(shape):
    """Whose pixels are few already: digits of 8x8 and of 28x28 became worse."""
    assert ImageGAN().recipe(of(shape, 200)).augmentation is None


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("cutout", ("cutout",)),
        (("cutout", "translation"), ("translation", "cutout")),
        (["colour"], ("colour",)),
        (("cutout", "cutout"), ("cutout",)),
    ],
    ids=str,
)
def test_changes_go_by_their_names(wanted, names):
    """Whatever their order, and however many images there are."""
    recipe = ImageGAN(augmentation=wanted).recipe(of((8, 8, 1), 10**6))
    assert recipe.augmentation == DiffAugment(names)


@pytest.mark.parametrize("wanted", [None, ()])
def test_nothing_need_be_changed(wanted):
    """None is none, for few images too."""
    assert ImageGAN(augmentation=wanted).recipe(of((8, 8, 1), 10)).augmentation is None


@pytest.mark.parametrize("wanted", ["flip", ("cutout", "rotation"), ("auto",), True, 0.5])
def test_unknown_changes_are_refused(wanted):
    """fit names the parameter, the value and what there is."""
    words = r"augmentation=.* is unknown. Use 'auto', None, .*'colour', 'translation', 'cutout'"
    with pytest.raises(ValueError, match=words) as raised:
        GANSampler(ImageGAN(augmentation=wanted), steps=1).fit(images_of((8, 8)))
    assert repr(wanted) in str(raised.value)
