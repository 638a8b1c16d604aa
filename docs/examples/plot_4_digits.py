"""
Digits
======

Images by class, ways between them, and how near they are to those that were learned.
"""

# %%
# 8x8 handwritten digits. Good ones take some minutes; a minute shows the way.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from gansynth import GANSampler
from gansynth.display import LatentDisplay

digits = load_digits()
sampler = GANSampler(max_time=60, random_state=0).fit(digits.images, digits.target)

# %%
# Ten of each.
figure, axes = plt.subplots(10, 10, figsize=(6, 6), layout="constrained")
images = sampler.sample(y=np.repeat(np.arange(10), 10))
for ax, image in zip(axes.flat, images, strict=True):
    ax.imshow(image, cmap="gray_r")
    ax.axis("off")

# %%
# From a three to an eight of the same hand.
LatentDisplay.from_estimator(sampler, y=(3, 8))

# %%
# Each drawn image above the nearest one that was learned: is any of them a copy?
drawn = sampler.sample(8, random_state=1)
distance = np.square(drawn[:, None] - digits.images[None]).sum((2, 3))
figure, axes = plt.subplots(2, 8, figsize=(8, 2), layout="constrained")
for i, nearest in enumerate(distance.argmin(1)):
    axes[0, i].imshow(drawn[i], cmap="gray_r")
    axes[1, i].imshow(digits.images[nearest], cmap="gray_r")
for ax in axes.flat:
    ax.axis("off")
