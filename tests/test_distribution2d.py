from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gansynth import GANSampler, containers
from gansynth.architecture import DataSpec, NetworkSpec
from gansynth.watching import Watcher
from gansynth_distribution2d import Distribution2DGAN, PointCodec
from gansynth_distribution2d.charts import Charts, cluster, cover, log_density, mixture_weights

rng = np.random.default_rng(0)
POINTS = rng.normal([3.0, -1.0], [0.5, 20.0], (60, 2))


def codec_of(X):
    schema, data = containers.read(X)
    return PointCodec(schema, data), data


def round_trip(X):
    """Encode X, decode it in TensorFlow, and write it again."""
    codec, data = codec_of(X)
    rows = codec.encode(data, np.random.default_rng(0))
    assert rows.dtype == np.float32
    assert rows.shape == (len(X), codec.layout)
    outputs = {name: np.asarray(values) for name, values in codec.decode(rows).items()}
    return containers.write(containers.read(X)[0], outputs, len(X)), outputs


def spec_of(X):
    schema, data = containers.read(X)
    return DataSpec(schema, len(next(iter(data.values()))))


@pytest.mark.parametrize(
    "X",
    [
        POINTS,
        POINTS.astype(np.float32),
        POINTS[:, :1],
        rng.standard_normal((20, 8)),
        POINTS[:2],
        np.repeat(POINTS[:3], 4, axis=0),
        POINTS * 1e200,
        POINTS * 1e-200,
        POINTS + 1e6,
    ],
    ids=["float64", "float32", "1", "8", "two points", "repeated", "huge", "tiny", "far from 0"],
)
def test_points_come_back(X):
    """Decoding is the inverse of encoding, as one tensor of the dtype of X."""
    again, outputs = round_trip(X)
    assert list(outputs) == ["points"]
    assert again.dtype == outputs["points"].dtype == X.dtype
    np.testing.assert_allclose(again, X, rtol=1e-6, atol=1e-6 * np.ptp(X, axis=0).max())


def test_rows_are_standardised():
    """Encoded columns have mean 0 and deviation 1."""
    codec, data = codec_of(POINTS)
    rows = codec.encode(data, np.random.default_rng(0))
    np.testing.assert_allclose(rows.mean(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(rows.std(axis=0), 1.0, rtol=1e-6)


@pytest.mark.parametrize("varying", [[], [1], [0, 2]])
def test_constant_columns_stay_constant(varying):
    """Whatever is generated, a column of one value holds that value, exactly."""
    X = np.full((20, 3), 0.1)
    X[:, varying] = rng.standard_normal((20, len(varying)))
    codec, _ = codec_of(X)
    assert codec.layout == max(len(varying), 1)
    points = np.asarray(
        codec.decode(rng.standard_normal((50, codec.layout)).astype(np.float32))["points"]
    )
    constant = [i for i in range(3) if i not in varying]
    np.testing.assert_array_equal(points[:, constant], 0.1)
    assert (points[:, varying].std(axis=0) > 0.1).all()


def test_data_frame_has_an_output_a_column():
    """Columns of a data frame keep their names and dtypes; integers are rounded."""
    X = pd.DataFrame(
        {
            "east": POINTS[:, 0],
            "north": POINTS[:, 1].astype(np.float32),
            "floor": rng.integers(-1, 4, len(POINTS)),
        }
    )
    again, outputs = round_trip(X)
    assert list(outputs) == list(X)
    pd.testing.assert_frame_equal(again, X, rtol=1e-6)


def test_integers_are_rounded_and_stay_in_range():
    """Generated points between or beyond integers become the next one that was in range."""
    codec, _ = codec_of(np.array([[0, 5], [1, 7], [4, 9]]))
    rows = np.linspace(-9.0, 9.0, 2 * 101, dtype=np.float32).reshape(-1, 2)
    points = np.asarray(codec.decode(rows)["points"])
    assert points.dtype == np.int64
    assert points.min(axis=0).tolist() == [0, 5]
    assert points.max(axis=0).tolist() == [4, 9]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.array([[0.0, 1.0], [np.nan, 2.0]]), r"column 'x0' has 1 \(NaN\); drop those rows, or"),
        (pd.DataFrame({"a": [1.0, 2.0], "b": ["u", "v"]}), "'b' is of kind 'category'; leave it"),
    ],
)
def test_what_are_no_points_is_refused(X, message):
    """Missing values and labels are refused, with the architecture that takes them."""
    with pytest.raises(ValueError, match=message) as error:
        codec_of(X)
    assert "architecture='tabular'" in str(error.value)


@pytest.mark.parametrize(
    "parameter", [{"width": 0}, {"depth": 0}, {"charts": 0}, {"octaves": -1}, {"width": 8.5}]
)
def test_parameters_are_checked_in_fit(parameter):
    """A parameter out of its range is named, with its value and its least."""
    ((name, value),) = parameter.items()
    schema, data = containers.read(POINTS)
    architecture = Distribution2DGAN(**parameter)
    with pytest.raises(ValueError, match=f"{name}={value} is no integer of at least [01]"):
        architecture.codec(DataSpec(schema, len(POINTS)), data)


@pytest.mark.parametrize(
    ("X", "score"),
    [
        (POINTS, 80),
        (POINTS.tolist(), 80),
        (POINTS[:, :1], 80),
        (rng.random((9, 4)), 40),
        (rng.random((9, 8)), 40),
        (rng.random((9, 9)), 0),
        (np.where(np.eye(9, 2), np.nan, 1.0), 0),
        (rng.integers(0, 9, (9, 2)), 0),
        (pd.DataFrame(POINTS, columns=["x", "y"]), 80),
        (pd.DataFrame(rng.random((9, 3)), columns=["a", "b", "c"]), 40),
        (pd.DataFrame({"x": [1.0, 2.0], "label": ["u", "v"]}), 0),
        (rng.random((9, 8, 8)), 0),
    ],
)
def test_accepts(X, score):
    """Points are a few float columns without gaps; tables (at 50) take the rest."""
    assert Distribution2DGAN().accepts(spec_of(X)) == score


def test_recipe_sharpens_late():
    """Gamma falls to the variance of narrow modes, over a good part of the run."""
    recipe = Distribution2DGAN().recipe(spec_of(POINTS))
    start, end = recipe.gamma
    assert start >= 0.05
    assert end <= 1e-3
    assert recipe.gamma_anneal >= 0.3


def test_a_good_start_does_not_end_the_run():
    """Charts over clusters are as good as real at once; the critic has its steps all the same."""
    points = np.random.default_rng(0).standard_normal((400, 2))
    gan = Distribution2DGAN(width=8, depth=1, charts=8)
    sampler = GANSampler(gan, steps=200, random_state=0, device="cpu").fit(points)
    assert sampler.history_["score"][0] > 0.8
    assert sampler.n_steps_ == 200


def covariances(charts):
    return charts.frames.transpose(0, 2, 1) @ charts.frames


def test_charts_lie_on_the_modes():
    """Each mode has charts, as wide as it is and with its share, whatever its own width."""
    modes = np.array([[-1.0, -1.0], [1.0, -1.0], [0.0, 1.0]])
    of_mode = np.repeat([0, 1, 2], [600, 300, 100])
    points = modes[of_mode] + 0.01 * np.random.default_rng(0).standard_normal((1000, 2))
    charts = cover(points.astype(np.float32), 3, seed=0)
    nearest = np.linalg.norm(charts.centres[:, None] - modes, axis=2).argmin(axis=1)
    assert sorted(nearest) == [0, 1, 2]
    np.testing.assert_allclose(charts.centres, modes[nearest], atol=0.005)
    np.testing.assert_allclose(charts.shares, np.array([0.6, 0.3, 0.1])[nearest], rtol=1e-12)
    np.testing.assert_allclose(covariances(charts) * 1e4, np.tile(np.eye(2), (3, 1, 1)), atol=0.3)


def test_a_mixture_of_charts_has_the_moments_of_the_points():
    """Mean and covariance of what the charts draw are those of the points, but for a little."""
    points = np.random.default_rng(0).standard_normal((2000, 3)) @ rng.standard_normal((3, 3))
    charts = cover(points.astype(np.float32), 16, seed=0)
    mean = charts.shares @ charts.centres
    apart = charts.centres - mean
    covariance = np.einsum("n,nij->ij", charts.shares, covariances(charts))
    covariance += np.einsum("n,ni,nj->ij", charts.shares, apart, apart)
    np.testing.assert_allclose(mean, points.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(covariance, np.cov(points.T), atol=0.05 * np.cov(points.T).max())


@pytest.mark.parametrize(
    "points",
    [np.zeros((1, 2)), np.zeros((50, 2)), np.eye(2), np.repeat(POINTS[:3], 4, axis=0), POINTS[:13]],
    ids=["one", "one value", "two", "repeated", "few"],
)
def test_few_points_are_not_learned_by_heart(points):
    """Charts share clusters of six points or more, of equal ones six count; shares add up to 1."""
    charts = cover(points.astype(np.float32), 7, seed=0)
    times = np.unique(points.astype(np.float32), axis=0, return_counts=True)[1]
    most = max(1, np.minimum(times, 6).sum() // 6)
    assert len(np.unique(charts.centres, axis=0)) <= most
    assert charts.shares.sum() == pytest.approx(1.0)
    assert np.isfinite(charts.frames).all()
    if len(np.unique(points, axis=0)) > 1:
        assert (np.linalg.eigvalsh(covariances(charts)) > 0.0).all()


def test_points_of_their_own_have_no_chart_each_beside_one_that_repeats():
    """Of eleven points apart from a thousand that are the same, none is copied."""
    apart = np.random.default_rng(0).standard_normal((11, 2))
    points = np.concatenate([np.zeros((1000, 2)), apart]).astype(np.float32)
    charts = cover(points, 64, seed=0)
    distances = np.linalg.norm(charts.centres[:, None] - apart, axis=2)
    assert distances.min() > 1e-3


def test_values_that_repeat_have_a_chart_each():
    """Of a lattice, the charts are the values that there are, as often as there are."""
    values, weights = np.argwhere(np.ones((3, 3))), np.arange(1, 10) / 45
    points = np.random.default_rng(0).choice(values, 2000, p=weights).astype(np.float32)
    charts = cover(points, 64, seed=0)
    apart = np.linalg.norm(charts.centres[:, None] - values, axis=2)
    assert apart.min(axis=1).max() < 1e-6
    shares = np.bincount(apart.argmin(axis=1), charts.shares, len(values))
    np.testing.assert_allclose(shares, weights, atol=0.03)


@pytest.mark.parametrize(("modes", "seed"), [(1, 0), (8, 0), (8, 1), (64, 0)])
def test_clusters_are_as_many_as_suit_points_not_seen(modes, seed):
    """Fresh points of Gaussians far apart are about as likely under charts as under the truth."""
    angles = 2 * np.pi * np.arange(modes) / modes
    centres = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    truth = Charts(centres, np.tile(0.005 * np.eye(2), (modes, 1, 1)), np.full(modes, 1 / modes))
    noise = 0.005 * np.random.default_rng(seed).standard_normal((2, 64 * 20, 2))
    points, fresh = np.repeat(centres, 64 * 20 // modes, axis=0) + noise
    charts = cover(points.astype(np.float32), 128, seed)
    lost = log_density(truth, fresh) - log_density(charts, fresh)
    assert lost.mean() < 0.2


def test_an_outlier_does_not_tell_the_number_of_clusters():
    """Held out, it is unlikely under any; the number is that of the other points."""
    points = np.repeat([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]], 100, axis=0)
    points += 0.01 * np.random.default_rng(0).standard_normal(points.shape)
    points = np.concatenate([points, [[300.0, 0.0], [0.0, -300.0], [300.0, 300.0]]])
    for seed in range(5):
        charts = cover(points.astype(np.float32), 64, seed)
        near = np.unique(charts.centres.round(9), axis=0)
        near = near[np.linalg.norm(near, axis=1) < 2.0]
        assert len(near) >= 4
        assert np.abs(np.linalg.norm(near, axis=1) - 1.0).max() < 0.1


@pytest.mark.parametrize("ties", [0, 10_000])
def test_a_chart_of_one_point_is_as_wide_as_others(ties):
    """A point far from all others is a cluster of its own, and not a copy; ties don't count."""
    others = np.random.default_rng(0).standard_normal((99, 2))
    points = np.concatenate([np.full((ties, 2), -9.0), others, [[1e3, 1e3]]])
    charts = cluster(points, 6, seed=0)
    lonely = charts.centres[:, 0].argmax()
    assert charts.shares[lonely] == pytest.approx(1 / len(points))
    widths = np.sqrt(np.linalg.eigvalsh(covariances(charts)))
    assert widths[lonely].min() > 0.3 * np.median(widths)


@pytest.mark.parametrize("classes", [0, 3])
def test_a_prepared_generator_draws_the_data(classes):
    """Before the first step, each class is where its points are; one without any, where all are."""
    modes = np.array([[-1.0, -1.0], [1.0, 1.0]])
    labels = np.repeat([0, 2], 200).astype(np.int32)
    points = modes[labels // 2] + 0.01 * rng.standard_normal((400, 2))
    codec, data = codec_of(points)
    rows = codec.encode(data, rng)
    network = Distribution2DGAN(charts=8).generator(NetworkSpec(2, 8, classes), seed=0)
    codec.prepare(network, rows, labels if classes else None, seed=0)
    z = rng.standard_normal((300, network.inputs[0].shape[1])).astype(np.float32)

    def drawn(c):
        made = np.asarray(network([z, *([np.full(300, c, np.int32)] if classes else [])]))
        apart = np.linalg.norm(made[:, None] - modes, axis=2)
        assert apart.min(axis=1).max() < 0.1
        return apart.argmin(axis=1).mean()

    assert drawn(0) == (0.0 if classes else pytest.approx(0.5, abs=0.1))
    if classes:
        assert drawn(2) == 1.0
        assert drawn(1) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("charts", "classes", "each"), [(256, 2, 128), (256, 13, 40), (8, 13, 8)])
def test_classes_share_charts(charts, classes, each):
    """Each has its share of them, but not so few that its shape could not be told."""
    network = Distribution2DGAN(charts=charts).generator(NetworkSpec(2, 8, classes), seed=0)
    centres = next(w for w in network.weights if w.name == "centres")
    assert centres.shape == (classes * each, 2)


def test_steps_go_by_the_width_of_charts():
    """The same change of a weight moves narrow charts by less than wide ones."""
    moves = []
    for width in (0.01, 1.0):
        rows = (width * rng.standard_normal((400, 2))).astype(np.float32)
        rows[::2] += 1.0
        network = Distribution2DGAN(charts=4).generator(NetworkSpec(2, 8, 0), seed=0)
        PointCodec(*containers.read(POINTS)).prepare(network, rows, None, seed=0)
        z = rng.standard_normal((100, 9)).astype(np.float32)
        before = np.asarray(network([z]))
        for variable in network.trainable_variables:
            variable.assign_add(1e-3 * np.ones(variable.shape))
        moves.append(np.abs(np.asarray(network([z])) - before).mean())
    assert moves[0] < 0.1 * moves[1]


@pytest.mark.parametrize("octaves", [0, 1, 6])
def test_the_critic_sees_coordinates_and_waves(octaves):
    """A sine and a cosine of each coordinate an octave; none of them is allowed."""
    network = Distribution2DGAN(octaves=octaves).critic(NetworkSpec(3, 8, 0), seed=0)
    assert network.trainable_weights[0].shape[0] == 3 + 2 * 3 * octaves
    assert np.isfinite(network([rng.standard_normal((5, 3)).astype(np.float32)])).all()


def test_the_least_of_everything_fits():
    """Every parameter at the least value that is allowed."""
    least = Distribution2DGAN(width=1, depth=1, charts=1, octaves=0)
    sampler = GANSampler(least, steps=2, batch_size=8, random_state=0).fit(POINTS)
    assert sampler.sample(10).shape == (10, 2)


def test_mixture_weights_find_the_shares():
    """Components get the shares of points near them; one with no points gets none."""
    nearest = np.repeat([[0, 0, 1], [2, 2, 2]], [30, 10], axis=0)
    weights = mixture_weights(nearest, 4)
    assert weights.sum() == pytest.approx(1.0)
    assert weights[2] == pytest.approx(0.25)
    assert weights[0] > weights[1]
    assert weights[3] == 0.0


class KeepingCodec(PointCodec):
    """Keeps the weights that are exported: the engine lends generators and takes them back."""

    def calibrate(self, generator, draw):
        super().calibrate(generator, draw)
        self.weights = generator.get_weights()


class KeepingGAN(Distribution2DGAN):
    """Remembers its codec."""

    def codec(self, spec, data):
        self.codec_ = KeepingCodec(spec.schema, data)
        return self.codec_


@pytest.fixture(scope="module", params=[0, 3], ids=["points", "labelled points"])
def trained(request):
    """A small fit of two clumps, with or without classes."""
    from gansynth.training.fit import Settings, fit

    X = np.concatenate([POINTS[:30], POINTS[30:] + 100.0])
    spec, labels = spec_of(X), None
    if request.param:
        labels = np.repeat([0, 1, 2], [15, 15, 30]).astype(np.int32)
        schema = replace(
            spec.schema, classes=(0, 1, 2), class_counts=(15, 15, 30), class_dtype="int64"
        )
        spec = replace(spec, schema=schema)
    architecture = KeepingGAN(width=16, depth=1, charts=8)
    recipe = replace(architecture.recipe(spec), steps=6, batch_size=8, latent_dim=3)
    _, data = containers.read(X)
    fitted = fit(architecture, spec, data, labels, recipe, Settings(seed=0), Watcher())
    model, history = fitted.graph, fitted.state.history
    codec = architecture.codec_
    generator = architecture.generator(NetworkSpec(codec.layout, 3, request.param), seed=1)
    generator.set_weights(codec.weights)
    return SimpleNamespace(
        classes=request.param, codec=codec, generator=generator, model=model, history=history
    )


def test_training_is_recorded(trained):
    """All steps are made, and losses stay finite."""
    assert trained.history["step"][-1] == 6
    losses = ("critic_loss", "generator_loss", "penalty")
    assert all(np.isfinite(trained.history[name]).all() for name in losses)


@pytest.mark.parametrize("n", [1, 7, 256])
def test_exported_graph_is_the_generator(trained, n):
    """ONNX Runtime gives what Keras gives, to 1e-5."""
    import onnxruntime

    session = onnxruntime.InferenceSession(trained.model, providers=["CPUExecutionProvider"])
    z = np.random.default_rng(n).standard_normal((n, 4)).astype(np.float32)
    y = [(np.arange(n) % trained.classes).astype(np.int32)] if trained.classes else []
    feed = dict(zip(("z", "y"), [z, *(codes.astype(np.int64) for codes in y)], strict=False))
    (points,) = session.run(["points"], feed)
    expected = trained.codec.decode(trained.generator([z, *y]))
    np.testing.assert_allclose(points, np.asarray(expected["points"]), rtol=1e-5, atol=1e-5)
