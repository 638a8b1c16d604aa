"""TemplateGAN does what every architecture has to."""

import numpy as np

from gansynth import GANSampler
from gansynth.testing import parametrize_with_checks
from gansynth_template import TemplateGAN

X = np.random.default_rng(0).normal(5.0, 2.0, (32, 3))
y = np.arange(32) % 2


def test_it_is_installed_under_its_name():
    """GANSampler finds it by its entry point, fits with it and samples."""
    sampler = GANSampler("template", steps=2, random_state=0).fit(X)
    assert isinstance(sampler.architecture_, TemplateGAN)
    assert sampler.sample(5).shape == (5, 3)


@parametrize_with_checks([(TemplateGAN(width=8), X, y)])
def test_conformance(check):
    """The checks are gansynth's own; its built-in architectures pass the same ones."""
    check()
