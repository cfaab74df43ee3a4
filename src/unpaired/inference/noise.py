"""Image generation from noise: samples, interpolation, and sums of noise."""

from __future__ import annotations

import os
import re
from itertools import zip_longest
from pathlib import Path

import torch
from torch import Tensor

from unpaired.core.devices import Device, choose_device
from unpaired.core.errors import SettingError
from unpaired.core.torch_state import plain_torch
from unpaired.data.batches import generator
from unpaired.data.domain import Pixels
from unpaired.data.pixels import to_pillow
from unpaired.inference.applied import AppliedModel
from unpaired.models.folder import load_model


class Noise(AppliedModel):
    """A model that makes images from noise. Image k of a seed is always the same."""

    @plain_torch()
    def __init__(self, folder: str | Path, device: Device = "auto") -> None:
        """Read a model folder.

        Raises:
            ModelError: when the folder is refused.
            SettingError: when the model translates images.
        """
        model = load_model(Path(folder))
        if model.experiment.directions:
            raise SettingError(
                f"{folder} is a model that translates images. Use `unpaired translate`.",
                code="model-translates",
            )
        super().__init__(model.experiment, model.networks, choose_device(device))

    @plain_torch()
    def latents(self, count: int, seed: int = 0, first: int = 0) -> Tensor:
        """The noise of images `first` to `first + count` of a seed, [count, latent_channels].

        Raises:
            SettingError: for no image, and for numbers below 0.
        """
        if count < 1 or min(seed, first) < 0:
            raise SettingError(
                f"count is {count}, seed {seed} and first {first}: the least are 1, 0 and 0.",
                code="count-seed-or-first-too-small",
            )
        seeds = [generator("generate", seed, first + i) for i in range(count)]
        return torch.cat([self.generating.draw_latents(1, random) for random in seeds])

    @plain_torch()
    def images(self, latents: Tensor) -> list[Pixels]:
        """[N, latent_channels] => N images (H, W, C), uint8, or uint16 where the model's are.

        Raises:
            SettingError: for noise of another shape.
        """
        width = self.generating.latent_channels
        if latents.ndim != 2 or latents.shape[1] != width:
            raise SettingError(
                f"latents have the shape {tuple(latents.shape)}: this model takes (N, {width}).",
                code="latents-of-another-shape",
            )
        images = self.generate(latents, self.experiment.b.levels)
        return list(images.permute(0, 2, 3, 1).numpy())

    @plain_torch()
    def between(self, first: int, last: int, steps: int, seed: int = 0) -> Tensor:
        """The noise on the straight line from image `first` of a seed to image `last`."""
        start, end = (self.latents(1, seed, number) for number in (first, last))
        shares = torch.linspace(0, 1, steps)[:, None]
        return start + shares * (end - start)

    @plain_torch()
    def arithmetic(self, text: str, seed: int = 0) -> Tensor:
        """The noise that a sum of images comes to, such as "0,4,7 - 1,2,3 + 8,9,10".

        Each term is the mean of the noise of some images, by number (DCGAN, section 6.3.2: three,
        as one alone is too rare a draw). Returns [terms + 1, latent_channels]: the terms, the sum.
        """
        parts = terms_of(text)
        terms = [
            torch.cat([self.latents(1, seed, int(n)) for n in numbers.split(",")]).mean(0)
            for _, numbers in parts
        ]
        signed = [-t if sign == "-" else t for (sign, _), t in zip(parts, terms, strict=True)]
        return torch.stack([*terms, torch.stack(signed).sum(0)])


def terms_of(text: str) -> list[tuple[str, str]]:
    """The terms of a sum such as "0,4 - 1 + 8", each with its sign: ("+", "0,4"), ("-", "1"), ….

    Raises:
        SettingError: saying where it is no sum.
    """
    words = re.findall(r"\d+(?:\s*,\s*\d+)*|\S", text)
    if words and words[0] not in ("+", "-"):
        words.insert(0, "+")
    signs, terms = words[::2], words[1::2]
    problem = "" if words else "it is empty"
    for sign, term in zip_longest(signs, terms, fillvalue=""):
        if sign not in ("+", "-"):
            problem = f"{sign!r} stands where + or - belongs"
        elif not term[:1].isdigit():
            problem = f"behind {sign!r} there is {repr(term) if term else 'nothing'}, no number"
        if problem:
            break
    if problem:
        raise SettingError(
            f"{text!r} is no sum of images: {problem}. Write their numbers, such as '0,4,7 - 1,2,3 "
            "+ 8'.",
            code="no-sum-of-images",
        )
    return list(zip(signs, terms, strict=True))


def free_paths(folder: Path, count: int, *, overwrite: bool = False) -> list[Path]:
    """Where `count` images go: 00000.png and so on in `folder`.

    Raises:
        SettingError: when some of them exist, without `overwrite`.
    """
    paths = [folder / f"{i:05d}.png" for i in range(count)]
    existing = [path for path in paths if os.path.lexists(path)]
    if existing and not overwrite:
        raise SettingError(
            f"{len(existing)} of {count} images exist already (first: {existing[0]}). Choose "
            "another folder with -o, or replace them with --overwrite.",
            code="images-exist",
        )
    return paths


def save(images: list[Pixels], paths: list[Path]) -> None:
    """Write each image to its path; colour of 16 bits at 8, see `to_pillow`."""
    for path, image in zip(paths, images, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        to_pillow(image).save(path)
