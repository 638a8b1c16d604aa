"""
What if?
========

Draw the other columns to go with values that are given.
"""

# %%
# A generator that can be asked is trained for it.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from gansynth import GANSampler
from gansynth_tabular import TabularGAN

rng = np.random.default_rng(0)
n = 2000
job = rng.choice(["clerk", "nurse", "pilot"], n, p=[0.6, 0.3, 0.1])
age = rng.integers(18, 66, n)
base = pd.Series(job).map({"clerk": 20.0, "nurse": 28.0, "pilot": 45.0}).to_numpy()
X = pd.DataFrame(
    {"job": job, "age": age, "pay": (base + 0.2 * (age - 18) + rng.normal(0, 2, n)).round(1)}
)
sampler = GANSampler(TabularGAN(conditions=True), max_time=30, random_state=0).fit(X)

# %%
# What would pilots of 30 to 40 earn? One value, and a range.
pilots = sampler.sample(500, conditions={"job": "pilot", "age": (30, 40)})
print(pilots.describe().round(1))

# %%
# The same person in three jobs: a row each.
person = pd.DataFrame({"job": ["clerk", "nurse", "pilot"], "age": [35, 35, 35]})
print(sampler.sample(conditions=person))

# %%
# Pay by job, real and drawn under each condition.
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharey=True)
for ax, title in zip(axes, ("real", "drawn"), strict=True):
    for name in ("clerk", "nurse", "pilot"):
        real = X[X["job"] == name]
        rows = real if title == "real" else sampler.sample(500, conditions={"job": name})
        ax.hist(rows["pay"], bins=30, range=(15, 60), alpha=0.6, label=name, density=True)
    ax.set(title=title, xlabel="pay")
axes[0].legend()
