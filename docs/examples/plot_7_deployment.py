"""
The file that goes anywhere
===========================

A fitted sampler is one ONNX file. Whoever has it draws rows without TensorFlow, and without
gansynth, too.
"""

# %%
# Write it.
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import onnxruntime
from sklearn.datasets import load_wine

import gansynth
from gansynth import GANSampler

X, y = load_wine(return_X_y=True, as_frame=True)
path = Path(mkdtemp()) / "wine.onnx"
GANSampler(max_time=10, random_state=0).fit(X, y).to_onnx(path, license="CC-BY-4.0")
print(f"{path.stat().st_size:,} bytes")

# %%
# Read it: ``gansynth.load`` needs numpy and ONNX Runtime alone. Rows are the same for a seed, in
# pieces as well.
model = gansynth.load(path)
rows = model.sample(1000, y=2, random_state=0)
first = next(model.sample_batches(1000, 100, y=2, random_state=0))
assert first.equals(rows[:100])

# %%
# From a shell: ``gansynth inspect`` tells what is in it.
command = [sys.executable, "-m", "gansynth", "inspect", str(path)]
print(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

# %%
# Without gansynth: noise and classes in, finished columns out.
session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
z = np.random.default_rng(0).standard_normal((4, session.get_inputs()[0].shape[1]))
outputs = session.run(None, {"z": z.astype(np.float32), "y": np.array([0, 1, 2, 2])})
print(
    {out.name: values.round(2) for out, values in zip(session.get_outputs(), outputs, strict=True)}
)
