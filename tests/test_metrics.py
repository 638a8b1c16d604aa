from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import energy_distance as scipy_energy_distance
from scipy.stats import ks_2samp, mannwhitneyu, norm, wasserstein_distance
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics.pairwise import polynomial_kernel

from gansynth.metrics import (
    beside,
    c2st_auc,
    closest_distances,
    column_scores,
    column_shapes,
    coverage,
    dcr_share,
    energy_distance,
    exact_copies,
    halves,
    kernel_distance,
    membership_auc,
    missing_scores,
    modes,
    pair_scores,
    prdc,
    shuffled,
    sliced_wasserstein,
    tstr_auc,
    tstr_r2,
)


@pytest.fixture
def rng():
    """A source of randomness of its own for every test."""
    return np.random.default_rng(0)


def mixed(rng, n=400):
    """A table of every kind of column, most with missing values."""
    frame = pd.DataFrame(
        {
            "number": rng.normal(size=n),
            "count": pd.array(rng.poisson(3, n), dtype="Int64"),
            "flag": rng.random(n) < 0.3,
            "text": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
            "category": pd.Categorical(rng.choice(["x", "y"], n)),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 99, n), "D"),
        }
    )
    for name in ("number", "count", "text", "category", "day"):
        frame.loc[rng.random(n) < 0.1, name] = None
    return frame


class TestSlicedWasserstein:
    def test_equal_tables_are_at_no_distance(self, rng):
        """Missing values and labels included, whatever the order of rows and columns."""
        real = mixed(rng)
        again = real.sample(frac=1, random_state=0)[real.columns[::-1]]
        assert sliced_wasserstein(real, again) == pytest.approx(0.0, abs=1e-12)

    @pytest.mark.parametrize(("shift", "deviation"), [(1.0, 1.0), (-3.0, 0.5)])
    def test_a_shift_is_its_length_along_each_direction(self, rng, shift, deviation):
        """In one column the shift over the deviation; in many, its mean projection."""
        x = rng.normal(size=(500, 1)) * deviation
        expected = abs(shift) / x.std()
        assert sliced_wasserstein(x, x + shift) == pytest.approx(expected)
        plane = rng.normal(size=(500, 2))
        moved = plane + [shift, 0] * plane.std(axis=0)
        # The mean of |cos| over directions of the plane is 2 / pi.
        found = sliced_wasserstein(plane, moved, n_projections=2000)
        assert found == pytest.approx(2 / np.pi * abs(shift), rel=0.05)

    def test_it_is_what_scipy_gives_along_a_direction(self, rng):
        """In one dimension there is one direction, and the two tables may differ in length."""
        real, other = rng.normal(size=300), rng.gamma(2.0, size=171)
        expected = wasserstein_distance(real / real.std(), other / real.std())
        assert sliced_wasserstein(real[:, None], other[:, None]) == pytest.approx(expected)

    def test_sets_known_by_hand(self):
        """Along a line, of as many points and of fewer; labels are at a distance of one."""
        x = np.array([[0.0], [2.0]])  # of deviation 1
        assert sliced_wasserstein(x, np.array([[0.0], [4.0]])) == pytest.approx(1.0)
        assert sliced_wasserstein(x, np.array([[3.0]])) == pytest.approx(2.0)
        labels = pd.DataFrame({"x": ["a", "a"]}), pd.DataFrame({"x": ["b", "b"]})
        # One step in the plane: the mean of |cos| over its directions is 2 / pi.
        found = sliced_wasserstein(*labels, n_projections=4000)
        assert found == pytest.approx(2 / np.pi, rel=0.03)

    def test_what_it_sees(self, rng):
        """Other shares of a label, values that are missing, columns that no longer go together."""
        real = mixed(rng)
        floor = sliced_wasserstein(real[:200], real[200:])
        worse = {
            "label": real.assign(text="a"),
            "missing": real.assign(number=np.nan),
            "constant": real.assign(flag=True),
        }
        for name, table in worse.items():
            assert sliced_wasserstein(real, table) > floor, name
        x = rng.normal(size=2000)
        line = np.column_stack([x, x])
        shuffled = np.column_stack([x, rng.permutation(x)])
        halves = sliced_wasserstein(line[:1000], line[1000:])
        assert sliced_wasserstein(line, shuffled) > 3 * halves

    def test_a_seed_fixes_the_directions(self, rng):
        """The same figure at each call; another for other directions."""
        real, other = rng.normal(size=(50, 4)), rng.normal(size=(60, 4))
        assert sliced_wasserstein(real, other) == sliced_wasserstein(real, other)
        assert sliced_wasserstein(real, other, random_state=1) != sliced_wasserstein(real, other)

    def test_bad_input(self, rng):
        """No directions, no rows, other columns."""
        x = rng.normal(size=(5, 2))
        with pytest.raises(ValueError, match="n_projections must be at least 1, got 0"):
            sliced_wasserstein(x, x, n_projections=0)
        with pytest.raises(ValueError, match="synthetic has no rows"):
            sliced_wasserstein(x, x[:0])
        with pytest.raises(ValueError, match="must have the same columns"):
            sliced_wasserstein(x, x[:, :1])


class TestColumnShapes:
    def test_equal_tables_score_one_whatever_their_order(self, rng):
        """Marginals are compared, so neither the order of rows nor that of columns counts."""
        real = mixed(rng)
        assert column_shapes(real, real.sample(frac=1, random_state=0)[real.columns[::-1]]) == 1.0

    @pytest.mark.parametrize(
        ("real", "synthetic", "score"),
        [
            ([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0], 1.0),
            ([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0], 0.5),
            ([1, 2], [8, 9], 0.0),
            ([1.0, 2.0, np.nan], [1.0, 2.0], 1.0),
            (["a", "a", "b", "b"], ["a", "a", "a", "b"], 0.75),
            (["a", "b", None], ["a", "b"], 1.0),
            (["a", "b"], ["c", "c"], 0.0),
            ([True, True, False, False], [True, True, True, True], 0.5),
            (["2020-01-01", "2020-01-02"], ["2020-01-01", "2020-01-01"], 0.5),
        ],
        ids=["equal", "half shifted", "disjoint", "missing numbers", "labels", "missing labels",
             "new label", "booleans", "date strings"],
    )  # fmt: skip
    def test_scores_known_by_hand(self, real, synthetic, score):
        """Numbers score 1 - KS, labels 1 - total variation, and missing values do not count."""
        found = column_scores(pd.DataFrame({"x": real}), pd.DataFrame({"x": synthetic}))
        assert found["x"] == pytest.approx(score)

    def test_numbers_and_dates_are_what_scipy_gives(self, rng):
        """Ties included, of tables that differ in length."""
        real, other = mixed(rng, 400), mixed(rng, 150)
        other["number"] = other["number"] + 0.3
        found = column_scores(real, other)
        for name in ("number", "count", "day"):
            values = (frame[name].dropna().to_numpy("int64" if name == "day" else float)
                      for frame in (real, other))  # fmt: skip
            assert found[name] == pytest.approx(1 - ks_2samp(*values).statistic, abs=1e-12)

    def test_two_normals_of_one_deviation(self):
        """The statistic of Kolmogorov and Smirnov is known for shifts: here, of one deviation."""
        quantiles = norm.ppf((np.arange(20_000) + 0.5) / 20_000)[:, None]
        expected = 1 - (norm.cdf(0.5) - norm.cdf(-0.5))
        assert column_shapes(quantiles, quantiles + 1) == pytest.approx(expected, abs=1e-4)

    def test_dates_of_two_resolutions_are_compared_as_times(self):
        """The unit in which a frame stores its dates does not matter."""
        days = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=10).astype("M8[s]")})
        assert column_shapes(days, days.astype("M8[ns]")) == 1.0

    def test_a_label_is_the_same_as_text_and_as_category(self):
        """What counts is the label, not the dtype that holds it."""
        text = pd.DataFrame({"x": ["a", "b", "b"]})
        assert column_shapes(text, text.astype("category")) == 1.0

    def test_a_column_without_values_is_left_out_of_the_mean(self):
        """A column that is missing throughout scores NaN and does not pull the mean."""
        real = pd.DataFrame({"x": [1.0, 2.0], "empty": [np.nan, np.nan]})
        assert np.isnan(column_scores(real, real)["empty"])
        assert column_shapes(real, real) == 1.0

    def test_images_count_as_one_column_per_pixel(self, rng):
        """Arrays of any rank are taken, their first axis being the rows."""
        images = rng.random((20, 3, 3, 2))
        assert len(column_scores(images, images)) == 18

    def test_different_columns_are_refused_by_name(self):
        """The error names the columns that only one table has."""
        with pytest.raises(ValueError, match="same columns, but only one of them has a, b"):
            column_shapes(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}))

    def test_no_rows_are_refused(self):
        """The error says which table is empty."""
        with pytest.raises(ValueError, match="synthetic has no rows; give at least one"):
            column_shapes(np.ones((3, 2)), np.ones((0, 2)))


class TestC2ST:
    def test_two_samples_of_one_distribution_are_not_told_apart(self, rng):
        """The score of a perfect synthesiser is one half, give or take."""
        assert c2st_auc(mixed(rng), mixed(rng)) == pytest.approx(0.5, abs=0.08)

    def test_a_lost_relation_is_found_where_marginals_are_equal(self, rng):
        """Shuffling a column leaves its marginal as it was, yet trees see the difference."""
        x = rng.normal(size=400)
        real = pd.DataFrame({"x": x, "y": x})
        shuffled = real.assign(y=rng.permutation(x))
        assert column_shapes(real, shuffled) == 1.0
        assert c2st_auc(real, shuffled) > 0.9

    def test_a_wrong_rate_of_missing_values_is_found(self, rng):
        """Trees see missing values, which column shapes leave out."""
        real = pd.DataFrame({"x": rng.normal(size=400)})
        assert c2st_auc(real, real.mask(rng.random(real.shape) < 0.9)) > 0.8

    def test_columns_with_few_values_or_none_are_no_obstacle(self, rng):
        """Trees see which rows have a value, whatever fold these are in."""
        real = pd.DataFrame({"x": rng.normal(size=40), "empty": np.nan, "one": np.nan})
        real.loc[3, "one"] = 2.0
        assert 0.2 < c2st_auc(real, real.assign(x=rng.normal(size=40))) < 0.8
        assert c2st_auc(real, real.assign(empty=1.0)) == 1.0

    def test_more_labels_than_trees_can_hold(self, rng):
        """Of very many labels the rarest count as one."""
        real = pd.DataFrame({"x": rng.integers(0, 900, 500).astype(str)})
        assert 0.2 < c2st_auc(real, real.sample(frac=1, random_state=0)) < 0.8

    def test_equal_seeds_give_equal_scores_and_leave_the_global_state_alone(self, rng):
        """The seed decides folds and trees, and numpy's global generator is not touched."""
        tables = rng.normal(size=(100, 2)), rng.normal(size=(100, 2))
        before = np.random.get_state()[1].copy()
        assert c2st_auc(*tables, random_state=3) == c2st_auc(*tables, random_state=3)
        assert (np.random.get_state()[1] == before).all()

    def test_too_few_rows_are_refused(self):
        """Five folds need five rows of each kind."""
        with pytest.raises(ValueError, match="needs five rows of each kind .* got 9 real and 4"):
            c2st_auc(np.ones((9, 1)), np.ones((4, 1)))


class TestCoverage:
    def test_known_by_hand(self):
        """A synthetic point covers the real points whose neighbours are no nearer than it is."""
        real = np.array([[0.0], [1.0], [10.0], [13.0]])
        # Radii at k = 1 are 1, 1, 3, 3; the distances to 12.5 are 12.5, 11.5, 2.5, 0.5.
        assert coverage(real, np.array([[12.5]]), k=1) == 0.5

    def test_two_samples_of_one_distribution_reach_the_expected_share(self, rng):
        """Of two equal samples about 1 - 0.5**k is covered."""
        points = rng.normal(size=(2_000, 2))
        assert coverage(points[:1_000], points[1_000:], k=3) == pytest.approx(0.875, abs=0.04)

    def test_one_mode_of_two_covers_half(self, rng):
        """A lost mode is a lost share."""
        real = np.concatenate([rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 50])
        assert coverage(real, real[:200]) == 0.5

    @pytest.mark.parametrize("k", [0, 10])
    def test_an_impossible_k_is_refused(self, k):
        """The error tells k and the number of points."""
        with pytest.raises(ValueError, match=f"got k={k} for 10 points; lower it"):
            coverage(np.ones((10, 2)), np.ones((10, 2)), k=k)

    def test_uint8_images_do_not_wrap_around(self):
        """Distances between small integers are taken as real numbers."""
        images = np.array([0, 255, 254, 2], np.uint8).reshape(4, 1, 1)
        assert coverage(images, np.array([[[1]]], np.uint8), k=1) == 0.5


class TestPRDC:
    def test_it_is_what_the_definitions_say(self, rng):
        """Counted ball by ball, of samples that differ in number, and of images."""
        real = rng.normal(size=(60, 2, 3))
        synthetic = 0.7 * rng.normal(size=(45, 2, 3)) + 0.4
        k = 4

        def apart(x, y):
            return np.array([[np.linalg.norm(a - b) for b in y] for a in x])

        between = apart(real, synthetic)
        # The nearest point of its own sample is the point itself.
        real_radii, synthetic_radii = (np.sort(apart(x, x))[:, k] for x in (real, synthetic))
        inside = between <= real_radii[:, None]
        found = prdc(real, synthetic, k=k)
        assert found.precision == pytest.approx(inside.any(axis=0).mean())
        assert found.recall == pytest.approx((between <= synthetic_radii).any(axis=1).mean())
        assert found.density == pytest.approx(inside.sum() / (k * len(synthetic)))
        assert found.coverage == pytest.approx(inside.any(axis=1).mean())
        assert found.coverage == coverage(real, synthetic, k=k)
        assert min(found) > 0
        assert max(found[:2]) < 1

    def test_equal_sets(self):
        """All is precise, recalled and covered; each point is in its own ball, besides k others."""
        ring = np.arange(12.0)[:, None] ** 2
        assert prdc(ring, ring, k=1)[:2] == (1.0, 1.0)
        corners = np.array([[0, 0], [0, 4], [3, 0], [3, 4]])
        assert prdc(corners, corners, k=3) == (1.0, 1.0, 4 / 3, 1.0)

    def test_sets_far_apart(self, rng):
        """Nothing of the one is near the other."""
        points = rng.normal(size=(50, 3))
        assert prdc(points, points + 100) == (0.0, 0.0, 0.0, 0.0)

    def test_one_mode_of_two_is_precise_and_recalls_half(self, rng):
        """Quality and variety are told apart."""
        real = np.concatenate([rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 50])
        found = prdc(real, 0.1 * rng.normal(size=(200, 2)))
        assert found.precision == 1.0
        assert found.recall < 0.5
        assert found.coverage < 0.5

    def test_an_impossible_k_is_refused(self, rng):
        """The error tells which sample is too small."""
        points = rng.normal(size=(10, 2))
        with pytest.raises(ValueError, match="number of synthetic points, got k=5 for 5 points"):
            prdc(points, points[:5])
        with pytest.raises(ValueError, match="number of real points, got k=0 for 10 points"):
            prdc(points, points, k=0)


class TestKernelDistance:
    def test_it_is_the_unbiased_estimate_of_the_formula(self, rng):
        """Pair by pair, without pairs of a point with itself."""
        x, y = rng.normal(size=(7, 2, 2)), rng.normal(size=(7, 2, 2)) + 0.5

        def kernel(a, b):
            return (np.sum(a * b) / 4 + 1) ** 3

        pairs = [(i, j) for i in range(7) for j in range(7)]
        own = [sum(kernel(z[i], z[j]) for i, j in pairs if i != j) / 42 for z in (x, y)]
        across = sum(kernel(x[i], y[j]) for i, j in pairs) / 49
        assert kernel_distance(x, y) == pytest.approx(sum(own) - 2 * across)

    def test_it_is_what_scikit_learns_kernel_gives(self, rng):
        """Of features, by the polynomial kernel of KID; of points known by hand."""
        x, y = rng.normal(size=(30, 5)), rng.normal(size=(30, 5)) + 0.5
        xx, yy, xy = (polynomial_kernel(*of, degree=3) for of in ((x, x), (y, y), (x, y)))
        within = sum(k[~np.eye(30, dtype=bool)].mean() for k in (xx, yy))
        assert kernel_distance(x, y) == pytest.approx(within - 2 * xy.mean(), abs=1e-12)
        # Kernels of 1 and 1, of 2 and 2 (125), of 1 and 2 (27), all on a line.
        one, two = np.ones((3, 1)), np.full((3, 1), 2.0)
        assert kernel_distance(one, two) == pytest.approx(8 + 125 - 2 * 27)

    def test_samples_of_one_distribution_are_at_no_distance_in_the_mean(self, rng):
        """Of small samples, too: half of the figures are below zero, and shifts stand out."""
        found = [
            kernel_distance(rng.normal(size=(20, 3)), rng.normal(size=(30, 3)), n_subsets=5)
            for _ in range(200)
        ]
        assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)
        assert min(found) < 0
        x, y = rng.normal(size=(2, 1000, 3))
        assert kernel_distance(x, y + 0.5, 1) > 10 * abs(kernel_distance(x, y, 1))

    def test_subsets_differ_with_the_seed_alone(self, rng):
        """The same figure at each call; another for other subsets; numpy's state is left alone."""
        x, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 2))
        before = np.random.get_state()[1].copy()
        of = [kernel_distance(x, y, 3, 10, random_state=seed) for seed in (0, 0, 1)]
        assert of[0] == of[1] != of[2]
        assert (np.random.get_state()[1] == before).all()

    def test_uint8_images_do_not_wrap_around(self):
        """Products of small integers are taken as real numbers."""
        images = np.array([[200], [100], [7]], np.uint8)
        assert kernel_distance(images, images[::-1]) == kernel_distance(
            images.astype(float), images[::-1].astype(float)
        )

    def test_too_little_is_refused(self):
        """Two points of each kind, one subset, and subsets of two points."""
        two = np.ones((2, 1))
        with pytest.raises(ValueError, match="two points of each kind .* got 2 real and 1"):
            kernel_distance(two, two[:1])
        with pytest.raises(ValueError, match="subset_size=1"):
            kernel_distance(two, two, subset_size=1)
        with pytest.raises(ValueError, match="n_subsets must be at least 1, got 0"):
            kernel_distance(two, two, n_subsets=0)


class TestModes:
    centres = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])

    def draw(self, rng, n, std):
        return self.centres[np.arange(n) % 4] + std * rng.standard_normal((n, 2))

    def test_a_perfect_sampler_reaches_the_ceilings(self, rng):
        """The figures of the true mixture are those that the theory tells."""
        found = modes(self.draw(rng, 20_000, 0.1), self.centres, std=0.1)
        assert (found.captured, found.fair) == (4, 4)
        assert found.high_quality == pytest.approx(1 - np.exp(-4.5), abs=0.003)
        assert found.reverse_kl < 0.001
        assert found.std_ratio == pytest.approx(1.0, abs=0.01)

    def test_narrow_modes_show_in_the_std_ratio(self, rng):
        """High quality alone praises modes that are too narrow; the ratio does not."""
        found = modes(self.draw(rng, 20_000, 0.05), self.centres, std=0.1)
        assert found.high_quality > 0.999
        # Hardly anything is cut off at six of its own deviations.
        assert found.std_ratio == pytest.approx(0.5 / 0.974, abs=0.01)

    def test_one_mode_of_four(self):
        """A collapse onto one mode costs log 4 of reverse KL."""
        found = modes(np.array([[0.0, 0.1], [0.1, 0.0]]), self.centres, std=0.1)
        assert (found.captured, found.fair, found.high_quality) == (1, 0, 1.0)
        assert found.reverse_kl == pytest.approx(np.log(4))

    def test_a_starved_mode_is_captured_but_not_fair(self):
        """One point captures a mode; a fair share is half to twice an equal one."""
        points = self.centres[[0] * 4 + [1] * 4 + [2] * 4 + [3]]
        assert modes(points, self.centres, std=0.1)[:2] == (4, 3)

    def test_points_far_from_every_mode(self):
        """With no point of high quality there is nothing to compare."""
        found = modes(np.full((5, 2), 5.0), self.centres, std=0.1)
        assert found[:3] == (0, 0, 0.0)
        assert np.isnan(found.reverse_kl)
        assert np.isnan(found.std_ratio)

    def test_modes_without_spread_are_refused(self):
        """Nothing lies within no distance."""
        with pytest.raises(ValueError, match="std must be above 0, got 0"):
            modes(self.centres, self.centres, std=0)


class TestTSTR:
    def table(self, rng, n=300):
        x = rng.normal(size=n)
        return pd.DataFrame(
            {"x": x, "noise": rng.choice(["u", "v"], n), "y": np.where(x > 0, "yes", "no")}
        )

    def test_a_learnable_label_is_learnt_from_real_rows_and_not_from_shuffled_ones(self, rng):
        """The area is near one for faithful rows and far below once the relation is lost."""
        train, test = self.table(rng), self.table(rng)
        assert tstr_auc(train, test, "y") > 0.95
        shuffled = train.assign(y=rng.permutation(train["y"]))
        assert tstr_auc(shuffled, test, "y") < 0.8

    def test_missing_values_and_another_dtype_of_the_label(self, rng):
        """Rows without a label are left out, and a category equals the text that it shows."""
        train, test = self.table(rng), self.table(rng)
        train.loc[:20, "x"], train.loc[30:50, "y"] = np.nan, None
        test.loc[:5, "y"] = None
        assert tstr_auc(train.astype({"y": "category"}), test, "y") > 0.95

    def test_a_class_that_was_not_drawn_counts_as_a_guess(self, rng):
        """Of three classes, two are learnt perfectly enough and the absent one scores one half."""
        test = pd.DataFrame({"x": np.repeat([0.0, 1.0, 2.0], 50), "y": np.repeat([0, 1, 2], 50)})
        train = test[test["y"] < 2]
        assert tstr_auc(train, test, "y") == pytest.approx((1.0 + 0.5 + 0.75) / 3, abs=0.01)
        assert tstr_auc(test[:50], test, "y") == 0.5

    def test_an_unknown_target_is_refused(self, rng):
        """The error names the columns that there are."""
        with pytest.raises(ValueError, match="got 'z'; the columns are x, noise, y"):
            tstr_auc(self.table(rng), self.table(rng), "z")

    def test_a_test_of_one_class_is_refused(self, rng):
        """An area under the curve needs two classes."""
        test = self.table(rng).assign(y="yes")
        with pytest.raises(ValueError, match="at least two classes of 'y', got 1"):
            tstr_auc(self.table(rng), test, "y")


class TestTSTRofNumbers:
    def rows(self, rng, n=400):
        x = rng.normal(size=n)
        return pd.DataFrame({"x": x, "label": rng.choice(["u", "v"], n), "y": 3 * x + 1})

    def test_a_learnable_number_is_learnt_from_real_rows_and_not_from_shuffled_ones(self, rng):
        """Rows that lack it are left out."""
        train, test = self.rows(rng), self.rows(rng)
        train.loc[:20, "y"], test.loc[:5, "y"] = np.nan, None
        assert tstr_r2(train, test, "y") > 0.95
        assert tstr_r2(train.assign(y=rng.permutation(train["y"])), test, "y") < 0.2

    def test_it_is_what_scikit_learn_gives(self, rng):
        """Of numbers alone nothing is encoded."""
        train, test = (self.rows(rng)[["x", "y"]] for _ in range(2))
        trees = HistGradientBoostingRegressor(random_state=0).fit(train[["x"]], train["y"])
        expected = pytest.approx(trees.score(test[["x"]], test["y"]))
        assert tstr_r2(train, test, "y") == expected
        assert tstr_r2(train.to_numpy(), test.to_numpy(), 1) == expected

    def test_what_is_no_number_is_refused(self, rng):
        """Labels have an area under the curve; a single row has no variance."""
        rows = self.rows(rng)
        with pytest.raises(ValueError, match="'label' holds labels: use tstr_auc"):
            tstr_r2(rows, rows, "label")
        with pytest.raises(ValueError, match="test has 1 rows with 'y'; give two or more"):
            tstr_r2(rows, rows[:1], "y")
        with pytest.raises(ValueError, match="got 'z'; the columns are x, label, y"):
            tstr_r2(rows, rows, "z")


class TestEnergyDistance:
    def test_it_is_what_scipy_gives_in_one_dimension(self, rng):
        """In deviations of the real column; tables may differ in length."""
        real, other = rng.normal(size=300), rng.gamma(2.0, size=171)
        expected = scipy_energy_distance(real / real.std(), other / real.std())
        assert energy_distance(real[:, None], other[:, None]) == pytest.approx(expected)

    def test_nothing_but_the_same_rows_is_at_no_distance(self, rng):
        """Relations are seen, where marginals are equal."""
        real = mixed(rng)
        again = real.sample(frac=1, random_state=0)[real.columns[::-1]]
        assert energy_distance(real, again) == pytest.approx(0.0, abs=1e-6)
        x = rng.normal(size=(600, 1))
        line = np.hstack([x, x])
        apart = np.hstack([x, rng.permutation(x)])
        assert energy_distance(line, apart) > 3 * energy_distance(line[:300], line[300:])

    def test_all_pairs_are_looked_at_in_pieces(self, rng):
        """However little memory there is for a piece."""
        real, other = rng.normal(size=(200, 3)), rng.normal(size=(300, 3)) + 0.5
        whole = energy_distance(real, other)
        with config_context(working_memory=0.01):
            assert energy_distance(real, other) == pytest.approx(whole)

    def test_bad_input(self):
        """No rows, other columns."""
        with pytest.raises(ValueError, match="synthetic"):
            energy_distance(np.ones((3, 2)), np.ones((0, 2)))
        with pytest.raises(ValueError, match="columns"):
            energy_distance(np.ones((3, 2)), np.ones((3, 1)))


class TestPrivacy:
    def test_copies_are_counted_across_dtypes_and_missing_values(self, rng):
        """A row is a copy if every value is equal, and missing equals missing."""
        real = mixed(rng)
        synthetic = real.astype({"text": "category", "category": object}).copy()
        synthetic.loc[:99, "number"] = 7.0
        assert exact_copies(real, synthetic) == 0.75

    def test_zeros_of_both_signs_are_equal(self):
        """Negative zero is zero."""
        assert exact_copies(np.array([[0.0]]), np.array([[-0.0]])) == 1.0

    def test_distances_known_by_hand(self):
        """A label costs one, a number its difference over the range, a missing value a label."""
        reference = pd.DataFrame({"x": [0.0, 10.0], "label": ["a", "b"]})
        table = pd.DataFrame({"x": [0.0, 5.0, 0.0, np.nan], "label": ["a", "a", "c", "a"]})
        (found,) = closest_distances(reference, table)
        assert found == pytest.approx([0.0, 0.5, 1.0, 1.0], abs=1e-6)

    def test_distances_and_attack_are_what_scipy_gives(self, rng):
        """Euclidean distances of numbers in ranges, and Mann and Whitney's statistic of them."""
        train, held_out, rows = (rng.normal(size=(n, 3)) * [1, 5, 9] for n in (60, 40, 50))
        (found,) = closest_distances(train, rows)
        spread = np.ptp(train, axis=0)
        np.testing.assert_allclose(found, cdist(rows / spread, train / spread).min(axis=1))
        spread = np.ptp(rows, axis=0)
        near, far = (cdist(x / spread, rows / spread).min(axis=1) for x in (train, held_out))
        expected = mannwhitneyu(far, near).statistic / (60 * 40)
        assert membership_auc(train, held_out, rows) == pytest.approx(expected)

    def test_columns_without_values_or_spread_do_no_harm(self):
        """Constant and wholly missing columns give finite distances."""
        reference = pd.DataFrame({"same": [1.0, 1.0], "none": [np.nan, np.nan], "x": [0.0, 1.0]})
        near, far = closest_distances(reference, reference, reference.assign(none=1.0))
        assert near == pytest.approx([0.0, 0.0], abs=1e-6)
        assert far == pytest.approx([1.0, 1.0], abs=1e-6)

    def test_copies_are_told_by_distance_and_by_attack(self, rng):
        """New rows give both figures 0.5, copies 1, and a mixture something between."""
        train, held_out, new = (mixed(rng, 300) for _ in range(3))
        copies = train.sample(300, replace=True, random_state=0)
        half = pd.concat([copies[:150], new[:150]])
        for measure in (dcr_share, membership_auc):
            assert measure(train, held_out, new) == pytest.approx(0.5, abs=0.08)
            assert measure(train, held_out, train) == pytest.approx(1.0, abs=0.01)
            assert 0.6 < measure(train, held_out, half) < 0.95

    def test_as_many_rows_are_compared(self, rng):
        """More training rows than held-out ones are no reason to call synthetic rows copies."""
        train, held_out, new = mixed(rng, 900), mixed(rng, 100), mixed(rng, 300)
        assert dcr_share(train, held_out, new) == pytest.approx(0.5, abs=0.08)
        assert dcr_share(train, held_out, new, random_state=1) == pytest.approx(0.5, abs=0.08)

    def test_equal_distances_count_half(self):
        """Where nothing can be told, the share is 0.5."""
        same = np.zeros((4, 2))
        assert dcr_share(same, same, same) == 0.5
        assert membership_auc(same, same, same) == 0.5


def test_metrics_do_not_import_tensorflow():
    """Scores can be computed where TensorFlow is not installed."""
    code = "import gansynth.metrics, sys; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestPairScores:
    def test_equal_tables_score_one(self, rng):
        """Missing values included, whatever the order of rows and columns."""
        real = mixed(rng)
        found = pair_scores(real, real.sample(frac=1, random_state=0)[real.columns[::-1]])
        assert list(found.index) == list(found.columns) == list(real.columns)
        assert np.isnan(np.diag(found)).all()
        np.testing.assert_allclose(found.to_numpy()[~np.eye(len(found), dtype=bool)], 1.0)

    def test_a_lost_relation_is_found_in_its_pair_alone(self, rng):
        """Numbers with labels, and numbers with numbers."""
        x = rng.normal(size=3000)
        real = pd.DataFrame({"x": x, "twice": 2 * x, "sign": np.where(x > 0, "+", "-"), "z": x})
        real["z"] = rng.normal(size=3000)
        found = pair_scores(real, real.assign(x=rng.permutation(x)))
        assert found.loc["x", "twice"] == found.loc["twice", "x"] < 0.2
        assert found.loc["x", "sign"] < 0.6
        assert found.loc["x", "z"] > 0.8
        assert found.loc["twice", "sign"] == 1.0

    def test_columns_without_values_and_very_many_labels(self, rng):
        """The first are one value, the others those that are frequent and the rest."""
        real = pd.DataFrame({"empty": np.nan, "label": rng.integers(0, 999, 500).astype(str)})
        assert pair_scores(real, real).loc["empty", "label"] == 1.0
        assert pair_scores(real, real.assign(empty=1.0)).loc["empty", "label"] == 0.0

    def test_bad_input(self):
        """A number of parts that is none."""
        with pytest.raises(ValueError, match="bins must be 2 or more, got 1"):
            pair_scores(np.ones((3, 2)), np.ones((3, 2)), bins=1)


class TestMissingScores:
    def test_shares_of_missing_values_are_compared(self):
        """Of numbers and labels, in the order of the real columns."""
        real = pd.DataFrame({"a": [1.0, None], "b": ["x", None]})
        found = missing_scores(real, pd.DataFrame({"b": [None, None], "a": [None, 1.0]}))
        assert found.to_dict() == {"a": 1.0, "b": 0.5}


class TestBeside:
    def test_each_metric_tells_its_floor(self, rng):
        """Real rows score best, and columns shuffled alone have nothing but their marginals."""
        x = rng.normal(size=1000)
        real = pd.DataFrame({"x": x, "y": x + 0.1 * rng.normal(size=1000)})
        near = real.sample(frac=1, random_state=0) + [0.0, 0.3]
        for metric in (c2st_auc, sliced_wasserstein):
            found = beside(metric, real, near)
            assert found.real < min(found.synthetic, found.independent)
        found = beside(column_shapes, real, near)
        assert found.independent == found.real > found.synthetic

    def test_all_three_are_as_many_rows_against_the_same_half(self, rng):
        """Of fewer synthetic rows, those that there are."""
        real = rng.normal(size=(21, 2))
        seen = []
        beside(lambda one, rows: seen.append((one, rows)), real, real[:7])
        one, other = halves(real)
        assert [len(rows) for _, rows in seen] == [7, 11, 11]
        assert all((first == one).all() for first, _ in seen)
        np.testing.assert_array_equal(np.sort(np.vstack([one, other]), 0), np.sort(real, 0))
        np.testing.assert_array_equal(seen[1][1], other)

    def test_shuffled_rows_keep_columns_and_dtypes(self, rng):
        """Frames and images; what is given stays as it was."""
        table = mixed(rng)
        before = table.copy()
        found = shuffled(table)
        pd.testing.assert_frame_equal(table, before)
        assert (found.dtypes == table.dtypes).all()
        assert not found.equals(table)
        for name in table:
            assert (
                found[name]
                .value_counts()
                .sort_index()
                .equals(table[name].value_counts().sort_index())
            )
        images = rng.random((9, 2, 2))
        np.testing.assert_array_equal(np.sort(shuffled(images), 0), np.sort(images, 0))

    def test_one_row_is_no_two_halves(self):
        """The error says how many there are."""
        with pytest.raises(ValueError, match="rows has 1 of them"):
            beside(column_shapes, np.ones((1, 2)), np.ones((1, 2)))
