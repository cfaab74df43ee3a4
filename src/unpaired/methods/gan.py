"""GANs that make images from noise: DCGAN and WGAN (Radford et al. 2016; Arjovsky et al. 2017).

As Grignon & Joly 2020 describe them.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from unpaired.core.config import Positive, config
from unpaired.data.domain import Domain
from unpaired.methods.adversarial import AdversarialMethod
from unpaired.methods.networks import Networks
from unpaired.methods.protocols import Batch, Generates, Losses
from unpaired.networks import CNN, Decoder, Discriminator
from unpaired.objectives import Adversarial, NonSaturating


@config
class GAN(AdversarialMethod, Generates):
    """Makes images of b from noise; there is no domain a (Goodfellow et al. 2014, algorithm 1)."""

    kind: Literal["gan"] = "gan"
    generator: Decoder = Decoder()
    """Makes an image from a vector of noise."""
    discriminator: Discriminator = CNN(norm="batch")
    """Tells real images from generated ones."""
    adversarial: Adversarial = NonSaturating()
    """What discriminator and generator minimise."""
    latent_channels: Positive = 100
    """Numbers of the noise, each uniform in [-1, 1] (DCGAN, section 4)."""

    def problems(self, a: Domain | None, b: Domain, batch_size: int) -> list[str]:
        """See `Learns`."""
        del b
        problems = self.discriminator_problems(batch_size)
        if a is not None:
            problems.append(
                "a is set, but this method makes images of b from noise. Leave out --a."
            )
        return problems

    def build(self, a: Domain | None, b: Domain) -> Networks:
        """See `Learns`."""
        del a
        channels, values = b.representation.channels, b.representation.values
        generator = self.generator.build(self.latent_channels, channels, b.size, values)
        discriminator = self.discriminator.build(channels, b.size)
        return Networks({"b": generator}, {"b": discriminator}, {})

    def generator_losses(self, nets: Networks, batch: Batch) -> tuple[Losses, dict[str, Tensor]]:
        """See `Learns`."""
        fakes = self.fakes(nets, batch)
        logits = nets.discriminators["b"](fakes["b"])
        return {"adversarial_b": self.adversarial.generator(logits)}, {"b": fakes["b"].detach()}

    def fakes(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """See `Learns`."""
        b = batch["b"]
        noise = torch.rand(len(b), self.latent_channels, device=b.device) * 2 - 1
        return {"b": nets.generators["b"](noise)}

    def draw_latents(self, count: int, random: torch.Generator) -> Tensor:
        """See `Generates`."""
        return torch.rand(count, self.latent_channels, generator=random) * 2 - 1

    def generate(self, nets: Networks, latents: Tensor) -> Tensor:
        """See `Generates`."""
        images: Tensor = nets.generators["b"](latents)
        return images
