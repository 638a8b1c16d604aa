"""What a later fit goes on from; importing it, as unpickling does, takes no TensorFlow."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gansynth.architecture import Architecture, Codec
from gansynth.rewriting import Rewriting


class Memory(NamedTuple):
    """Where a fit has ended.

    Attributes
    ----------
    architecture : str
        What was trained, as it prints.
    latent_dim : int
        Width of the latent vector.
    codec : Codec
        How columns are encoded.
    arrays : dict of str to ndarray
        Weights and optimiser state of the last step.
    state : dict
        Steps, schedules and history, as :meth:`gansynth.training.loop.State.to_json` tells.
    rewriting : Rewriting or None
        How data are rewritten before they are encoded, if there are constraints.
    """

    architecture: str
    latent_dim: int
    codec: Codec
    arrays: dict[str, np.ndarray]
    state: dict[str, Any]
    rewriting: Rewriting | None = None

    def check(self, architecture: Architecture, latent_dim: int | str) -> None:
        """Refuse networks that these weights don't fit.

        Raises
        ------
        ValueError
            If the architecture or the latent width is another one.
        """
        for name, now, then in (
            ("architecture", repr(architecture), self.architecture),
            ("latent_dim", latent_dim, self.latent_dim),
        ):
            if now not in (then, "auto"):
                raise ValueError(
                    f"{name}={now} does not fit the weights that this fit goes on from, those of "
                    f"{name}={then}. Set it back, or start afresh: fit with warm_start=False, or "
                    "a sklearn.base.clone of the sampler."
                )
