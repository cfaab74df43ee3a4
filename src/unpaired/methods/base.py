"""What a method is: the seam between what is learned and the engine that trains it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from unpaired.core.config import config
from unpaired.data.domain import Direction, Domain, DomainName
from unpaired.data.jitter import Jitter
from unpaired.methods.feature_cycle import FeatureCycle

Batch = Mapping[DomainName, Tensor]
Losses = dict[str, Tensor]


class Networks(nn.Module):
    """The networks of a method by role: `nets.generators["a2b"]`, `nets.discriminators["b"]`."""

    def __init__(
        self,
        generators: Mapping[str, nn.Module],
        discriminators: Mapping[str, nn.Module],
        encoders: Mapping[str, nn.Module],
        terms: Mapping[str, nn.Module] | None = None,
    ) -> None:
        """`terms`: parts of losses without weights of their own, which only training needs."""
        super().__init__()
        self.generators = nn.ModuleDict(dict(generators))
        self.discriminators = nn.ModuleDict(dict(discriminators))
        self.encoders = nn.ModuleDict(dict(encoders))
        self.terms = nn.ModuleDict(dict(terms or {}))

    def generating(self) -> nn.ModuleDict:
        """Generators and encoders: what the generator phase trains and a model keeps."""
        return nn.ModuleDict({"generators": self.generators, "encoders": self.encoders})


@config
class Pretraining:
    """How an encoder learns the classes of a's images, before anything else is learned."""

    images: int = 120_000
    """Images seen."""
    batch_size: int = 64
    """Images per step."""
    learning_rate: float = 3e-3
    """Largest step size of AdamW; it rises, then falls to zero (one cycle)."""
    weight_decay: float = 0.05
    """AdamW's."""
    jitter: Jitter = Jitter()
    """Random changes of the images. Much of it lets the encoder read what is not of its domain."""
    consistency_weight: float = 0.0
    """Weight of agreeing on b's images, whose labels are not used: what the encoder is sure of as
    it sees an image, it shall say of the image changed (French et al. 2018; FixMatch, 2020)."""
    confidence: float = 0.7
    """Probability above which it counts as sure, once each class has its equal share of a batch."""
    warm_up: float = 0.5
    """Share of the images after which consistency begins: before, its guesses are no use."""


class BaseMethod(ABC):
    """What the engine asks of a method, with the answers that most methods give.

    A method is a frozen configuration. It never calls backward, an optimiser or a device: it
    returns named losses, and declares as data what the engine shall do beside minimising them.
    """

    directions: ClassVar[tuple[Direction, ...]] = ("a2b", "b2a")
    """The ways in which it translates."""

    @property
    def style_channels(self) -> int:
        """Numbers of the style that a→b takes beside the image; 0: none."""
        return 0

    @property
    def latent_channels(self) -> int:
        """Numbers of the noise that images of b are made of, for methods that do not translate."""
        return 0

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

    @property
    def num_classes(self) -> int:
        """Classes that the encoder tells apart; 0 without one that learns them."""
        return 0

    @property
    def fixed_size(self) -> bool:
        """Whether images go through the networks at the domain's size only."""
        return False

    @property
    def prepares(self) -> bool:
        """Whether there is something to `prepare`."""
        return False

    @property
    def pretraining(self) -> Pretraining | None:
        """How `nets.encoders["a"]` learns the labels of a, before all else; none: it does not."""
        return None

    @property
    @abstractmethod
    def size_multiple(self) -> int:
        """Sides of images must be multiples of this."""

    @abstractmethod
    def problems(self, a: Domain | None, b: Domain, batch_size: int) -> list[str]:
        """Why this method cannot be trained on these domains, and what to do; empty: it can."""

    @abstractmethod
    def build(self, a: Domain | None, b: Domain) -> Networks:
        """Networks for two domains, freshly initialised from torch's global generator."""

    def prepare(
        self, nets: Networks, piles: Mapping[DomainName, Iterable[Tensor]]
    ) -> FeatureCycle | None:
        """What networks take from whole piles at once, before the first step.

        `piles`: batches of each domain, as in training; a thousand images or fewer. Returns what
        shall be trained then, ahead of the networks themselves; none: nothing. Random numbers come
        from torch's global generators.
        """
        del nets, piles
        return None

    @abstractmethod
    def generator_losses(self, nets: Networks, batch: Batch) -> tuple[Losses, dict[str, Tensor]]:
        """Weighted losses of generators and encoders, and the fakes that discriminators will judge.

        `batch` holds `a` and `b`, NCHW in the domains' value ranges. Fakes are called "a" and "b"
        too: for each there is a pool of past ones. Random numbers come from
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

    def draw_styles(self, nets: Networks, count: int, random: torch.Generator) -> Tensor | None:
        """`count` random styles for a→b, [count, style_channels]; none where it has no style."""
        del nets, count, random
        return None

    def translate(
        self, nets: Networks, images: Tensor, to: DomainName, style: Tensor | None = None
    ) -> Tensor:
        """NCHW of one domain => NCHW of the other, `style` [N, style_channels] for a→b."""
        raise NotImplementedError(f"{type(self).__name__} does not translate to {to}")

    def translate_back(
        self, nets: Networks, translated: Tensor, original: Tensor, to: DomainName
    ) -> Tensor:
        """The second half of a cycle: back `to` the domain of `original`, in its own style."""
        del original
        return self.translate(nets, translated, to)

    def draw_latents(self, count: int, random: torch.Generator) -> Tensor:
        """`count` draws of the noise, [count, latent_channels], on the CPU."""
        raise NotImplementedError(f"{type(self).__name__} makes no images from noise")

    def generate(self, nets: Networks, latents: Tensor) -> Tensor:
        """[N, latent_channels] => NCHW of b."""
        raise NotImplementedError(f"{type(self).__name__} makes no images from noise")

    def classify(self, nets: Networks, images: Tensor) -> Tensor:
        """The class of images of a, to an encoder that has learned them: NCHW => logits."""
        raise NotImplementedError(f"{type(self).__name__} learns no classes")

    def features(self, nets: Networks, images: Tensor, domain: DomainName) -> Tensor | None:
        """What the encoder sees that a translation shall keep: NCHW => [N, d]; none without one."""
        del nets, images, domain
        return None
