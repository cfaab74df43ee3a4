"""Adversarial methods: losses and penalties of discriminators, and what excludes what."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unpaired.core.config import NonNegative, Positive, Values, config
from unpaired.data.domain import OTHER, DomainName
from unpaired.data.jitter import STILL, Jitter, jitter
from unpaired.methods.networks import Networks
from unpaired.methods.protocols import Batch, Learns, Losses
from unpaired.networks import Discriminator, PatchGAN
from unpaired.objectives import Adversarial, LeastSquares
from unpaired.objectives.penalties import gradient_penalty, zero_centred


@config
class AdversarialMethod(Learns):
    """A method whose discriminators all minimise one objective, held in check by it or by R1."""

    discriminator: Discriminator = PatchGAN()
    """The network that tells real images from generated ones."""
    adversarial: Adversarial = LeastSquares()
    """What discriminators and generators minimise."""
    critic_steps: Positive = 1
    """Batches that discriminators learn from for each that generators learn from (WGAN: 5)."""
    r1_weight: NonNegative = 0.0
    """γ of the zero-centred gradient penalty on real images (R1; Mescheder et al. 2018)."""
    r1_every: Positive = 16
    """Steps from one R1 to the next (lazy regularisation, StyleGAN2)."""

    @property
    def weight_clip(self) -> float:
        """See `Learns`."""
        return self.adversarial.weight_clip

    @property
    def penalty_every(self) -> int:
        """See `Learns`. The gradient penalty is due at each step, R1 is lazy."""
        if self.adversarial.penalty_weight:
            return 1
        return self.r1_every if self.r1_weight else 0

    def discriminator_problems(self, batch_size: int) -> list[str]:
        """Combinations that mean nothing, each with its reason and what to do."""
        penalty = "R1" if self.r1_weight else None
        if self.adversarial.penalty_weight:
            penalty = "the gradient penalty"
        problems = coupling_problems(self.discriminator, penalty, batch_size)
        if self.adversarial.penalty_weight and self.r1_weight:
            problems.append(
                "the gradient penalty asks for a gradient of norm 1 and R1 for one of 0: they work "
                "against each other. Set --method.r1-weight 0, or choose another adversarial "
                "objective."
            )
        if self.adversarial.weight_clip and self.discriminator.spectral_norm:
            problems.append(
                "weight clipping has no effect with spectral norm, which divides each weight by "
                "its size. Set --method.discriminator.no-spectral-norm, or choose another "
                "objective."
            )
        return problems

    def discriminator_losses(
        self, nets: Networks, batch: Batch, fakes: dict[str, Tensor]
    ) -> Losses:
        """The adversarial loss of each discriminator."""
        apart = self.discriminator.couples_images
        losses: Losses = {}
        for name, discriminator in discriminators_of(nets):
            real, fake = logits_of_both(discriminator, batch[name], fakes[name], apart=apart)
            losses[name] = self.adversarial.discriminator(real, fake)
        return losses

    def discriminator_penalties(
        self, nets: Networks, batch: Batch, fakes: dict[str, Tensor]
    ) -> Losses:
        """See `Learns`."""
        losses: Losses = {}
        for name, discriminator in discriminators_of(nets):
            real, fake = batch[name], fakes[name]
            if self.adversarial.penalty_weight:
                loss = gradient_penalty(discriminator, real, fake)
                losses[f"gradient_penalty_{name}"] = self.adversarial.penalty_weight * loss
            elif self.r1_weight:
                # Due every few steps only, so each time for all of them (StyleGAN2, section 4.1).
                weight = self.r1_weight * self.r1_every
                losses[f"r1_{name}"] = weight * zero_centred(discriminator, real)
        return losses


def discriminators_of(nets: Networks) -> list[tuple[DomainName, nn.Module]]:
    """The discriminators, each with its domain."""
    return [(name, nets.discriminators[name]) for name in OTHER if name in nets.discriminators]


def logits_of_both(
    discriminator: nn.Module, real: Tensor, fake: Tensor, *, apart: bool
) -> tuple[Tensor, Tensor]:
    """A discriminator's logits of real images and of fakes; in one pass where it may."""
    if apart:  # it compares the images of a batch: real ones must not stand beside fakes
        return discriminator(real), discriminator(fake)
    logits = discriminator(torch.cat([real, fake]))
    of_real, of_fake = logits.split([len(real), len(fake)])
    return of_real, of_fake


def augment_input(discriminator: nn.Module, changes: Jitter, values: Values) -> None:
    """Let a discriminator in training see its images, NCHW, through random changes.

    All of them, real and fake, in its own steps and in the generator's, which gradients pass: so a
    generator does not learn to draw the changes (Zhao et al. 2020, equations 4 and 5).
    """

    def change(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...] | None:
        if not module.training:
            return None
        images, *rest = inputs
        unit = images if values == "unit" else (images + 1) / 2
        changed = jitter(unit.float(), changes, None)
        return (changed if values == "unit" else changed * 2 - 1, *rest)

    if changes != STILL:
        discriminator.register_forward_pre_hook(change)


def coupling_problems(
    discriminator: Discriminator, penalty: str | None, batch_size: int
) -> list[str]:
    """What a discriminator that compares the images of a batch excludes."""
    problems = []
    if penalty and discriminator.norm == "batch":
        problems.append(
            f"{penalty} takes the gradient of each image's own value, but with batch norm in the "
            "discriminator that value depends on the whole batch. Use "
            "--method.discriminator.norm instance or none."
        )
    if discriminator.couples_images and batch_size == 1:
        problems.append(
            "training.batch_size is 1, but the discriminator compares the images of a batch "
            "(batch norm or minibatch_std). Use --training.batch-size 8 or more."
        )
    return problems
