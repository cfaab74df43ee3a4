"""What a method is: the seam between what is learned and the engine that trains it."""

from __future__ import annotations

from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from unpaired.data.domain import Domain

Batch = dict[str, Tensor]
Losses = dict[str, Tensor]


class Networks(nn.Module):
    """The networks of a method by role: `nets.generators["a2b"]`, `nets.discriminators["b"]`."""

    def __init__(
        self,
        generators: dict[str, nn.Module],
        discriminators: dict[str, nn.Module],
        encoders: dict[str, nn.Module],
    ) -> None:
        super().__init__()
        self.generators = nn.ModuleDict(generators)
        self.discriminators = nn.ModuleDict(discriminators)
        self.encoders = nn.ModuleDict(encoders)

    def generating(self) -> nn.ModuleDict:
        """Generators and encoders: what the generator phase trains and a model keeps."""
        return nn.ModuleDict({"generators": self.generators, "encoders": self.encoders})


class MethodProtocol(Protocol):
    """What the engine asks of a method. A method never calls backward, an optimiser or a device."""

    @property
    def style_channels(self) -> int: ...

    def build(self, a: Domain, b: Domain) -> Networks: ...

    def generator_losses(
        self, nets: Networks, batch: Batch
    ) -> tuple[Losses, dict[str, Tensor]]: ...

    def discriminator_losses(
        self, nets: Networks, batch: Batch, fakes: dict[str, Tensor]
    ) -> Losses: ...

    def draw_styles(self, nets: Networks, count: int, random: torch.Generator) -> Tensor | None: ...

    def translate(
        self, nets: Networks, images: Tensor, to: Literal["a", "b"], style: Tensor | None = None
    ) -> Tensor: ...

    def translate_back(
        self, nets: Networks, translated: Tensor, original: Tensor, to: Literal["a", "b"]
    ) -> Tensor: ...
