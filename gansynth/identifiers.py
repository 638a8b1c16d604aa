"""Identifiers: columns of values that name rows, left out of the model and made anew.

An identifier says nothing about its row, and there is nothing to learn from it but its form:
:func:`pattern_of` finds that, :func:`draw` makes new ones of it. They are unique, and the one
of row i and seed s depends on i and s alone.
"""

from __future__ import annotations

import math
import re
import string
import zlib
from collections.abc import Iterable

import numpy as np

from gansynth.schema import Column, Pattern

FEWEST_ROWS = 50
"""In smaller tables, values that differ are no sign of anything."""
FEW_CHARACTERS = 4
"""As few characters at a place are all there are: a version, a variant, a century."""
MOST_AT_ONCE = 2**32
PLACES_OF_A_WORD = 8
"""So many characters are drawn by one word of 64 bits; there are 62 of them at most, or the choice
is uneven by a trifle."""
ROOM = 10**9
"""As many further numbers have to fit into the dtype of a column that counts."""

_CLASSES = (
    string.digits,
    "0123456789abcdef",
    "0123456789ABCDEF",
    string.ascii_lowercase,
    string.ascii_uppercase,
    string.digits + string.ascii_lowercase,
    string.digits + string.ascii_uppercase,
    string.ascii_letters,
    string.digits + string.ascii_letters,
)
_LAST_WORDS = {"id", "ids", "identifier", "uid", "uuid", "guid", "pk"}
_NAMES = {"index", "key", "rownumber"}
# Dates, times and real numbers that are written as text.
_QUANTITY = re.compile(
    r"(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([ T].*)?"
    r"|\d{1,2}:\d\d.*|[-+]?\d*[.,]\d+"
)


def recognise(column: Column, values: np.ndarray) -> Pattern | None:
    """Pattern of a column that holds identifiers, None if it does not, for all that can be told.

    Parameters
    ----------
    column : Column
        Of integers, or of strings that are no categorical's.
    values : ndarray
        Its values in neutral form.

    Returns
    -------
    Pattern or None
        Given only if at least :data:`FEWEST_ROWS` values are all there and all different, and

        - integers are as dense as numbers that were given out one by one, from 0 or 1 on, or
          the column is called an id;
        - strings have one length, with digits in them, or one beginning and a number after it,
          and are no dates, times or real numbers.
    """
    if column.nullable or len(values) < FEWEST_ROWS:
        return None
    if column.kind == "integer":
        return _of_counted(column, values)
    if column.kind != "category" or not all(isinstance(label, str) for label in column.categories):
        return None
    if len(column.categories) < len(values) or len(np.unique(values)) < len(values):
        return None
    labels = column.categories
    if any(_QUANTITY.fullmatch(label) for label in labels[:FEWEST_ROWS]):
        return None
    pattern = pattern_of(labels)
    if pattern is None:
        return None
    if pattern.start is not None:
        named = bool(pattern.prefix) or _is_called_id(column.name)
        return pattern if named or _is_dense([int(label) for label in labels]) else None
    has_digits = any(set(string.digits) & set(characters) for characters in pattern.characters)
    return pattern if has_digits and pattern.size >= 2 * len(labels) else None


def pattern_of(values: Iterable[str] | np.ndarray) -> Pattern | None:
    """Pattern of strings or of whole numbers; None for strings that have none in common."""
    if isinstance(values, np.ndarray):
        return Pattern(start=int(values.max(initial=0)) + 1)
    labels = list(values)
    prefix = _beginning(labels).rstrip(string.digits)
    ends = [label[len(prefix) :] for label in labels]
    lengths = {len(end) for end in ends}
    if all(end.isascii() and end.isdigit() for end in ends):
        numbers = [int(end) for end in ends]
        if len(lengths) == 1 and _is_dense(numbers):
            return Pattern(prefix, start=max(numbers) + 1, digits=lengths.pop())
        if len(lengths) > 1:
            padded = any(len(end) > 1 and end[0] == "0" for end in ends)
            return None if padded else Pattern(prefix, start=max(numbers) + 1, digits=1)
    if len({len(label) for label in labels}) != 1 or not labels[0]:
        return None
    places = zip(*labels, strict=True)
    return Pattern(characters=tuple(_characters(set(seen), len(labels)) for seen in places))


def draw(column: Column, seed: int, start: int, stop: int) -> np.ndarray:
    """Make identifiers of the rows ``start`` to ``stop - 1``.

    Parameters
    ----------
    column : Column
        With a pattern.
    seed : int
        From 0 to 2**64 - 1. Identifiers that count go on from the largest of the data, whatever
        the seed.
    start, stop : int
        Range of rows.

    Returns
    -------
    ndarray of int64 or of object, shape (stop - start,)
        Numbers, or strings. If there are more rows than strings of that form, further ones are
        longer.

    Raises
    ------
    ValueError
        If the dtype of the column can't hold so many numbers beyond those of the data.
    """
    pattern = column.identifier
    assert pattern is not None
    if pattern.start is None:
        return _texts(pattern, seed ^ zlib.crc32(column.output.encode()), start, stop)
    if not pattern.digits:
        if pattern.start + stop - 1 > _largest(column.dtype):
            raise ValueError(
                f"Column {column.name!r} of dtype {column.dtype} can't hold {stop:,} identifiers "
                f"from {pattern.start} on; draw fewer rows, or fit with a wider dtype"
            )
        return np.arange(pattern.start + start, pattern.start + stop).astype(np.int64)
    numbers = range(pattern.start + start, pattern.start + stop)
    texts = [f"{pattern.prefix}{number:0{pattern.digits}}" for number in numbers]
    return np.array(texts, dtype=object)


def _of_counted(column: Column, values: np.ndarray) -> Pattern | None:
    """Pattern of integers that were given out one by one."""
    least, largest = int(values.min()), int(values.max())
    enumerates = least in (0, 1) and largest - least < 2 * len(values)
    if least < 0 or not (enumerates or _is_called_id(column.name)):
        return None
    if largest > _largest(column.dtype) - ROOM or len(np.unique(values)) < len(values):
        return None
    return pattern_of(values)


def _is_dense(numbers: list[int]) -> bool:
    """Whether numbers are different, and at least half of those between them are there."""
    span = max(numbers) - min(numbers) + 1
    return span <= 2 * len(numbers) and len(set(numbers)) == len(numbers)


def _is_called_id(name: str | int) -> bool:
    """Whether a column's name says that it holds identifiers."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", str(name))
    lower = [word.lower() for word in words]
    return bool(lower) and (lower[-1] in _LAST_WORDS or "".join(lower) in _NAMES)


def _largest(dtype: str) -> int:
    """Largest integer that a dtype can hold, by its name in any container."""
    found = re.match(r"(u?)int(\d+)", dtype.lower())
    bits = int(found[2]) - (not found[1]) if found else 63
    return int(2 ** min(bits, 63) - 1)


def _beginning(labels: list[str]) -> str:
    """What all strings begin with: that of the first and the last in order."""
    first, last = min(labels), max(labels)
    differing = (i for i, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1)
    return first[: next(differing, len(first))]


def _characters(seen: set[str], n: int) -> str:
    """Characters that a place may have: those seen if they are few, or a class of them."""
    if len(seen) == 1 or (len(seen) <= FEW_CHARACTERS and n >= FEWEST_ROWS):
        return "".join(sorted(seen))
    return next((known for known in _CLASSES if seen <= set(known)), "".join(sorted(seen)))


def _texts(pattern: Pattern, key: int, first_row: int, end: int) -> np.ndarray:
    """Strings with given characters at their places.

    The last places, as many as have up to 2**32 strings, are a permutation of the row's number
    (affine, modulo how many there are): that makes them unique. What is before them is drawn.
    """
    sizes = [len(characters) for characters in pattern.characters]
    first, period = len(sizes), 1
    while first and period * sizes[first - 1] <= MOST_AT_ONCE:
        first -= 1
        period *= sizes[first]
    rows = np.arange(first_row, end, dtype=np.uint64)
    further, place = np.divmod(rows, np.uint64(period))
    shift, start = (int(word) for word in _scattered(np.array([key, (key + 1) % 2**64], np.uint64)))
    step = period // 4 + start % (period // 2 + 1)
    while math.gcd(step, period) != 1:
        step += 1
    code = place * np.uint64(step) % np.uint64(period) + np.uint64(shift % period)
    code %= np.uint64(period)
    written = np.empty((len(rows), len(sizes)), "U1")
    for j in reversed(range(first, len(sizes))):
        code, digit = np.divmod(code, np.uint64(sizes[j]))
        written[:, j] = np.array(list(pattern.characters[j]))[digit.astype(np.intp)]
    for j in range(first):
        if j % PLACES_OF_A_WORD == 0:
            word = _scattered(rows + np.uint64((shift + j) % 2**64))
        word, digit = np.divmod(word, np.uint64(sizes[j]))
        written[:, j] = np.array(list(pattern.characters[j]))[digit.astype(np.intp)]
    texts = written.view(f"U{len(sizes)}").ravel().astype(object)
    for i in np.flatnonzero(further):
        texts[i] += str(further[i])
    return texts


def _scattered(words: np.ndarray) -> np.ndarray:
    """Hash 64-bit words (the finaliser of SplitMix64: Steele, Lea and Flood 2014)."""
    words = words * np.uint64(0x9E3779B97F4A7C15)
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
