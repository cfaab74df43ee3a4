"""Images of a split as evaluation takes them, and their translations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.devices import precision_of_translation, translates_in
from unpaired.data.batches import generator
from unpaired.data.dataset import Images
from unpaired.data.domain import DIRECTION, OTHER, DomainName
from unpaired.data.tensors import images_at_once
from unpaired.experiment.experiment import Experiment
from unpaired.inference.noise import generate
from unpaired.methods.networks import Networks

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


class Translating:
    """A method's networks, applied to whole image sets on a device; styles and noise follow a seed.

    Translations are made in the precision in which `translate` makes them.
    """

    def __init__(
        self, experiment: Experiment, networks: Networks, device: torch.device, style_seed: int
    ) -> None:
        """`networks` is in evaluation mode but for its discriminators."""
        self.experiment, self.networks, self.device = experiment, networks, device
        self.style_seed = style_seed

    def values(self, pixels: Tensor, domain: DomainName) -> Iterator[Tensor]:
        """Images of a domain, NCHW integers => batches as networks see it, on the device."""
        representation = self.experiment.domain(domain).representation
        for part in torch.split(pixels, images_at_once(*pixels.shape[2:])):
            yield representation.encode(part.to(self.device))

    @torch.inference_mode()
    def translate(
        self,
        pixels: Tensor,
        domain: DomainName,
        *,
        and_back: bool = True,
        styles: Tensor | None = None,
    ) -> Translated:
        """Images of a domain to the other and, where there is a way and it is wanted, back.

        `styles` [N, style_channels]: in place of those of the seed.
        """
        method, other = self.experiment.method, OTHER[domain]
        representation = self.experiment.domain(other).representation
        if styles is None:
            random = generator(self.style_seed, "evaluate", domain)
            styles = method.draw_styles(self.networks, len(pixels), random)
        returns = and_back and DIRECTION[other] in method.directions
        translations, reconstructions = [], []
        done = 0
        for source in self.values(pixels, domain):
            style = None if styles is None else styles[done : done + len(source)]
            done += len(source)
            with self._precision():
                translation = method.translate(self.networks, source, other, style)
            translations.append(representation.decode(translation).cpu())
            if returns:
                reconstructions.append(self._translate_back(translation, source, domain))
        return Translated(
            to_eight_bits(pixels),
            torch.cat(translations),
            torch.cat(reconstructions) if returns else None,
        )

    @torch.inference_mode()
    def translate_back(self, translations: Tensor, source: Tensor, domain: DomainName) -> Tensor:
        """Translations of images of `domain`, given as 8-bit pixels, back to it; uint8."""
        pairs = zip(
            self.values(translations, OTHER[domain]), self.values(source, domain), strict=True
        )
        return torch.cat([self._translate_back(*pair, domain) for pair in pairs])

    def _translate_back(self, translation: Tensor, source: Tensor, domain: DomainName) -> Tensor:
        """One batch of values => its pixels in `domain`."""
        with self._precision():
            cycled = self.experiment.method.translate_back(
                self.networks, translation, source, domain
            )
        return self.experiment.domain(domain).representation.decode(cycled).cpu()

    @property
    def precision(self) -> Literal["bfloat16", "float32"]:
        """The number format in which its images are made; of noise always float32."""
        makes_from_noise = not self.experiment.method.directions
        training = self.experiment.training
        return "float32" if makes_from_noise else translates_in(training.precision, self.device)

    def _precision(self) -> torch.autocast:
        return precision_of_translation(self.experiment.training.precision, self.device)

    def generate(self, count: int) -> Tensor:
        """`count` images of b from noise, NCHW uint8."""
        random = generator(self.style_seed, "evaluate", "b")
        latents = self.experiment.method.draw_latents(count, random)
        return generate(self.experiment, self.networks, latents, self.device)

    @torch.inference_mode()
    def describe(self, pixels: Tensor, domain: DomainName) -> NDArray[np.float64] | None:
        """What the method's own encoder makes of images of a domain, (N, d); none without one."""
        described = []
        for values in self.values(pixels, domain):
            features = self.experiment.method.features(self.networks, values, domain)
            if features is None:
                return None
            described.append(features.double().cpu().numpy())
        return np.concatenate(described)

    @torch.inference_mode()
    def classify(self, pixels: Tensor) -> NDArray[np.int64]:
        """The classes of images of a, to an encoder that has learned them."""
        method = self.experiment.method
        logits = [method.classify(self.networks, values) for values in self.values(pixels, "a")]
        classes: NDArray[np.int64] = torch.cat(logits).argmax(1).cpu().numpy()
        return classes
