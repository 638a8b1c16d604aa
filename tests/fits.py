"""Fits that are not made again where one of the same rows is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import joblib
import pytest

_MADE: dict[str, Any] = {}


@contextmanager
def made_once() -> Iterator[None]:
    """Train once on equal data under equal settings.

    For checks that pass the same numbers in a dozen formats: how each of them is read is what
    they are about, and that equal fits are equal is tested where nothing is remembered.
    """
    from gansynth.training import fit

    train = fit.fit

    def remembered(architecture: Any, spec: Any, data: Any, *rest: Any) -> Any:
        labels, recipe, settings, _, *earlier = rest
        schema = replace(spec.schema, container="numpy")  # what X came in is nothing to training
        key = joblib.hash(
            (repr(architecture), schema, dict(data), labels, recipe, settings, earlier)
        )
        if key not in _MADE:
            _MADE[key] = train(architecture, spec, data, *rest)
        return _MADE[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "fit", remembered)
        yield
