"""Random changes of images that leave their class as it is: what classifiers are trained on."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.config import config


@config
class Jitter:
    """How far images are changed. Never mirrored, for a mirrored 2 is no 2."""

    shift: float = 2.0
    """Largest shift, down and across, in pixels."""
    rotation: float = 10.0
    """Largest rotation in degrees."""
    scale: float = 0.1
    """Largest change of size, as a share of it."""
    shuffle_channels: bool = True
    """Let colour channels change places, so that a class is told by its shape and not its hue."""
    inversion: float = 0.0
    """Share of images whose light and dark change places."""
    contrast: float = 0.0
    """Largest change of contrast and of brightness, as a share of the range of values."""
    grey: float = 0.0
    """Share of images that lose their colour."""


def jitter(images: Tensor, settings: Jitter, random: torch.Generator) -> Tensor:
    """Change each image by its own random numbers: NCHW float in [0, 1] => likewise."""
    n, channels, height, width = images.shape
    draws = torch.rand(4, n, generator=random).to(images.device) * 2 - 1
    angle = draws[0] * math.radians(settings.rotation)
    scale = 1 + draws[1] * settings.scale
    cos, sin = angle.cos() * scale, angle.sin() * scale
    shift = 2 * settings.shift  # the grid's unit is half an image
    right, down = draws[2] * shift / width, draws[3] * shift / height
    maps = torch.stack([torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1)
    grid = F.affine_grid(maps, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    if settings.shuffle_channels:
        places = torch.rand(n, channels, generator=random).argsort(1).to(images.device)
        images = images[torch.arange(n, device=images.device)[:, None], places]
    if settings.inversion or settings.contrast or settings.grey:
        images = _recolour(images, settings, random)
    return images


def _recolour(images: Tensor, settings: Jitter, random: torch.Generator) -> Tensor:
    draws = torch.rand(4, len(images), generator=random).to(images.device)
    draws = draws[:, :, None, None, None]
    chances, factors = draws[:2], draws[2:]
    grey = images.mean(1, keepdim=True).expand_as(images)
    images = torch.where(chances[0] < settings.grey, grey, images)
    images = torch.where(chances[1] < settings.inversion, 1 - images, images)
    contrast, brightness = (factors * 2 - 1) * settings.contrast
    middle = images.mean((1, 2, 3), keepdim=True)
    changed: Tensor = (images - middle) * (1 + contrast) + middle + brightness
    return changed.clamp(0, 1)
