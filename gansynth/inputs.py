"""What a fit is given: data under a schema, and parameters that have to be looked at closely."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_consistent_length

from gansynth import column_types as types
from gansynth import containers, rewriting
from gansynth.constraints import Constraint
from gansynth.schema import Schema


def read(
    X: Any,
    y: Any,
    classes: Any,
    known: Schema | None,
    column_types: dict[Any, str] | None,
    image_shape: Sequence[int] | None,
    *,
    add: bool,
) -> tuple[Schema, dict[str, np.ndarray], np.ndarray | None]:
    """Schema, data and class codes; under the schema of earlier data, if there is one.

    These are the whole data, unless they are to be added to the earlier ones.
    """
    if known:
        schema, data = known, containers.read_as(known, X)
    else:
        types.check(column_types)
        schema, data = containers.read(X, types.dropped(column_types))
        if image_shape is not None:
            schema, data = containers.fold(schema, data, image_shape)
        schema, data = types.settle(schema, data, column_types)
    if known and (y is not None) != bool(known.classes):
        raise ValueError(
            f"y {'is given' if y is not None else 'is missing'}, unlike in the fit that this one "
            "goes on from. Pass y in both or in neither."
        )
    if y is None:
        if classes is not None:
            raise ValueError("classes is given, but y is missing. Pass both or neither.")
        return schema, data, None
    if known is None:
        names, _, _, dtype = containers.read_labels(y if classes is None else classes)
        schema = replace(schema, classes=names, class_dtype=dtype)
    elif classes is not None and set(containers.read_labels(classes)[0]) != set(known.classes):
        raise ValueError(
            f"classes={list(classes)} differ from those of the first call, "
            f"{list(known.classes)}. Leave them out, or pass the same."
        )
    labels = containers.codes_of(schema, y)
    check_consistent_length(X, labels)
    counts = np.bincount(labels, minlength=len(schema.classes))
    if known and add:
        counts += known.class_counts
    return replace(schema, class_counts=tuple(counts.tolist())), data, labels


def rewritten(
    constraints: Sequence[Constraint] | None,
    schema: Schema,
    data: dict[str, np.ndarray],
    memory: Any,
) -> tuple[Schema, Schema, dict[str, np.ndarray], rewriting.Rewriting | None]:
    """Schema of the data, and schema and data to model, in which no constraint can be broken."""
    if memory:
        rewriting.check_same(constraints, schema)
        plan = memory.rewriting
        if plan:
            plan.check(data)
    else:
        plan = rewriting.plan(constraints, schema, data)
    if plan is None:
        return schema, schema.modelled, data, None
    schema = plan.marked(schema)
    return schema, replace(schema, columns=plan.modelled), plan.apply(data), plan


def check_whole(column_types: dict[Any, str] | None) -> None:
    """Refuse columns to be dropped, where new rows have to fit behind those of X."""
    dropped = types.dropped(column_types)
    if dropped:
        raise ValueError(
            f"column_types drops {', '.join(map(repr, dropped))}: new rows would lack what the "
            "rows of X have. Drop such columns of X before fit_resample."
        )


def check_gamma(gamma: Any) -> Any:
    """Refuse a pair that is none; scikit-learn's validation has seen to the rest."""
    if not isinstance(gamma, (tuple, list)):
        return gamma
    if len(gamma) != 2 or not all(isinstance(g, Real) and 0 < float(g) < np.inf for g in gamma):
        raise ValueError(
            f"gamma={gamma!r} is no pair of positive numbers. Use 'auto', a number, or its "
            "values at the start and after the anneal, such as (0.1, 0.001)."
        )
    return tuple(float(g) for g in gamma)


def check_device(device: str) -> None:
    """Refuse a device that is none, before TensorFlow is loaded to tell."""
    number = device.removeprefix("gpu:")
    if device not in ("auto", "cpu", "gpu") and not (number != device and number.isdecimal()):
        raise ValueError(
            f"device={device!r} is unknown. Use 'auto', 'cpu', 'gpu', or a GPU by its number, "
            "such as 'gpu:1'."
        )


def check_strategy(strategy: Any, device: str) -> None:
    """Refuse a strategy that is none; there is no object of TensorFlow's before it is loaded."""
    if strategy is None:
        return
    if isinstance(strategy, str):
        known = strategy in ("mirrored", "multi_worker")
    else:
        tensorflow = sys.modules.get("tensorflow")
        known = tensorflow is not None and isinstance(strategy, tensorflow.distribute.Strategy)
    if not known:
        raise ValueError(
            f"strategy={strategy!r} is unknown. Use None for one device, 'mirrored' for all GPUs "
            "of this machine, 'multi_worker' for a cluster, or a tf.distribute.Strategy."
        )
    if device != "auto":
        raise ValueError(
            f"device={device!r} can't be combined with strategy={strategy!r}, which names the "
            "devices itself. Use device='auto', or strategy=None."
        )
