"""GANSampler: the estimator. It validates and orchestrates; the numerics are elsewhere."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from gansynth import containers, inputs, notebook, registry, resampling, scorers
from gansynth._compat import (
    SAMPLING_STRATEGIES,
    CallbackSupportMixin,
    HTMLDetailsMixin,
    Interval,
    StrOptions,
    callbacks_of,
    with_callbacks,
)
from gansynth.architecture import Architecture, DataSpec, Recipe
from gansynth.callbacks import FitTask
from gansynth.constraints import Constraint
from gansynth.inference import artifact as files
from gansynth.inference import noise
from gansynth.inference.exported import ExportedSampler
from gansynth.schema import FRAMES, Schema
from gansynth.watching import HistoryKeeper, Run, Watcher, Watchers

if TYPE_CHECKING:
    from gansynth.report import Report


class GANSampler(CallbackSupportMixin, HTMLDetailsMixin, BaseOverSampler):
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
    early_stopping : bool, default=True
        Whether the learning rate begins to fall, and with it the end of the run, as soon as
        the score on held-out rows is about that of real rows and has not risen for
        ``patience`` intervals.
    patience : int, default=5
        Intervals (forty of them make a run) without a better score.
    validation_fraction : float, default=0.1
        Share of the rows to hold out, at most 1,000 of them, to score by: the generator that
        scored best is kept. Fewer than 200 rows are trained on whole, and 0 holds out none:
        the generator of the last step is kept then.
    batch_size : int or "auto", default="auto"
        Real rows a step.
    latent_dim : int or "auto", default="auto"
        Width of the latent vector.
    loss : {"auto", "relativistic", "non-saturating", "hinge", "wgan-gp"}, default="auto"
        Adversarial loss. ``"relativistic"`` is R3GAN's (Huang et al. 2024); all but
        ``"wgan-gp"``, which has its own, go with the R1 and R2 gradient penalties.
    gamma : float, (float, float) or "auto", default="auto"
        Weight of the gradient penalty, or the weights at the start and after the anneal.
        ``"auto"`` goes by the architecture, and ends at the squared scale of the finest
        structure in the data where they show one.
    random_state : int, RandomState, Generator or None, default=None
        Seed of training, and of :meth:`sample` where that is given none. With an integer,
        a script gives the same rows each time it is run on one machine.
    device : {"auto", "cpu", "gpu"} or "gpu:N", default="auto"
        Where to train.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        What networks compute in; ``"auto"`` is bfloat16 on GPUs that have it.
    strategy : {"mirrored", "multi_worker"}, tf.distribute.Strategy or None, default=None
        Train on several devices, each of which takes its share of the batch: all GPUs of this
        machine, or those of a cluster that ``TF_CONFIG`` describes. Leave ``device`` at
        ``"auto"`` then. A sampler that holds a strategy can't be pickled, one that names it can.
    checkpoint_dir : path-like, optional
        Folder for the states of the run. ``fit`` with the same data and parameters goes on
        from the last one there, and ends where it would have ended without a break.
    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the last fit, which has to have been called
        with it too, on columns and held-out rows as they were then. ``architecture`` and
        ``latent_dim`` have to stay as they are; what else is set otherwise counts.
    column_types : dict, optional
        What columns of a table are to be taken for, by name (``"x0"``, ``"x1"``, … in an array):
        ``"float"``, ``"integer"``, ``"boolean"``, ``"category"``, ``"datetime"``, ``"duration"``,
        ``"decimal"``, ``"identifier"`` (not learned, but made anew in the same form) or ``"drop"``
        (not in samples). What is not named is told by its dtype and its values. Samples have the
        dtypes of X all the same.
    image_shape : (int, int) or (int, int, int), optional
        Height and width, and channels if there are several, of the images that the rows of X are:
        a column for each value, channels changing fastest. Samples are rows, too. Images of shape
        (n, h, w) or (n, h, w, c) are taken for what they are without it.
    constraints : list of Constraint, optional
        What has to hold in every row of a table, in X and in samples: any of
        :class:`~gansynth.constraints.Range`, :class:`~gansynth.constraints.Inequality`,
        :class:`~gansynth.constraints.FixedCombinations` and
        :class:`~gansynth.constraints.Formula`.
    sampling_strategy : float, str, dict or callable, default="auto"
        What :meth:`fit_resample` is to bring classes to, as imbalanced-learn has it: of two
        classes, the rows of the rarer one over those of the other; "minority", "not minority",
        "not majority" (which is "auto") or "all", the classes to be made as large as the largest;
        or the rows that classes are to have in the end, or a function of y that gives these.
    callbacks : list, optional
        Keras callbacks, told of each interval as of an epoch: instances, or functions without
        arguments that make one (what an instance holds open can't be pickled or copied). Those
        of scikit-learn go into ``set_callbacks``.
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
        ``step``, ``seconds``, losses, ``penalty``, ``learning_rate``, ``gamma``, ``augmented``
        (share of the rows that the critic saw changed), ``score`` and ``coverage`` of held-out
        rows at the end of each interval, in lists of equal length; ``pandas.DataFrame(history_)``
        works. Of the last run, one that was interrupted or diverged included.
    best_step_, best_score_ : int, float
        Step and score of the generator that was kept. The score is 1 where held-out and
        generated rows are no nearer to their own kind than to the other, 0 where they are
        apart; NaN if no rows were held out.
    gamma_ : tuple of (float, float)
        Weight of the gradient penalty at the start, and after the anneal.
    classes_ : ndarray of shape (n_classes,)
        Class labels. Only after ``fit(X, y)``.
    sampling_strategy_ : dict
        How many new rows of each class the last :meth:`fit_resample` made.
    n_features_in_ : int
        Columns of X, without those that were dropped. Not for images, unless they are rows.
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

    _parameter_constraints: ClassVar[dict[str, list[Any] | str]] = {
        "sampling_strategy": SAMPLING_STRATEGIES,
        "architecture": [str, Architecture, type],
        "steps": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_time": [None, Interval(Real, 0, None, closed="neither")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 2, None, closed="left")],
        "latent_dim": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "loss": [StrOptions({"auto", "relativistic", "non-saturating", "hinge", "wgan-gp"})],
        "gamma": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither"), tuple, list],
        "random_state": ["random_state", np.random.Generator],
        "device": [str],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "strategy": "no_validation",  # what it is, is for TensorFlow to tell
        "checkpoint_dir": [None, str, os.PathLike],
        "warm_start": ["boolean"],
        "column_types": [None, dict],
        "image_shape": [None, tuple, list],
        "constraints": [None, list, tuple],
        "callbacks": [None, list, tuple],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        architecture: str | Architecture | type[Architecture] = "auto",
        *,
        steps: int | str = "auto",
        max_time: float | None = None,
        early_stopping: bool = True,
        patience: int = 5,
        validation_fraction: float = 0.1,
        batch_size: int | str = "auto",
        latent_dim: int | str = "auto",
        loss: str = "auto",
        gamma: float | tuple[float, float] | str = "auto",
        random_state: Any = None,
        device: str = "auto",
        precision: str = "auto",
        strategy: Any = None,
        checkpoint_dir: str | os.PathLike[str] | None = None,
        warm_start: bool = False,
        column_types: dict[Any, str] | None = None,
        image_shape: tuple[int, ...] | None = None,
        constraints: list[Constraint] | None = None,
        sampling_strategy: Any = "auto",
        callbacks: list[Any] | None = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.architecture = architecture
        self.steps = steps
        self.max_time = max_time
        self.early_stopping = early_stopping
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.batch_size = batch_size
        self.latent_dim = latent_dim
        self.loss = loss
        self.gamma = gamma
        self.random_state = random_state
        self.device = device
        self.precision = precision
        self.strategy = strategy
        self.checkpoint_dir = checkpoint_dir
        self.warm_start = warm_start
        self.column_types = column_types
        self.image_shape = image_shape
        self.constraints = constraints
        self.callbacks = callbacks
        self.verbose = verbose

    @with_callbacks
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train a generator on X, conditional on the class if y is given.

        Parameters
        ----------
        X : DataFrame, Table, ndarray, sparse matrix or list
            A pandas, polars or pyarrow table, an array or sparse matrix of shape (n, columns),
            grey images of shape (n, h, w) or images of shape (n, h, w, channels), uint8 or float.
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
        OSError
            If nothing can be written to ``checkpoint_dir``.
        FloatingPointError
            If training diverges again and again. It has a ``history``; what was fitted before
            stays.
        """
        return self._fit(X, y, None, self._own_memory, self.warm_start)

    @with_callbacks
    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Fit on X and y, and add new rows of the rare classes.

        One generator learns all classes, each of which makes up the same share of its batches: a
        rare class borrows from what the others are like, and its rows are of that class for
        certain. There is no ``sample_indices_``, since no new row is a row of X.

        Parameters
        ----------
        X : DataFrame, Table, ndarray, sparse matrix or list
            As for :meth:`fit`.
        y : array-like of shape (n,)
            Class labels of any type; or of shape (n, classes), a column of 0 and 1 for each class.

        Returns
        -------
        X_resampled : DataFrame, Table, ndarray, sparse matrix or list
            X, and behind its last row the new ones: in the same container, with the same names and
            dtypes; a pandas frame is numbered anew from 0.
        y_resampled : array-like
            y and the classes of the new rows, in the container that y came in.

        Raises
        ------
        ValueError, TypeError
            If X, y or a parameter can't be used: a y of one class, a continuous one, a
            ``sampling_strategy`` that asks for fewer rows than there are.

        Warns
        -----
        UserWarning
            If a class has fewer than ten rows to learn from; with the number of new rows that are
            copies of these.
        """
        self._validate_params()
        inputs.check_whole(self.column_types)
        return self._fit_resample(X, y)

    def _fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """What imbalanced-learn's samplers have to have: X and y, and new rows behind them."""
        request = resampling.read(y, self.sampling_strategy)
        self._fit(X, request.labels, None, self._own_memory, self.warm_start)
        self.sampling_strategy_ = request.counts
        rows = self.sample(y=request.new)
        resampling.tell_of_few(self.artifact_.schema, X, request.labels, rows, request.new)
        return containers.append(X, rows), request.labels_with()

    @property
    def _own_memory(self) -> Any:
        """What the last fit has left to go on from, if this one is to."""
        return self.__dict__.get("_memory") if self.warm_start else None

    @with_callbacks
    def partial_fit(self, X: Any, y: Any = None, classes: Any = None) -> Self:
        """Train on a chunk of the data, going on from the chunks before.

        A call makes ``steps`` steps, or passes over X once if that is ``"auto"``. How columns
        are encoded is settled by the first chunk: let it be a fair sample. The learning rate
        does not fall, and no rows are held out.

        Parameters
        ----------
        X : DataFrame, Table, ndarray or list
            As for :meth:`fit`; the columns, and what they can hold, are those of the first
            chunk.
        y : array-like of shape (n,), optional
            Class labels; in all chunks or in none.
        classes : array-like of shape (n_classes,), optional
            All classes there are. The first chunk's, if left out. Later chunks need not name
            them again.

        Returns
        -------
        self : GANSampler
            Fitted so far.

        Raises
        ------
        ValueError, TypeError
            As for :meth:`fit`, and if X or y are not of the kind of the first chunk's.
        """
        self._validate_params()
        memory = self.__dict__.get("_memory") or self.__dict__.get("_fleeting")
        if self.checkpoint_dir is not None:
            raise ValueError(
                f"checkpoint_dir={os.fspath(self.checkpoint_dir)!r} is for fit. Set it to None for "
                "partial_fit, and pickle the sampler between chunks."
            )
        if memory is None and "artifact_" in self.__dict__:
            raise ValueError(
                "partial_fit can't go on from a fit with warm_start=False once it was copied or "
                "pickled: what to go on from is left out then. Set warm_start=True before fit, or "
                "call partial_fit of a sklearn.base.clone."
            )
        return self._fit(X, y, classes, memory, True, partial=True)

    def _fit(
        self,
        X: Any,
        y: Any,
        classes: Any,
        memory: Any,
        remember: bool,
        *,
        partial: bool = False,
    ) -> Self:
        """Read, train, and take over what came of it."""
        self._validate_params()
        inputs.check_device(self.device)
        inputs.check_strategy(self.strategy, self.device)
        gamma = inputs.check_gamma(self.gamma)
        known = self.artifact_.schema if memory else None
        schema, data, labels = inputs.read(
            X, y, classes, known, self.column_types, self.image_shape, add=partial
        )
        schema, modelled, data, plan = inputs.rewritten(self.constraints, schema, data, memory)
        spec = DataSpec(modelled, len(next(iter(data.values()))))
        if spec.n_samples < 2 and not memory:
            # The wording that scikit-learn's estimator checks look for.
            raise ValueError(
                "X has 1 sample(s), while a minimum of 2 is required by GANSampler: a "
                "distribution can't be learned from one row. Pass more rows."
            )
        wanted = self.architecture
        if memory and isinstance(wanted, str) and wanted == "auto":
            wanted = self.architecture_  # fewer rows may suit another one better
        name, architecture = registry.resolve(wanted, spec)

        from gansynth.training import devices
        from gansynth.training.fit import Settings, fit

        place = devices.resolve(self.device, self.precision, self.strategy)
        architecture = architecture.sized(spec, place.is_gpu)
        recipe = self._adjusted(architecture.recipe(spec))
        if memory:
            memory.check(architecture, self.latent_dim)
            recipe = replace(recipe, latent_dim=memory.latent_dim)
        chunk_steps = None
        if partial:
            one_pass = -(-spec.n_samples // recipe.batch_size)
            chunk_steps = one_pass if self.steps == "auto" else int(self.steps)
            recipe = replace(recipe, steps=architecture.recipe(spec).steps)

        seed = self.random_state
        settings = Settings(
            seed=None if seed is None else noise.seed_of(seed) % 2**62,
            place=place,
            precision=self.precision,
            gamma=gamma,
            max_time=self.max_time,
            patience=self.patience if self.early_stopping else None,
            validation_fraction=0.0 if partial else self.validation_fraction,
            checkpoint_dir=self.checkpoint_dir,
            chunk_steps=chunk_steps,
        )
        earlier = int(self.artifact_.meta["samples"]) if partial and memory else 0
        about = {"samples": earlier + spec.n_samples}
        if getattr(y, "name", None) is not None:
            about["target"] = y.name  # what to call the classes in a file of samples
        learned = functools.partial(_learned, name, architecture, schema, about)
        keeper, watchers = HistoryKeeper(), self._watchers(name)
        task = None
        if callbacks_of(self):
            task = FitTask(self, X, y, lambda run: _so_far(learned, run))
            watchers.append(task)
        try:
            fitted = fit(
                architecture,
                spec,
                data,
                labels,
                recipe,
                settings,
                Watchers([keeper, *watchers]),
                memory,
                plan,
            )
        finally:
            # Also what Ctrl-C or a divergence has left.
            if keeper.history:
                self.history_ = keeper.history
        state = fitted.state
        for stale in ("n_features_in_", "feature_names_in_", "classes_"):
            self.__dict__.pop(stale, None)
        best = (state.best_step, state.best_score)
        self.__dict__.update(learned(fitted.graph, state.history, state.step, best))
        self.gamma_ = (fitted.recipe.gamma[0], state.gamma[1])
        for before in ("_memory", "_fleeting"):
            self.__dict__.pop(before, None)
        # In this process, partial_fit can go on from any fit.
        self.__dict__["_memory" if remember else "_fleeting"] = fitted.memory
        if task:
            task.finish()
        return self

    def sample(
        self,
        n_samples: int = 1,
        *,
        y: Any = None,
        conditions: Any = None,
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
        conditions : dict or table, optional
            What columns of a table are to hold; the others are drawn to go with it. By name
            of column: a value, a list of values, or a pair (lowest, highest), of which one
            may be None. Or a table of some of the columns, with a row for each to be drawn,
            in which missing values are drawn too.
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

        Examples
        --------
        >>> sampler.sample(3, random_state=0).shape
        (3, 2)
        >>> rows, labels = sampler.sample(y=[0, 1, 1], return_y=True)
        >>> labels.tolist()
        [0, 1, 1]
        """
        state = self.random_state if random_state is None else random_state
        return self._exported.sample(
            n_samples, y=y, conditions=conditions, return_y=return_y, random_state=state
        )

    def sample_batches(
        self,
        n_samples: int,
        batch_size: int = 65_536,
        *,
        start: int = 0,
        y: Any = None,
        conditions: Any = None,
        return_y: bool = False,
        random_state: Any = None,
    ) -> Iterator[Any]:
        """Draw the rows of :meth:`sample` a batch at a time, in memory for one batch.

        Parameters
        ----------
        n_samples : int
            Number of rows, of all batches together.
        batch_size : int, default=65536
            Rows of each batch; the last may have fewer.
        start : int, default=0
            Row to begin at, for a call that goes on where another one stopped.
        y, conditions, return_y, random_state
            As for :meth:`sample`. Rows don't depend on ``batch_size``.

        Returns
        -------
        iterator
            Of what :meth:`sample` returns; nothing if there are no rows from ``start`` on.

        Raises
        ------
        NotFittedError
            If the sampler is not fitted.
        ValueError, TypeError
            At once, as :meth:`sample` does, and if ``batch_size`` is no integer of at least 1 or
            ``start`` none of at least 0.

        Examples
        --------
        >>> [len(rows) for rows in sampler.sample_batches(1000, batch_size=400)]
        [400, 400, 200]
        """
        state = self.random_state if random_state is None else random_state
        return self._exported.sample_batches(
            n_samples,
            batch_size,
            start=start,
            y=y,
            conditions=conditions,
            return_y=return_y,
            random_state=state,
        )

    def interpolate(
        self, a: Any, b: Any, n_steps: int = 10, *, y: Any = None, random_state: Any = None
    ) -> Any:
        """Rows on the way from one point of the latent space to another, both included.

        Parameters
        ----------
        a, b : int, or ndarray of shape (noise_dim,)
            Where it begins and ends. An integer is the place of a row: ``interpolate(3, 7,
            random_state=0)`` goes from row 3 of ``sample(…, random_state=0)`` to row 7.
        n_steps : int, default=10
            Rows, 2 or more.
        y : label, (label, label) or array-like of shape (n_steps,), optional
            Class of all rows; those that the way leads from and to, through what is between them
            (images and points only); or the class of each row. Of a sampler that was fitted with y.
        random_state : int, RandomState, Generator or None, default=None
            What the rows are places of. None takes the estimator's ``random_state``.

        Returns
        -------
        DataFrame, Table, ndarray or list
            The container that the sampler was fitted on. Images and points change little from one
            row to the next; columns of categories leap.

        Raises
        ------
        NotFittedError
            If the sampler is not fitted.
        ValueError
            If a or b is no place and no noise, n_steps is less than 2, y is missing, or there is
            nothing between classes.

        Examples
        --------
        >>> sampler.interpolate(0, 1, n_steps=5, y=1).shape
        (5, 2)
        """
        state = self.random_state if random_state is None else random_state
        return self._exported.interpolate(a, b, n_steps, y=y, random_state=state)

    def impute(self, X: Any, *, y: Any = None, random_state: Any = None) -> Any:
        """Draw what is missing in rows, to go with what is there.

        Missing cells come from their distribution given the other cells of the row, so that
        several draws tell how sure they are (multiple imputation, Rubin 1987).

        Parameters
        ----------
        X : DataFrame, Table, ndarray, list or dict of array-like
            Rows of the columns that were fitted; a dict has them by name. Columns may lack
            values that had none missing in the fit.
        y : array-like of shape (n,), optional
            Classes of the rows, for a sampler that was fitted with y.
        random_state : int, RandomState, Generator or None, default=None
            None takes the estimator's ``random_state``; if that is None too, new values come
            at each call.

        Returns
        -------
        DataFrame, Table, ndarray or list
            The rows without missing cells, in the container that was fitted; a column of which
            no value was ever seen stays as it is.

        Raises
        ------
        NotFittedError
            If the sampler is not fitted.
        ValueError
            If columns differ from those fitted, hold what they can't, or the architecture
            can't be given values.
        """
        state = self.random_state if random_state is None else random_state
        return self._exported.impute(X, y=y, random_state=state)

    def score(self, X: Any, y: Any = None) -> float:
        """How near new rows come to rows that were not learned; higher is better.

        Parameters
        ----------
        X : DataFrame, Table, ndarray, sparse matrix or list
            Held-out rows.
        y : array-like of shape (n,), optional
            Their classes, for a sampler that was fitted with y: new rows are of the same ones.

        Returns
        -------
        float
            Minus the :func:`~gansynth.metrics.sliced_wasserstein` distance, in standard deviations
            of X: at most 0. Samplers can be compared by it on the same rows; it is the same at
            each call, and not 0 for real rows either.

        See Also
        --------
        gansynth.scorers.c2st_scorer : One of the scorers for ``scoring=`` of a grid search.

        Examples
        --------
        >>> sampler.score(X_test, y_test) < 0
        True
        """
        check_is_fitted(self, "artifact_")
        if self.artifact_.schema.columns:
            validate_data(self, X, reset=False, skip_check_array=True)
        return scorers.sliced_wasserstein_scorer(self, X, y)

    def report(
        self, X: Any, y: Any = None, *, X_train: Any = None, random_state: int | None = 0
    ) -> Report:
        """Hold new rows against real ones that were not learned, on one page of HTML.

        Parameters
        ----------
        X : DataFrame, Table, ndarray, sparse matrix or list
            Held-out rows, ten at least.
        y : array-like of shape (n,), optional
            Their classes, for a sampler that was fitted with y.
        X_train : DataFrame, Table, ndarray, sparse matrix or list, optional
            The rows that were learned, to look for copies of them.
        random_state : int or None, default=0
            Seed of the rows and the scores.

        Returns
        -------
        gansynth.report.Report
            Its ``write`` makes a file, notebooks show it, ``verdict`` and ``scores`` are for
            programs.

        Raises
        ------
        NotFittedError
            If the sampler is not fitted.
        ValueError
            If rows are too few, or not of the kind that was fitted.
        """
        from gansynth.report import Report

        return Report.from_estimator(self, X, y, X_train=X_train, random_state=random_state)

    def to_onnx(
        self,
        path: str | os.PathLike[str],
        *,
        precision: Literal["float32", "float16", "int8"] = "float32",
        layout: Literal["nhwc", "nchw"] = "nhwc",
        license: str | None = None,  # noqa: A002 (the word for it)
    ) -> None:
        """Write the generator to an ``.onnx`` file, whole or not at all.

        :func:`gansynth.load` reads it without TensorFlow; so does any ONNX runtime. What was
        written is loaded, and 256 rows are compared with this sampler's, before it takes the place
        of a file that is there.

        Parameters
        ----------
        path : path-like
            The file; one that is there is replaced.
        precision : {"float32", "float16", "int8"}, default="float32"
            Bits of the networks' weights. ``"float16"`` computes between them in half precision,
            too: for size and for GPUs. ``"int8"`` stores weights in a byte, and computes as
            before. Inputs, outputs, draws and decoding stay as they are, and a row still depends
            on nothing but its seed and place; it is another than in float32 where a choice was
            close.
        layout : {"nhwc", "nchw"}, default="nhwc"
            Order of the axes of images that the graph gives: channels last, or first, as PyTorch
            has them. What :func:`gansynth.load` samples is as it was fitted.
        license : str, optional
            What the data are under, such as ``"CC-BY-4.0"``, for those who are handed the file;
            ``gansynth inspect`` shows it.

        Raises
        ------
        NotFittedError
            If the sampler is not fitted.
        ValueError
            If a parameter is none of its values; if ``layout="nchw"`` and there are no images;
            if ``precision`` is for weights that the generator doesn't have.
        DeploymentError
            A RuntimeError: if the file does not give this sampler's rows (float32: equal; float16:
            90 % of an output's values within .02 standard deviations; int8: 75 % within .2).
        OSError
            If the file can't be written. In all cases an older one is left as it was.

        Examples
        --------
        >>> sampler.to_onnx(folder / "points.onnx")
        """
        check_is_fitted(self, "artifact_")
        from gansynth import deployment

        deployment.write(self.artifact_, path, precision, layout, license)

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
        for passing in ("_session", "_fleeting"):
            state.pop(passing, None)
        return state

    def _html_details(self) -> str:
        """What was learned, for notebooks."""
        if "artifact_" not in self.__dict__:
            return ""
        facts = {
            "architecture": self.architecture_name_,
            "rows learned": f"{int(self.artifact_.meta['samples']):,}",
            "steps": f"{self.n_steps_:,}, the best after {self.best_step_:,}",
        }
        if np.isfinite(self.best_score_):
            facts["score on held-out rows"] = f"{self.best_score_:.2f} (that of real rows is 1)"
        return notebook.details(self.artifact_.schema, facts)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        of_architecture = registry.input_tags(self.architecture)
        for name in ("allow_nan", "string", "categorical", "three_d_array"):
            setattr(tags.input_tags, name, getattr(of_architecture, name))
        return tags

    def _adjusted(self, recipe: Recipe) -> Recipe:
        """Recipe with what the user wants otherwise."""
        names = ("steps", "batch_size", "latent_dim", "loss")
        wanted = {name: getattr(self, name) for name in names}
        return replace(recipe, **{k: v for k, v in wanted.items() if v != "auto"})

    def _watchers(self, name: str) -> list[Watcher]:
        """Who looks on."""
        watchers: list[Watcher] = []
        if self.callbacks:
            from gansynth.training.callbacks import KerasCallbacks

            watchers.append(KerasCallbacks(self.callbacks))
        if self.verbose:
            from gansynth.progress import TrainingBar

            watchers.append(TrainingBar(f"Training {name}"))
        return watchers


def _learned(
    name: str,
    architecture: Architecture,
    schema: Schema,
    about: dict[str, Any],
    graph: bytes,
    history: dict[str, list[float]],
    steps: int,
    best: tuple[int, float],
) -> dict[str, Any]:
    """Attributes that a fit sets."""
    best_step, score = best
    meta = {"architecture": name, **about, "steps": steps, "best_step": best_step}
    if np.isfinite(score):
        meta["score"] = round(score, 4)
    attributes = {
        "artifact_": files.seal(graph, schema, meta),
        "architecture_": architecture,
        "architecture_name_": name,
        "history_": history,
        "n_steps_": steps,
        "best_step_": best_step,
        "best_score_": score,
    }
    if schema.classes:
        attributes["classes_"] = np.asarray(schema.classes, dtype=schema.class_dtype)
    if not schema.columns:
        return attributes
    attributes["n_features_in_"] = len(schema.columns)
    names = [column.name for column in schema.columns]
    framed = schema.container in FRAMES
    if framed and all(isinstance(name, str) for name in names):
        attributes["feature_names_in_"] = np.asarray(names, dtype=object)
    return attributes


def _so_far(learned: Callable[..., dict[str, Any]], run: Run) -> dict[str, Any]:
    """Attributes of a fit that had stopped after the interval that is just done."""
    history = {name: values[:] for name, values in run.history.items()}
    step, score = int(history["step"][-1]), history["score"][-1]
    return learned(run.export(), history, step, (step, score))
