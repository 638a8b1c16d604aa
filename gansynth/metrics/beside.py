"""Any score beside what real rows get, and what columns get that know nothing of each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd


class Beside(NamedTuple):
    """What :func:`~gansynth.metrics.beside` finds: three scores by one metric.

    Attributes
    ----------
    synthetic : float or what else the metric returns
        Of the synthetic rows.
    real : the same
        Of real rows: the floor, which no generator has a reason to be below.
    independent : the same
        Of real rows in which each column is shuffled alone: perfect marginals, and nothing else.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import beside, column_shapes
    >>> rows = np.arange(8.0).reshape(4, 2)
    >>> beside(column_shapes, rows, rows + 100).synthetic
    0.0
    """

    synthetic: Any
    real: Any
    independent: Any


def beside(
    metric: Callable[[Any, Any], Any], real: Any, synthetic: Any, random_state: int | None = 0
) -> Beside:
    """Score synthetic rows, other real ones, and columns shuffled alone, on an equal footing.

    The real rows are halved. All three are compared with the one half: the synthetic rows (as
    many of them as there are in a half, if there are so many), the other half, and the other half
    shuffled.

    Parameters
    ----------
    metric : callable
        ``metric(real, rows)``: any of this package that compares two tables.
    real, synthetic : DataFrame, or array of shape (n, …)
        The same columns; two real rows at least.
    random_state : int or None, default=0
        Seed of the halves and of what is shuffled.

    Returns
    -------
    Beside
        The three scores.

    Raises
    ------
    ValueError
        If there is only one real row, or the metric refuses the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import beside, sliced_wasserstein
    >>> x = np.random.default_rng(0).normal(size=(2000, 1))
    >>> found = beside(sliced_wasserstein, x, x + 1)
    >>> found.synthetic > 5 * found.real
    True

    Of a metric that asks for more, here rows that were held out and those that were learned:

    >>> from gansynth.metrics import membership_auc
    >>> held_out = np.random.default_rng(1).normal(size=(1000, 1))
    >>> found = beside(lambda one, rows: membership_auc(one, held_out, rows), x, x)
    >>> found.synthetic > found.real
    True
    """
    one, other = halves(real, random_state)
    rows = (synthetic[: len(other)], other, shuffled(other, random_state))
    return Beside(*(metric(one, table) for table in rows))


def halves(rows: Any, random_state: int | None = 0) -> tuple[Any, Any]:
    """Split rows in two at random; the second half may have one more.

    Parameters
    ----------
    rows : DataFrame, or array of shape (n, …)
        Two rows at least.
    random_state : int or None, default=0
        Seed of the choice.

    Returns
    -------
    tuple of two such
        Each in random order; frames numbered anew.

    Raises
    ------
    ValueError
        If there are fewer than two rows.

    Examples
    --------
    >>> import numpy as np
    >>> from gansynth.metrics import halves
    >>> one, other = halves(np.arange(5))
    >>> len(one), len(other)
    (2, 3)
    """
    if len(rows) < 2:
        raise ValueError(f"rows has {len(rows)} of them, which can't be halved; give two at least.")
    order = np.random.default_rng(random_state).permutation(len(rows))
    one, other = np.split(order, [len(rows) // 2])
    return taken(rows, one), taken(rows, other)


def shuffled(rows: Any, random_state: int | None = 0) -> Any:
    """Shuffle each column alone: all marginals as they were, and no relation between columns.

    Parameters
    ----------
    rows : DataFrame, or array of shape (n, …)
        Any number of rows; a value of a row of an array is a column.
    random_state : int or None, default=0
        Seed.

    Returns
    -------
    DataFrame or ndarray
        A copy.

    Examples
    --------
    >>> import pandas as pd
    >>> from gansynth.metrics import shuffled
    >>> rows = pd.DataFrame({"size": [1, 2, 3], "colour": ["red", "red", "blue"]})
    >>> shuffled(rows)["colour"].value_counts().to_dict()
    {'red': 2, 'blue': 1}
    """
    rng = np.random.default_rng(random_state)
    if not isinstance(rows, pd.DataFrame):
        return rng.permuted(np.asarray(rows), axis=0)
    columns = [rows.iloc[:, i].iloc[rng.permutation(len(rows))] for i in range(rows.shape[1])]
    found = pd.concat([column.reset_index(drop=True) for column in columns], axis=1)
    return found.set_axis(rows.index)


def taken(rows: Any, index: np.ndarray) -> Any:
    """Rows at these places; frames numbered anew."""
    if isinstance(rows, pd.DataFrame):
        return rows.iloc[index].reset_index(drop=True)
    return np.asarray(rows)[index]
