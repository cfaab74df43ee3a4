"""Class colours: the typical colour of each class in photos, which label maps are translated to.

Without pairs nothing but the layout says which class is which, and a mapping that exchanges bright
and dark cycles as well: this settles it. The one term that knows of label maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from unpaired.core.config import ValueRange, Values
from unpaired.objectives.content import l1

Colours = tuple[tuple[int, int, int], ...]


class Represented(Protocol):
    """What networks see of a domain; see `data.representation`."""

    @property
    def channels(self) -> int:
        """How many channels."""
        ...

    @property
    def values(self) -> Values:
        """Their values."""
        ...


class ClassColours(nn.Module):
    """|G(labels) − the colours of their classes|, a mean over pixels and channels."""

    colours: Tensor

    def __init__(self, colours: Colours, channels: int, values: ValueRange) -> None:
        """`colours` in 0…255; `channels` and `values` are those of the photos."""
        super().__init__()
        unit = torch.tensor(colours, dtype=torch.float32) / 255
        unit = unit if channels == 3 else unit.mean(1, keepdim=True)
        # A setting, and not learned: no checkpoint needs to keep it.
        self.register_buffer(
            "colours", unit * 2 - 1 if values == "signed" else unit, persistent=False
        )

    def forward(self, labels: Tensor, photos: Tensor) -> Tensor:
        """Class channels [N, K, H, W] and their translation [N, C, H, W] => a scalar."""
        return l1(photos, self.expected(labels))

    def expected(self, labels: Tensor) -> Tensor:
        """Class channels [N, K, H, W] => the colours of their classes [N, C, H, W]."""
        return torch.einsum("nkhw,kc->nchw", (labels + 1) / 2, self.colours)


def class_colours(colours: Colours, domains: Mapping[str, Represented]) -> dict[str, nn.Module]:
    """The term, by the name of the domain of photos; empty without colours."""
    if not colours:
        return {}
    return {
        name: ClassColours(colours, domain.channels, domain.values)
        for name, domain in domains.items()
        if domain.values != "classes"
    }


def class_colour_problems(
    colours: Colours, weight: float, domains: Mapping[str, Represented]
) -> list[str]:
    """Why the colours mean nothing for these two domains, and what to do."""
    if bool(colours) != (weight > 0):
        return [
            "method.class_colours and method.class_colours_weight go together: the one says what "
            "colours classes have in photos, the other how strongly it counts. Set both or neither."
        ]
    counts = [domain.channels for domain in domains.values() if domain.values == "classes"]
    if colours and len(counts) != 1:
        return [
            "method.class_colours are those of the classes of label maps in photos: they need one "
            "domain with a palette, whose label_channels are classes."
        ]
    if colours and len(colours) != counts[0]:
        return [
            f"method.class_colours has {len(colours)} colours for the {counts[0]} classes of the "
            "palette. Give one each, in its order."
        ]
    return []
