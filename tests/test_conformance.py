"""The built-in architectures pass the checks that a plugin's author runs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gansynth.testing import parametrize_with_checks
from gansynth_distribution2d import Distribution2DGAN
from gansynth_image import ImageGAN
from gansynth_tabular import TabularGAN

rng = np.random.default_rng(0)
n = 48
labels = np.array(["no", "yes"])[np.arange(n) % 2]
table = pd.DataFrame(
    {
        "amount": np.where(rng.random(n) < 0.3, 0.0, rng.normal(100.0, 50.0, n)),
        "gap": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
        "count": rng.integers(0, 9, n),
        "flag": rng.random(n) < 0.5,
        "city": rng.choice(["Graz", "Ulm", "Bern"], n),
    }
)
points = rng.standard_normal((n, 2))
grey = rng.integers(0, 256, (n, 8, 8)).astype(np.uint8)
colour = rng.random((n, 6, 5, 3)).astype(np.float32)


tabular = TabularGAN(width=8, depth=1)
asked = TabularGAN(width=8, depth=1, conditions=True)
image = ImageGAN(width=4)
dcgan = ImageGAN("dcgan", width=4)
plane = Distribution2DGAN(width=8, depth=1)


@parametrize_with_checks(
    [
        (tabular, table, labels),
        (asked, table),
        (plane, points),
        (plane, points, labels),
        (image, grey, labels),
        (image, colour),
        (dcgan, colour, labels),
    ]
)
def test_conformance(check):
    """An architecture does what the contract asks for."""
    check()
