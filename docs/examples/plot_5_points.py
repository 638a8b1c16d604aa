"""
A zoo of points
===============

Clouds in the plane, whose shape matters more than their marginals.
"""

# %%
# Three of them, twenty seconds each.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_circles, make_moons

from gansynth import GANSampler

rng = np.random.default_rng(0)
n = 5000
angle = 2 * np.pi * rng.integers(0, 8, n) / 8
ring = np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.05, (n, 2))
sets = {
    "moons": make_moons(n, noise=0.05, random_state=0)[0],
    "circles": make_circles(n, noise=0.03, factor=0.5, random_state=0)[0],
    "ring": ring,
}
figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
for column, (name, X) in zip(axes.T, sets.items(), strict=True):
    points = GANSampler("distribution2d", max_time=20, random_state=0).fit(X).sample(n)
    for ax, title, cloud in zip(column, (name, "drawn"), (X, points), strict=True):
        ax.hist2d(*cloud.T, bins=80, cmap="Blues")
        ax.set(title=title, aspect="equal")
        ax.axis("off")

# %%
# With more time the modes get as narrow as they are: see the benchmarks for figures and pictures.
