"""
First sample
============

Learn a table and draw new rows of it.
"""

# %%
# Any data frame will do: columns are taken for what their dtypes and values say.
import matplotlib.pyplot as plt
from sklearn.datasets import load_wine

from gansynth import GANSampler

X, y = load_wine(return_X_y=True, as_frame=True)
sampler = GANSampler(max_time=20, random_state=0).fit(X, y)
rows = sampler.sample(1000)
rows.head()

# %%
# A seed is an address: row 17 of seed 0 is the same row, however many are drawn with it.
assert sampler.sample(5).equals(sampler.sample(100)[:5])

# %%
# Real and drawn, in two columns.
figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained", sharex=True, sharey=True)
for ax, title, table in zip(axes, ("real", "drawn"), (X, rows), strict=True):
    ax.scatter(table["alcohol"], table["color_intensity"], s=8)
    ax.set(title=title, xlabel="alcohol", ylabel="color_intensity")

# %%
# Classes are drawn at their frequency, or as they are asked for.
rare, labels = sampler.sample(3, y=2, return_y=True)
print(labels)
