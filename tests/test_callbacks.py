"""Watching a run: scikit-learn's callbacks, Keras callbacks, the bar."""

from __future__ import annotations

import csv
import io
import pickle
import re
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
import pandas as pd
import pytest
from joblib import wrap_non_picklable_objects
from rich.console import Console
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from gansynth import GANSampler
from gansynth.callbacks import FitTask
from gansynth.progress import TrainingBar
from gansynth.watching import Watcher, Watchers
from gansynth_tabular import TabularGAN

X = np.random.default_rng(0).normal(size=(240, 3)) @ np.array([[1, 0.5, 0], [0, 1, 0], [0, 2, 1]])

needs_callbacks = pytest.mark.skipif(
    not hasattr(GANSampler, "set_callbacks"), reason="scikit-learn has callbacks from 1.9 on"
)


def tiny(**parameters: object) -> GANSampler:
    """One of few steps, without held-out rows to score by; all share a trace."""
    settings = {"steps": 3, "batch_size": 16, "random_state": 0, "validation_fraction": 0.0}
    return GANSampler(TabularGAN(width=16, depth=1, candidates=1), **{**settings, **parameters})


def scorer() -> Callable[..., float]:
    """Make a scorer that workers can be sent: they can't import this file."""

    def fidelity(sampler: GANSampler, X: np.ndarray, y: object = None) -> float:
        """Minus the sliced Wasserstein distance of samples to X."""
        directions = np.random.default_rng(0).normal(size=(X.shape[1], 20))
        directions /= np.linalg.norm(directions, axis=0)
        real, made = (
            np.sort(rows @ directions, axis=0)
            for rows in (X, sampler.sample(len(X), random_state=0))
        )
        return -float(np.abs(real - made).mean())

    return fidelity


fidelity = scorer()


class Recorder:
    """A callback of scikit-learn that notes what it is told, and may ask for the end."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.events: list[tuple[str, str, int]] = []
        self.most: dict[str, int] = {}
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name, context.task_id))

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name, context.task_id))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))
        self.most[context.task_name] = context.max_subtasks

    def on_fit_task_end(self, estimator, context):
        self.events.append(("end", context.task_name, context.task_id))
        return self.stop_after is not None and context.task_id + 1 >= self.stop_after


class Witness(Recorder):
    """One that asks for the sampler as it was at the end of each task."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, int, GANSampler]] = []

    def on_fit_task_end(self, estimator, context, *, X, y, fitted_estimator):
        self.seen.append((context.task_name, X, y, fitted_estimator))


class Failing(Recorder):
    """One that raises at the end of an interval."""

    def on_fit_task_end(self, estimator, context):
        raise RuntimeError("enough")


@needs_callbacks
def test_a_fit_is_a_task_with_one_for_each_interval():
    """Tasks nest as documented, their number is told beforehand, set-up and tear-down frame."""
    recorder = Recorder()
    sampler = tiny().set_callbacks(recorder).fit(X)
    intervals = [(event, "interval", i) for i in range(3) for event in ("begin", "end")]
    frame = [("setup", "fit", 0), ("begin", "fit", 0)], [("end", "fit", 0), ("teardown", "fit", 0)]
    assert recorder.events == [*frame[0], *intervals, *frame[1]]
    assert recorder.most == {"fit": 3, "interval": 0}
    assert len(sampler.history_["step"]) == 3


@needs_callbacks
@pytest.mark.parametrize(
    "parameters",
    [
        {"max_time": 0.3},
        {"patience": 1, "validation_fraction": 0.1},
        {"max_time": 60.0},
        {"steps": 43},
    ],
    ids=["clock runs out", "score stalls", "clock does not run out", "odd number of steps"],
)
def test_there_are_never_more_intervals_than_told(parameters):
    """A run that is bent ends with no more intervals than it announced."""
    recorder = Recorder()
    sampler = tiny(**{"steps": 40, **parameters}).set_callbacks(recorder).fit(X)
    assert 1 <= len(sampler.history_["step"]) <= recorder.most["fit"]
    assert recorder.events.count(("end", "fit", 0)) == 1


@needs_callbacks
def test_partial_fit_is_a_task_too():
    """Each chunk is a fit of its own to callbacks, and makes its steps whatever the clock says."""
    recorder = Recorder()
    sampler = tiny(steps=5, max_time=60.0).set_callbacks(recorder)
    sampler.partial_fit(X).partial_fit(X)
    assert sampler.n_steps_ == 10
    assert recorder.events.count(("teardown", "fit", 0)) == 2
    assert recorder.most["fit"] == 1


@needs_callbacks
def test_a_callback_may_end_the_run():
    """A true value from the end of an interval ends the run, and leaves a usable sampler."""
    sampler = tiny(steps=20).set_callbacks(Recorder(stop_after=2)).fit(X)
    assert sampler.n_steps_ == 2
    assert sampler.sample(4).shape == (4, 3)


@needs_callbacks
@pytest.mark.parametrize("y", [None, np.arange(240) % 2], ids=["without y", "with y"])
def test_callbacks_get_a_sampler_of_each_interval(y):
    """It samples as if fit had stopped there; the run itself goes on as if nobody had asked."""
    witness = Witness()
    sampler = tiny(steps=2).set_callbacks(witness).fit(X, y)
    assert [name for name, *_ in witness.seen] == ["interval", "interval", "fit"]
    assert [twin.n_steps_ for *_, twin in witness.seen] == [1, 2, 2]
    for _, told_X, told_y, twin in witness.seen:
        assert told_X is X
        assert told_y is y if y is not None else told_y.shape == (240, 0)
        assert twin.n_features_in_ == 3
        assert np.isfinite(twin.sample(5)).all()
    assert len(witness.seen[0][-1].history_["step"]) == 1
    assert not np.array_equal(witness.seen[0][-1].sample(5), sampler.sample(5))
    np.testing.assert_array_equal(sampler.sample(50), tiny(steps=2).fit(X, y).sample(50))


@needs_callbacks
def test_nothing_is_exported_unless_a_callback_asks():
    """The sampler of an interval costs seconds, so it is not made for one that has no use."""
    sampler = tiny().set_callbacks(recorder := Recorder())
    task = FitTask(sampler, X, None, lambda run: pytest.fail("exported"))
    run = SimpleNamespace(intervals=1, stop=lambda: pytest.fail("stopped"))
    task.begin(run)
    task.before_interval(run)
    task.before_interval(run)  # as after a fall-back: the same interval once more
    task.interval(run, {})
    assert [event[0] for event in recorder.events] == ["setup", "begin", "begin", "end"]


@needs_callbacks
def test_callbacks_are_torn_down_when_one_raises():
    """An error of a callback comes through; history stays, and the sampler can be fitted again."""
    sampler = tiny().set_callbacks(failing := Failing())
    with pytest.raises(RuntimeError, match="enough"):
        sampler.fit(X)
    assert failing.events[-1] == ("teardown", "fit", 0)
    assert sampler.history_["step"] == [1]
    assert sampler.set_callbacks().fit(X).n_steps_ == 3


@needs_callbacks
def test_progress_bars_nest_under_a_grid_search(capsys):
    """ProgressBar draws a bar for the search and one for each fit in it."""
    from sklearn.callback import ProgressBar

    search = GridSearchCV(tiny(steps=2), {"random_state": [0, 1]}, scoring=fidelity, cv=2)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(X)
    shown = capsys.readouterr().out
    assert shown.count("GANSampler - fit") >= 5
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert not hasattr(search.best_estimator_, "_parent_callback_ctx")


@needs_callbacks
def test_pickles_and_clones_keep_callbacks():
    """A sampler that was fitted under callbacks travels with them; a clone has them too."""
    from sklearn.callback import ProgressBar, ScoringMonitor

    # The scorer is a function of a function, which pickle alone can't send.
    monitor = ScoringMonitor(scoring={"fidelity": wrap_non_picklable_objects(fidelity)})
    sampler = tiny(steps=1).set_callbacks(ProgressBar(), monitor).fit(X)
    copy = pickle.loads(pickle.dumps(sampler))
    np.testing.assert_array_equal(copy.sample(5), sampler.sample(5))
    assert clone(copy).fit(X).n_steps_ == 1
    assert len(monitor.get_logs().data) == 2


def test_keras_callbacks_meet_an_epoch_for_each_interval():
    """Hooks come in Keras' order, with the history's lines, less what was not measured, as logs."""
    events: list[tuple[str, object]] = []
    spy = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: events.append(("train begin", None)),
        on_epoch_begin=lambda epoch, logs: events.append(("begin", epoch)),
        on_epoch_end=lambda epoch, logs: events.append((epoch, logs)),
        on_train_end=lambda logs: events.append(("train end", None)),
    )
    sampler = tiny(steps=2, callbacks=[spy, keras.callbacks.TerminateOnNaN]).fit(X)
    assert [name for name, _ in events] == ["train begin", "begin", 0, "begin", 1, "train end"]
    history = pd.DataFrame(sampler.history_).drop(columns=["score", "coverage"])
    logs = pd.DataFrame([events[2][1], events[4][1]])
    pd.testing.assert_frame_equal(logs, history, check_like=True, check_dtype=False)
    assert sampler.n_steps_ == 2


def test_epochs_are_counted_on_where_a_run_goes_on():
    """Under warm_start and partial_fit, epoch numbers follow those of the runs before."""
    epochs: list[int] = []
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    tiny(steps=2, warm_start=True, callbacks=[spy]).fit(X).fit(X)
    assert epochs == [0, 1, 2, 3]


def test_early_stopping_of_keras_ends_the_run():
    """EarlyStopping on the score ends this run, and not the next one of these networks."""
    stopper = keras.callbacks.EarlyStopping("score", mode="max", patience=1, min_delta=9.0)
    assert tiny(steps=9, validation_fraction=0.1, callbacks=[stopper]).fit(X).n_steps_ == 2
    assert tiny(steps=9, callbacks=(keras.callbacks.Callback,)).fit(X).n_steps_ == 9


def test_callbacks_let_go_of_the_network():
    """After fit, an instance holds no network: the sampler pickles, and the next fit is alone."""
    stopper = keras.callbacks.EarlyStopping("penalty", mode="min", patience=9)
    sampler = tiny(steps=2, callbacks=[stopper]).fit(X)
    assert stopper.model is None
    assert len(pickle.dumps(sampler)) < 1_000_000


def test_csv_logger_writes_the_history(tmp_path):
    """CSVLogger, made by a factory, has a line for each interval; the sampler can be copied."""
    path = tmp_path / "history.csv"
    sampler = tiny(callbacks=[partial(keras.callbacks.CSVLogger, str(path))]).fit(X)
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [float(line["step"]) for line in lines] == sampler.history_["step"]
    assert [float(line["critic_loss"]) for line in lines] == sampler.history_["critic_loss"]
    copy = clone(pickle.loads(pickle.dumps(sampler)))
    np.testing.assert_array_equal(copy.fit(X).sample(5), sampler.sample(5))


def test_tensorboard_writes_event_files(tmp_path):
    """TensorBoard's event files, read back, hold the history and histograms of weights."""
    pytest.importorskip("tensorboard", reason="the extra gansynth[tensorboard] is not installed")
    import tensorflow as tf
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = partial(keras.callbacks.TensorBoard, str(tmp_path), histogram_freq=1)
    sampler = tiny(validation_fraction=0.1, callbacks=[board]).fit(X)
    events = EventAccumulator(str(tmp_path / "train"), size_guidance={"tensors": 0})
    events.Reload()
    for name in ("score", "critic_loss", "learning_rate", "step"):
        scalars = [float(tf.make_ndarray(e.tensor_proto)) for e in events.Tensors(f"epoch_{name}")]
        np.testing.assert_allclose(scalars, sampler.history_[name], rtol=1e-6)
    assert any("histogram" in tag for tag in events.Tags()["tensors"])


@pytest.mark.filterwarnings("ignore")  # what MLflow is built of warns of itself
def test_mlflow_logs_the_history(tmp_path, monkeypatch):
    """Metrics of each interval and the exported model are in MLflow's local store."""
    reason = "the extra gansynth[mlflow] is not installed"
    for package in ("mlflow", "sqlalchemy", "alembic"):
        pytest.importorskip(package, reason=reason)
    import mlflow

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")

    def log(epoch: int, logs: dict[str, float]) -> None:
        mlflow.log_metrics(logs, step=epoch)

    with mlflow.start_run() as run:
        logger = partial(keras.callbacks.LambdaCallback, on_epoch_end=log)
        sampler = tiny(validation_fraction=0.1, callbacks=[logger]).fit(X)
        sampler.to_onnx(tmp_path / "model.onnx")
        mlflow.log_artifact(tmp_path / "model.onnx")
    client = mlflow.MlflowClient()
    for name in ("score", "critic_loss"):
        metrics = client.get_metric_history(run.info.run_id, name)
        assert [m.step for m in metrics] == [0, 1, 2]
        assert [m.value for m in metrics] == sampler.history_[name]
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["model.onnx"]


@pytest.mark.parametrize(
    ("callback", "words"),
    [
        ("early", r"callbacks\[1\] is 'early'\. Pass a keras.callbacks.Callback"),
        (dict, r"callbacks\[1\] is <class 'dict'>, which gave \{\}"),
        (Recorder(), "of scikit-learn go into set_callbacks"),
    ],
    ids=["a string", "a factory of something else", "scikit-learn's"],
)
def test_what_is_no_keras_callback_is_refused(callback, words):
    """The error names place and value, and says what to pass."""
    with pytest.raises(TypeError, match=words):
        tiny(callbacks=[keras.callbacks.Callback(), callback]).fit(X)


def test_callbacks_come_in_a_list():
    """A single callback is refused by scikit-learn's validation."""
    with pytest.raises(ValueError, match="'callbacks' parameter"):
        tiny(callbacks=keras.callbacks.Callback()).fit(X)


def test_callbacks_that_set_the_learning_rate_are_refused():
    """The recipe sets the rate: one that would in vain says that there is no optimizer."""
    with pytest.raises(ValueError, match="Optimizer"):
        tiny(callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)]).fit(X)


class Noting(Watcher):
    """A watcher that notes its beginning and end, or fails to begin."""

    def __init__(self, name: str, notes: list[str], *, fails: bool = False) -> None:
        self.name, self.notes, self.fails = name, notes, fails

    def begin(self, run):
        if self.fails:
            raise RuntimeError(self.name)
        self.notes.append(f"+{self.name}")

    def end(self, run):
        self.notes.append(f"-{self.name}")


def test_watchers_that_began_are_told_of_the_end():
    """Also where another one fails to begin: no bar stays on the screen."""
    notes: list[str] = []
    run = SimpleNamespace()
    whole = Watchers([Noting("a", notes), Noting("b", notes)])
    whole.begin(run)
    whole.end(run)
    assert notes == ["+a", "+b", "-b", "-a"]
    with pytest.raises(RuntimeError, match="c"):
        Watchers([Noting("a", notes), Noting("c", notes, fails=True)]).begin(run)
    assert notes[4:] == ["+a", "-a"]


def drawn(*calls: tuple[int, float, float | None], score: float = np.nan, width: int = 80) -> str:
    """The last line of a bar on a terminal, for calls of a run of 4,000 steps."""
    file = io.StringIO()
    bar = TrainingBar(
        "Training distribution2d", Console(file=file, force_terminal=True, width=width)
    )
    run = SimpleNamespace(steps=4000)
    bar.begin(run)
    for call in calls:
        bar.call(run, *call)
    bar.interval(run, {"score": score})
    bar.end(run)
    lines = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue()))
    return [line for line in lines if line.strip()][-1]


@pytest.mark.parametrize(
    ("calls", "score", "text"),
    [
        ([], np.nan, "starting"),
        ([(1, 5.0, None)], np.nan, "1/4000 steps"),
        (
            [(1, 5.0, None), (1001, 10.0, None)],
            0.9123,
            "1001/4000 steps, score 0.912, 200/s, 0:14 left",
        ),
        ([(1, 5.0, None), (2, 10.0, None)], np.nan, "2/4000 steps, 0.2/s, 5:33:10 left"),
        ([(1, 5.0, 45.0)], np.nan, "1/4000 steps, 0:45 left"),
        ([(1, 5.0, 8.0), (1001, 10.0, 3.0)], np.nan, "1001/4000 steps, 200/s, 0:03 left"),
        ([(1, 5.0, 95.0), (1001, 10.0, 90.0)], np.nan, "1001/4000 steps, 200/s, 0:14 left"),
        ([(100, 5.0, None), (60, 6.0, None)], np.nan, "60/4000 steps"),
    ],
    ids=["compiling", "first call", "score and speed", "slow", "only the clock"]
    + ["clock ends it", "steps end it", "fallen back"],
)
def test_the_bar_tells_steps_score_speed_and_time_left(calls, score, text):
    """On 80 columns; the time left is what max_time leaves, if that is less."""
    assert drawn(*calls, score=score).rstrip().endswith(f" {text}")


def test_the_bar_in_a_notebook():
    """It is one output that is updated, drawn without ipywidgets."""
    pytest.importorskip("IPython", reason="IPython is not installed")
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    try:
        with capture_output() as captured:
            bar = TrainingBar("Training", Console(file=io.StringIO(), force_jupyter=True))
            run = SimpleNamespace(steps=10)
            bar.begin(run)
            bar.call(run, 10, 1.0, None)
            bar.end(run)
        outputs = [output.data for output in captured.outputs]
    finally:
        InteractiveShell.clear_instance()
    assert "starting" in outputs[0]["text/html"]
    assert "10/10 steps" in outputs[-1]["text/html"]
