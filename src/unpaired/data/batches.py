"""Batches as a function of position: no state to save, so resuming is exact.

The order of images, the squares that are cut out of them, and every random change made to them
derive from (seed, domain, images seen).
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.dataset import Images, Places, StreamedImages
from unpaired.data.domain import Augmentation, Domain

PREFETCH = 4
"""Batches read ahead when images are streamed."""


def derive_seed(*parts: int | str) -> int:
    """A 63-bit seed from any integers and names, the same on every machine."""
    words = [zlib.crc32(p.encode()) if isinstance(p, str) else int(p) for p in parts]
    return int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0] >> 1)


def generator(*parts: int | str) -> torch.Generator:
    """A CPU generator seeded from `parts`: the same numbers whatever the device."""
    return torch.Generator().manual_seed(derive_seed(*parts))


class Batches:
    """The endless sequence of training batches of one domain."""

    def __init__(
        self,
        images: Images,
        domain: Domain,
        name: str,
        seed: int,
        batch_size: int,
        device: torch.device,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self.images = images
        self.domain = domain
        self.batch_size = batch_size
        self.device = device
        self._key = (seed, name)
        self._rank, self._world_size = rank, world_size
        self._orders: OrderedDict[int, NDArray[np.int64]] = OrderedDict()
        self._crops: OrderedDict[int, Places] = OrderedDict()
        self._reader = ThreadPoolExecutor(1) if isinstance(images, StreamedImages) else None
        self._ahead: dict[int, Future[Tensor]] = {}

    def at(self, position: int) -> Tensor:
        """The batch that begins at image `position` of the sequence, counted over all processes.

        Returns [batch_size, C, size, size] as networks see the domain, augmented, on the device.
        """
        pixels = self._read(position).to(self.device, non_blocking=True)
        values = self.domain.representation.encode(pixels)
        random = generator(*self._key, "augment", position, self._rank)
        return augment(values, self.domain.augmentation, random, nearest=self.domain.holds_labels)

    def indices(self, position: int) -> NDArray[np.int64]:
        """Which images the batch at `position` holds: each epoch is a fresh permutation."""
        return np.array([self._order(e)[o] for e, o in self._epochs(position)], dtype=np.int64)

    def crops(self, position: int) -> Places | None:
        """Which square is cut out of each image of the batch at `position`, where it is a random
        one: whatever the batch's size and the number of processes."""
        if self.domain.fit != "crop":
            return None
        return np.array([self._crop(e)[o] for e, o in self._epochs(position)])

    def _epochs(self, position: int) -> list[tuple[int, int]]:
        """Epoch, and place in it, of each image of this process's part of a batch."""
        first = position + self._rank * self.batch_size
        return [divmod(place, len(self.images)) for place in range(first, first + self.batch_size)]

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if epoch not in self._orders:
            random = np.random.default_rng(derive_seed(*self._key, "order", epoch))
            if self.domain.balanced:
                assert self.images.labels is not None, "checked before training"
                self._orders[epoch] = balanced_order(self.images.labels, random)
            else:
                self._orders[epoch] = random.permutation(len(self.images))
            _forget(self._orders)
        return self._orders[epoch]

    def _crop(self, epoch: int) -> Places:
        if epoch not in self._crops:
            random = np.random.default_rng(derive_seed(*self._key, "crop", epoch))
            self._crops[epoch] = random.random((len(self.images), 2))
            _forget(self._crops)
        return self._crops[epoch]

    def _read(self, position: int) -> Tensor:
        if self._reader is None:
            return self.images.gather(self.indices(position), self.crops(position))
        stride = self.batch_size * self._world_size
        for ahead in range(PREFETCH + 1):
            place = position + ahead * stride
            if place not in self._ahead:
                batch = self.indices(place), self.crops(place)
                self._ahead[place] = self._reader.submit(self.images.gather, *batch)
        return self._ahead.pop(position).result()


def _forget(epochs: OrderedDict[int, Any]) -> None:
    """Keep what was drawn for the last few epochs."""
    while len(epochs) > 4:
        epochs.popitem(last=False)


def balanced_order(labels: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """As many indices as there are labels, each class equally often, in random order.

    Images of rare classes come several times, some of the frequent ones not at all.
    """
    classes = np.unique(labels)
    shares = np.full(len(classes), len(labels) // len(classes))
    shares[random.permutation(len(classes))[: len(labels) - shares.sum()]] += 1
    chosen = []
    for name, share in zip(classes, shares, strict=True):
        members = np.flatnonzero(labels == name)
        rounds = -(-int(share) // len(members))
        chosen.append(np.concatenate([random.permutation(members) for _ in range(rounds)])[:share])
    return random.permutation(np.concatenate(chosen))


def augment(
    images: Tensor, settings: Augmentation, random: torch.Generator, *, nearest: bool = False
) -> Tensor:
    """Zoom and crop, then flip, each image with its own random numbers: NCHW float => NCHW float.

    One affine map per image: where nothing is drawn for an image, it comes back to the bit. With
    `nearest`, no values are mixed, as label maps need it.
    """
    count = len(images)
    draws = torch.rand(4, count, generator=random)
    cropped = draws[0] < (settings.crop_probability if settings.zoom > 1 else 0.0)
    flipped = draws[1] < (0.5 if settings.flip else 0.0)
    scale = torch.where(cropped, 1 / settings.zoom, 1.0)
    room = 1 - scale  # in the units of affine_grid, where the image spans -1…1
    shift_x, shift_y = (draws[2] * 2 - 1) * room, (draws[3] * 2 - 1) * room
    if bool(cropped.any()):
        zero = torch.zeros(count)
        theta = torch.stack(
            [torch.stack([scale, zero, shift_x], 1), torch.stack([zero, scale, shift_y], 1)], 1
        ).to(images.device)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        warped = F.grid_sample(
            images,
            grid,
            mode="nearest" if nearest else "bilinear",
            padding_mode="reflection",
            align_corners=False,
        )
        images = torch.where(cropped.to(images.device)[:, None, None, None], warped, images)
    mirror = flipped.to(images.device)[:, None, None, None]
    return torch.where(mirror, images.flip(3), images)
