"""Training's last step: generator and decoder to one ONNX graph."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

import keras
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf

from gansynth.architecture import Codec
from gansynth.training import lookups

OPSET = 17
CONDITION = "condition"
ERRORS = 3


class ExportError(RuntimeError):
    """A generator or decoder that can't be exported."""


def export(generator: keras.Model, codec: Codec, *, conditional: bool, n_columns: int = 0) -> bytes:
    """Convert a generator and its decoder to ONNX.

    Parameters
    ----------
    generator : keras.Model
        ``[z]`` to rows; also given ``y`` if there are classes, and what is known of a row if
        the codec has :attr:`Codec.parts`.
    codec : Codec
        Decodes rows into columns.
    conditional : bool
        Whether there are classes.
    n_columns : int, default=0
        How many columns may be given values; 0 for a codec that has no parts.

    Returns
    -------
    bytes
        An ONNX model with inputs ``z`` (float32, (n, noise_dim)), with classes ``y`` (int64,
        (n,)), and one output a column, named after it. Where columns may be given, there is
        also ``condition`` (float64, (n, columns); see :meth:`Codec.given`), which may be left
        out.

    Raises
    ------
    ExportError
        If an op has no counterpart in ONNX, or ONNX Runtime refuses the graph.
    """
    signature = [tf.TensorSpec((None, generator.inputs[0].shape[-1]), tf.float32, name="z")]
    if conditional:
        signature.append(tf.TensorSpec((None,), tf.int64, name="y"))
    if n_columns:
        signature.append(tf.TensorSpec((None, n_columns), tf.float64, name=CONDITION))
    names: list[str] = []

    def graph(z: tf.Tensor, *rest: tf.Tensor) -> list[tf.Tensor]:
        inputs, condition = [z], None
        if conditional:
            inputs.append(tf.cast(rest[0], tf.int32))
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
    if n_columns:
        _free_condition(model, n_columns)
    return _verified(model)


def _free_condition(model: onnx.ModelProto, n_columns: int) -> None:
    """Let the condition be left out: a row of NaN, for all rows, takes its place."""
    free = np.full((1, n_columns), np.nan)
    model.graph.initializer.append(onnx.numpy_helper.from_array(free, CONDITION))
    condition = next(value for value in model.graph.input if value.name == CONDITION)
    condition.type.tensor_type.shape.dim[0].dim_param = "one or n"


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

    with _silent_logging(), contextlib.redirect_stdout(io.StringIO()):
        model, _ = tf2onnx.convert.from_function(function, function.input_signature, opset=OPSET)
    return model


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
