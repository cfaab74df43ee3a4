"""Capabilities of methods: what the engine trains, and what a trained model can be asked for.

A method is a frozen configuration on `Learns` and on what it is able to do: `Translates`,
`Generates`, `Classifies`, `Encodes`. Others ask by `isinstance` before they use a capability.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

from unpaired.data.domain import Direction, Domain, DomainName
from unpaired.methods.networks import Networks
from unpaired.methods.stages import Stage

Batch = Mapping[DomainName, Tensor]
Losses = dict[str, Tensor]


class Learns(Protocol):
    """What the engine asks of every method, with the answers that most of them give.

    A method never calls backward, an optimiser or a device: it returns named losses, and declares
    as data what the engine shall do beside minimising them.
    """

    @property
    def critic_steps(self) -> int:
        """Batches that discriminators learn from for each that generators learn from."""
        return 1

    @property
    def weight_clip(self) -> float:
        """Discriminators' weights are clipped to ± this after each step; 0: they are not."""
        return 0.0

    @property
    def penalty_every(self) -> int:
        """Steps from one `discriminator_penalties` to the next; 0: there are none."""
        return 0

    def stages(self) -> tuple[Stage, ...]:
        """What is trained before all else, in this order."""
        return ()

    @abstractmethod
    def problems(self, a: Domain | None, b: Domain, batch_size: int) -> list[str]:
        """Why this method cannot be trained on these domains, and what to do; empty: it can."""

    @abstractmethod
    def build(self, a: Domain | None, b: Domain) -> Networks:
        """Networks for two domains, freshly initialised from torch's global generator."""

    @abstractmethod
    def generator_losses(self, nets: Networks, batch: Batch) -> tuple[Losses, dict[str, Tensor]]:
        """Weighted losses of generators and encoders, and the fakes that discriminators will see.

        `batch` holds `a` and `b`, NCHW in the domains' value ranges. Fakes are called "a" and "b"
        too, or one of them: for each there is a pool of past ones. Random numbers come from
        torch's global generators, which the engine seeds for each step.
        """

    @abstractmethod
    def fakes(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """The fakes alone, for steps in which only discriminators learn."""

    @abstractmethod
    def discriminator_losses(
        self, nets: Networks, batch: Batch, fakes: dict[str, Tensor]
    ) -> Losses:
        """Losses of the discriminators, on real images and (pooled) fakes."""

    def discriminator_penalties(
        self, nets: Networks, batch: Batch, fakes: dict[str, Tensor]
    ) -> Losses:
        """Weighted losses that are added every `penalty_every` steps."""
        del nets, batch, fakes
        return {}


@runtime_checkable
class Translates(Protocol):
    """Makes images of one domain from those of the other, in one direction or both."""

    directions: ClassVar[tuple[Direction, ...]] = ("a2b", "b2a")
    """The directions in which it translates."""

    @property
    def size_multiple(self) -> int:
        """Sides of images must be multiples of this."""
        return 1

    @property
    def fixed_size(self) -> bool:
        """Whether images go through the networks at the domain's size only."""
        return False

    @property
    def style_channels(self) -> int:
        """Numbers of the style that a→b takes beside the image; 0: none."""
        return 0

    def draw_styles(self, nets: Networks, count: int, random: torch.Generator) -> Tensor | None:
        """`count` random styles for a→b, [count, style_channels]; none where it has no style."""
        del nets, count, random
        return None

    @abstractmethod
    def translate(
        self, nets: Networks, images: Tensor, to: DomainName, style: Tensor | None = None
    ) -> Tensor:
        """NCHW of one domain => NCHW of the other, `style` [N, style_channels] for a→b."""

    def translate_back(
        self, nets: Networks, translated: Tensor, original: Tensor, to: DomainName
    ) -> Tensor:
        """The second half of a cycle: back `to` the domain of `original`, in its own style."""
        del original
        return self.translate(nets, translated, to)


@runtime_checkable
class Generates(Protocol):
    """Makes images of b from noise; there is no domain a."""

    @property
    @abstractmethod
    def latent_channels(self) -> int:
        """Numbers of the noise."""

    @abstractmethod
    def draw_latents(self, count: int, random: torch.Generator) -> Tensor:
        """`count` draws of the noise, [count, latent_channels], on the CPU."""

    @abstractmethod
    def generate(self, nets: Networks, latents: Tensor) -> Tensor:
        """[N, latent_channels] => NCHW of b."""


@runtime_checkable
class Classifies(Protocol):
    """Has an encoder that can learn the classes of a."""

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """Classes that the encoder tells apart; 0 where the one that is set has learned none."""

    @abstractmethod
    def classify(self, nets: Networks, images: Tensor) -> Tensor:
        """The classes of images of a: NCHW => logits [N, num_classes]."""


@runtime_checkable
class Encodes(Protocol):
    """Has an encoder that sees in images of either domain what a translation shall keep."""

    @abstractmethod
    def encode(self, nets: Networks, images: Tensor, domain: DomainName) -> Tensor:
        """NCHW of a domain => features [N, d]."""
