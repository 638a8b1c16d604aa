"""Displays: what they draw, and on which axes."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from matplotlib.testing.decorators import remove_ticks_and_titles
from sklearn.exceptions import NotFittedError

import gansynth
from gansynth import GANSampler
from gansynth.display import FidelityDisplay, LatentDisplay, SampleDisplay, TrainingDisplay

from .test_mixing import clouds, images

TINY = {"steps": 5, "batch_size": 8, "random_state": 0}


@pytest.fixture(autouse=True)
def no_windows():
    """Draw into memory, and leave no figure open."""
    with mpl.rc_context({"backend": "agg"}):
        yield
    plt.close("all")


def shown(display: LatentDisplay) -> np.ndarray:
    """The mosaic that was drawn."""
    (mosaic,) = display.ax_.get_images()
    return np.asarray(mosaic.get_array())


def test_each_way_is_a_row_of_images():
    """Tiles are what `interpolate` gives, a class a row, with a line between them."""
    display = LatentDisplay.from_estimator(images(), n_steps=4, random_state=2)
    assert display.ways.shape == (5, 4, 6, 5, 1)
    way = images().interpolate(2, 3, 4, y=1, random_state=2)
    np.testing.assert_array_equal(display.ways[1, ..., 0], way)
    mosaic = shown(display)
    assert mosaic.shape == (5 * 7 - 1, 4 * 6 - 1)
    assert (mosaic[6] == 1).all()
    expected = (way[3] - float(display.ways.min())) / np.ptp(display.ways.astype(float))
    np.testing.assert_allclose(mosaic[7:13, 18:23], expected)


def test_a_row_goes_from_class_to_class():
    """Each of the same noise, by default."""
    display = LatentDisplay.from_estimator(images(), y=(0, 2))
    way = images().interpolate(3, 3, 8, y=(0, 2), random_state=0)
    np.testing.assert_array_equal(display.ways[3, ..., 0], way)


def test_points_are_lines_on_axes_that_are_given():
    """With and without classes; options are matplotlib's."""
    ax = Figure().add_subplot()
    for sampler in clouds():
        ax.clear()
        display = LatentDisplay.from_estimator(sampler, [(0, 1), (5, 2)], 6, ax=ax, color="k")
        assert display.ax_ is ax
        assert display.figure_ is ax.figure
        lines = ax.get_lines()
        assert [line.get_color() for line in lines] == ["k", "k"]
        np.testing.assert_array_equal(np.transpose(lines[1].get_data()), display.ways[1])


def test_rows_of_pixels_and_files_are_shown_as_images(tmp_path):
    """Whatever the container; colours stay colours, of real numbers too."""
    X = np.random.default_rng(0).random((20, 4 * 4 * 3))
    sampler = GANSampler("image", image_shape=(4, 4, 3), **TINY).fit(X)
    sampler.to_onnx(tmp_path / "m.onnx")
    display = LatentDisplay.from_estimator(gansynth.load(tmp_path / "m.onnx"), n_steps=3)
    assert display.ways.shape == (5, 3, 4, 4, 3)
    assert shown(display).shape == (24, 14, 3)
    np.testing.assert_array_equal(
        shown(display), shown(LatentDisplay.from_estimator(sampler, n_steps=3))
    )


def test_one_coordinate_is_drawn_over_the_steps():
    """There is no plane to draw it in."""
    display = LatentDisplay(np.arange(6.0).reshape(2, 3, 1)).plot()
    assert display.ax_.get_lines()[1].get_xydata().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_what_can_not_be_shown_is_refused():
    """Samplers that are not fitted, tables, and no ways at all."""
    with pytest.raises(NotFittedError):
        LatentDisplay.from_estimator(GANSampler())
    with pytest.raises(ValueError, match=r"ends=\[\] has no ways"):
        LatentDisplay.from_estimator(clouds()[1], [])
    table = GANSampler("tabular", **TINY).fit(np.arange(40).reshape(20, 2))
    with pytest.raises(ValueError, match="these are rows of a table"):
        LatentDisplay.from_estimator(table)


BASELINES = Path(__file__).parent / "baselines"
N = 400


def table(seed: int) -> pd.DataFrame:
    """A column of each kind, with missing values, labels of which there are many, and none."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=N)
    frame = pd.DataFrame(
        {
            "size": size,
            "count": rng.poisson(2, N),
            "colour": rng.choice(list("abcdefghijklmn"), N, p=[0.48] + [0.04] * 13),
            "large": size > 0.5 * seed,
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, N), "D"),
            "span": pd.to_timedelta(rng.integers(0, 4000, N), "s"),
            "empty": np.nan,
        }
    )
    for name in ("size", "colour"):
        frame.loc[rng.random(N) < 0.1 + 0.2 * seed, name] = None
    return frame


def training() -> TrainingDisplay:
    steps = np.arange(1, 11)
    history = {
        "step": steps * 10,
        "score": 1 - 1 / steps,
        "coverage": 1 - 0.5 / steps,
        "critic_loss": 1 / steps,
        "generator_loss": np.sqrt(steps),
    }
    return TrainingDisplay(history, best_step=70)


def points() -> tuple[np.ndarray, np.ndarray]:
    real, synthetic = np.random.default_rng(0).normal(size=(2, N, 2))
    return real, 0.5 * synthetic + 1


def classes_of_images() -> SampleDisplay:
    shades = np.random.default_rng(0).random((2, 30, 5, 4, 3)) ** 2
    y = np.arange(30) % 3
    return SampleDisplay.from_samples(*shades, y=(y, y[::-1]))


DRAWN = {
    "training": training().plot,
    "marginals": lambda ax: SampleDisplay.from_samples(table(0), table(1), ax=ax),
    "points": lambda ax: SampleDisplay.from_samples(*points(), ax=ax),
    "density": lambda ax: SampleDisplay.from_samples(*points(), ax=ax, density=True),
    "images": lambda ax: classes_of_images().plot(ax),
    "fidelity": lambda ax: FidelityDisplay.from_samples(table(0), table(1), ax=ax),
    "latent": LatentDisplay(np.linspace(0, 1, 2 * 3 * 16).reshape(2, 3, 4, 4, 1)).plot,
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_display_looks_as_it_did(name, tmp_path):
    """Drawn without text, since fonts differ; what is drawn stands in `tests/baselines`."""
    with mpl.style.context("default"):
        ax = Figure(figsize=(4, 3), dpi=60, layout="constrained").add_subplot()
        figure = DRAWN[name](ax).figure_
        remove_ticks_and_titles(figure)
        for panel in figure.axes:
            for text in [*panel.texts, panel.xaxis.label, panel.yaxis.label]:
                text.set_visible(False)
            if panel.get_legend():
                panel.get_legend().remove()
        figure.savefig(tmp_path / f"{name}.png", metadata={"Software": None})
    apart = compare_images(BASELINES / f"{name}.png", tmp_path / f"{name}.png", tol=3)
    assert apart is None, apart


def test_scores_are_drawn_with_the_step_that_was_kept():
    """In a row above the losses; with losses alone if there was nothing to score by."""
    display = training().plot(color="k")
    assert [line.get_label() for line in display.axes_[0].get_lines()[:2]] == ["score", "coverage"]
    assert display.axes_[1].get_lines()[2].get_xdata() == [70, 70]
    assert {line.get_color() for line in display.axes_[1].get_lines()[:2]} == {"k"}
    history = display.history | {"score": [np.nan] * 10, "coverage": [np.nan] * 10}
    assert len(TrainingDisplay(history).plot().axes_) == 1
    with pytest.raises(ValueError, match="neither scores nor losses, only step"):
        TrainingDisplay({"step": [1]}).plot()


def test_a_sampler_shows_its_run_its_rows_and_their_scores():
    """With classes, which are a column of a table, and the rows of a picture of images."""
    labelled, plain = clouds()
    display = TrainingDisplay.from_estimator(plain)
    assert display.axes_[0].get_lines()[0].get_xdata().tolist() == plain.history_["step"]
    X = np.random.default_rng(0).standard_normal((40, 2))
    rows = SampleDisplay.from_estimator(plain, X, n_samples=7, random_state=3).rows
    np.testing.assert_array_equal(rows.synthetic, plain.sample(7, random_state=3))
    y = np.repeat(["left", "right"], 20)
    scores = FidelityDisplay.from_estimator(labelled, X, y).columns
    assert set(scores.index) == {"x0", "x1", "class of the row"}
    display = SampleDisplay.from_estimator(labelled, X, y, columns=["class of the row"])
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == ["left", "right"]
    X = np.zeros((30, 6, 5), np.uint8)
    display = SampleDisplay.from_estimator(images(), X, np.arange(30) % 3)
    assert display.axes_[1].get_images()[0].get_array().shape == (3 * 7 - 1, 6 * 6 - 1)


def test_a_column_that_is_worse_comes_first():
    """Columns that are shuffled alone are no worse alone, and are by their pairs."""
    x = np.random.default_rng(0).normal(size=(2000, 3))
    real = pd.DataFrame({"a": x[:, 0], "b": x[:, 0], "c": x[:, 1]})
    display = FidelityDisplay.from_samples(real, real.assign(c=real["c"] + 1))
    scores = display.columns
    assert scores.index[0] == "c"
    assert scores.loc["c", "synthetic"] < 0.7 < scores.loc["c", "real"]
    np.testing.assert_array_equal(scores["independent"], scores["real"])
    assert display.pairs["independent"].loc["a", "b"] < 0.3
    assert display.pairs["synthetic"].loc["a", "b"] > 0.9
    one = FidelityDisplay.from_samples(real[["a"]], real[["a"]])
    assert one.axes_.shape == (1,)


def test_names_are_written_as_they_are():
    """Dollar signs begin no formula, and of long names both ends tell them apart."""
    names = ["$_$", *(f"a column with a rather long name {i} ($)" for i in range(2))]
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=names)
    X["$x^"] = ["$^$", "5 $"] * 10
    for display in (FidelityDisplay, SampleDisplay):
        figure = display.from_samples(X, X).figure_
        figure.canvas.draw()  # where a formula would be refused
        shown = {text.get_text() for text in figure.findobj(mpl.text.Text)}
        assert {r"\$_\$", r"\$x^"} <= shown
    short = {text for text in shown if "…" in text}
    assert short == {rf"a column with a ra…r long name {i} (\$)" for i in range(2)}


def test_what_displays_refuse():
    """Samplers without a history, classes without need, columns and axes that are not there."""
    with pytest.raises(NotFittedError, match="GANSampler has no history_"):
        TrainingDisplay.from_estimator(GANSampler())
    labelled, plain = clouds()
    X = np.zeros((40, 2))
    with pytest.raises(ValueError, match="y is missing"):
        SampleDisplay.from_estimator(labelled, X)
    with pytest.raises(ValueError, match="y is given"):
        SampleDisplay.from_estimator(plain, X, np.zeros(40))
    with pytest.raises(ValueError, match="lacks columns that were fitted: x1"):
        SampleDisplay.from_estimator(plain, pd.DataFrame({"x0": [1.0]}))
    with pytest.raises(ValueError, match=r"columns=\['z'\] has to name"):
        SampleDisplay.from_samples(*points(), columns=["z"])
    with pytest.raises(ValueError, match="ax is not in a grid"):
        SampleDisplay.from_samples(*points(), density=True, ax=Figure().add_axes((0, 0, 1, 1)))
    with pytest.raises(ValueError, match="images have none"):
        FidelityDisplay.from_samples(np.ones((9, 4, 4)), np.ones((9, 4, 4)))
