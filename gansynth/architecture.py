"""The plugin contract: what an architecture is asked for, and what it is told.

An architecture is one class, registered under the entry-point group
``gansynth.architectures``. It says how data become rows that a network can work on (a
:class:`Codec`), builds the two players, and names the training recipe that suits them.
Everything else (training, export, sampling, containers) is the library's.

Nothing here imports TensorFlow; the methods that build networks or work on tensors
import it inside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags

from gansynth.schema import Schema

if TYPE_CHECKING:
    import keras

Draw = Callable[[int], "list[np.ndarray]"]

API_VERSION = 1
"""Version of this contract. A plugin states the one it was written for."""


@dataclass(frozen=True)
class DataSpec:
    """What an architecture is told about the data before it sees them.

    Attributes
    ----------
    schema : Schema
        Container, columns or image shape, classes.
    n_samples : int
        Rows to learn from.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.architecture import DataSpec
    >>> from gansynth.containers import read
    >>> schema, data = read(np.zeros((30, 2)))
    >>> DataSpec(schema, n_samples=30).n_classes
    0
    """

    schema: Schema
    n_samples: int

    @property
    def n_classes(self) -> int:
        """Number of classes to condition on; 0 without ``y``."""
        return len(self.schema.classes)


@dataclass(frozen=True)
class NetworkSpec:
    """All that a network may depend on; hashable, since it is the key of the trace cache.

    Attributes
    ----------
    layout : hashable
        Shape of an encoded row, as the codec tells it (:attr:`Codec.layout`).
    latent_dim : int
        Width of the latent vector. A generator may ask for more noise than this (to draw
        categories, say): the width of its first input decides.
    n_classes : int
        Number of classes to condition on; 0 for an unconditional network.

    Examples
    --------
    >>> from gansynth.architecture import NetworkSpec
    >>> NetworkSpec(layout=2, latent_dim=8, n_classes=0)
    NetworkSpec(layout=2, latent_dim=8, n_classes=0)
    """

    layout: Any
    latent_dim: int
    n_classes: int


class Augmentation(ABC):
    """A random change of rows, the same for real and generated ones, that the critic sees through.

    The critic then can't learn few rows by heart, and the generator, which it tells the slope
    through the change, learns unchanged rows: its changed ones are to pass for changed real ones
    (Zhao et al. 2020, "Differentiable augmentation for data-efficient GAN training"). Gradient
    penalties are on rows before the change.

    A subclass is a frozen dataclass of plain values. It is a part of the key of the trace cache,
    where equal ones share a compiled loop, and of what a checkpoint is known by.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> from gansynth.architecture import Augmentation
    >>> @dataclass(frozen=True)
    ... class Moved(Augmentation):
    ...     most: float = 1.0
    ...     numbers = 2
    ...
    ...     def __call__(self, rows, numbers):
    ...         return rows + self.most * numbers
    >>> Moved(most=4.0)(np.zeros((1, 2)), np.array([[0.25, 0.5]]))
    array([[1., 2.]])
    """

    @property
    @abstractmethod
    def numbers(self) -> int:
        """How many random numbers the change of a row takes."""

    @abstractmethod
    def __call__(self, rows: Any, numbers: Any) -> Any:
        """Change each row by its own numbers, in TensorFlow.

        It is compiled into the training loop. Every op needs a second gradient, which resizing
        and projecting images have not: penalties would silently lose theirs.

        Parameters
        ----------
        rows : tensor of float32, shape (n, …)
            Expanded rows.
        numbers : tensor of float32, shape (n, numbers)
            From 0 to 1, exclusive; evenly distributed.

        Returns
        -------
        tensor of float32, shape (n, …)
            As many rows of the same shape.
        """


@dataclass(frozen=True)
class Recipe:
    """Training defaults of an architecture for data of one size.

    Attributes
    ----------
    steps : int
        Critic and generator updates (one each a step).
    batch_size : int
        Real rows a step.
    latent_dim : int
        Width of the latent vector.
    loss : str
        Name of a loss, as ``GANSampler(loss=…)`` takes it.
    gamma : tuple of (float, float)
        Weight of the gradient penalty at the start and after the anneal.
    gamma_anneal : float
        Share of the run over which gamma goes (geometrically) from start to end.
    learning_rate : float
        Adam's peak learning rate, for both players.
    learning_rate_end : float
        Learning rate at the end of the run.
    decay_start : float
        Share of the run after which the learning rate falls (by a cosine) to its end.
    beta_2 : float
        Adam's second-moment decay; the first moment is not used (beta_1 = 0).
    ema_half_life : float
        Half-life of the generator's exponential moving average, as a share of the run.
    augmentation : Augmentation or None
        Random change of the rows that the critic sees. Here, and not with the networks, since it
        is the number of rows that asks for it.
    augmented : float or None
        Share of the rows that it changes. None for as many as it takes: none at first, and more
        while the critic tells learned rows from held-out ones, up to half (Karras et al. 2020,
        "Training generative adversarial networks with limited data").

    Examples
    --------
    >>> from gansynth.architecture import Recipe
    >>> Recipe(steps=1000, batch_size=64, latent_dim=8).loss
    'relativistic'
    """

    steps: int
    batch_size: int
    latent_dim: int
    loss: str = "relativistic"
    gamma: tuple[float, float] = (1.0, 1.0)
    gamma_anneal: float = 0.5
    learning_rate: float = 1e-3
    learning_rate_end: float = 5e-5
    decay_start: float = 0.5
    beta_2: float = 0.99
    ema_half_life: float = 0.02
    augmentation: Augmentation | None = None
    augmented: float | None = 1.0


class Codec(ABC):
    """Turns data into rows that networks work on, and generated rows back into data.

    A codec is made fitted, by :meth:`Architecture.codec`. Data are in the neutral form of
    ``gansynth.schema``: a dict of numpy arrays, one a column, or ``{"image": array}``.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.architecture import Codec
    >>> class HeightCodec(Codec):
    ...     layout = 1
    ...
    ...     def encode(self, data, rng):
    ...         return (data["height"][:, None] / 100).astype(np.float32)
    ...
    ...     def decode(self, rows):
    ...         return {"height": 100 * rows[:, 0]}
    >>> codec = HeightCodec()
    >>> rows = codec.encode({"height": np.array([150.0, 200.0])}, np.random.default_rng(0))
    >>> codec.decode(rows)
    {'height': array([150., 200.], dtype=float32)}
    """

    layout: Hashable
    """Shape of an encoded row: all that the networks need to know of the data."""

    @abstractmethod
    def encode(self, data: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Encode data compactly, in numpy.

        Parameters
        ----------
        data : mapping of str to ndarray
            Columns in neutral form.
        rng : numpy.random.Generator
            Source of any randomness (to spread ties, say).

        Returns
        -------
        ndarray of float32, shape (n, …)
            As small as it can be: a category is one code here, and a one-hot block only
            on the device (:meth:`expand`).
        """

    def expand(self, encoded: Any) -> Any:
        """Widen a batch of encoded rows, in TensorFlow, to what the generator makes.

        It is compiled into the training loop, which later fits with an equal
        :attr:`layout` use again: it may depend on the layout and nothing else.
        """
        return encoded

    parts: int = 0
    """Parts of a row (columns of a table) that the generator may be given; 0 for none."""

    def give(self, rows: Any, known: Any) -> Any:
        """Give the known parts of expanded rows, in TensorFlow.

        Parameters
        ----------
        rows : tensor, shape (n, …)
            Expanded rows.
        known : tensor of float32, shape (n, parts)
            1 for the parts that are given, 0 for those that are to be drawn.

        Returns
        -------
        tensor of float32, shape (n, …)
            Last input of generator and critic. Parts that are known are in the rows that the
            generator makes. All zero where no part is known.
        """
        raise NotImplementedError

    def given(self, condition: Any) -> Any:
        """What :meth:`give` gives, from values, in TensorFlow ops that convert to ONNX.

        Parameters
        ----------
        condition : tensor of float64, shape (n, columns)
            Values in neutral form; infinity for a missing value, NaN for one that is to be
            drawn, and minus infinity for one that is to be drawn and not to be missing.
        """
        raise NotImplementedError

    def prepare(
        self, generator: keras.Model, rows: np.ndarray, labels: np.ndarray | None, seed: int
    ) -> None:
        """Set, before training, initial weights that the data tell (where modes are, say).

        A fit that goes on from an earlier one, or learns from chunks, does without.

        Parameters
        ----------
        generator : keras.Model
            Freshly initialised; its weights may be changed.
        rows : ndarray of float32, shape (n, …)
            Encoded rows to train on, 20,000 at most; none that is held out.
        labels : ndarray of int32, shape (n,), or None
            Their class codes.
        seed : int
            The run's. Equal rows and seeds are to give equal weights.
        """
        return

    def calibrate(self, generator: keras.Model, draw: Draw) -> None:
        """Correct, after training, what can be corrected without it (marginals, say).

        Parameters
        ----------
        generator : keras.Model
            The trained generator; its weights may be changed.
        draw : callable
            ``draw(n)`` gives the generator's inputs for n rows: ``[z]`` or ``[z, y]``, the
            classes at the frequencies of the training data.
        """
        return

    def refine(
        self, generator: keras.Model, draw: Draw, rows: np.ndarray, labels: np.ndarray | None
    ) -> keras.Model:
        """Give what is exported of a fit on all data: the generator, or a model around it.

        Parameters
        ----------
        generator : keras.Model
            The trained generator, calibrated.
        draw : callable
            As for :meth:`calibrate`.
        rows : ndarray of float32, shape (n, …)
            The training data, encoded.
        labels : ndarray of int32, shape (n,), or None
            Their class codes.

        Returns
        -------
        keras.Model
            ``[z]`` or ``[z, y]`` to expanded rows; z may be wider than the generator's, and is
            a vector of standard normals still.
        """
        return generator

    @abstractmethod
    def decode(self, rows: Any) -> dict[str, Any]:
        """Decode generated rows, in TensorFlow ops that convert to ONNX.

        Parameters
        ----------
        rows : tensor of float32, shape (n, …)
            What the generator made.

        Returns
        -------
        dict of str to tensor
            Columns in neutral form, in the user's numeric dtypes: one a column, or one
            tensor of shape (n, d) for all columns, or ``{"image": …}``.
        """


class Architecture(BaseEstimator, ABC):
    """One family of networks for one kind of data; a plugin's one class.

    Its constructor parameters are scikit-learn parameters: they are stored as given, and
    ``GANSampler(MyGAN(width=64))`` exposes them as ``architecture__width``.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.architecture import DataSpec
    >>> from gansynth.containers import read
    >>> from gansynth_distribution2d import Distribution2DGAN
    >>> schema, data = read(np.random.default_rng(0).normal(size=(30, 2)))
    >>> spec = DataSpec(schema, n_samples=30)
    >>> Distribution2DGAN().accepts(spec) > 0
    True
    >>> Distribution2DGAN().codec(spec, data).layout
    2
    """

    api_version: ClassVar[int]
    """Version of the contract that the class was written for; state it as a number."""

    mixes_classes: ClassVar[bool] = False
    """Whether there are rows between two classes, as of images and points there are.

    Of at most 100 classes, the generator's layers are then called on weights of classes, float32
    of shape (n, classes), in y's place, too: an Embedding is taken care of, any other layer that is
    given y has to take both.
    """

    def __sklearn_tags__(self) -> Tags:
        """What data it takes: a sampler passes ``input_tags`` on as its own.

        Tables without missing values by default. An architecture for others sets
        ``allow_nan``, ``string``, ``categorical`` or ``three_d_array``.
        """
        return super().__sklearn_tags__()

    @abstractmethod
    def accepts(self, spec: DataSpec) -> int:
        """How well this architecture fits the data: 0 not at all, 100 made for them."""

    @abstractmethod
    def codec(self, spec: DataSpec, data: Mapping[str, np.ndarray]) -> Codec:
        """Make a codec fitted on the training data (shape and dtype: neutral form)."""

    @abstractmethod
    def generator(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build the generator: ``[z]`` or ``[z, y]`` to expanded rows.

        z is float32 of shape (n, noise_dim), standard normal; y is int32 of shape (n,).
        Every initialiser takes its seed from ``seed``, so that equal seeds give equal
        weights and no global random state is touched. No op is random, and no row depends
        on another (no batch normalisation).
        """

    @abstractmethod
    def critic(self, spec: NetworkSpec, seed: int) -> keras.Model:
        """Build the critic: ``[rows]`` or ``[rows, y]`` to one logit a row, shape (n, 1)."""

    def sized(self, spec: DataSpec, on_gpu: bool) -> Architecture:
        """Give what is trained: an architecture whose networks suit the data and the device.

        Everything else is asked of that one, and it becomes ``architecture_``: parameters such as
        ``width="auto"`` are settled in it.

        Parameters
        ----------
        spec : DataSpec
            What the data are.
        on_gpu : bool
            Whether a GPU trains, on which wide networks take little longer than narrow ones.

        Returns
        -------
        Architecture
            Itself, if there is nothing to settle.
        """
        return self

    @abstractmethod
    def recipe(self, spec: DataSpec) -> Recipe:
        """Training defaults for data of this kind and size."""
