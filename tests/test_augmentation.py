"""Differentiable augmentation: its numbers, its gradients, and its place in the training loop."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest
import tensorflow as tf

from gansynth import GANSampler, containers
from gansynth.architecture import DataSpec, NetworkSpec
from gansynth.training import checkpoint, devices, loop, validation
from gansynth.training.fit import Settings, fit
from gansynth.training.program import Program, borrowed
from gansynth.training.step import Player, Rule, Schedule, critic_update
from gansynth.watching import Watcher
from gansynth_image import ImageGAN
from gansynth_image.augmentation import CHANGES, DiffAugment, coloured, cut, translated
from gansynth_tabular import TabularGAN

from .toys import Augmented, Moved, PlainCodec, ToyGAN, points

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


def program(change: Moved | None = None, batch_size: int = 8, n_classes: int = 0) -> Program:
    place, spec = devices.resolve("cpu"), NetworkSpec(2, 2, n_classes)
    codec = PlainCodec(["x", "y"])
    return Program(ToyGAN(), spec, codec, batch_size, "relativistic", 0.99, place, change)


def test_real_and_generated_rows_are_changed_alike():
    """Of a batch after another, row i is changed as row i is; another step changes it otherwise."""
    lent = program(Moved())
    rows = tf.constant(points(8), tf.float32)
    seed = tf.constant(3, tf.int64)
    now, later = (lent._augment(seed, tf.constant(step, tf.int64), 1.0) for step in (0, 1))
    both = now(tf.concat([rows, rows], axis=0))
    real, fake = tf.split(both, 2)
    np.testing.assert_array_equal(real, fake)
    np.testing.assert_array_equal(now(rows), real)
    assert np.ptp(real - rows, axis=0).min() > 0.1
    assert not np.array_equal(later(rows), real)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_share_of_the_rows_is_changed(share):
    """The others are as they were, and those that are changed as if all were."""
    lent = program(Moved(), batch_size=1000)
    rows = points(1000).astype(np.float32)
    seed, step = tf.constant(3, tf.int64), tf.constant(0, tf.int64)
    some, every = (lent._augment(seed, step, of)(tf.constant(rows)).numpy() for of in (share, 1.0))
    changed = (some != rows).any(axis=1)
    assert changed.mean() == pytest.approx(share, abs=0.05)
    np.testing.assert_array_equal(some[changed], every[changed])
    np.testing.assert_array_equal(some[~changed], rows[~changed])


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
        scalars = Schedule(*(tf.constant(value) for value in (0.0, 1.0, 0.5, 1.0)))
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
            Schedule(*(tf.constant(0.5) for _ in Schedule._fields)),
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


def shares_of(sampler: GANSampler) -> np.ndarray:
    return np.array(sampler.history_["augmented"])


def test_the_history_tells_the_share():
    """All, with changes that the architecture always makes, and none without any."""
    for architecture, share in ((Augmented(), 1.0), (Augmented(0.25), 0.25), (ToyGAN(), 0.0)):
        sampler = GANSampler(architecture, random_state=0, steps=2).fit(points())
        assert set(shares_of(sampler)) == {share}


def test_more_rows_are_changed_while_the_critic_knows_learned_ones(monkeypatch):
    """From none, by a twentieth an interval, to half; and down to none again."""
    verdicts = iter([0.61] * 12 + [0.6] * 28)
    monkeypatch.setattr(validation, "share_above", lambda *of: next(verdicts))
    sampler = GANSampler(Augmented(None), random_state=0, early_stopping=False).fit(points())
    up, down = np.linspace(0, 0.5, 11), np.linspace(0.5, 0, 11)
    expected = np.concatenate([up, [0.5], down, np.zeros(17)])
    np.testing.assert_allclose(shares_of(sampler), expected, atol=1e-9)


def test_rows_are_changed_where_none_is_held_out():
    """Few rows are soon known by heart, and nothing tells when."""
    sampler = GANSampler(Augmented(None), random_state=0).fit(points(50))
    expected = np.minimum(0.05 * np.arange(40), 0.5)
    np.testing.assert_allclose(shares_of(sampler), expected, atol=1e-9)


class Shifted(ImageGAN):
    """Its critic sees as many images shifted as it takes, of whatever size they are."""

    def recipe(self, spec):
        change = DiffAugment(("translation",))
        return replace(super().recipe(spec), augmentation=change, augmented=None)


@pytest.mark.parametrize(("n", "known"), [(200, True), (4000, False)])
def test_a_critic_knows_few_images_and_not_many(n, known):
    """Of noise there is nothing to learn but the images themselves."""
    X = np.random.default_rng(0).random((n, 8, 8)).astype(np.float32)
    sampler = GANSampler(
        Shifted("dcgan", width=8),
        steps=400,
        validation_fraction=0.3,
        random_state=0,
        early_stopping=False,
    ).fit(X)
    most = shares_of(sampler).max()
    assert most > 0.3 if known else most < 0.1


def test_a_fit_that_goes_on_has_the_share_of_the_last(monkeypatch):
    """Whether it is learned from as it was before, or from another chunk."""
    monkeypatch.setattr(loop, "BY_HEART", 0.0)
    sampler = GANSampler(Augmented(None), random_state=0, steps=4, warm_start=True)
    np.testing.assert_allclose(shares_of(sampler.fit(points())), [0.0, 0.05, 0.1, 0.15])
    np.testing.assert_allclose(shares_of(sampler.fit(points()))[4:6], [0.2, 0.25])
    np.testing.assert_allclose(shares_of(sampler.partial_fit(points()))[8:10], [0.4, 0.45])


def test_the_critic_judges_rows_as_they_are():
    """Encoded rows are widened, in parts, and judged with their classes."""
    rows = points(600).astype(np.float32)
    labels = np.arange(600, dtype=np.int32) % 3
    lent = program(Moved(), n_classes=3)
    expected = lent.critic.network([rows, labels]).numpy()
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(lent.logits(rows, labels), expected, atol=1e-5)


def test_the_critic_of_conditions_judges_rows_of_which_nothing_is_given():
    """A fit of a table with conditions and changes tells learned rows from others, too."""

    class Raised(Moved):
        def __call__(self, rows, numbers):
            return super().__call__(rows, numbers[:, :1])

    class AugmentedTable(TabularGAN):
        def recipe(self, spec):
            recipe = replace(super().recipe(spec), steps=10, batch_size=10)
            return replace(recipe, augmentation=Raised(0.1), augmented=None)

    X = pd.DataFrame({"x": np.arange(240.0), "y": np.resize(list("ab"), 240)})
    sampler = GANSampler(AugmentedTable(width=8, depth=1, conditions=True), random_state=0).fit(X)
    assert len(shares_of(sampler)) == 10
    assert sampler.sample(5).shape == (5, 2)


@pytest.mark.parametrize(
    ("values", "others", "share"),
    [
        ([[2.0], [3.0]], [[1.0]], 1.0),
        ([[1.0]], [[2.0], [3.0]], 0.0),
        ([[1.0], [2.0]], [[1.0], [2.0]], 0.5),
        ([[5.0], [0.0]], [[1.0], [1.0]], 0.5),
        ([[3.0], [1.0]], [[1.0], [2.0]], 0.625),
    ],
)
def test_share_of_pairs_in_which_a_value_is_larger(values, others, share):
    """Ties are half."""
    assert validation.share_above(np.array(values), np.array(others)) == share


@pytest.mark.parametrize("share", [1.0, None])
def test_an_interrupted_run_goes_on_bit_for_bit(tmp_path, monkeypatch, share):
    """A run that crashed half-way ends like one that was never interrupted."""
    monkeypatch.setattr(checkpoint, "SHARE_OF_TIME", float("inf"))  # a state after every interval
    monkeypatch.setattr(loop, "BY_HEART", 0.0)

    class CrashError(RuntimeError):
        pass

    def crash(epoch, logs=None):
        if epoch == 20:
            raise CrashError

    def sampler(**parameters):
        return GANSampler(Augmented(share), random_state=0, device="cpu", **parameters)

    breaking = keras.callbacks.LambdaCallback(on_epoch_end=crash)
    with contextlib.suppress(CrashError):
        sampler(checkpoint_dir=tmp_path, callbacks=[breaking]).fit(points())
        pytest.fail("it did not crash")
    newest = max(file.name for file in Path(tmp_path).iterdir())
    assert "step-000000000000" < newest.removesuffix(".npz") < "step-000000000040"
    resumed = sampler(checkpoint_dir=tmp_path).fit(points())
    whole = sampler().fit(points())
    np.testing.assert_array_equal(resumed.sample(50), whole.sample(50))
    for name in ("critic_loss", "augmented"):
        assert resumed.history_[name] == whole.history_[name]


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
        ((8, 8, 1), ("translation", "cutout")),
        ((40, 32, 2), ("translation", "cutout")),
        ((9, 13, 3), ("colour", "translation", "cutout")),
        ((32, 32, 4), ("colour", "translation", "cutout")),
    ],
    ids=str,
)
def test_auto_is_for_few_images(shape, names):
    """Of fewer than 5,000, some are changed, in colour where they have colours; of 5,000 none."""
    few, many = (ImageGAN().recipe(of(shape, n)) for n in (4_999, 5_000))
    assert (few.augmentation, few.augmented) == (DiffAugment(names), None)
    assert many.augmentation is None


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
    assert recipe.augmented == 1.0


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
