"""The matrix products and convolutions of a graph: how many operations, how fast alone."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

MATRIX = ("MatMul", "BatchMatMulV2")
CONVOLUTION = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")
ATTRIBUTES = ("transpose_a", "transpose_b", "adj_x", "adj_y", "strides", "padding", "dilations")
STATEFUL = ("Assign", "ResourceApply")
SECONDS_A_CALL = 0.01
TRIALS = 5

Shape = tuple[int, ...]


class Product(NamedTuple):
    """A kind of op on operands of given shapes: what a time depends on."""

    kind: str
    operands: tuple[Shape, ...]
    output: Shape
    attributes: tuple[tuple[str, Any], ...]

    @property
    def operations(self) -> int:
        """Floating-point operations, a multiplication and an addition counted as two."""
        if self.kind in MATRIX:
            turned = dict(self.attributes)["transpose_a" if self.kind == "MatMul" else "adj_x"]
            summed = self.operands[0][-2 if turned else -1]
            return 2 * int(np.prod(self.output)) * summed
        # A gradient takes as many as the convolution whose gradient it is.
        pixels = self.output if self.kind == "Conv2D" else self.operands[2]
        kernel = self.output if self.kind == "Conv2DBackpropFilter" else self.operands[1]
        return 2 * int(np.prod(pixels)) * int(np.prod(kernel[:-1]))


def products_of(graph: tf.Graph, outputs: list[tf.Tensor]) -> Counter[Product]:
    """Count products among all that outputs and updates of variables need."""
    wanted = [op for op in graph.get_operations() if op.type.startswith(STATEFUL)]
    wanted += [output.op for output in outputs]
    seen: set[tf.Operation] = set()
    found: Counter[Product] = Counter()
    while wanted:
        op = wanted.pop()
        if op in seen:
            continue
        seen.add(op)
        wanted += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
        if op.type in MATRIX + CONVOLUTION:
            found[_product(op)] += 1
    return found


def _product(op: tf.Operation) -> Product:
    return Product(
        op.type,
        tuple(tuple(tensor.shape.as_list()) for tensor in op.inputs),
        tuple(op.outputs[0].shape.as_list()),
        tuple(
            (name, _hashable(op.get_attr(name))) for name in ATTRIBUTES if name in op.node_def.attr
        ),
    )


def _hashable(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return tuple(value) if isinstance(value, list) else value


def stopwatch(run: Callable[[], Any]) -> np.ndarray:
    """Seconds that a call takes, by the clock and of the processors, each the best of a few."""
    taken = np.empty((TRIALS, 2))
    for trial in taken:
        trial[:] = time.perf_counter(), time.process_time()
        run()
        trial[:] = (time.perf_counter(), time.process_time()) - trial
    return taken.min(axis=0)


class Alone:
    """One product by itself, repeated in one graph.

    The repeats wait for each other, and a number of each is used: none of them can be folded,
    shared or dropped; :meth:`doubled` shows that none is.

    Parameters
    ----------
    product : Product
        What to repeat.
    """

    def __init__(self, product: Product) -> None:
        self.product = product
        guess = 5e-6 + product.operations / 50e9
        self.times = int(np.clip(SECONDS_A_CALL / guess, 4, 128))
        rng = np.random.default_rng(0)
        self._operands = [
            tf.constant(rng.standard_normal(shape), tf.float32) for shape in product.operands
        ]
        self._run = self._repeated(self.times)

    def seconds(self) -> np.ndarray:
        """Seconds a product, by the clock and of the processors."""
        return stopwatch(lambda: self._run(*self._operands).numpy()) / self.times

    def doubled(self) -> float:
        """How much longer twice as many products take: twice as long, if all are computed."""
        twice = self._repeated(2 * self.times)
        taken = stopwatch(lambda: twice(*self._operands).numpy()) / (2 * self.times)
        return float(2 * taken[0] / self.seconds()[0])

    def _repeated(self, times: int) -> Any:
        @tf.function(autograph=False, reduce_retracing=True)
        def run(*operands: tf.Tensor) -> tf.Tensor:
            rank = len(self.product.output)
            first, one = tf.zeros(rank, tf.int32), tf.ones(rank, tf.int32)
            outputs: list[tf.Tensor] = []
            for _ in range(times):
                with tf.control_dependencies(outputs[-1:]):
                    outputs.append(self._call(operands))
            return tf.add_n([tf.raw_ops.Slice(input=x, begin=first, size=one) for x in outputs])

        run(*self._operands)  # traced
        return run

    def _call(self, operands: tuple[tf.Tensor, ...]) -> tf.Tensor:
        """Run the op; the gradients of a convolution want a shape instead of one operand."""
        kind, _, output, attributes = self.product
        names = {
            "MatMul": ("a", "b"),
            "BatchMatMulV2": ("x", "y"),
            "Conv2D": ("input", "filter"),
            "Conv2DBackpropInput": ("input_sizes", "filter", "out_backprop"),
            "Conv2DBackpropFilter": ("input", "filter_sizes", "out_backprop"),
        }[kind]
        inputs = {
            name: output if name.endswith("_sizes") else operand
            for name, operand in zip(names, operands, strict=True)
        }
        plain = {
            name: list(value) if isinstance(value, tuple) else value for name, value in attributes
        }
        return getattr(tf.raw_ops, kind)(**inputs, **plain)
