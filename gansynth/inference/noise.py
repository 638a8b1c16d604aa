"""Addressed noise: row i of seed s is a function of (s, i), not of what was drawn before.

The graph has no random op: noise is its input. This is the protocol that makes it, named
:data:`PROTOCOL` in every exported file, in enough detail to write it in another language.

**Words.** Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
2011) maps a 256-bit counter and a 128-bit key to four 64-bit words x[0..3]. The key is (k0,
k1) = (seed, stream) with 0 <= seed < 2**64; stream 0 is for normals, stream 1 for uniforms.
The counter is c = c0 + 2**64 c1 + 2**128 c2 + 2**192 c3. Ten times over (all modulo 2**64,
``hi`` and ``lo`` being the halves of a 128-bit product)::

    (c0, c1, c2, c3) = (hi(B c2) ^ c1 ^ k0,  lo(B c2),  hi(A c0) ^ c3 ^ k1,  lo(A c0))
    (k0, k1)         = (k0 + 0x9E3779B97F4A7C15,  k1 + 0xBB67AE8584CAA73B)

with A = 0xD2E7470EE14C6C93 and B = 0xCA5A826395121157; then x = (c0, c1, c2, c3).

**Normals.** A row of width w owns m = ceil(w / 8) counters: row i those from i m to i m + m - 1.
Their words, one after the other, are its 4 m words x_0, x_1, …; x_j gives normals 2 j and 2 j + 1::

    u = (((x_j >> 9) mod 2**23) + 0.5) / 2**23      # low half of the word: the radius
    v = ((x_j >> 41) + 0.5) / 2**23                 # high half: the angle
    normal[2 j] = sqrt(-2 log u) cos(2 pi v),   normal[2 j + 1] = sqrt(-2 log u) sin(2 pi v)

and those past w are left out. u and v are exact in float32; what follows is computed in
float32, so that platforms agree to a few units in the last place, not to the bit.

**Uniforms.** Row i owns word i mod 4 of counter floor(i / 4): (x >> 11) / 2**53, in [0, 1).
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

PROTOCOL = "philox4x64-10/box-muller/1"
"""Name of the protocol above; a change of any bit of it is a change of this name."""

_NORMALS, _UNIFORMS = 0, 1
_PAIRS_AT_ONCE = 1 << 14  # 64 KiB an array: all of a pass stays in the second-level cache


def seed_of(random_state: Any) -> int:
    """Turn what users call a random state into a seed.

    Parameters
    ----------
    random_state : int, None, numpy.random.RandomState or numpy.random.Generator
        An integer from 0 to 2**64 - 1 is the seed. None draws a fresh one from the
        operating system. From a generator 63 bits are drawn, so that it moves on.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    if random_state is None:
        return secrets.randbits(63)
    if isinstance(random_state, (np.random.RandomState, np.random.Generator)):
        return int.from_bytes(random_state.bytes(8), "little") >> 1
    if isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool):
        seed = int(random_state)
        if 0 <= seed < 2**64:
            return seed
    raise ValueError(
        "random_state must be None, an integer from 0 to 2**64 - 1, a numpy.random.RandomState "
        f"or a numpy.random.Generator; got {random_state!r}."
    )


def normal(seed: int, start: int, stop: int, width: int) -> np.ndarray:
    """Draw standard normals for rows ``start`` to ``stop - 1``.

    Parameters
    ----------
    seed : int
        From 0 to 2**64 - 1.
    start, stop : int
        Range of rows; of any size.
    width : int
        Normals a row. A row depends on its width too: the first 8 normals of a row of 128
        are not a row of 8.

    Returns
    -------
    ndarray of float32, shape (stop - start, width)
        Within 5.77 of 0: u is at least 2**-24.
    """
    counters = -(-width // 8)
    words = _words(seed, _NORMALS, start * counters)
    pairs = np.empty(((stop - start) * counters * 4, 2), np.float32)
    for first in range(0, len(pairs), _PAIRS_AT_ONCE):
        chunk = pairs[first : first + _PAIRS_AT_ONCE]
        _box_muller(words.random_raw(len(chunk)), chunk)
    return np.ascontiguousarray(pairs.reshape(stop - start, counters * 8)[:, :width])


def uniform(seed: int, start: int, stop: int) -> np.ndarray:
    """Draw one uniform number for each of the rows ``start`` to ``stop - 1``.

    Returns
    -------
    ndarray of float64, shape (stop - start,)
        In [0, 1), and independent of :func:`normal` at the same seed.
    """
    counter, skipped = divmod(start, 4)
    words = _words(seed, _UNIFORMS, counter).random_raw(skipped + stop - start)[skipped:]
    return (words >> np.uint64(11)) * 2.0**-53


def _words(seed: int, stream: int, counter: int) -> np.random.Philox:
    """Philox, about to give the words of ``counter``."""
    # Numpy adds one to the counter before it computes the first block.
    return np.random.Philox(key=np.array([seed, stream], np.uint64), counter=(counter - 1) % 2**256)


def _box_muller(words: np.ndarray, out: np.ndarray) -> None:
    """Turn (n,) words into (n, 2) normals.

    In float32 and in place throughout, numpy's SIMD kernels make this 2-3 times faster than
    its ziggurat, which besides takes a varying number of words a normal and so can't be
    addressed.
    """
    halves = words.astype("<u8", copy=False).view("<u4").reshape(-1, 2)
    # 23 random bits as the fraction of a float in [1, 2); taking 1 - 2**-24 away is exact.
    halves >>= np.uint32(9)
    halves |= np.uint32(0x3F800000)
    ones_and_more = halves.view("<f4")
    radius = ones_and_more[:, 0] - np.float32(1 - 2**-24)
    angle = ones_and_more[:, 1] - np.float32(1 - 2**-24)

    np.log(radius, out=radius)
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    angle *= np.float32(2 * np.pi)
    np.multiply(np.cos(angle), radius, out=out[:, 0])
    np.multiply(np.sin(angle, out=angle), radius, out=out[:, 1])
