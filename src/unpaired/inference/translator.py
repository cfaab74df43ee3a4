"""Translator: a model applied to images, on the device and in the precision that suit it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unpaired.core.devices import (
    Device,
    choose_device,
    precision_of_translation,
    prefers_channels_last,
)
from unpaired.core.errors import DataError, SettingError
from unpaired.core.torch_state import plain_torch
from unpaired.data.batches import generator
from unpaired.data.domain import DIRECTION, OTHER, Domain, DomainName, Pixels
from unpaired.data.framing import Placed, Resolution, place
from unpaired.data.pixels import ImageLike, like, read_image
from unpaired.data.tensors import PIXELS_AT_ONCE, images_at_once
from unpaired.experiment.experiment import Experiment
from unpaired.methods.networks import Networks
from unpaired.models.folder import load_model

GPU_PIXELS_AT_ONCE = 64 * 256**2
"""What fills a GPU, with nothing in its memory but the model; see `PIXELS_AT_ONCE`."""


@plain_torch()
def load(folder: str | Path, device: Device = "auto") -> Translator:
    """Read a model folder.

    Raises:
        ModelError: when the folder is refused, with the reason and what to do.
    """
    model = load_model(Path(folder))
    return Translator(model.experiment, model.networks, choose_device(device))


class Translator:
    """Translates images between the two domains of a model."""

    def __init__(self, experiment: Experiment, networks: Networks, device: torch.device) -> None:
        """`networks` are in evaluation mode; they are moved to `device`."""
        self.experiment = experiment
        self.device = device
        self.networks = networks.to(device)
        if prefers_channels_last(device, experiment.b.size):
            self.networks.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def read_as(self, **reading: Any) -> None:
        """Read images otherwise than in training: `range`, and settings of `Decoding`."""
        ranged = {"range": reading.pop("range")} if "range" in reading else {}
        changes: dict[str, Any] = {
            name: replace(domain, decoding=replace(domain.decoding, **reading), **ranged)
            for name, domain in self.experiment.domains.items()
        }
        self.experiment = replace(self.experiment, **changes)

    @plain_torch()
    def translate(
        self,
        image: ImageLike,
        to: DomainName,
        *,
        style_seed: int = 0,
        samples: int = 1,
        resolution: Resolution = "auto",
    ) -> Any:
        """Translate a Pillow image, an array (H, W) or (H, W, C), a tensor [C, H, W] or
        [N, C, H, W], or a file, to domain `to`.

        Returns the same kind of thing (a Pillow image for a file), at the same size, with the
        channels and depth of the domain; with `samples` > 1, a list of as many, each in another
        style. Style k of a seed is the same for all images. For sizes, see `Resolution`.

        Raises:
            UnreadableImage, DataError: when the image cannot be used, with the reason.
            SettingError: for samples or a style of a direction that has no style.
        """
        self.check(to, style_seed, samples)
        is_batch = isinstance(image, Tensor) and image.ndim == 4
        images: list[ImageLike] = list(image) if isinstance(image, Tensor) and is_batch else [image]
        if not images:
            raise DataError("the batch holds no image.")
        source, _ = self.domains(to)
        placed = [
            self.place(read_image(one, source), "the image", to, resolution) for one in images
        ]
        size = self.images_per_batch(*placed[0].pixels.shape[:2])
        results: list[Any] = []
        for sample in range(samples):
            translations: list[Pixels] = []
            for first in range(0, len(placed), size):
                pixels = stack([one.pixels for one in placed[first : first + size]])
                style = self.style(to, style_seed, sample)
                translations += unstack(self.translate_batch(pixels, to, style))
            pairs = zip(placed, translations, images, strict=True)
            like_input = [like(one.restore(result), original) for one, result, original in pairs]
            results.append(torch.stack(like_input) if is_batch else like_input[0])
        return results if samples > 1 else results[0]

    @plain_torch()
    def translate_batch(self, pixels: Tensor, to: DomainName, style: Tensor | None) -> Tensor:
        """Translate [N, C, H, W] uint8 or uint16, sides multiples of what the generator needs.

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
                    '--resolution trained (resolution="trained"), or --device cpu.'
                ) from None
        halves = zip(pixels.chunk(2), _spread(style, len(pixels)), strict=True)
        return torch.cat([self.translate_batch(half, to, styles) for half, styles in halves])

    @torch.inference_mode()
    def _translate_at_once(self, pixels: Tensor, to: DomainName, style: Tensor | None) -> Tensor:
        source, target = self.domains(to)
        values = source.representation.encode(pixels.to(self.device))
        if prefers_channels_last(self.device, min(values.shape[2:])):
            values = values.to(memory_format=torch.channels_last)
        if style is not None:
            style = style.to(self.device).expand(len(pixels), -1)
        with precision_of_translation(self.experiment.training.precision, self.device):
            output = self.experiment.method.translate(self.networks, values, to, style)
        return target.representation.decode(output, target.levels).cpu()

    def place(self, pixels: Pixels, name: str, to: DomainName, resolution: Resolution) -> Placed:
        """Make pixels (H, W, C) ready for translation to domain `to`; see `resolution.place`."""
        method = self.experiment.method
        return place(
            pixels,
            name,
            *self.domains(to),
            method.size_multiple,
            resolution,
            fixed_size=method.fixed_size,
        )

    def domains(self, to: DomainName) -> tuple[Domain, Domain]:
        """The domain that is translated, and the domain `to` that it is translated to."""
        return self.experiment.domain(OTHER[to]), self.experiment.domain(to)

    @plain_torch()
    def style(self, to: DomainName, style_seed: int, sample: int) -> Tensor | None:
        """Style number `sample` of a seed, [1, style_channels]; None where there is no style."""
        if to == "a":
            return None
        random = generator("style", style_seed, sample)
        return self.experiment.method.draw_styles(self.networks, 1, random)

    def images_per_batch(self, height: int, width: int) -> int:
        """How many images of a size are translated at once."""
        pixels = GPU_PIXELS_AT_ONCE if self.device.type == "cuda" else PIXELS_AT_ONCE
        return images_at_once(height, width, pixels)

    def check(self, to: DomainName, style_seed: int, samples: int) -> None:
        """Raise `SettingError` for settings that have no meaning for this model."""
        if to not in ("a", "b"):
            raise SettingError(f"to is {to!r}: a model translates to its domain a or b.")
        method = self.experiment.method
        if not method.directions:
            raise SettingError(
                "this model makes images from noise and translates none. Use `unpaired generate`."
            )
        if DIRECTION[OTHER[to]] not in method.directions:
            raise SettingError(
                f"to is {to!r}, but a {type(method).__name__} model knows one direction only. "
                f"Translate to {OTHER[to]}, or train one with the domains exchanged."
            )
        if style_seed < 0 or samples < 1:
            raise SettingError(
                f"style_seed is {style_seed} and samples {samples}: the least are 0 and 1."
            )
        has_style = self.style(to, style_seed, 0) is not None
        for name, value, alone in (("samples", samples, 1), ("style_seed", style_seed, 0)):
            if value != alone and not has_style:
                raise SettingError(
                    f"{name} is {value}, but this model has only one translation per image to "
                    f"{to}: only a→b can have a style (method.style_channels). Leave {name} at "
                    f"{alone}."
                )


def stack(images: Sequence[Pixels]) -> Tensor:
    """Images (H, W, C) of one size => [N, C, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))


def unstack(images: Tensor) -> list[Pixels]:
    """[N, C, H, W] => images (H, W, C)."""
    return list(np.ascontiguousarray(images.numpy().transpose(0, 2, 3, 1)))


def _spread(style: Tensor | None, count: int) -> Sequence[Tensor | None]:
    """The styles of the two halves of a batch."""
    return (None, None) if style is None else style.expand(count, -1).chunk(2)
