"""Image pool: past translations, lest discriminators forget (Shrivastava et al. 2017, section 2.3).

A pool lies in memory of a fixed size, and the host decides about an exchange before a step begins:
the step itself asks the host for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unpaired.core.devices import upload


@dataclass(frozen=True)
class Exchange:
    """Rows of a pool for each image of a batch; the row behind the pool's last is nobody's.

    int64 [N] on the pool's device.
    """

    filled: Tensor
    """Where the image is laid while the pool is filling."""
    exchanged: Tensor
    """Where it takes the place of an older one, which comes back instead."""


class ImagePool:
    """Up to `size` past images; half of a batch, by chance, is exchanged for older ones."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held = 0
        self._rows: Tensor | None = None

    @property
    def images(self) -> Tensor | None:
        """What it holds, [held, C, H, W]; none before the first exchange."""
        return None if self._rows is None or not self.held else self._rows[: self.held]

    def restore(self, images: Tensor | None) -> None:
        """The inverse of `images`."""
        self.held, self._rows = 0, None
        if images is not None:
            self.held = len(images)
            self._rows = self._rows_for(images)
            self._rows[: self.held] = images

    def plan(self, count: int, random: torch.Generator, device: torch.device) -> Exchange:
        """Decide about the next `count` images, on the host."""
        if self._rows is None:
            self.held = 0  # whatever was planned, nothing has been offered
        filled, exchanged = torch.full((2, count), self.size)
        room = min(self.size - self.held, count)
        filled[:room] = torch.arange(self.held, self.held + room)
        self.held += room
        if self.size and room < count:
            # Distinct places: two images of one batch must not be exchanged for the same old one.
            places = torch.randperm(self.size, generator=random)[: count - room]
            chosen = torch.rand(len(places), generator=random) < 0.5
            exchanged[room : room + len(places)] = torch.where(chosen, places, self.size)
        return Exchange(filled=upload(filled, device), exchanged=upload(exchanged, device))

    def exchange(self, images: Tensor, planned: Exchange) -> Tensor:
        """NCHW => NCHW for discriminators: each image itself, or one from the pool."""
        if self.size == 0:
            return images
        if self._rows is None:
            self._rows = self._rows_for(images)
        rows, new = self._rows, images.to(self._rows.dtype)
        rows[planned.filled] = new
        old = rows[planned.exchanged]
        rows[planned.exchanged] = new
        stays = (planned.exchanged == self.size)[:, None, None, None]
        return torch.where(stays, images, old.to(images.dtype))  # in memory as `images` lie

    def _rows_for(self, images: Tensor) -> Tensor:
        return images.new_zeros(self.size + 1, *images.shape[1:])
