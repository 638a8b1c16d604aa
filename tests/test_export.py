"""The last step of training: from TensorFlow to ONNX."""

from __future__ import annotations

import os
from typing import Any

import keras
import onnxruntime
import pytest
import tensorflow as tf
from tf2onnx.optimizer.identity_optimizer import IdentityOptimizer

from gansynth.training.export import CATCH, ExportError, export

from .toys import PlainCodec

Z = keras.Input((3,))
GENERATOR = keras.Model([Z], keras.layers.Dense(2)(Z))


def exported(codec: Any) -> list[str]:
    """Names of the outputs of an exported toy."""
    session = onnxruntime.InferenceSession(
        export(GENERATOR, codec), providers=["CPUExecutionProvider"]
    )
    return [output.name for output in session.get_outputs()]


def test_a_pass_that_fails_is_left_out(monkeypatch):
    """tf2onnx's optimiser is no condition of an export: it goes on without what fails."""

    def fail(*_):
        raise RuntimeError("no such pass")

    monkeypatch.setattr(IdentityOptimizer, "_optimize", fail)
    assert exported(PlainCodec(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize("before", [None, "TRUE"])
def test_the_environment_is_left_as_it_was(monkeypatch, before):
    """What tf2onnx is told through it holds for the export alone."""
    monkeypatch.delenv(CATCH, raising=False)
    if before is not None:
        monkeypatch.setenv(CATCH, before)
    exported(PlainCodec(["a", "b"]))
    assert os.environ.get(CATCH) == before


def test_an_op_without_a_counterpart_is_refused():
    """The message says that the export failed, and of which op."""

    class Foreign(PlainCodec):
        def decode(self, rows):
            return {"a": tf.math.bessel_i0(rows[:, 0])}

    with pytest.raises(ExportError, match=r"could not be exported to ONNX: .*Bessel"):
        export(GENERATOR, Foreign(["a"]))
