"""Image pool: past translations, lest discriminators forget (Shrivastava et al. 2017, §2.3)."""

from __future__ import annotations

import torch
from torch import Tensor


class ImagePool:
    """Up to `size` past images; half of a batch, by chance, is exchanged for older ones."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.images: Tensor | None = None

    def exchange(self, fakes: Tensor, random: torch.Generator) -> Tensor:
        """fakes NCHW => NCHW to judge: each image itself, or one from the pool that it replaces.

        While the pool is filling, the images themselves are returned and kept.
        """
        if self.size == 0:
            return fakes
        held = 0 if self.images is None else len(self.images)
        room = min(self.size - held, len(fakes))
        if room > 0:
            parts = [fakes[:room]] if self.images is None else [self.images, fakes[:room]]
            self.images = torch.cat(parts).clone()
        late = fakes[room:]
        if len(late) == 0:
            return fakes
        assert self.images is not None
        # Distinct places: two images of one batch must not be exchanged for the same old one.
        places = torch.randperm(self.size, generator=random)[: len(late)]
        old = torch.rand(len(places), generator=random) < 0.5
        chosen, places = old.nonzero()[:, 0].to(fakes.device), places[old].to(fakes.device)
        judged = late.clone()
        judged[chosen] = self.images[places]
        self.images[places] = late[chosen]
        return torch.cat([fakes[:room], judged])
