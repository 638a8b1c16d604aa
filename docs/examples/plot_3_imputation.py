"""
Filling gaps
============

What is missing in a row is drawn to go with what is there; several draws tell how sure they are.
"""

# %%
# A table of diabetes patients, a fifth of whose cells is hidden.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.impute import SimpleImputer

from gansynth import GANImputer, GANSampler

X = load_diabetes(as_frame=True, scaled=False).data
rng = np.random.default_rng(0)
hidden = rng.random(X.shape) < 0.2
holes = X.astype(float).mask(hidden)

# %%
# A transformer for pipelines, fitted on the rows with their holes.
imputer = GANImputer(GANSampler(max_time=30, random_state=0), random_state=0)
filled = imputer.fit_transform(holes)
means = SimpleImputer().set_output(transform="pandas").fit_transform(holes)

# %%
# The mean is the better guess of one cell, and ruins the distribution of all.
column = list(X).index("bmi")
cells = hidden[:, column]
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for label, values in (("hidden", X), ("drawn", filled), ("means", means)):
    ax.hist(values.iloc[cells, column], bins=20, range=(15, 45), histtype="step", label=label)
ax.set(xlabel="bmi of cells that were hidden")
ax.legend()
