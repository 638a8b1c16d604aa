"""Addressed noise: the protocol, its independence of ranges, and its distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from gansynth.inference import noise

WORD = 2**64


def philox(counter: int, key: tuple[int, int]) -> list[int]:
    """Philox4x64-10 in plain Python, from the constants in Salmon et al. (SC 2011)."""
    c0, c1, c2, c3 = (counter >> 64 * i & WORD - 1 for i in range(4))
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (
            second // WORD ^ c1 ^ k0,
            second % WORD,
            first // WORD ^ c3 ^ k1,
            first % WORD,
        )
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) % WORD, (k1 + 0xBB67AE8584CAA73B) % WORD
    return [c0, c1, c2, c3]


def normals_by_hand(seed: int, row: int, width: int) -> list[float]:
    """A row of normals from the docstring's formulas, in double precision."""
    counters = math.ceil(width / 8)
    row_values: list[float] = []
    for counter in range(row * counters, (row + 1) * counters):
        for x in philox(counter, (seed, 0)):
            u = ((x >> 9) % 2**23 + 0.5) / 2**23
            v = ((x >> 41) + 0.5) / 2**23
            radius = math.sqrt(-2 * math.log(u))
            row_values += [radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)]
    return row_values[:width]


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        (
            0,
            (0, 0),
            "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b",
        ),
        (
            2**256 - 1,
            (WORD - 1, WORD - 1),
            "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0",
        ),
    ],
)
def test_the_reference_is_philox(counter, key, words):
    """The plain Python generator gives the words published with Random123."""
    assert [f"{word:016x}" for word in philox(counter, key)] == words.split()


@pytest.mark.parametrize("seed", [0, 1, 2**63 + 5, 2**64 - 1])
@pytest.mark.parametrize("start", [0, 1, 12345, 2**63 - 1, 2**64 + 3, 2**100])
@pytest.mark.parametrize("width", [1, 3, 8, 13, 128])
def test_normals_follow_the_protocol(seed, start, width):
    """Any row of any seed equals the formulas worked out by hand."""
    rows = noise.normal(seed, start, start + 3, width)
    expected = [normals_by_hand(seed, start + i, width) for i in range(3)]
    np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=5e-6)


@pytest.mark.parametrize("start", [0, 1, 2, 3, 4, 1001, 2**64 - 1])
def test_uniforms_follow_the_protocol(start):
    """Uniforms are the top 53 bits of their word, exactly."""
    expected = [(philox(i // 4, (7, 1))[i % 4] >> 11) / 2**53 for i in range(start, start + 9)]
    assert noise.uniform(7, start, start + 9).tolist() == expected


@pytest.mark.parametrize("width", [1, 2, 7, 8, 100, 128])
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (1, 2), (3, 50), (511, 514), (0, 2999)])
def test_a_row_does_not_depend_on_the_range(width, start, stop):
    """A row has the same bits in whatever range it is drawn."""
    rows = noise.normal(5, 0, 3000, width)
    part = noise.normal(5, start, stop, width)
    assert part.dtype == np.float32
    assert part.flags.c_contiguous
    assert part.tobytes() == rows[start:stop].tobytes()
    uniforms = noise.uniform(5, 0, 3000)
    assert np.array_equal(noise.uniform(5, start, stop), uniforms[start:stop])


@pytest.mark.parametrize("width", [1, 8, 20])
def test_no_rows(width):
    """An empty range gives no rows of the right width."""
    assert noise.normal(0, 9, 9, width).shape == (0, width)
    assert noise.uniform(0, 9, 9).shape == (0,)


def test_the_most_extreme_words_are_finite():
    """Words of all zeros and of all ones give finite normals; the farthest is 5.77 from 0."""
    words = np.array([0, 2**64 - 1, 2**32 - 1, 2**64 - 2**32], np.uint64)
    out = np.empty((4, 2), np.float32)
    noise._box_muller(words, out)
    assert np.isfinite(out).all()
    assert np.abs(out).max() == pytest.approx(math.sqrt(48 * math.log(2)))


@pytest.fixture(scope="module")
def sample():
    """A million normals."""
    return noise.normal(2026, 0, 8192, 128).astype(np.float64)


def test_normals_have_the_moments_of_a_normal(sample):
    """Mean, variance, skewness and kurtosis are within 5 standard errors."""
    n = sample.size
    assert abs(sample.mean()) < 5 / math.sqrt(n)
    assert abs(sample.var() - 1) < 5 * math.sqrt(2 / n)
    assert abs(stats.skew(sample, axis=None)) < 5 * math.sqrt(6 / n)
    assert abs(stats.kurtosis(sample, axis=None)) < 5 * math.sqrt(24 / n)


def test_normals_pass_kolmogorov_smirnov(sample):
    """Their distribution function is the normal one, overall and in single columns."""
    assert stats.kstest(sample.ravel(), "norm").pvalue > 1e-3
    for column in (0, 1, 2, 63, 127):
        assert stats.kstest(sample[:, column], "norm").pvalue > 1e-3


@pytest.mark.parametrize("bound", [2.0, 3.0, 4.0, 4.5])
def test_tails_hold_as_many_as_they_should(sample, bound):
    """Values beyond a bound are as frequent as under a normal, on either side."""
    expected = stats.norm.sf(bound) * sample.size
    for count in ((sample > bound).sum(), (sample < -bound).sum()):
        assert abs(count - expected) < 5 * math.sqrt(expected)


@pytest.mark.parametrize(("rows", "columns"), [(0, 1), (0, 2), (0, 8), (1, 0), (1, 1), (2, 0)])
def test_neighbours_are_independent(sample, rows, columns):
    """A value says nothing of its neighbour's size or sign, nor of its magnitude."""
    a = sample[rows:, columns:].ravel()
    b = sample[: len(sample) - rows, : sample.shape[1] - columns].ravel()
    for f in (lambda x: x, np.abs, np.square):
        assert abs(np.corrcoef(f(a), f(b))[0, 1]) < 5 / math.sqrt(a.size)


@pytest.mark.parametrize("other", [2027, 2026 + 2**32, 2**63])
def test_seeds_are_independent(sample, other):
    """Another seed, however near, gives unrelated rows."""
    rows = noise.normal(other, 0, *sample.shape)
    assert abs(np.corrcoef(rows.ravel(), sample.ravel())[0, 1]) < 5 / math.sqrt(sample.size)


def test_uniforms_are_uniform_and_independent_of_normals(sample):
    """Uniforms of a seed pass Kolmogorov-Smirnov and don't go with its normals."""
    uniforms = noise.uniform(2026, 0, len(sample))
    assert stats.kstest(uniforms, "uniform").pvalue > 1e-3
    for column in range(4):
        correlation = np.corrcoef(uniforms, sample[:, column])[0, 1]
        assert abs(correlation) < 5 / math.sqrt(len(sample))


@pytest.mark.parametrize("seed", [0, 42, np.int64(7), np.uint64(2**64 - 1), 2**64 - 1])
def test_an_integer_is_its_own_seed(seed):
    """Integers of 64 bits are taken as they are."""
    assert noise.seed_of(seed) == int(seed)


def test_none_gives_a_new_seed_each_time():
    """Without a random state no two seeds are equal."""
    assert len({noise.seed_of(None) for _ in range(100)}) == 100


@pytest.mark.parametrize("make", [np.random.RandomState, np.random.default_rng])
def test_a_generator_gives_a_seed_and_moves_on(make):
    """Generators of equal state give equal seeds, and another one at the next call."""
    first, second = make(3), make(3)
    seeds = [noise.seed_of(first) for _ in range(5)]
    assert [noise.seed_of(second) for _ in range(5)] == seeds
    assert len(set(seeds)) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("bad", [-1, 2**64, 1.0, "0", True, [0], np.random])
def test_what_is_no_random_state_is_refused(bad):
    """Anything else is refused by an error that names the parameter and what came."""
    with pytest.raises(ValueError, match=r"random_state must be None, an integer from 0 .* got "):
        noise.seed_of(bad)


def test_global_random_state_is_untouched():
    """Drawing noise leaves numpy's global random state where it was."""
    before = np.random.get_state()
    noise.normal(noise.seed_of(None), 0, 10, 10)
    noise.uniform(noise.seed_of(1), 0, 10)
    for a, b in zip(before, np.random.get_state(), strict=True):
        assert np.array_equal(a, b)
