"""Application of a model: batches of pixels through a method's networks.

On the device, in the precision and in the memory layout that suit them. Whatever translates,
generates or measures does it through this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from unpaired.core.devices import (
    NumberFormat,
    exact_float32,
    precision_of_translation,
    prefers_channels_last,
    translates_in,
)
from unpaired.core.errors import DataError
from unpaired.core.torch_state import plain_torch
from unpaired.data.domain import DIRECTION, OTHER, Domain, DomainName
from unpaired.data.tensors import PIXELS_AT_ONCE, images_at_once
from unpaired.experiment.experiment import Experiment
from unpaired.methods.networks import Networks
from unpaired.methods.protocols import Classifies, Encodes, Generates, Translates

GPU_PIXELS_AT_ONCE = 64 * 256**2
"""What fills a GPU, with nothing in its memory but the model; see `PIXELS_AT_ONCE`."""


class AppliedModel:
    """A method's networks on a device. Pixels are [N, C, H, W] uint8 or uint16, on the CPU.

    What the method is not able to do (see `methods.protocols`) must not be asked.
    """

    def __init__(self, experiment: Experiment, networks: Networks, device: torch.device) -> None:
        """`networks` are in evaluation mode, but for discriminators; they move to `device`."""
        self.experiment = experiment
        self.device = device
        self.networks = networks.to(device)
        if prefers_channels_last(device, experiment.b.size):
            self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def precision(self) -> NumberFormat:
        """The number format in which its images are made; from noise, and where 16 bits are kept,
        always float32."""
        if not self.experiment.directions or self.experiment.keeps_16_bits:
            return "float32"
        return translates_in(self.experiment.training.precision, self.device)

    def domains(self, to: DomainName) -> tuple[Domain, Domain]:
        """The domain that is translated, and the domain `to` that it is translated to."""
        return self.experiment.domain(OTHER[to]), self.experiment.domain(to)

    def images_per_batch(self, height: int, width: int) -> int:
        """How many images of a size are translated at once."""
        pixels = GPU_PIXELS_AT_ONCE if self.device.type == "cuda" else PIXELS_AT_ONCE
        return images_at_once(height, width, pixels)

    @property
    def translating(self) -> Translates:
        """The method, of a model that translates."""
        assert isinstance(self.experiment.method, Translates)
        return self.experiment.method

    @property
    def generating(self) -> Generates:
        """The method, of a model that generates images from noise."""
        assert isinstance(self.experiment.method, Generates)
        return self.experiment.method

    def draw_styles(self, count: int, random: torch.Generator) -> Tensor | None:
        """`count` random styles for a→b, [count, style_channels]; none where it has no style."""
        return self.translating.draw_styles(self.networks, count, random)

    @plain_torch()
    def translate_batch(self, pixels: Tensor, to: DomainName, style: Tensor | None) -> Tensor:
        """Translate pixels of a domain, sides multiples of what the generator needs, to the other.

        `style` [1 or N, style_channels] is for directions that have one. Returns [N, C', H, W] on
        the CPU, uint8, or uint16 where the domain `to` has 16 bits. A batch that does not fit into
        the GPU's memory is translated in halves.

        Raises:
            DataError: when a single image does not fit.
        """
        try:
            return self._translate_at_once(pixels, to, style)
        except torch.OutOfMemoryError:
            height, width = pixels.shape[2:]
            if len(pixels) == 1:
                raise DataError(
                    f"{width}×{height} pixels at once do not fit into the GPU's memory. Use "
                    '--resolution trained (resolution="trained"), or --device cpu.',
                    code="image-too-large-for-gpu",
                ) from None
        halves = zip(pixels.chunk(2), _spread(style, len(pixels)), strict=True)
        return torch.cat([self.translate_batch(half, to, styles) for half, styles in halves])

    def _translate_at_once(self, pixels: Tensor, to: DomainName, style: Tensor | None) -> Tensor:
        target = self.experiment.domain(to)
        output = self._translate(self.values(pixels, OTHER[to]), to, style)
        return target.representation.decode(output, target.levels).cpu()

    def translate_and_back(
        self, pixels: Tensor, to: DomainName, style: Tensor | None, *, back: bool = True
    ) -> tuple[Tensor, Tensor | None]:
        """Translations of pixels of a domain, and their reconstructions; both uint8 on the CPU.

        Reconstructions are of translations as the networks made them, before they are rounded to
        pixels; none where there is no direction back, or none are asked for.
        """
        source = OTHER[to]
        values = self.values(pixels, source)
        output = self._translate(values, to, style)
        translations = self.experiment.domain(to).representation.decode(output).cpu()
        if not back or DIRECTION[to] not in self.experiment.directions:
            return translations, None
        return translations, self._reconstruct(output, values, source)

    def reconstruct(self, translations: Tensor, originals: Tensor, to: DomainName) -> Tensor:
        """Translations, given as pixels, back `to` the domain of their originals; uint8, CPU."""
        parts = self.batches(translations, OTHER[to]), self.batches(originals, to)
        return torch.cat([self._reconstruct(*pair, to) for pair in zip(*parts, strict=True)])

    @torch.inference_mode()
    def _translate(self, values: Tensor, to: DomainName, style: Tensor | None) -> Tensor:
        """What networks see of one domain => what they make of it in the other, on the device."""
        if style is not None:
            style = style.to(self.device).expand(len(values), -1)
        with self._precision():
            return self.translating.translate(self.networks, values, to, style)

    @torch.inference_mode()
    def _reconstruct(self, translated: Tensor, originals: Tensor, to: DomainName) -> Tensor:
        with self._precision():
            output = self.translating.translate_back(self.networks, translated, originals, to)
        return self.experiment.domain(to).representation.decode(output).cpu()

    def values(self, pixels: Tensor, domain: DomainName) -> Tensor:
        """Pixels of a domain as networks see them, on the device."""
        values = self.experiment.domain(domain).representation.encode(pixels.to(self.device))
        if prefers_channels_last(self.device, min(values.shape[2:])):
            return values.to(memory_format=torch.channels_last)
        return values

    def batches(self, pixels: Tensor, domain: DomainName) -> Iterator[Tensor]:
        """Many pixels of a domain as networks see them, a few images at a time."""
        for part in torch.split(pixels, images_at_once(*pixels.shape[2:])):
            yield self.values(part, domain)

    @torch.inference_mode()
    def generate(self, latents: Tensor, levels: int = 255) -> Tensor:
        """Noise [N, latent_channels] => images of b on the CPU, uint8, or uint16 (levels 65535)."""
        b, images = self.experiment.b, []
        exact = self.experiment.keeps_16_bits
        for part in torch.split(latents.float(), images_at_once(b.size, b.size)):
            with exact_float32(self.device) if exact else nullcontext():
                values = self.generating.generate(self.networks, part.to(self.device))
            images.append(b.representation.decode(values, levels).cpu())
        return torch.cat(images)

    def sample(self, count: int, random: torch.Generator) -> Tensor:
        """`count` images of b from noise that is drawn, uint8 on the CPU."""
        return self.generate(self.generating.draw_latents(count, random))

    def interpolate(self, count: int, steps: int, random: torch.Generator) -> Iterator[Tensor]:
        """Images on `count` straight lines between draws of the noise, `steps` on each.

        Yields [count, C, H, W] uint8 for each step, the first and the last draws included.
        """
        first, last = self.generating.draw_latents(2 * count, random).chunk(2)
        for share in torch.linspace(0, 1, steps):
            yield self.generate(torch.lerp(first, last, share))

    def encode(self, pixels: Tensor, domain: DomainName) -> Tensor | None:
        """Features [N, d] of pixels by the method's own encoder, on the CPU; none without one."""
        method = self.experiment.method
        if not isinstance(method, Encodes):
            return None
        return self._of_batches(
            pixels, domain, lambda values: method.encode(self.networks, values, domain)
        )

    def classify(self, pixels: Tensor) -> Tensor | None:
        """Classes [N] of pixels of a, on the CPU; none where no encoder has learned them."""
        method = self.experiment.method
        if not isinstance(method, Classifies) or not method.num_classes:
            return None
        return self._of_batches(
            pixels, "a", lambda values: method.classify(self.networks, values).argmax(1)
        )

    @torch.inference_mode()
    def _of_batches(
        self, pixels: Tensor, domain: DomainName, function: Callable[[Tensor], Tensor]
    ) -> Tensor:
        return torch.cat([function(values).cpu() for values in self.batches(pixels, domain)])

    def _precision(self) -> AbstractContextManager[None]:
        if self.experiment.keeps_16_bits:
            return exact_float32(self.device)
        return precision_of_translation(self.experiment.training.precision, self.device)


def _spread(style: Tensor | None, count: int) -> Sequence[Tensor | None]:
    """The styles of the two halves of a batch."""
    return (None, None) if style is None else style.expand(count, -1).chunk(2)
