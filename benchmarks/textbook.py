"""One CycleGAN training step as textbooks write it: what `train_step.py` compares ours with.

Float32, eager, NCHW; one forward pass per role of a generator, one per kind of image of a
discriminator; images enter the pool one by one; Adam as `torch.optim` gives it by default; torch's
ready-made layers (`textbook_networks.py`). Architecture, first weights and weighted losses are
those of our own method.
"""

from __future__ import annotations

import itertools
import random

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from textbook_networks import discriminator, generator
from unpaired.engine.settings import Optimiser
from unpaired.experiment.experiment import Experiment
from unpaired.networks import PatchGAN, ResNet

POOL_SIZE = 50


class ImagePool:
    """Past translations: with chance one half an image is exchanged for an older one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: list[Tensor] = []

    def query(self, images: Tensor) -> Tensor:
        """NCHW => NCHW."""
        chosen = []
        for image in images.detach().split(1):
            if len(self.images) < self.size:
                self.images.append(image)
                chosen.append(image)
            elif random.random() > 0.5:
                place = random.randrange(self.size)
                chosen.append(self.images[place].clone())
                self.images[place] = image
            else:
                chosen.append(image)
        return torch.cat(chosen)


class Textbook:
    """Networks, optimisers and pools of one training; `step` trains on one batch.

    Its networks begin with the weights with which our training of the same experiment begins.
    """

    def __init__(self, experiment: Experiment, device: torch.device) -> None:
        torch.manual_seed(experiment.training.seed)
        method = experiment.method
        assert isinstance(method.generator, ResNet)
        assert isinstance(method.discriminator, PatchGAN)
        ours = method.build(experiment.a, experiment.b)
        self.a2b, self.b2a = (
            generator(method.generator, ours.generators[name]).to(device) for name in ("a2b", "b2a")
        )
        self.discriminator_a, self.discriminator_b = (
            discriminator(method.discriminator, ours.discriminators[name]).to(device)
            for name in ("a", "b")
        )
        self.cycle_weight = method.cycle_weight
        self.identity_weight = method.identity_weight
        training = experiment.training
        self.generator_optimiser = adam(training.generators, self.a2b, self.b2a)
        self.discriminator_optimiser = adam(
            training.discriminators, self.discriminator_a, self.discriminator_b
        )
        self.pool_a, self.pool_b = ImagePool(POOL_SIZE), ImagePool(POOL_SIZE)

    def step(self, real_a: Tensor, real_b: Tensor) -> dict[str, Tensor]:
        """Train on one batch, NCHW in [-1, 1].

        Returns the weighted sum of the generators' losses ("generators"), and each discriminator's
        loss ("a", "b").
        """
        fake_b = self.a2b(real_a)
        cycled_a = self.b2a(fake_b)
        fake_a = self.b2a(real_b)
        cycled_b = self.a2b(fake_a)

        set_requires_grad([self.discriminator_a, self.discriminator_b], False)
        self.generator_optimiser.zero_grad()
        loss = least_squares(self.discriminator_b(fake_b), 1.0) + least_squares(
            self.discriminator_a(fake_a), 1.0
        )
        loss = loss + self.cycle_weight * F.l1_loss(cycled_a, real_a)
        loss = loss + self.cycle_weight * F.l1_loss(cycled_b, real_b)
        if self.identity_weight > 0:
            loss = loss + self.identity_weight * F.l1_loss(self.a2b(real_b), real_b)
            loss = loss + self.identity_weight * F.l1_loss(self.b2a(real_a), real_a)
        loss.backward()
        self.generator_optimiser.step()

        set_requires_grad([self.discriminator_a, self.discriminator_b], True)
        self.discriminator_optimiser.zero_grad()
        loss_a = discriminator_loss(self.discriminator_a, real_a, self.pool_a.query(fake_a))
        loss_b = discriminator_loss(self.discriminator_b, real_b, self.pool_b.query(fake_b))
        self.discriminator_optimiser.step()
        return {"generators": loss.detach(), "a": loss_a, "b": loss_b}


def discriminator_loss(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss, after backward."""
    loss = 0.5 * (least_squares(discriminator(real), 1.0) + least_squares(discriminator(fake), 0.0))
    loss.backward()
    return loss.detach()


def least_squares(logits: Tensor, target: float) -> Tensor:
    """Mean squared distance to a constant (Mao et al. 2017)."""
    return F.mse_loss(logits, torch.full_like(logits, target))


def adam(settings: Optimiser, *networks: nn.Module) -> torch.optim.Adam:
    """Adam over several networks, everything else as torch's defaults."""
    parameters = itertools.chain(*(network.parameters() for network in networks))
    return torch.optim.Adam(
        parameters, lr=settings.learning_rate, betas=(settings.beta1, settings.beta2)
    )


def set_requires_grad(networks: list[nn.Module], requires_grad: bool) -> None:
    """Switch the gradients of all weights."""
    for network in networks:
        for parameter in network.parameters():
            parameter.requires_grad = requires_grad
