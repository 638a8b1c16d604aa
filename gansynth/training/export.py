"""Training's last step: generator and decoder to one ONNX graph."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Iterator

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf

from gansynth.architecture import Codec
from gansynth.training import lookups, mixing

OPSET = 17
CONDITION = "condition"
CLASS_WEIGHTS = "class_weights"
ERRORS = 3
CATCH = "TF2ONNX_CATCH_ERRORS"


class ExportError(RuntimeError):
    """A generator or decoder that can't be exported."""


def export(
    generator: keras.Model,
    codec: Codec,
    *,
    n_classes: int = 0,
    mixed: bool = False,
    n_columns: int = 0,
) -> bytes:
    """Convert a generator and its decoder to ONNX.

    Parameters
    ----------
    generator : keras.Model
        ``[z]`` to rows; also given ``y`` if there are classes, and what is known of a row if
        the codec has :attr:`Codec.parts`.
    codec : Codec
        Decodes rows into columns.
    n_classes : int, default=0
        Number of classes; 0 if there are none.
    mixed : bool, default=False
        Whether the graph is to take weights of classes, too (:attr:`Architecture.mixes_classes`).
    n_columns : int, default=0
        How many columns may be given values; 0 for a codec that has no parts.

    Returns
    -------
    bytes
        An ONNX model with inputs ``z`` (float32, (n, noise_dim)), with classes ``y`` (int64,
        (n,)), and one output a column, named after it. Two more, where they are wanted, may be
        left out: ``class_weights`` (float32, (n, classes); NaN where y says it) and
        ``condition`` (float64, (n, columns); see :meth:`Codec.given`).

    Raises
    ------
    ExportError
        If an op has no counterpart in ONNX, or ONNX Runtime refuses the graph.
    """
    signature = [tf.TensorSpec((None, generator.inputs[0].shape[-1]), tf.float32, name="z")]
    if n_classes:
        signature.append(tf.TensorSpec((None,), tf.int64, name="y"))
    optional = []
    mixed = mixed and 0 < n_classes <= mixing.MOST_CLASSES
    if mixed:
        generator = mixing.mixing(generator, n_classes)
        optional.append(tf.TensorSpec((None, n_classes), tf.float32, name=CLASS_WEIGHTS))
    if n_columns:
        optional.append(tf.TensorSpec((None, n_columns), tf.float64, name=CONDITION))
    signature += optional
    names: list[str] = []

    def graph(z: tf.Tensor, *rest: tf.Tensor) -> list[tf.Tensor]:
        inputs, condition = [z], None
        if n_classes:
            y = tf.cast(rest[0], tf.int32)
            inputs.append(mixing.weights_of(y, rest[1], n_classes) if mixed else y)
        if n_columns:
            condition = rest[-1]
            given = codec.given(condition)
            inputs.append(tf.broadcast_to(given, (tf.shape(z)[0], *given.shape[1:])))
        rows = generator(inputs, training=False)
        columns = codec.decode(tf.cast(rows, tf.float32))
        if condition is not None:
            columns = _kept(columns, condition)
        names[:] = columns
        # Names of columns may be anything, names of TensorFlow ops may not.
        return [
            tf.identity(column, name=f"column_{i}") for i, column in enumerate(columns.values())
        ]

    model = _convert(tf.function(graph, input_signature=signature, autograph=False))
    lookups.quicken(model)
    _rename_outputs(model, names)
    _check_inputs(model, [spec.name for spec in signature])
    for spec in optional:
        _free(model, spec)
    return _verified(model)


def _free(model: onnx.ModelProto, spec: tf.TensorSpec) -> None:
    """Let an input be left out: a row of NaN, for all rows, takes its place."""
    free = np.full((1, spec.shape[1]), np.nan, spec.dtype.as_numpy_dtype)
    model.graph.initializer.append(onnx.numpy_helper.from_array(free, spec.name))
    value = next(value for value in model.graph.input if value.name == spec.name)
    value.type.tensor_type.shape.dim[0].dim_param = "one or n"


def _kept(columns: dict[str, tf.Tensor], condition: tf.Tensor) -> dict[str, tf.Tensor]:
    """Columns with the values that were asked for, to the last bit.

    A missing one is as it was decoded: dtypes have marks of their own for it.
    """
    asked = tf.unstack(condition, axis=1)
    return {
        name: tf.where(tf.math.is_nan(value - value), values, tf.cast(value, values.dtype))
        for (name, values), value in zip(columns.items(), asked, strict=True)
    }


def _convert(function: tf.types.experimental.PolymorphicFunction) -> onnx.ModelProto:
    """Run tf2onnx quietly; it tells what it could not do and carries on."""
    import tf2onnx

    def converted() -> onnx.ModelProto:
        with _silent_logging(), contextlib.redirect_stdout(io.StringIO()):
            signature = function.input_signature
            return tf2onnx.convert.from_function(function, signature, opset=OPSET)[0]

    try:
        with _without_copies():
            return converted()
    except Exception:  # of a pass that is not needed, perhaps
        return converted()


@contextlib.contextmanager
def _without_copies() -> Iterator[None]:
    """Keep tf2onnx from copying the graph before each of its passes: a third of an export's time.

    The copies are there to go on where a pass has failed. That the variable is set is enough:
    tf2onnx 1.17 doesn't look to what.
    """
    before = os.environ.get(CATCH)
    os.environ[CATCH] = "FALSE"
    try:
        yield
    finally:
        del os.environ[CATCH]
        if before is not None:
            os.environ[CATCH] = before


@contextlib.contextmanager
def _silent_logging() -> Iterator[None]:
    """Log nothing for a while.

    tf2onnx logs to the root logger too, and in doing so gives it a handler.
    """
    before, handlers = logging.root.manager.disable, logging.root.handlers[:]
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
        logging.root.handlers[:] = handlers


def _rename_outputs(model: onnx.ModelProto, names: list[str]) -> None:
    """Name outputs after columns, the batch dimension ``n``, and inner values out of the way."""
    outputs = [output.name for output in model.graph.output]
    inputs = {value.name for value in model.graph.input}
    taken = set(names) | inputs
    new = dict(zip(outputs, names, strict=True))
    for node in model.graph.node:
        for values in (node.input, node.output):
            for i, value in enumerate(values):
                if value in new:
                    values[i] = new[value]
                elif value in taken and value not in inputs:
                    values[i] = f"inner/{value}"
    for initializer in model.graph.initializer:
        if initializer.name in taken:
            initializer.name = f"inner/{initializer.name}"
    for output, name in zip(model.graph.output, names, strict=True):
        output.name = name
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del model.graph.value_info[:]


def _check_inputs(model: onnx.ModelProto, expected: list[str]) -> None:
    """Refuse a graph with inputs of its own.

    A tensor that was made outside the traced function becomes one, in silence.
    """
    inputs = [value.name for value in model.graph.input]
    if inputs != expected:
        raise ExportError(
            f"The exported graph has inputs {inputs}, not {expected}. The networks or the decoder "
            "use a tensor made outside of them: use numpy arrays or variables instead."
        )


def _verified(model: onnx.ModelProto) -> bytes:
    """Serialise a model that the checker and ONNX Runtime both accept."""
    try:
        onnx.checker.check_model(model)
        data: bytes = model.SerializeToString()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = ERRORS  # it warns of inputs that may be left out
        onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ExportError(f"The generator could not be exported to ONNX: {error}") from error
    return data
