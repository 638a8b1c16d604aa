"""Inputs and outputs that stay in a GPU's memory, at one address each, from batch to batch.

What is computed is copied once, when all of it is there; and a CUDA graph, which repeats what it
recorded at the addresses that it recorded (``enable_cuda_graph`` of the CUDA provider), can be
replayed. All batches are of one size.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnxruntime

GRAPH = "gpu_graph_id"
NO_GRAPH = "-1"


class Binding:
    """Memory for a batch of one set of inputs.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Runs the graph.
    device : str
        Where memory is, as ONNX Runtime names it: ``"cuda"`` or ``"cpu"``.
    feed : mapping of str to ndarray
        A first batch.
    rows : mapping of str to ndarray
        A row of each output, in their order.
    number : int
        Of the CUDA graph that is recorded with it, if any is; each has its own.
    """

    def __init__(
        self,
        session: onnxruntime.InferenceSession,
        device: str,
        feed: Mapping[str, np.ndarray],
        rows: Mapping[str, np.ndarray],
        number: int,
    ) -> None:
        self.session = session
        self.inputs = {
            name: onnxruntime.OrtValue.ortvalue_from_numpy(values, device, 0)
            for name, values in feed.items()
        }
        n = len(feed["z"])
        outputs = {
            name: onnxruntime.OrtValue.ortvalue_from_shape_and_type(
                [n, *row.shape], row.dtype, device, 0
            )
            for name, row in rows.items()
        }
        self.binding = session.io_binding()
        for name, value in self.inputs.items():
            self.binding.bind_ortvalue_input(name, value)
        for name, value in outputs.items():
            self.binding.bind_ortvalue_output(name, value)
        self.options = run_options(str(number))

    def __call__(self, feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Outputs of a batch, in their order."""
        for name, values in feed.items():
            self.inputs[name].update_inplace(values)
        self.session.run_with_iobinding(self.binding, self.options)
        copied: list[np.ndarray] = self.binding.copy_outputs_to_cpu()
        return copied


def run_options(graph: str = NO_GRAPH) -> onnxruntime.RunOptions:
    """Options of a run: which CUDA graph it is recorded as, or replayed."""
    options = onnxruntime.RunOptions()
    options.add_run_config_entry(GRAPH, graph)
    return options
