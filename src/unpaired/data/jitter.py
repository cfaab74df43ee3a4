"""Data augmentation that leaves what images show as it is: what classifiers are trained on, and
what keeps a discriminator from learning few images by heart."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.core.config import NonNegative, config
from unpaired.core.devices import upload


@config
class Jitter:
    """How far images are changed."""

    shift: NonNegative = 2.0
    """Largest shift, down and across, in pixels."""
    rotation: NonNegative = 10.0
    """Largest rotation in degrees."""
    scale: NonNegative = 0.1
    """Largest change of size, as a share of it."""
    shuffle_channels: bool = True
    """Let colour channels change places, so that a class is known by its shape and not its hue."""
    mirror: NonNegative = 0.0
    """Share of images that are mirrored; a mirrored 2 is no 2."""
    shear: NonNegative = 0.0
    """Largest shear, as a share of the height."""
    grey: NonNegative = 0.0
    """Share of images that lose their colour, with random weights of the channels."""
    inversion: NonNegative = 0.0
    """Share of images whose light and dark change places."""
    contrast: NonNegative = 0.0
    """Largest change of contrast: by a factor of up to e to this power, or of its inverse."""
    brightness: NonNegative = 0.0
    """Largest change of brightness, as a share of the range of values."""
    blur: NonNegative = 0.0
    """Share of images that are blurred over 3×3 pixels."""
    noise: NonNegative = 0.0
    """Largest standard deviation of noise, as a share of the range of values."""
    frame: NonNegative = 0.0
    """Share of images whose left and right margins become flat: what stands beside a digit goes."""
    cutout: NonNegative = 0.0
    """Share of images that lose a square of a quarter of their side."""


STILL = Jitter(shift=0.0, rotation=0.0, scale=0.0, shuffle_channels=False)
"""No change at all."""


def jitter(images: Tensor, settings: Jitter, random: torch.Generator | None) -> Tensor:
    """Change each image by its own random numbers: NCHW float in [0, 1] => likewise.

    `random` is a generator of the CPU; without one, numbers are drawn on the device of the images,
    from torch's global generator, so that a step of training asks the host for nothing.
    What is zero draws no random numbers, but for the move. Differentiable in the images.
    """
    images = _move(images, settings, random)
    if settings.mirror:
        images = torch.where(_draw(random, images) < settings.mirror, images.flip(3), images)
    if settings.shuffle_channels:
        places = _draw(random, images, images.shape[1])[..., 0, 0].argsort(1)
        images = images[torch.arange(len(images), device=images.device)[:, None], places]
    if settings.grey:
        weights = _draw(random, images, images.shape[1]) + 0.1
        grey = (images * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
        images = torch.where(_draw(random, images) < settings.grey, grey, images)
    if settings.inversion:
        images = torch.where(_draw(random, images) < settings.inversion, 1 - images, images)
    if settings.contrast or settings.brightness:
        factor = ((_draw(random, images) * 2 - 1) * settings.contrast).exp()
        offset = (_draw(random, images) * 2 - 1) * settings.brightness
        middle = images.mean((1, 2, 3), keepdim=True)
        images = ((images - middle) * factor + middle + offset).clamp(0, 1)
    if settings.blur:
        blurred = F.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
        images = torch.where(_draw(random, images) < settings.blur, blurred, images)
    if settings.noise:
        drawn = _numbers(torch.randn, images.shape, random, images.device)
        images = (images + settings.noise * _draw(random, images) * drawn).clamp(0, 1)
    if settings.frame:
        images = _flatten_margins(images, settings.frame, random)
    if settings.cutout:
        images = _cut_out(images, settings.cutout, random)
    return images


def _move(images: Tensor, settings: Jitter, random: torch.Generator | None) -> Tensor:
    """One affine map per image."""
    n, _, height, width = images.shape
    draws = _numbers(torch.rand, (4, n), random, images.device) * 2 - 1
    angle = draws[0] * math.radians(settings.rotation)
    scale = 1 + draws[1] * settings.scale
    cos, sin = angle.cos() * scale, angle.sin() * scale
    shift = 2 * settings.shift  # the grid's unit is half an image
    right, down = draws[2] * shift / width, draws[3] * shift / height
    lean = torch.zeros_like(scale)
    if settings.shear:
        lean = (_draw(random, images).flatten() * 2 - 1) * settings.shear * scale
    rows = [torch.stack([cos, lean - sin, right], 1), torch.stack([sin, cos, down], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def _flatten_margins(images: Tensor, share: float, random: torch.Generator | None) -> Tensor:
    """Up to a quarter of the width on either side becomes the image's median, for some images."""
    width = images.shape[3]
    columns = torch.arange(width, device=images.device)
    left, right = ((1 + _draw(random, images) * (width // 4 - 1)).floor() for _ in range(2))
    inside = (columns >= left) & (columns < width - right)
    ground = images.flatten(2).median(2).values[..., None, None]
    kept = inside | (_draw(random, images) >= share)
    return torch.where(kept, images, ground)


def _cut_out(images: Tensor, share: float, random: torch.Generator | None) -> Tensor:
    """A square of a quarter of the side takes a random colour, for some images."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device)[:, None]
    columns = torch.arange(width, device=images.device)
    across, down = (_draw(random, images) * side for side in (width, height))
    hole = ((columns - across).abs() <= width / 8) & ((rows - down).abs() <= height / 8)
    colour = _draw(random, images, images.shape[1])
    return torch.where(hole & (_draw(random, images) < share), colour, images)


def _draw(random: torch.Generator | None, images: Tensor, channels: int = 1) -> Tensor:
    """Uniform numbers in [0, 1), [N, channels, 1, 1], on the images' device."""
    drawn = _numbers(torch.rand, (len(images), channels), random, images.device)
    return drawn[:, :, None, None]


def _numbers(
    draw: Callable[..., Tensor],
    shape: Sequence[int],
    random: torch.Generator | None,
    device: torch.device,
) -> Tensor:
    """Random numbers on a device: drawn there, or by a generator of the CPU."""
    if random is None:
        return draw(shape, device=device)
    return upload(draw(shape, generator=random), device)
