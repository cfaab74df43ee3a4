"""Adversarial objectives: what the discriminator and the generator minimise.

Each takes logits (any shape, no activation applied) and returns a scalar. All share one signature:
`discriminator(real, fake)` and `generator(fake)`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unpaired.config import config


@config
class LeastSquares:
    """LSGAN (Mao et al. 2017, equation 9, a=0, b=c=1); CycleGAN; report 000, (4) and (5)."""

    kind: Literal["least_squares"] = "least_squares"

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """E[(D(x) − 1)²] + E[D(G(z))²], halved as in equation 9."""
        return 0.5 * ((real - 1).square().mean() + fake.square().mean())

    def generator(self, fake: Tensor) -> Tensor:
        """E[(D(G(z)) − 1)²], not halved, as in CycleGAN (section 4)."""
        return (fake - 1).square().mean()


@config
class NonSaturating:
    """Non-saturating GAN (Goodfellow et al. 2014, section 3; report 000, equations 6 and 7)."""

    kind: Literal["non_saturating"] = "non_saturating"

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """−E[log σ(D(x))] − E[log(1 − σ(D(G(z))))], from logits so that it cannot overflow."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """−E[log σ(D(G(z)))]."""
        return F.softplus(-fake).mean()


@config
class Minimax:
    """The original minimax game, binary cross entropy (Goodfellow et al. 2014, equation 1)."""

    kind: Literal["minimax"] = "minimax"

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """−E[log σ(D(x))] − E[log(1 − σ(D(G(z))))]."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """E[log(1 − σ(D(G(z))))]: its gradient vanishes where the discriminator is sure."""
        return -F.softplus(fake).mean()


@config
class Hinge:
    """Hinge loss (Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17)."""

    kind: Literal["hinge"] = "hinge"

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))]."""
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """−E[D(G(z))]."""
        return -fake.mean()


Adversarial = Annotated[LeastSquares | NonSaturating | Minimax | Hinge, Field(discriminator="kind")]
