"""Usual settings by image size: networks, batches and lengths for a processor or a GPU."""

from __future__ import annotations

from typing import Any

from unpaired.networks import ResNet, UNet

SIZES = (32, 64, 128, 256)
"""Sides of images, in pixels, for which it is known what is usual."""


def largest_size(*, gpu: bool) -> int:
    """The largest size that is trained in reasonable time."""
    return 256 if gpu else 128


def usual_generator(generator: ResNet | UNet, size: int, *, gpu: bool) -> dict[str, Any]:
    """Settings of a generator of this kind."""
    if isinstance(generator, ResNet):
        return {
            "width": _width(gpu=gpu),
            "blocks": {32: 3, 64: 4, 128: 6, 256: 9}[_nearest(size)],
        }
    return {
        "width": _width(gpu=gpu),
        "blocks": {32: 3, 64: 4, 128: 4, 256: 6}[_nearest(size)],
        "downsamplings": _halvings(size),
        "norm": "instance",
        "upsampling": "resize",
        "full_size_skip": True,
    }


def usual_discriminator(size: int, *, gpu: bool) -> dict[str, Any]:
    """Settings of a PatchGAN."""
    return {
        "width": _width(gpu=gpu),
        "layers": 1 if size < 12 else 2 if size < 128 else 3,
        "norm": "none",
        "spectral_norm": True,
    }


def usual_batch(size: int, *, gpu: bool) -> int:
    """Images of a batch."""
    sizes = {32: 64, 64: 32, 128: 16, 256: 8} if gpu else {32: 32, 64: 16, 128: 4, 256: 2}
    return max(1, sizes[_nearest(size)] * min(256, size) ** 2 // size**2)


def usual_length(size: int, *, gpu: bool) -> int:
    """Images seen of each domain."""
    if gpu:
        return 1_000_000
    return {32: 200_000, 64: 100_000, 128: 40_000, 256: 20_000}[_nearest(size)]


def _width(*, gpu: bool) -> int:
    return 64 if gpu else 32


def _nearest(size: int) -> int:
    """The nearest of `SIZES` from below."""
    return max((s for s in SIZES if s <= size), default=SIZES[0])


def _halvings(size: int) -> int:
    """Of the sides of images in a U-Net: 3 where they leave whole pixels, 4×4 at least."""
    return max((n for n in (1, 2, 3) if size % 2**n == 0 and size >= 4 * 2**n), default=1)
