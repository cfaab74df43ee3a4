"""Images of a split as evaluation takes them, and their translations."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.progress import report
from unpaired.data.batches import generator
from unpaired.data.dataset import Images
from unpaired.data.domain import OTHER, DomainName
from unpaired.data.tensors import images_at_once
from unpaired.inference.applied import AppliedModel

MAX_IMAGES = 10_000


@dataclass
class Sample:
    """The images of a split that are measured, in memory."""

    pixels: Tensor
    labels: NDArray[np.int64] | None
    ids: list[str] | None
    names: list[str]


@dataclass
class Translated:
    """What became of the images of one domain: uint8 pixels on the CPU, NCHW."""

    source: Tensor
    translations: Tensor
    reconstructions: Tensor | None
    """None where the method knows no way back, or none was asked for."""


def sample(images: Images, limit: int | None = MAX_IMAGES) -> Sample:
    """All images, or the first of a seeded permutation of a larger set."""
    indices = np.arange(len(images))
    if limit is not None and len(images) > limit:
        indices = np.sort(np.random.default_rng(0).permutation(len(images))[:limit])
    return Sample(
        pixels=images.gather(indices),
        labels=None if images.labels is None else images.labels[indices],
        ids=None if images.ids is None else [images.ids[i] for i in indices],
        names=[images.names[i] for i in indices],
    )


def first(pixels: Tensor, count: int, seed: int) -> Tensor:
    """The first `count` images of a seeded permutation."""
    return pixels[np.random.default_rng(seed).permutation(len(pixels))[:count]]


def to_eight_bits(pixels: Tensor) -> Tensor:
    """uint8 or uint16 => uint8, as the metrics want it."""
    return pixels if pixels.dtype == torch.uint8 else (pixels.int() / 257).round().to(torch.uint8)


def content_hash(pixels: Tensor) -> str:
    """Sixteen hexadecimal digits of an image set's shape and pixels."""
    shape = str(tuple(pixels.shape)).encode()
    return hashlib.sha256(shape + pixels.numpy().tobytes()).hexdigest()[:16]


def translate(
    model: AppliedModel,
    pixels: Tensor,
    domain: DomainName,
    style_seed: int,
    *,
    and_back: bool = True,
    styles: Tensor | None = None,
) -> Translated:
    """Images of a domain to the other and, where there is a direction and it is wanted, back.

    `styles` [1 or N, style_channels]: in place of those of the seed.
    """
    if styles is None:
        random = generator(style_seed, "evaluate", domain)
        styles = model.draw_styles(len(pixels), random)
    translations, reconstructions = [], []
    at_once = images_at_once(*pixels.shape[2:])
    for first_of_part in range(0, len(pixels), at_once):
        part = slice(first_of_part, first_of_part + at_once)
        style = styles if styles is None or len(styles) == 1 else styles[part]
        translated, back = model.translate_and_back(
            pixels[part], OTHER[domain], style, back=and_back
        )
        translations.append(translated)
        report(f"translating {domain} to {OTHER[domain]}", part.stop, len(pixels))
        reconstructions += [] if back is None else [back]
    return Translated(
        to_eight_bits(pixels),
        torch.cat(translations),
        torch.cat(reconstructions) if reconstructions else None,
    )


def generate(model: AppliedModel, count: int, style_seed: int) -> Tensor:
    """`count` images of b from noise that follows a seed, NCHW uint8."""
    return model.sample(count, generator(style_seed, "evaluate", "b"))
