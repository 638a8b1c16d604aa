from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from gansynth import containers
from gansynth.architecture import DataSpec, NetworkSpec
from gansynth.watching import Watcher
from gansynth_distribution2d import Distribution2DGAN, PointCodec
from gansynth_distribution2d.codec import mixture_weights

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
