"""What methods share about discriminators: how they are held in check, and what excludes what."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unpaired.methods.method import Losses
from unpaired.networks import Discriminator
from unpaired.objectives import Adversarial
from unpaired.objectives.penalties import gradient_penalty, zero_centred


def penalty_every(adversarial: Adversarial, r1_weight: float, r1_every: int) -> int:
    """See `BaseMethod.penalty_every`: the gradient penalty is due at each step, R1 is lazy."""
    if adversarial.penalty_weight:
        return 1
    return r1_every if r1_weight else 0


def penalties(
    name: str,
    judge: nn.Module,
    real: Tensor,
    fake: Tensor,
    adversarial: Adversarial,
    r1_weight: float,
    r1_every: int,
) -> Losses:
    """The penalties on the discriminator `name`, weighted."""
    if adversarial.penalty_weight:
        loss = gradient_penalty(judge, real, fake)
        return {f"gradient_penalty_{name}": adversarial.penalty_weight * loss}
    # Due every few steps only, so each time for all of them (StyleGAN2, section 4.1).
    return {f"r1_{name}": r1_weight * r1_every * zero_centred(judge, real)} if r1_weight else {}


def judge_both(
    judge: nn.Module, real: Tensor, fake: Tensor, *, apart: bool
) -> tuple[Tensor, Tensor]:
    """What a discriminator makes of real images and of fakes; in one pass where it may."""
    if apart:  # it compares the images of a batch: real ones must not be seen beside fakes
        return judge(real), judge(fake)
    judged_real, judged_fake = judge(torch.cat([real, fake])).split([len(real), len(fake)])
    return judged_real, judged_fake


def problems(
    adversarial: Adversarial, discriminator: Discriminator, r1_weight: float, batch_size: int
) -> list[str]:
    """Combinations that mean nothing, each with its reason and what to do."""
    penalty = "R1" if r1_weight else None
    if adversarial.penalty_weight:
        penalty = "the gradient penalty"
    found = coupling_problems(discriminator, penalty, batch_size)
    if adversarial.penalty_weight and r1_weight:
        found.append(
            "the gradient penalty asks for a gradient of norm 1 and R1 for one of 0: they work "
            "against each other. Set --method.r1-weight 0, or choose another adversarial objective."
        )
    if adversarial.weight_clip and discriminator.spectral_norm:
        found.append(
            "weight clipping has no effect with spectral norm, which divides each weight by its "
            "size. Set --method.discriminator.no-spectral-norm, or choose another objective."
        )
    return found


def coupling_problems(
    discriminator: Discriminator, penalty: str | None, batch_size: int
) -> list[str]:
    """What a discriminator that compares the images of a batch excludes."""
    found = []
    if penalty and discriminator.norm == "batch":
        found.append(
            f"{penalty} takes the gradient of each image's own value, but with batch norm in the "
            "discriminator that value depends on the whole batch. Use "
            "--method.discriminator.norm instance or none."
        )
    if discriminator.couples_images and batch_size == 1:
        found.append(
            "training.batch_size is 1, but the discriminator compares the images of a batch "
            "(batch norm or minibatch_std). Use --training.batch-size 8 or more."
        )
    return found
