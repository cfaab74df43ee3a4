"""Translator: a model applied to a person's images: files, bytes, Pillow, arrays and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unpaired.core.devices import Device, choose_device
from unpaired.core.errors import DataError, SettingError, check_choice
from unpaired.core.torch_state import plain_torch
from unpaired.data.batches import generator
from unpaired.data.domain import DIRECTION, OTHER, DomainName, Pixels
from unpaired.data.framing import Placed, Resolution, place
from unpaired.data.pixels import Alpha, ImageLike, holds_alpha, like, read_image, with_alpha
from unpaired.inference.applied import AppliedModel
from unpaired.models.folder import load_model


@plain_torch()
def load(folder: str | Path, device: Device = "auto") -> Translator:
    """Read a model folder.

    Raises:
        ModelError: when the folder is refused, with the reason and what to do.
    """
    model = load_model(Path(folder))
    return Translator(model.experiment, model.networks, choose_device(device))


class Translator(AppliedModel):
    """Translates images between the two domains of a model."""

    def __repr__(self) -> str:
        """Such as `<Translator demo: CycleGAN a2b b2a, a 1x32x32, b 3x32x32, cpu, float32>`."""
        experiment = self.experiment
        words = [type(experiment.method).__name__, *experiment.directions]
        domains = [f"{n} {d.channels}x{d.size}x{d.size}" for n, d in experiment.domains.items()]
        parts = [" ".join(words), *domains, str(self.device), self.precision]
        return f"<Translator {experiment.name}: {', '.join(parts)}>"

    def read_as(self, domain: DomainName | None = None, **reading: Any) -> None:
        """Read images of a domain, or of both, otherwise than in training: by another `range`, or
        with other settings of `Decoding`. Label maps have no range.

        Raises:
            SettingError: for a range of nothing but label maps, whose colours it would change.
        """
        domains = self.experiment.domains
        names = list(domains) if domain is None else [domain]
        ranged = {"range": reading.pop("range")} if "range" in reading else {}
        if ranged:
            names = [name for name in names if not domains[name].holds_labels]
        if not names:
            raise SettingError(
                "a range would change the colours of label maps, which are its classes. Leave it "
                "out.",
                code="range-of-label-maps",
                setting="range",
            )
        changes: dict[str, Any] = {
            name: replace(
                domains[name], decoding=replace(domains[name].decoding, **reading), **ranged
            )
            for name in names
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
        alpha: Alpha = "keep",
    ) -> Any:
        """Translate a Pillow image, an array (H, W) or (H, W, C), a tensor [C, H, W] or
        [N, C, H, W], a path, or the bytes of an image file, to domain `to`.

        Returns the same kind of thing (a Pillow image for a path and for bytes), at the same size,
        with the channels and depth of the domain, and the transparency of the image, if it has
        any, as a last channel; with `samples` > 1, a list of as many, each in another style. Style
        k of a seed is the same for all images. For sizes, see `Resolution`, for transparency,
        `Alpha`.

        Raises:
            UnreadableImage, DataError: when the image cannot be used, with the reason.
            SettingError: for samples or a style of a direction that has no style.
        """
        self.check(to, style_seed, samples)
        is_batch = isinstance(image, Tensor) and image.ndim == 4
        images: list[ImageLike] = list(image) if isinstance(image, Tensor) and is_batch else [image]
        if not images:
            raise DataError("the batch holds no image.", code="empty-batch")
        check_choice("alpha", alpha, Alpha)
        source, target = self.domains(to)
        decoded = [read_image(one, source) for one in images]
        keeps_alpha = alpha == "keep" and holds_alpha(images[0], target)
        alphas = [one.alpha if keeps_alpha else None for one in decoded]
        placed = [self.place(one.pixels, "the image", to, resolution) for one in decoded]
        size = self.images_per_batch(*placed[0].pixels.shape[:2])
        results: list[Any] = []
        for sample in range(samples):
            translations: list[Pixels] = []
            for first in range(0, len(placed), size):
                pixels = stack([one.pixels for one in placed[first : first + size]])
                style = self.style(to, style_seed, sample)
                translations += unstack(self.translate_batch(pixels, to, style))
            finished = zip(placed, translations, alphas, images, strict=True)
            like_input = [
                like(self.finish(one, result, opacity, to), original)
                for one, result, opacity, original in finished
            ]
            results.append(torch.stack(like_input) if is_batch else like_input[0])
        return results if samples > 1 else results[0]

    def place(self, pixels: Pixels, name: str, to: DomainName, resolution: Resolution) -> Placed:
        """Make pixels (H, W, C) ready for translation to domain `to`; see `resolution.place`."""
        multiple, domains = self.translating.size_multiple, self.domains(to)
        return place(
            pixels, name, *domains, multiple, resolution, fixed_size=self.translating.fixed_size
        )

    def finish(
        self, placed: Placed, translation: Pixels, alpha: Pixels | None, to: DomainName
    ) -> Pixels:
        """What the networks made of a placed image, at the image's own size: (H, W, C), or
        (H, W, C + 1) with the opacity `alpha` (H, W, 1) of the image."""
        pixels = placed.restore(translation)
        return pixels if alpha is None else with_alpha(pixels, alpha, *self.domains(to))

    @plain_torch()
    def style(self, to: DomainName, style_seed: int, sample: int) -> Tensor | None:
        """Style number `sample` of a seed, [1, style_channels]; None where there is no style."""
        if to == "a":
            return None
        random = generator("style", style_seed, sample)
        return self.draw_styles(1, random)

    def check(self, to: DomainName, style_seed: int, samples: int) -> None:
        """Raise `SettingError` for settings that have no meaning for this model."""
        if to not in ("a", "b"):
            raise SettingError(
                f"to is {to!r}: a model translates to its domain a or b.",
                code="no-such-domain",
                setting="to",
            )
        method, directions = self.experiment.method, self.experiment.directions
        if not directions:
            raise SettingError(
                "this model makes images from noise and translates none. Use `unpaired generate`.",
                code="model-generates",
            )
        if DIRECTION[OTHER[to]] not in directions:
            raise SettingError(
                f"to is {to!r}, but a {type(method).__name__} model knows one direction only. "
                f"Translate to {OTHER[to]}, or train one with the domains exchanged.",
                code="no-such-direction",
                setting="to",
            )
        if style_seed < 0 or samples < 1:
            raise SettingError(
                f"style_seed is {style_seed} and samples {samples}: the least are 0 and 1.",
                code="style-seed-or-samples-too-small",
            )
        has_style = self.style(to, style_seed, 0) is not None
        for name, value, alone in (("samples", samples, 1), ("style_seed", style_seed, 0)):
            if value != alone and not has_style:
                raise SettingError(
                    f"{name} is {value}, but this model has only one translation per image to "
                    f"{to}: only a→b can have a style (method.style_channels). Leave {name} at "
                    f"{alone}.",
                    code="model-has-no-style",
                    setting=name,
                )


def stack(images: Sequence[Pixels]) -> Tensor:
    """Images (H, W, C) of one size => [N, C, H, W]."""
    return torch.from_numpy(np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)))


def unstack(images: Tensor) -> list[Pixels]:
    """[N, C, H, W] => images (H, W, C)."""
    return list(np.ascontiguousarray(images.numpy().transpose(0, 2, 3, 1)))
