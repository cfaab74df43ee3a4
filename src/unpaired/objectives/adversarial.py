"""Adversarial objectives: what the discriminator and the generator minimise.

Each takes logits (any shape, no activation applied) and returns a scalar. All share one signature:
`discriminator(real, fake)` and `generator(fake)`. What a critic is held to beside its loss, each
declares as two numbers, 0 where it is held to nothing: `weight_clip` and `penalty_weight`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import torch.nn.functional as F
from annotated_types import Ge
from pydantic import Field
from torch import Tensor

from unpaired.core.config import NonNegative, config


class _Unconstrained:
    """An objective whose discriminator is held to nothing."""

    weight_clip: ClassVar[float] = 0.0
    penalty_weight: ClassVar[float] = 0.0


@config
class LeastSquares(_Unconstrained):
    """LSGAN (Mao et al. 2017, equation 9, a=0, b=c=1); CycleGAN; Cardace, (4) and (5)."""

    kind: Literal["least_squares"] = "least_squares"

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """E[(D(x) − 1)²] + E[D(G(z))²], halved as in equation 9."""
        return 0.5 * ((real - 1).square().mean() + fake.square().mean())

    def generator(self, fake: Tensor) -> Tensor:
        """E[(D(G(z)) − 1)²], not halved, as in CycleGAN (section 4)."""
        return (fake - 1).square().mean()


@config
class NonSaturating(_Unconstrained):
    """Non-saturating GAN (Goodfellow et al. 2014, section 3; Cardace, equations 6 and 7)."""

    kind: Literal["non_saturating"] = "non_saturating"

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """−E[log σ(D(x))] − E[log(1 − σ(D(G(z))))], from logits so that it cannot overflow."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """−E[log σ(D(G(z)))]."""
        return F.softplus(-fake).mean()


@config
class Minimax(_Unconstrained):
    """The original minimax game, binary cross entropy (Goodfellow et al. 2014, equation 1)."""

    kind: Literal["minimax"] = "minimax"

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """−E[log σ(D(x))] − E[log(1 − σ(D(G(z))))]."""
        return F.softplus(-real).mean() + F.softplus(fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """E[log(1 − σ(D(G(z))))]: its gradient vanishes where the discriminator is sure."""
        return -F.softplus(fake).mean()


@config
class Hinge(_Unconstrained):
    """Hinge loss (Lim & Ye 2017; Miyato et al. 2018, equations 16 and 17)."""

    kind: Literal["hinge"] = "hinge"

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """E[max(0, 1 − D(x))] + E[max(0, 1 + D(G(z)))]."""
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    def generator(self, fake: Tensor) -> Tensor:
        """−E[D(G(z))]."""
        return -fake.mean()


class _Wasserstein:
    """The dual form of the earth mover's distance (Arjovsky et al. 2017, equation 2)."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """E[D(G(z))] − E[D(x)]: minus an estimate of the distance, up to a factor."""
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor) -> Tensor:
        """−E[D(G(z))]."""
        return -fake.mean()


@config
class WassersteinClip(_Wasserstein):
    """Wasserstein GAN with weight clipping (Arjovsky et al. 2017, algorithm 1; Grignon & Joly
    2020)."""

    kind: Literal["wasserstein_clip"] = "wasserstein_clip"
    weight_clip: Annotated[float, Ge(1e-6)] = 0.01
    """After each of its steps, the critic's weights are clipped to ± this."""
    penalty_weight: ClassVar[float] = 0.0


@config
class WassersteinGP(_Wasserstein):
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, equation 3; Toulemont &
    Sevestre 2019)."""

    kind: Literal["wasserstein_gp"] = "wasserstein_gp"
    weight_clip: ClassVar[float] = 0.0
    penalty_weight: NonNegative = 10.0
    """λ of the penalty on critics whose gradient between real and fake has another norm than 1."""


Adversarial = Annotated[
    LeastSquares | NonSaturating | Minimax | Hinge | WassersteinClip | WassersteinGP,
    Field(discriminator="kind"),
]
