"""
Sharing data
============

Before rows are given away: how near are they to those that were learned?
"""

# %%
# Hold half of the real rows out: they tell what new rows of the same kind are like.
import matplotlib.pyplot as plt
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from gansynth import GANSampler
from gansynth.metrics import closest_distances, dcr_share, exact_copies, membership_auc

X = load_breast_cancer(as_frame=True).data
learned, held_out = train_test_split(X, test_size=0.5, random_state=0)
sampler = GANSampler(max_time=30, random_state=0).fit(learned)
rows = sampler.sample(len(learned))

# %%
# Copies; the share of rows nearer to a learned row than to a held-out one (half is ideal); how well
# an attacker who has the drawn rows tells who was in the data (.5 is a guess).
print("copies              ", exact_copies(learned, rows))
print("nearer to learned   ", round(dcr_share(learned, held_out, rows), 3))
print("membership          ", round(membership_auc(learned, held_out, rows), 3))

# %%
# Distances of drawn rows, beside those of real rows that were held out.
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for label, table in (("drawn", rows), ("held out", held_out)):
    ax.hist(closest_distances(learned, table)[0], bins=40, histtype="step", label=label)
ax.set(xlabel="distance to the closest learned row")
ax.legend()

# %%
# No figure is a guarantee: see what a generator tells about its rows, on the page on tables.
