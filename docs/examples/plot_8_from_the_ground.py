"""
A GAN from the ground
=====================

The pictures of the guide: a cloud that becomes another one, and modes that are lost.
"""

# %%
# Two moons, and what is drawn after more and more steps.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import make_moons

from gansynth import GANSampler
from gansynth_distribution2d import Distribution2DGAN

X = make_moons(3000, noise=0.05, random_state=0)[0]
plain = Distribution2DGAN(charts=1)
figure, axes = plt.subplots(1, 5, figsize=(12, 3), layout="constrained", sharex=True, sharey=True)
for ax, steps in zip(axes, (1, 30, 200, 1000), strict=False):
    sampler = GANSampler(plain, steps=steps, early_stopping=False, random_state=0).fit(X)
    ax.scatter(*sampler.sample(1500).T, s=1)
    ax.set(title=f"{steps} steps")
axes[-1].scatter(*X[:1500].T, s=1, color="C1")
axes[-1].set(title="data")

# %%
# Losses and score of the longest run. The score compares samples with held-out rows; losses of a
# game say nothing of it.
history = pd.DataFrame(sampler.history_)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
history.plot(x="step", y=["critic_loss", "generator_loss"], ax=left)
history.plot(x="step", y="score", ax=right)

# %%
# A ring of eight, one chart, and the loss of the first papers with a weak penalty: is a mode lost?
rng = np.random.default_rng(0)
angle = 2 * np.pi * rng.integers(0, 8, 3000) / 8
ring = np.stack([np.cos(angle), np.sin(angle)], 1) + rng.normal(0, 0.02, (3000, 2))
figure, axes = plt.subplots(1, 2, figsize=(7, 3.5), layout="constrained", sharex=True, sharey=True)
settings = {
    "non-saturating, one chart": (plain, {"loss": "non-saturating", "gamma": 1e-3}),
    "the default": (Distribution2DGAN(), {}),
}
for ax, (title, (architecture, options)) in zip(axes, settings.items(), strict=True):
    sampler = GANSampler(architecture, max_time=20, random_state=0, **options).fit(ring)
    ax.scatter(*sampler.sample(1500).T, s=1)
    ax.set(title=title, aspect="equal")
