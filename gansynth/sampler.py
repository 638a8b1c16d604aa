"""GANSampler: the estimator. It validates and orchestrates; the numerics are elsewhere."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from gansynth import containers, registry
from gansynth.architecture import Architecture, DataSpec, Recipe
from gansynth.inference import artifact as files
from gansynth.inference import noise
from gansynth.inference.exported import ExportedSampler

if TYPE_CHECKING:
    from gansynth.training.loop import Watch


class GANSampler(BaseEstimator):
    """Learn the distribution of X with a GAN, and draw new rows of the same kind.

    X may be a table with columns of any kind, points, or images. After ``fit`` the
    estimator holds the trained generator as an ONNX graph: sampling needs no TensorFlow,
    and the file that :meth:`to_onnx` writes gives the same rows anywhere.

    Parameters
    ----------
    architecture : str, Architecture or type, default="auto"
        Name of an installed architecture (``gansynth architectures`` lists them), an
        instance (its parameters are then ``architecture__…``), a class, or ``"auto"`` for
        the one that fits the data best.
    steps : int or "auto", default="auto"
        Training steps: updates of critic and generator, one each. ``"auto"`` is what the
        architecture recommends for data of this size.
    max_time : float, optional
        Seconds after which training stops; the learning rate falls in time for it.
    batch_size : int or "auto", default="auto"
        Real rows a step.
    latent_dim : int or "auto", default="auto"
        Width of the latent vector.
    loss : {"auto", "relativistic", "non-saturating", "hinge", "wgan-gp"}, default="auto"
        Adversarial loss. ``"relativistic"`` is R3GAN's (Huang et al. 2024); all but
        ``"wgan-gp"``, which has its own, go with the R1 and R2 gradient penalties.
    random_state : int, RandomState, Generator or None, default=None
        Seed of training, and of :meth:`sample` where that is given none. With an integer,
        a script gives the same rows each time it is run on one machine.
    device : {"auto", "cpu", "gpu"} or "gpu:N", default="auto"
        Where to train.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        What networks compute in; ``"auto"`` is bfloat16 on GPUs that have it.
    verbose : int, default=0
        1 shows a progress bar.

    Attributes
    ----------
    architecture_ : Architecture
        The architecture that was trained.
    architecture_name_ : str
        Its name.
    artifact_ : gansynth.inference.artifact.Artifact
        The exported generator.
    history_ : dict of str to list
        ``step``, ``seconds``, losses and ``penalty`` along the run, in lists of equal length;
        ``pandas.DataFrame(history_)`` works.
    classes_ : ndarray of shape (n_classes,)
        Class labels. Only after ``fit(X, y)``.
    n_features_in_ : int
        Columns of X. Not for images.
    feature_names_in_ : ndarray of str
        Names of the columns, where they are all strings.
    n_steps_ : int
        Steps that were made.

    See Also
    --------
    gansynth.load : The same sampler from a file, without TensorFlow.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from gansynth import GANSampler
    >>> X = load_iris(as_frame=True).data
    >>> sampler = GANSampler(steps=20, random_state=0).fit(X)
    >>> sampler.sample(3).shape
    (3, 4)
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "architecture": [str, Architecture, type],
        "steps": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_time": [None, Interval(Real, 0, None, closed="neither")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "latent_dim": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"auto", "relativistic", "non-saturating", "hinge", "wgan-gp"})],
        "random_state": ["random_state", np.random.Generator],
        "device": [str],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        architecture: str | Architecture | type[Architecture] = "auto",
        *,
        steps: int | str = "auto",
        max_time: float | None = None,
        batch_size: int | str = "auto",
        latent_dim: int | str = "auto",
        loss: str = "auto",
        random_state: Any = None,
        device: str = "auto",
        precision: str = "auto",
        verbose: int = 0,
    ) -> None:
        self.architecture = architecture
        self.steps = steps
        self.max_time = max_time
        self.batch_size = batch_size
        self.latent_dim = latent_dim
        self.loss = loss
        self.random_state = random_state
        self.device = device
        self.precision = precision
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train a generator on X, conditional on the class if y is given.

        Parameters
        ----------
        X : DataFrame, Table, ndarray or list
            A pandas, polars or pyarrow table, an array of shape (n, columns), grey images
            of shape (n, h, w) or images of shape (n, h, w, channels), uint8 or float.
        y : array-like of shape (n,), optional
            Class labels.

        Returns
        -------
        self : GANSampler
            Fitted.

        Raises
        ------
        ValueError, TypeError
            If X, y or a parameter can't be used; the message says which and why. What was
            fitted before stays.
        """
        self._validate_params()
        _check_device(self.device)
        schema, data = containers.read(X)
        labels = None
        if y is not None:
            classes, labels, counts, dtype = containers.read_labels(y)
            check_consistent_length(X, labels)
            schema = replace(schema, classes=classes, class_counts=counts, class_dtype=dtype)
        spec = DataSpec(schema, len(next(iter(data.values()))))
        if spec.n_samples < 2:
            # The wording that scikit-learn's estimator checks look for.
            raise ValueError(
                "X has 1 sample(s), while a minimum of 2 is required by GANSampler: a "
                "distribution can't be learned from one row. Pass more rows."
            )
        name, architecture = registry.resolve(self.architecture, spec)
        recipe = self._adjusted(architecture.recipe(spec))

        from gansynth.training.fit import fit

        with self._watched(name) as watch:
            graph, history = fit(
                architecture,
                spec,
                data,
                labels,
                recipe,
                seed=noise.seed_of(self.random_state) % 2**62,
                device=self.device,
                precision=self.precision,
                max_time=self.max_time,
                watch=watch,
            )
        meta = {"architecture": name, "samples": spec.n_samples, "steps": history["step"][-1]}
        if getattr(y, "name", None) is not None:
            meta["target"] = y.name  # what to call the classes in a file of samples
        self.artifact_ = files.seal(graph, schema, meta)
        self.architecture_, self.architecture_name_ = architecture, name
        self.history_, self.n_steps_ = history, history["step"][-1]
        self._describe_features()
        return self

    def sample(
        self,
        n_samples: int = 1,
        *,
        y: Any = None,
        return_y: bool = False,
        random_state: Any = None,
    ) -> Any:
        """Draw new rows.

        A row depends on ``random_state``, its position and its class, and on nothing else:
        ``sample(1000, random_state=0)`` begins with ``sample(10, random_state=0)``.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows; may be 0. With an array ``y``, leave it at 1: there is a row for
            each label.
        y : label or array-like of shape (n,), optional
            Class of all rows, or of each. Without it classes are drawn at the frequencies of
            the training data.
        return_y : bool, default=False
            Whether to return the classes of the rows too.
        random_state : int, RandomState, Generator or None, default=None
            None takes the estimator's ``random_state``; if that is None too, new rows come
            at each call.

        Returns
        -------
        X : DataFrame, Table, ndarray or list
            The container that the sampler was fitted on, with n_samples rows.
        y : ndarray of shape (n_samples,)
            Their classes. Only if ``return_y``.

        Raises
        ------
        NotFittedError
            If the sampler is not fitted.
        ValueError
            If a parameter is out of its range, ``y`` names a class that is unknown, or the
            sampler was fitted without y and ``y`` or ``return_y`` is given.
        """
        state = self.random_state if random_state is None else random_state
        return self._exported.sample(n_samples, y=y, return_y=return_y, random_state=state)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the generator to an ``.onnx`` file, whole or not at all.

        :func:`gansynth.load` reads it without TensorFlow; so does any ONNX runtime.

        Parameters
        ----------
        path : path-like
            The file; one that is there is replaced.

        Raises
        ------
        NotFittedError
            If the sampler is not fitted.
        OSError
            If the file can't be written; an older one is left as it was.
        """
        self._exported.to_onnx(path)

    @property
    def _exported(self) -> ExportedSampler:
        """The exported generator, ready to run; made when it is first needed."""
        check_is_fitted(self, "artifact_")
        # Kept apart from the fitted state: a session can't be pickled, its bytes can.
        held = self.__dict__.get("_session")
        if held is None or held.artifact is not self.artifact_:
            held = ExportedSampler(self.artifact_, "cpu" if self.device == "cpu" else "auto")
            self.__dict__["_session"] = held
        return held

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_session", None)
        return state

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.input_tags.three_d_array = True
        return tags

    def _adjusted(self, recipe: Recipe) -> Recipe:
        """Recipe with what the user wants otherwise."""
        names = ("steps", "batch_size", "latent_dim", "loss")
        wanted = {name: getattr(self, name) for name in names}
        return replace(recipe, **{k: v for k, v in wanted.items() if v != "auto"})

    @contextlib.contextmanager
    def _watched(self, name: str) -> Iterator[Watch | None]:
        """A progress bar's hook, if one is wanted."""
        if not self.verbose:
            yield None
            return
        from gansynth.progress import TrainingBar

        with TrainingBar(f"Training {name}") as bar:
            yield bar.watch

    def _describe_features(self) -> None:
        """Set scikit-learn's attributes on the columns and classes of the data."""
        schema = self.artifact_.schema
        for stale in ("n_features_in_", "feature_names_in_", "classes_"):
            self.__dict__.pop(stale, None)
        if schema.classes:
            self.classes_ = np.asarray(schema.classes, dtype=schema.class_dtype)
        if schema.is_image:
            return
        self.n_features_in_ = len(schema.columns)
        names = [column.name for column in schema.columns]
        framed = schema.container not in ("numpy", "list")
        if framed and all(isinstance(name, str) for name in names):
            self.feature_names_in_ = np.asarray(names, dtype=object)


def _check_device(device: str) -> None:
    """Refuse a device that is none, before TensorFlow is loaded to tell."""
    number = device.removeprefix("gpu:")
    if device not in ("auto", "cpu", "gpu") and not (number != device and number.isdecimal()):
        raise ValueError(
            f"device={device!r} is unknown. Use 'auto', 'cpu', 'gpu', or a GPU by its number, "
            "such as 'gpu:1'."
        )
