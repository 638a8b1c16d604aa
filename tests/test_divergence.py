"""NaN and infinity in training: back to the last good state, and a clear end if that fails."""

from __future__ import annotations

import pickle
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from gansynth import GANSampler
from gansynth.architecture import NetworkSpec
from gansynth.training.loop import DivergenceError
from gansynth.watching import Run, Watcher

from .toys import ToyGAN, points

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

STRIKES = tf.Variable(0, dtype=tf.int32)
"""How often lightning is still to strike; no network's weight, so that no state restores it."""


class Lightning(keras.layers.Layer):
    """Makes NaN of finite rows, as often as there are strikes left, in batches that are large."""

    def __init__(self, fewest_rows: int = 0) -> None:
        super().__init__()
        self.fewest_rows = fewest_rows

    def call(self, rows):
        large = tf.shape(rows)[0] >= self.fewest_rows
        strikes = (STRIKES > 0) & large & tf.reduce_all(tf.math.is_finite(rows))
        STRIKES.assign_sub(tf.cast(strikes, tf.int32))
        return rows * tf.where(strikes, np.nan, 1.0)


class StruckCritic(ToyGAN):
    """Its losses are NaN when lightning strikes, and its weights after."""

    def critic(self, spec: NetworkSpec, seed: int) -> keras.Model:
        critic = super().critic(spec, seed)
        return keras.Model(critic.inputs, Lightning()(critic.output))


class StruckSamples(ToyGAN):
    """Trains as if nothing were wrong; the rows that are scored are NaN."""

    def generator(self, spec: NetworkSpec, seed: int) -> keras.Model:
        generator = super().generator(spec, seed)
        return keras.Model(generator.inputs, Lightning(20)(generator.output))


@pytest.fixture(autouse=True)
def calm_weather():
    """No strikes left over for the next test."""
    yield
    STRIKES.assign(0)


def toy(architecture: object, **parameters: object) -> GANSampler:
    settings = {"steps": 20, "random_state": 0, "device": "cpu", "early_stopping": False}
    return GANSampler(architecture, **settings, **parameters)


@pytest.mark.parametrize(
    ("architecture", "n", "strikes"),
    [(StruckCritic(), 300, 3), (StruckSamples(), 300, 1), (StruckCritic(), 60, 1)],
    ids=["losses", "samples", "losses, none held out"],
)
def test_a_run_falls_back_and_goes_on_more_slowly(architecture, n, strikes):
    """Each NaN in losses or samples halves the learning rate; the run makes all its steps."""
    calm = toy(architecture).fit(points(n))
    STRIKES.assign(strikes)
    struck = toy(architecture).fit(points(n))
    assert STRIKES.numpy() == 0
    assert struck.history_["step"] == calm.history_["step"] == list(range(1, 21))
    assert struck.n_steps_ == 20
    np.testing.assert_allclose(
        struck.history_["learning_rate"],
        np.array(calm.history_["learning_rate"]) * 0.5**strikes,
        rtol=1e-5,
    )
    assert np.isfinite(struck.history_["critic_loss"]).all()
    assert np.isfinite(struck.sample(500)).all()


def test_a_run_that_is_struck_late_goes_back_to_where_it_was():
    """Steps before the strike are not lost: their history stays as it is."""
    calm = toy(StruckCritic()).fit(points())

    class Late(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 9:
                STRIKES.assign(1)

    struck = toy(StruckCritic(), callbacks=[Late]).fit(points())
    for name in ("critic_loss", "score", "learning_rate"):
        assert struck.history_[name][:10] == calm.history_[name][:10]
    rates = np.array(struck.history_["learning_rate"]) / calm.history_["learning_rate"]
    np.testing.assert_allclose(rates, [1.0] * 10 + [0.5] * 10, rtol=1e-5)


def test_samples_are_looked_at_where_none_are_held_out():
    """The rows of the last step are NaN: the last step is made again, with half the rate."""
    STRIKES.assign(1)
    struck = toy(StruckSamples()).fit(points(60))
    rates = struck.history_["learning_rate"]
    assert rates[0] == pytest.approx(ToyGAN().learning_rate)
    assert rates[-1] == pytest.approx(0.005 * ToyGAN().learning_rate)
    assert STRIKES.numpy() == 0


def test_a_smaller_rate_is_kept_by_the_next_warm_fit():
    """A fit that goes on does not diverge once more to find the rate out."""
    STRIKES.assign(1)
    sampler = toy(StruckCritic(), warm_start=True).fit(points()).fit(points())
    rates = sampler.history_["learning_rate"]
    assert max(rates) <= 0.5 * ToyGAN().learning_rate


@pytest.mark.parametrize(
    ("architecture", "n"),
    [(StruckCritic(), 300), (StruckSamples(), 300), (StruckSamples(), 60)],
    ids=["losses", "samples", "samples, none held out"],
)
def test_the_fourth_divergence_is_an_error(architecture, n):
    """The error names remedies and has the history; what was fitted before still samples."""
    sampler = toy(architecture).fit(points(n))
    before, steps = sampler.sample(10), sampler.n_steps_
    STRIKES.assign(4)
    with pytest.raises(FloatingPointError, match="diverged before step") as raised:
        sampler.fit(points(n))
    assert isinstance(raised.value, DivergenceError)
    for remedy in ("Scale extreme values", "random_state", "batch_size", "gamma", "loss"):
        assert remedy in str(raised.value)
    assert set(raised.value.history) >= {"step", "critic_loss", "learning_rate"}
    assert sampler.history_ is raised.value.history
    np.testing.assert_array_equal(sampler.sample(10), before)
    assert sampler.n_steps_ == steps


@pytest.mark.parametrize(("n", "steps"), [(300, 1), (60, 1), (60, 3)])
def test_too_large_a_rate_diverges_whenever_the_run_ends(n, steps):
    """Weights that overflow are found, though no loss has seen the last update yet."""
    sampler = toy(ToyGAN(learning_rate=1e30)).set_params(steps=steps)
    with pytest.raises(DivergenceError, match="also after 3 returns"):
        sampler.fit(points(n))
    assert not hasattr(sampler, "artifact_")


def test_moments_that_overflow_are_a_divergence():
    """A gradient whose square is infinite would leave its weight where it is for ever."""
    with pytest.raises(DivergenceError):
        toy(ToyGAN(learning_rate=1e-3)).fit(1e20 * points(60))


def test_data_with_extreme_values_end_in_an_error_or_in_finite_rows():
    """Whatever the scale of unscaled data, no NaN comes out unnoticed."""
    for scale in (1e8, 1e18):
        sampler = toy(ToyGAN())
        try:
            rows = sampler.fit(scale * points()).sample(200)
        except DivergenceError:
            continue
        assert np.isfinite(rows).all()


def test_the_error_survives_the_way_from_a_worker():
    """Pickled, as joblib does, it keeps its message and its history."""
    error = DivergenceError("It diverged.", {"step": [1]})
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.history) == ("It diverged.", {"step": [1]})


class Pressing(Watcher):
    """Presses Ctrl-C once, a few steps after the start, when lightning has struck."""

    pressed = False

    def call(self, run: Run, step: int, seconds: float, seconds_left: float | None) -> None:
        calm = STRIKES.numpy() == 0 and np.isfinite(run.network.get_weights()[0]).all()
        if 1 < step < 10 and calm and not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)


class Pressed(GANSampler):
    """A sampler that is interrupted in the middle of its first interval."""

    def _watchers(self, name: str) -> list[Watcher]:
        return [Pressing()]


@pytest.mark.parametrize("strikes", [(2, 0), (0, 1)], ids=["struck before", "struck after"])
def test_a_struck_run_that_is_interrupted_ends_to_the_bit_alike(tmp_path, strikes):
    """A checkpoint keeps the learning rate, and the state to go back to if it is struck later."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    parameters = {"steps": 400, "random_state": 0, "device": "cpu"}
    try:
        STRIKES.assign(sum(strikes))
        whole = GANSampler(StruckCritic(), **parameters).fit(points())
        STRIKES.assign(strikes[0])
        with pytest.raises(KeyboardInterrupt):
            Pressed(StruckCritic(), checkpoint_dir=tmp_path, **parameters).fit(points())
    finally:
        signal.signal(signal.SIGINT, before)
    newest = max(file.name for file in tmp_path.iterdir())
    assert "step-000000000000.npz" < newest < "step-000000000010.npz"
    STRIKES.assign(strikes[1])
    resumed = GANSampler(StruckCritic(), checkpoint_dir=tmp_path, **parameters).fit(points())
    assert resumed.history_["learning_rate"] == whole.history_["learning_rate"]
    assert resumed.history_["step"] == whole.history_["step"]
    np.testing.assert_array_equal(resumed.sample(50), whole.sample(50))
