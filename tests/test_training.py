"""The engine: losses, penalties, schedules, reproducibility, the trace cache, export."""

from __future__ import annotations

import hashlib
import logging
import pickle
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from gansynth import GANSampler
from gansynth.training import devices, losses
from gansynth.training.program import Pace, schedule
from gansynth_tabular import TableCodec, TabularGAN

TINY = TabularGAN(width=16, depth=1)


def mixed_frame(n: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "amount": rng.lognormal(size=n).round(2),
            "count": rng.integers(0, 40, n),
            "kind": rng.choice(["a", "b", "c"], n),
            "flag": rng.random(n) < 0.3,
        }
    )


def tiny(**parameters: object) -> GANSampler:
    return GANSampler(TINY, **{"steps": 4, "batch_size": 16, "random_state": 0, **parameters})


def test_relativistic_loss_is_log_two_where_logits_agree():
    """If the critic can't tell rows apart, both players' losses are log 2."""
    logits = tf.random.stateless_normal((8, 1), (0, 0))
    critic, generator = losses.relativistic(logits, logits)
    np.testing.assert_allclose([critic, generator], np.log(2), rtol=1e-6)


def test_losses_match_their_formulas():
    """Each loss equals its paper's formula, computed in numpy."""
    real, fake = np.float32([[1.5], [-0.5]]), np.float32([[0.25], [2.0]])
    softplus = lambda x: np.log1p(np.exp(x)).mean()  # noqa: E731
    expected = {
        "relativistic": (softplus(fake - real), softplus(real - fake)),
        "non-saturating": (softplus(-real) + softplus(fake), softplus(-fake)),
        "hinge": (
            np.maximum(1 - real, 0).mean() + np.maximum(1 + fake, 0).mean(),
            -fake.mean(),
        ),
        "wgan-gp": (fake.mean() - real.mean(), -fake.mean()),
    }
    assert set(expected) == set(losses.LOSSES)
    for name, loss in losses.LOSSES.items():
        got = loss(tf.constant(real), tf.constant(fake))
        np.testing.assert_allclose(got, expected[name], rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 3), (4, 2, 2, 3)])
def test_zero_centred_penalty_is_the_mean_squared_gradient_norm(shape):
    """R1 and R2 sum over all features of a row, whatever its rank, and average over rows."""
    gradients = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = (gradients.reshape(4, -1) ** 2).sum(1).mean()
    np.testing.assert_allclose(losses.zero_centred(tf.constant(gradients)), expected, rtol=1e-6)


def test_one_centred_penalty_vanishes_at_unit_norm():
    """WGAN-GP's penalty is zero for gradients of norm 1 and one for zero gradients."""
    unit = tf.constant([[0.6, 0.8], [1.0, 0.0]])
    np.testing.assert_allclose(losses.one_centred(unit), 0.0, atol=1e-6)
    np.testing.assert_allclose(losses.one_centred(0 * unit), 1.0, rtol=1e-5)


def test_schedule_goes_from_its_start_to_its_end():
    """Gamma anneals geometrically, the learning rate falls late, the average's span grows."""
    scalars = (1e-3, 1e-5, 0.5, 1.0, 0.01, 0.0, 0.5, 100.0, 0.0, 0.0, 1 / 2000, 0.25)
    pace = Pace(*(tf.constant(v, tf.float32) for v in scalars))
    at = lambda step: [float(v) for v in schedule(pace, tf.constant(step, tf.int64))]  # noqa: E731
    rate, gamma, decay, augmented = at(0)
    assert (rate, gamma, augmented) == pytest.approx((1e-3, 1.0, 0.25))
    assert decay < 0.01
    assert at(500)[1] == pytest.approx(0.1, rel=1e-4)
    rate, gamma, decay, _ = at(5000)
    assert (rate, gamma, decay) == pytest.approx((1e-5, 0.01, 0.5**0.01), rel=1e-4)


@pytest.mark.parametrize("loss", ["relativistic", "non-saturating", "hinge", "wgan-gp"])
def test_every_loss_trains(loss):
    """Each selectable loss gives finite losses and rows."""
    sampler = tiny(loss=loss).fit(mixed_frame())
    losses_of_run = pd.DataFrame(sampler.history_)[["critic_loss", "generator_loss", "penalty"]]
    assert np.isfinite(losses_of_run.to_numpy()).all()
    assert sampler.sample(5)["amount"].notna().all()


def test_training_learns_a_dependence():
    """A column that repeats another comes out repeating it in most rows."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c", "d"], 400)
    X = pd.DataFrame({"kind": kind, "same": kind})
    sampler = GANSampler(
        TabularGAN(width=64, depth=1), steps=400, batch_size=100, random_state=0
    ).fit(X)
    rows = sampler.sample(1000)
    assert (rows["kind"] == rows["same"]).mean() > 0.5  # 0.25 by chance


def test_history_has_lists_of_equal_length():
    """history_ goes into a data frame, and ends at the number of steps."""
    history = pd.DataFrame(tiny(steps=9).fit(mixed_frame()).history_)
    assert {"step", "seconds", "critic_loss", "generator_loss", "penalty"} <= set(history)
    assert history["step"].iloc[-1] == 9
    assert history["step"].is_monotonic_increasing


def test_max_time_ends_a_run_early():
    """A run with hardly any time makes few of its many steps, and still samples."""
    sampler = tiny(steps=10**9, max_time=0.5).fit(mixed_frame())
    assert 1 <= sampler.n_steps_ < 10**9
    assert len(sampler.sample(3)) == 3


ELSEWHERE = """
import hashlib, pickle, sys
sampler, X = pickle.load(open(sys.argv[1], "rb"))
print(hashlib.sha256(sampler.fit(X).sample(50).to_csv().encode()).hexdigest())
"""


def test_same_seed_same_samples_in_another_process_that_prints_nothing(tmp_path):
    """Training and sampling with a seed give the same bytes, and TensorFlow has nothing to say."""
    (tmp_path / "given.pickle").write_bytes(pickle.dumps((tiny(), mixed_frame())))
    command = [sys.executable, "-c", ELSEWHERE, tmp_path / "given.pickle"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    here = tiny().fit(mixed_frame()).sample(50).to_csv()
    assert run.stdout == hashlib.sha256(here.encode()).hexdigest() + "\n"
    assert run.stderr == ""


def test_nothing_is_logged():
    """A fit leaves the root logger without a handler of its own."""
    handlers = logging.root.handlers[:]
    tiny().fit(mixed_frame())
    assert logging.root.handlers == handlers


def test_other_seed_other_samples():
    """Another random_state trains another generator."""
    frame = mixed_frame()
    one, two = (tiny(random_state=seed).fit(frame).sample(50, random_state=0) for seed in (0, 1))
    assert not one.equals(two)


def test_refit_is_bit_identical_though_the_trace_is_reused():
    """A second fit takes over nothing from the first but the compiled loop."""
    frame = mixed_frame()
    first = tiny().fit(frame).sample(50)
    tiny(random_state=5).fit(frame)
    pd.testing.assert_frame_equal(tiny().fit(frame).sample(50), first)


def test_trace_is_cached_between_fits_of_the_same_shapes():
    """Fits on folds of one table, of different lengths, trace the loop once."""
    frame = mixed_frame()
    traces = []

    class Counting(TableCodec):
        def expand(self, encoded):
            if not tf.executing_eagerly():
                traces.append(encoded.shape)
            return super().expand(encoded)

    class CountingGAN(TabularGAN):
        def codec(self, spec, data):
            return Counting(spec.schema.columns, data, self.max_distinct, self.min_mass, 4)

    for rows in (frame, frame.iloc[:-7]):
        GANSampler(CountingGAN(width=16, depth=1), steps=4, batch_size=16).fit(rows)
    assert len(traces) == 1


def test_no_global_random_state_is_touched():
    """Fit and sample leave Python's, numpy's and Keras's global generators as they were."""
    random.seed(3)
    np.random.seed(3)
    before = (random.getstate(), np.random.get_state()[1].tolist())
    tiny().fit(mixed_frame()).sample(5)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before


def test_gpu_that_is_not_there_is_an_error():
    """Asking for a GPU that TensorFlow does not see names the parameter and the remedy."""
    with pytest.raises(RuntimeError, match=r"device='gpu:99' .* Use device='auto'"):
        devices.resolve("gpu:99")


def test_auto_falls_back_to_the_cpu_and_float32():
    """Without a GPU, automatic choices are the CPU in float32."""
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU here")
    assert devices.resolve("auto", "auto") == devices.Device("/CPU:0", is_gpu=False, bfloat16=False)


def test_bfloat16_trains_and_exports_float32():
    """Networks may compute in bfloat16; what is exported computes in float32."""
    sampler = tiny(precision="bfloat16").fit(mixed_frame())
    assert b"bfloat16" not in sampler.artifact_.model
    assert len(sampler.sample(3)) == 3


@pytest.mark.gpu
def test_trains_on_a_gpu():
    """On a GPU, training works in its default precision."""
    if not tf.config.list_physical_devices("GPU"):
        pytest.skip("no GPU here")
    assert len(tiny(device="gpu").fit(mixed_frame()).sample(3)) == 3
