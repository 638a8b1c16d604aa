"""Conformance checks: what every architecture has to do, as callables and for pytest.

The built-in architectures pass the checks that a plugin's author runs::

    @parametrize_with_checks([(MyGAN(width=8), X), (MyGAN(width=8), X, y)])
    def test_conformance(check):
        check()

Some dozens of rows and small networks are enough. A check raises AssertionError, or whatever
the architecture raised.
"""

from __future__ import annotations

import functools
import itertools
import pickle
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from gansynth import containers
from gansynth.architecture import API_VERSION, Architecture, Codec, DataSpec, NetworkSpec
from gansynth.schema import MISSING_INTEGER

if TYPE_CHECKING:
    import keras
    import onnx
    import pytest

    from gansynth.sampler import GANSampler

LATENT_DIM = 8
BATCH_SIZE = 8
STEPS = 3
"""Checks train for the mechanics only: nothing is learned in this many steps."""

RARE = 0.002
"""Share of whole numbers that may differ after export: a value may lie on the border."""

_RANDOM_OPS = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}

Check = Callable[[], None]


def architecture_checks(
    architecture: Architecture, X: Any, y: Any = None
) -> Iterator[tuple[str, Check]]:
    """Yield the checks of an architecture on data that it accepts.

    One of them seeds the global random state of TensorFlow, to see whether the architecture
    touches it; those of Python and numpy, which it seeds too, are put back.

    Parameters
    ----------
    architecture : Architecture
        With parameters that make small networks.
    X : DataFrame, Table, array-like
        Some dozens of rows.
    y : array-like of shape (n,), optional
        Their classes, two or more: the checks then are about conditional networks.

    Yields
    ------
    name : str
        Name of the check.
    check : callable
        Takes no arguments; raises if the architecture does not conform.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.testing import architecture_checks
    >>> from gansynth_distribution2d import Distribution2DGAN
    >>> X = np.random.default_rng(0).normal(size=(30, 2))
    >>> name, check = next(architecture_checks(Distribution2DGAN(width=8), X))
    >>> name
    'parameters'
    >>> check()  # raises nothing
    """
    case = _Case(architecture, X, y)
    for check in _CHECKS:
        yield check.__name__.removeprefix("check_"), functools.partial(check, case)


def parametrize_with_checks(cases: Iterable[tuple[Any, ...]]) -> pytest.MarkDecorator:
    """Run the checks as tests: a pytest decorator for a function of ``check``.

    Parameters
    ----------
    cases : iterable of tuple
        ``(architecture, X)`` or ``(architecture, X, y)``, as for :func:`architecture_checks`.

    Returns
    -------
    decorator
        Parametrises the argument ``check``, a callable without arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.testing import parametrize_with_checks
    >>> from gansynth_distribution2d import Distribution2DGAN
    >>> X = np.random.default_rng(0).normal(size=(30, 2))
    >>> @parametrize_with_checks([(Distribution2DGAN(width=8), X)])
    ... def test_conformance(check):
    ...     check()
    """
    import pytest

    return pytest.mark.parametrize(
        "check",
        [
            pytest.param(check, id=f"{type(case[0]).__name__}{'-y' * (len(case) > 2)}-{name}")
            for case in cases
            for name, check in architecture_checks(*case)
        ],
    )


class _Case:
    """An architecture and data for it, with what several checks need, made once."""

    def __init__(self, architecture: Architecture, X: Any, y: Any) -> None:
        self.architecture, self.X, self.y = architecture, X, y

    @functools.cached_property
    def read(self) -> tuple[DataSpec, dict[str, np.ndarray], np.ndarray | None]:
        schema, data = containers.read(self.X)
        labels = None
        if self.y is not None:
            classes, labels, counts, dtype = containers.read_labels(self.y)
            schema = replace(schema, classes=classes, class_counts=counts, class_dtype=dtype)
        return DataSpec(schema, len(next(iter(data.values())))), data, labels

    @property
    def spec(self) -> DataSpec:
        return self.read[0]

    @property
    def data(self) -> dict[str, np.ndarray]:
        return self.read[1]

    @functools.cached_property
    def trained(self) -> Architecture:
        return clone(self.architecture).sized(self.spec, on_gpu=False)

    @functools.cached_property
    def codec(self) -> Codec:
        return self.trained.codec(self.spec, self.data)

    @functools.cached_property
    def encoded(self) -> np.ndarray:
        return self.codec.encode(self.data, _rng())

    @property
    def networks(self) -> NetworkSpec:
        return NetworkSpec(self.codec.layout, LATENT_DIM, self.spec.n_classes)

    def build(self, seed: int = 0) -> tuple[keras.Model, keras.Model]:
        """Build generator and critic anew."""
        return (
            self.trained.generator(self.networks, seed),
            self.trained.critic(self.networks, seed),
        )

    def noise(self, generator: keras.Model, n: int) -> list[np.ndarray]:
        """Make inputs of the generator for n rows."""
        width = generator.inputs[0].shape[-1]
        return [_rng(n).standard_normal((n, width)).astype(np.float32), *self.condition(n)]

    def condition(self, n: int) -> list[np.ndarray]:
        """Make class codes for n rows, if there are classes, and give some parts of them."""
        condition = []
        if self.spec.n_classes:
            condition.append(np.arange(n, dtype=np.int32) % self.spec.n_classes)
        if self.codec.parts:
            known = _rng(n).random((n, self.codec.parts)) < 0.3
            condition.append(np.asarray(self.codec.give(self.real(n), known.astype(np.float32))))
        return condition

    def asked(self, n: int) -> np.ndarray:
        """Make values that some columns of n rows are to have, NaN elsewhere."""
        columns = self.spec.schema.columns
        values = [
            np.where(
                containers.missing_in(column, self.data[column.output]),
                np.inf,
                self.data[column.output],
            )
            for column in columns
        ]
        asked = np.resize(np.stack(values, axis=1).astype(float), (n, len(columns)))
        asked[_rng(n).random(asked.shape) < 0.7] = np.nan
        return asked

    def real(self, n: int) -> Any:
        """Take n expanded rows of the data, again and again if they are fewer."""
        return self.codec.expand(np.resize(self.encoded, (n, *self.encoded.shape[1:])))

    def augmented(self, rows: Any) -> Any:
        """Change rows as they are for the critic in training, if they are."""
        change = self.trained.recipe(self.spec).augmentation
        if change is None:
            return rows
        numbers = _rng().random((len(rows), change.numbers), np.float32)
        return change(rows, numbers)

    def fit(self, X: Any = None, y: Any = None) -> GANSampler:
        """Train for a few steps."""
        from gansynth.sampler import GANSampler

        sampler = GANSampler(
            clone(self.architecture), steps=STEPS, batch_size=BATCH_SIZE, random_state=0
        )
        return sampler.fit(self.X if X is None else X, self.y if X is None else y)

    @functools.cached_property
    def fitted(self) -> GANSampler:
        return self.fit()

    @functools.cached_property
    def exported(self) -> bytes:
        from gansynth.training.export import export

        generator, _ = self.build()
        schema = self.spec.schema
        return export(
            generator,
            self.codec,
            n_classes=len(schema.classes),
            mixed=self.architecture.mixes_classes,
            n_columns=len(schema.columns) if self.codec.parts else 0,
        )

    def assert_same(self, first: Any, second: Any) -> None:
        """Compare two samples, whatever container they are in."""
        schema = self.fitted.artifact_.schema
        read = containers.read_as(schema, first), containers.read_as(schema, second)
        for name, values in read[0].items():
            np.testing.assert_array_equal(values, read[1][name], err_msg=name)


def check_parameters(case: _Case) -> None:
    """It is a scikit-learn estimator, keeps its parameters, and states its api_version."""
    architecture = case.architecture
    assert isinstance(architecture, Architecture), f"{architecture!r} is no Architecture"
    assert getattr(architecture, "api_version", None) == API_VERSION, (
        f"write `api_version = {API_VERSION}` in {type(architecture).__name__}"
    )
    copy = clone(architecture)
    before = _parameters(copy)
    assert before == _parameters(architecture)
    trained = copy.sized(case.spec, on_gpu=False)
    settled = _parameters(trained)
    trained.codec(case.spec, case.data)
    trained.recipe(case.spec)
    trained.generator(case.networks, 0)
    trained.critic(case.networks, 0)
    for used, known in ((copy, before), (trained, settled)):
        after = _parameters(used)
        assert after == known, f"parameters were changed: {known} became {after}"


def check_sized(case: _Case) -> None:
    """Once settled for a device, it stays as it is on any: fits go on where others have begun."""
    for on_gpu in (False, True):
        trained = clone(case.architecture).sized(case.spec, on_gpu)
        assert isinstance(trained, Architecture), f"sized() gave {trained!r}, no Architecture"
        for other in (on_gpu, not on_gpu):
            again = trained.sized(case.spec, other)
            assert repr(again) == repr(trained), f"sized() of {trained!r} gave {again!r}"


def check_accepts(case: _Case) -> None:
    """It scores data from 0 to 100, accepts these, and can take whatever it accepts."""
    assert _score(case.architecture, case.spec) > 0, "it does not accept the data of the check"
    for probe in _probes():
        schema, data = containers.read(probe)
        n = len(next(iter(data.values())))
        spec = DataSpec(schema, n)
        if _score(case.architecture, spec):
            _check_rows(case.trained.codec(spec, data).encode(data, _rng()), n)


def check_recipe(case: _Case) -> None:
    """Its recipe names a known loss and has a budget."""
    from gansynth.training.losses import LOSSES

    recipe = case.trained.recipe(case.spec)
    assert recipe.loss in LOSSES, f"{recipe.loss!r} is none of {sorted(LOSSES)}"
    for name in ("steps", "batch_size", "latent_dim"):
        value = getattr(recipe, name)
        assert isinstance(value, int) and value >= 1, f"{name}={value!r} is no count"  # noqa: PT018


def check_encode(case: _Case) -> None:
    """Encoding gives a float32 row for each row, the same for the same rng, and leaves X be."""
    before = {name: values.copy() for name, values in case.data.items()}
    rows = case.codec.encode(case.data, _rng())
    _check_rows(rows, case.spec.n_samples)
    np.testing.assert_array_equal(rows, case.codec.encode(case.data, _rng()))
    for name, values in case.data.items():
        np.testing.assert_array_equal(values, before[name], err_msg=f"encode changed {name}")


def check_layout(case: _Case) -> None:
    """Equal data give equal, hashable layouts; expansion depends on the layout only."""
    twin = case.trained.codec(case.spec, case.data)
    assert twin.layout == case.codec.layout, "a codec of the same data has another layout"
    assert hash(twin.layout) == hash(case.codec.layout)
    # A compiled program is kept for later fits of the same layout, with the first one's codec.
    half = {name: values[::2] for name, values in case.data.items()}
    other = case.trained.codec(replace(case.spec, n_samples=len(case.encoded[::2])), half)
    if other.layout == case.codec.layout:
        np.testing.assert_array_equal(
            other.expand(case.encoded),
            case.codec.expand(case.encoded),
            err_msg="codecs of one layout expand differently",
        )


def check_shapes(case: _Case) -> None:
    """Generator, critic and expanded rows agree in shape; all are float32."""
    generator, critic = case.build()
    for network in (generator, critic):
        expected = 1 + bool(case.spec.n_classes) + bool(case.codec.parts)
        assert len(network.inputs) == expected, (
            f"{network.name} has {len(network.inputs)} inputs, not {expected}"
        )
    assert generator.inputs[0].shape[-1] >= LATENT_DIM, "its noise is narrower than latent_dim"
    real, fake = case.real(5), _call(generator, case.noise(generator, 5))
    seen = case.augmented(real)
    assert tuple(seen.shape) == tuple(real.shape), (
        f"augmentation makes {tuple(seen.shape)} of {tuple(real.shape)}"
    )
    assert tuple(fake.shape) == tuple(real.shape), (
        f"the generator makes {tuple(fake.shape)}, the data are {tuple(real.shape)}"
    )
    logits = _call(critic, [real, *case.condition(5)])
    assert tuple(logits.shape) == (5, 1), f"the critic gives {tuple(logits.shape)}, not (5, 1)"
    for what, rows in (
        ("data", real),
        ("augmented rows", seen),
        ("generated rows", fake),
        ("logits", logits),
    ):
        assert rows.dtype == "float32", f"{what} are {rows.dtype}, not float32"


def check_given(case: _Case) -> None:
    """What the generator is given is in its rows."""
    parts = case.codec.parts
    if not parts:
        return
    real = case.real(BATCH_SIZE)
    generator, _ = case.build()
    inputs = case.noise(generator, BATCH_SIZE)
    for pattern in (np.ones(parts), *np.eye(parts)):
        known = np.tile(pattern, (BATCH_SIZE, 1)).astype(np.float32)
        inputs[-1] = case.codec.give(real, known)
        again = case.codec.give(_call(generator, inputs), known)
        np.testing.assert_array_equal(again, inputs[-1], err_msg="given parts were changed")


def check_seed(case: _Case) -> None:
    """Equal seeds give equal weights, other seeds other ones."""
    for first, second, other in zip(case.build(1), case.build(1), case.build(2), strict=True):
        for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b, err_msg="one seed gave two weights")
        pairs = zip(first.get_weights(), other.get_weights(), strict=True)
        assert any(not np.array_equal(a, b) for a, b in pairs), "two seeds gave the same weights"


def check_global_random_state(case: _Case) -> None:
    """Fitting and sampling draw nothing from the global generators.

    Keras has one of its own, seeded from Python's at its first use: what a network draws
    from it comes out in :func:`check_seed` and :func:`check_rows_are_independent`.
    """
    import tensorflow as tf

    def seed() -> None:
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002
        tf.random.set_seed(0)

    def draws() -> list[float]:
        return [
            random.random(),  # noqa: S311
            np.random.random(),  # noqa: NPY002
            float(tf.random.uniform(())),
        ]

    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        seed()
        expected = draws()
        seed()
        case.build()
        case.fit().sample(2, random_state=0)
        for name, a, b in zip(("random", "numpy", "tf"), draws(), expected, strict=True):
            assert a == b, f"the global random state of {name} was used"
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002


def check_rows_are_independent(case: _Case) -> None:
    """A row comes out the same alone and among others, in training too."""
    n = 6
    generator, critic = case.build()
    real = case.real(n)
    for name, network, inputs in (
        ("generator", generator, case.noise(generator, n)),
        ("critic", critic, [real, *case.condition(n)]),
    ):
        for training in (False, True):
            together = np.asarray(_call(network, inputs, training))
            alone = np.concatenate(
                [_call(network, [part[i : i + 1] for part in inputs], training) for i in range(n)]
            )
            np.testing.assert_allclose(
                together,
                alone,
                rtol=1e-4,
                atol=1e-5,
                err_msg=f"{name}(training={training}): rows depend on each other, or on chance",
            )


def check_gradients(case: _Case) -> None:
    """Both players' gradients are there and finite."""
    import tensorflow as tf

    from gansynth.training.losses import LOSSES

    generator, critic = case.build()
    _stir(generator, critic)
    n = BATCH_SIZE
    with tf.GradientTape(persistent=True) as tape:
        fake = _call(generator, case.noise(generator, n), training=True)
        rows = tf.concat([case.real(n), fake], axis=0)
        condition = [np.concatenate([part, part]) for part in case.condition(n)]
        logits = _call(critic, [rows, *condition], training=True)
        critic_loss, generator_loss = LOSSES["relativistic"](*tf.split(logits, 2))
    for network, loss in ((generator, generator_loss), (critic, critic_loss)):
        for weight, gradient in _gradients(tape, loss, network.trainable_weights):
            assert gradient is not None, f"{weight.path} gets no gradient"
            assert np.isfinite(gradient).all(), f"the gradient of {weight.path} is not finite"


def check_gradient_penalty(case: _Case) -> None:
    """The penalty's own gradient is finite and reaches every kernel, through augmentation too."""
    import tensorflow as tf

    from gansynth.training.losses import zero_centred

    _, critic = case.build()
    _stir(critic)
    rows = tf.convert_to_tensor(case.real(BATCH_SIZE))
    with tf.GradientTape() as tape:
        with tf.GradientTape() as inner:
            inner.watch(rows)
            seen = case.augmented(rows)
            logits = _call(critic, [seen, *case.condition(BATCH_SIZE)], training=True)
        penalty = zero_centred(inner.gradient(logits, rows))
    kernels = [weight for weight in critic.trainable_weights if weight.name.endswith("kernel")]
    for weight, gradient in _gradients(tape, penalty, kernels):
        assert gradient is not None, f"the penalty does not reach {weight.path}"
        assert np.isfinite(gradient).all(), f"its gradient for {weight.path} is not finite"
        assert np.any(gradient != 0), f"its gradient for {weight.path} is zero"


def check_export(case: _Case) -> None:
    """The exported graph computes what Keras does, at any batch size.

    Floats to 1e-5 of the column's size; whole numbers to 1e-5 of their range, rounded down, but
    for rare ones on a border.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        case.exported, options, providers=["CPUExecutionProvider"]
    )
    names = [value.name for value in session.get_outputs()]
    generator, _ = case.build()
    for n in (1, 7, 256):
        inputs = case.noise(generator, n)
        feed = {"z": inputs[0]}
        if case.spec.n_classes:
            feed["y"] = inputs[1].astype(np.int64)
        if case.codec.parts:
            feed["condition"] = case.asked(n)
            inputs[-1] = case.codec.given(feed["condition"])
        expected = case.codec.decode(_call(generator, inputs))
        if case.codec.parts:
            expected = _kept(expected, feed["condition"])
        outputs = dict(zip(names, session.run(names, feed), strict=True))
        assert names == list(expected), f"outputs are {names}, decode gives {list(expected)}"
        for name, values in expected.items():
            _assert_close(outputs[name], np.asarray(values), f"{name}, batch of {n}")
        containers.write(case.spec.schema, outputs, n)
        if case.architecture.mixes_classes and case.spec.n_classes:
            weights = np.eye(case.spec.n_classes, dtype=np.float32)[feed["y"]]
            feed |= {"y": np.zeros_like(feed["y"]), "class_weights": weights}
            for name, values in zip(names, session.run(names, feed), strict=True):
                np.testing.assert_array_equal(
                    values, outputs[name], "all weight on one class gives other rows than its code"
                )


def check_graph(case: _Case) -> None:
    """The exported graph holds standard ops, none of them random."""
    import onnx

    model = onnx.load_from_string(case.exported)
    nodes = list(_nodes(model.graph))
    chance = sorted({node.op_type for node in nodes} & _RANDOM_OPS)
    assert not chance, f"the graph draws by chance: {chance}"
    foreign = sorted({node.op_type for node in nodes if node.domain not in ("", "ai.onnx")})
    assert not foreign, f"ops that no standard runtime knows: {foreign}"
    calls = sorted({node.op_type for node in nodes if "PartitionedCall" in node.op_type})
    assert not calls, f"calls of TensorFlow functions are left: {calls}"


def check_fit_is_deterministic(case: _Case) -> None:
    """Two fits with one random_state sample the same rows."""
    case.assert_same(
        case.fitted.sample(9, random_state=1),
        case.fit().sample(9, random_state=1),
    )


def check_sample(case: _Case) -> None:
    """Samples come in the container of X; more rows begin with fewer rows."""
    many = case.fitted.sample(40, random_state=0)
    assert type(many) is type(case.X), f"X is a {type(case.X)}, samples are a {type(many)}"
    assert _shape(many) == (40, *_shape(case.X)[1:])
    few = containers.read_as(case.fitted.artifact_.schema, case.fitted.sample(7, random_state=0))
    for name, values in containers.read_as(case.fitted.artifact_.schema, many).items():
        np.testing.assert_array_equal(values[:7], few[name], err_msg=name)


def check_pickle(case: _Case) -> None:
    """A fitted sampler comes back from a pickle and samples the same rows."""
    again = pickle.loads(pickle.dumps(case.fitted))  # noqa: S301
    case.assert_same(
        case.fitted.sample(5, random_state=0),
        again.sample(5, random_state=0),
    )


def check_two_rows(case: _Case) -> None:
    """Two rows are enough to fit."""
    _, data, labels = case.read
    if labels is None:
        rows, y = np.array([0, 1]), None
    else:
        rows = np.array([np.flatnonzero(labels == code)[0] for code in (0, 1)])
        y = containers.write_labels(case.spec.schema, labels[rows])
    X = containers.write(case.spec.schema, _take(data, rows), 2)
    sampler = case.fit(X, y)
    assert _shape(sampler.sample(3, random_state=0)) == (3, *_shape(case.X)[1:])


_CHECKS: tuple[Callable[[_Case], None], ...] = (
    check_parameters,
    check_sized,
    check_accepts,
    check_recipe,
    check_encode,
    check_layout,
    check_shapes,
    check_given,
    check_seed,
    check_rows_are_independent,
    check_gradients,
    check_gradient_penalty,
    check_export,
    check_graph,
    check_fit_is_deterministic,
    check_sample,
    check_pickle,
    check_two_rows,
    check_global_random_state,
)


def _rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def _parameters(architecture: Architecture) -> dict[str, str]:
    return {name: repr(value) for name, value in architecture.get_params().items()}


def _score(architecture: Architecture, spec: DataSpec) -> int:
    """What it says of the data, checked."""
    score = architecture.accepts(spec)
    assert type(score) is int, f"accepts() gave {score!r}, which is no int"
    assert 0 <= score <= 100, f"accepts() gave {score}, which is not from 0 to 100"
    return score


def _probes() -> Iterator[Any]:
    """Small data of several kinds: numbers, a mixed table with missing values, images."""
    import pandas as pd

    yield _rng().standard_normal((8, 2))
    yield _rng().integers(0, 3, (8, 5))
    yield pd.DataFrame(
        {
            "amount": [0.0, 0.0, 1.5, np.nan, 2.5, -1.0, 0.0, 3.0],
            "count": [1, 2, 3, 4, 5, 6, 7, 8],
            "flag": [True, False] * 4,
            "city": ["Ulm", "Bern", None, "Ulm", "Graz", "Bern", "Ulm", "Graz"],
        }
    )
    yield _rng().integers(0, 256, (8, 6, 5, 3)).astype(np.uint8)
    yield _rng().random((8, 8, 8))


def _check_rows(rows: Any, n: int) -> None:
    """Check what encode gave."""
    assert isinstance(rows, np.ndarray), f"encode gave a {type(rows)}, not an array"
    assert rows.dtype == np.float32, f"encode gave {rows.dtype}, not float32"
    assert len(rows) == n, f"encode gave {len(rows)} rows for {n}"
    assert rows.size > 0, "encode gave nothing: rows of width 0"
    assert np.isfinite(rows).all(), "encode gave numbers that are not finite"


def _call(network: keras.Model, inputs: list[Any], training: bool = False) -> Any:
    """Run a network as training does, on tensors."""
    import tensorflow as tf

    return network([tf.convert_to_tensor(part) for part in inputs], training=training)


def _stir(*networks: keras.Model) -> None:
    """Move all weights a little.

    A branch that ends in a kernel of zeros, as residual branches may at first, has no
    gradient before it.
    """
    for seed, network in enumerate(networks):
        rng = _rng(seed)
        for weight in network.trainable_weights:
            weight.assign_add(0.05 * rng.standard_normal(weight.shape).astype(np.float32))


def _kept(columns: dict[str, Any], asked: np.ndarray) -> dict[str, np.ndarray]:
    """Columns with the values that were asked for."""
    kept = {}
    for (name, values), wanted in zip(columns.items(), asked.T, strict=True):
        kept[name] = np.array(values)
        finite = np.isfinite(wanted)
        kept[name][finite] = wanted[finite]
    return kept


def _gradients(tape: Any, loss: Any, weights: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Pair weights with their gradients as arrays; None where there is none."""
    import tensorflow as tf

    gradients = tape.gradient(loss, [weight.value for weight in weights])
    for weight, gradient in zip(weights, gradients, strict=True):
        yield weight, None if gradient is None else tf.convert_to_tensor(gradient).numpy()


def _assert_close(values: np.ndarray, expected: np.ndarray, what: str) -> None:
    assert values.dtype == expected.dtype, f"{what}: {values.dtype}, not {expected.dtype}"
    if expected.dtype.kind == "f":
        finite = np.abs(expected[np.isfinite(expected)])
        size = finite.max() if finite.size else 0.0
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5 * size, err_msg=what)
    else:
        there = (values != MISSING_INTEGER) & (expected != MISSING_INTEGER)
        # Stamps of 19 digits come of real numbers too; what has few steps has to be exact.
        size = float(np.ptp(expected[there].astype(np.float64))) if there.any() else 0.0
        apart = np.abs(values.astype(np.float64) - expected) > np.floor(1e-5 * size)
        differing = np.mean(np.where(there, apart, values != expected))
        assert differing <= RARE, f"{what}: {differing:.1%} of the values differ"


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Go through a graph and those inside its loops and branches."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            inner = [attribute.g] if attribute.HasField("g") else attribute.graphs
            yield from itertools.chain.from_iterable(map(_nodes, inner))


def _shape(X: Any) -> tuple[int, ...]:
    return tuple(X.shape) if hasattr(X, "shape") else np.shape(X)


def _take(data: Mapping[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in data.items()}
