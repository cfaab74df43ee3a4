"""Learning-rate schedules: constant, linear decay, cosine annealing.

To add one: a configuration here, and its name in the union `Schedule`. A schedule is a function of
progress, the share of the training that is done, in [0, 1]; beyond 1 it is not asked.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from unpaired.core.config import Share, config


@config
class Constant:
    """The learning rate stays as it is."""

    kind: Literal["constant"] = "constant"

    @property
    def depends_on_length(self) -> bool:
        """Whether a run's learning rates would have been others, had it been meant to be longer:
        then it cannot be continued with another length."""
        return False

    def factor(self, progress: float) -> float:
        """What learning rates are multiplied by once the share `progress` of a run is done."""
        del progress
        return 1.0


@config
class Linear:
    """Constant, then down to zero in a straight line (CycleGAN, Zhu et al. 2017, section 4)."""

    kind: Literal["linear"] = "linear"
    decay_from: Share = 0.5
    """Share of the training after which the learning rate begins to fall."""

    @property
    def depends_on_length(self) -> bool:
        """See `Constant`."""
        return self.decay_from < 1

    def factor(self, progress: float) -> float:
        """See `Constant`."""
        if self.decay_from == 1:
            return 1.0
        return min(1.0, max(0.0, 1 - progress) / (1 - self.decay_from))


@config
class Cosine:
    """Down along half a wave, slowly at both ends (Loshchilov & Hutter 2017, equation 5)."""

    kind: Literal["cosine"] = "cosine"
    floor: Share = 0.0
    """Share of the learning rate that is left at the end."""

    @property
    def depends_on_length(self) -> bool:
        """See `Constant`."""
        return self.floor < 1

    def factor(self, progress: float) -> float:
        """See `Constant`."""
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * min(progress, 1.0))) / 2


Schedule = Annotated[Constant | Linear | Cosine, Field(discriminator="kind")]
"""How learning rates change over a training."""
