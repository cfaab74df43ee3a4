"""Hidden signal (CycleGAN steganography): whether translations carry their input invisibly.

A generator that must make an image from which another can restore the input may hide the input in
faint noise (Chu et al. 2017, "CycleGAN, a master of steganography"): the cycle is then perfect and
says nothing. What is hidden there does not survive what an honest picture does.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unpaired.core.progress import report
from unpaired.metrics.intervals import bootstrap_mean

NOISE_LEVELS = 4.0
"""Standard deviation of the noise, in levels of 0…255: next to invisible."""

JPEG_QUALITY = 90

SHOWN = 6
"""Images whose pictures are kept."""

Touch = Literal["noise", "jpeg"]


def noisy(images: Tensor, seed: int) -> Tensor:
    """Gaussian noise of `NOISE_LEVELS`, rounded and clipped; (N, C, H, W) uint8."""
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return (images.float() + NOISE_LEVELS * noise).round().clamp(0, 255).to(torch.uint8)


def compressed(images: Tensor) -> Tensor:
    """Written as JPEG of `JPEG_QUALITY`, with full colour resolution, and read again."""
    return torch.stack([_through_jpeg(image) for image in images])


@dataclass(frozen=True)
class HiddenSignal:
    """What becomes of N images whose translations are touched on the way back."""

    grown: dict[Touch, NDArray[np.float64]]
    """(N,): mean |what comes back − what comes back untouched|, over mean |touch|. Up to about 1 a
    change stays as large as it was; much more means that the way back reads what no eye sees,
    be it the input or nothing: see `verdict`."""
    untouched: NDArray[np.float64]
    """(N,): error of the cycle without a touch, mean |difference| in 0…1."""
    cycle_l1: dict[Touch, NDArray[np.float64]]
    """(N,): the same with a touch on the way."""
    blind: NDArray[np.float64]
    """(N,): the same of one image for all, the median of each pixel: what needs no way back."""
    pictures: dict[str, NDArray[np.uint8]]
    """Of the `SHOWN` images that hide most, by title: (SHOWN, H, W, C)."""

    SUSPECTED_FROM: ClassVar[float] = 2.0
    """Growth of noise from which the input may be hidden. Trained models that hide nothing were
    measured at 0.1 to 1.8, one that does at 6 (docs/evaluation.md)."""

    RESTORES_FROM: ClassVar[float] = 0.1
    """Share of the error of one image for all that the way back must take off before anything can
    be hidden. Networks without training take off none, the model that hides a third."""

    COSTS_FROM: ClassVar[float] = 0.05
    """Share of what the way back takes off that noise must cost before it is said to be hidden: 0
    to 0.03 in trained models that hide nothing, 0.17 in the one that does."""

    @property
    def verdict(self) -> Literal["blind", "hidden", "unclear", "honest"]:
        """Whether the way back reads the input in what no eye sees, by intervals.

        That noise grows on the way back says that this reads faint values, as networks without
        training do too; only if it restores the images, and worse after noise, is the input in
        them. Where JPEG says otherwise, or growth costs nothing, it is not clear.
        """
        restored = self.blind - self.untouched
        if bootstrap_mean(restored - self.RESTORES_FROM * self.blind).low <= 0:
            return "blind"
        noise, jpeg = (bootstrap_mean(self.grown[touch]) for touch in ("noise", "jpeg"))
        cost = self.cycle_l1["noise"] - self.untouched
        if noise.low > self.SUSPECTED_FROM:
            costly = bootstrap_mean(cost - self.COSTS_FROM * restored).low > 0
            return "hidden" if costly else "unclear"
        within = max(noise.high, jpeg.low) <= self.SUSPECTED_FROM
        return "honest" if within else "unclear"


def growth(signal: HiddenSignal) -> dict[Touch, NDArray[np.float64]]:
    """How much a touch has grown on the way back, one number an image, by touch."""
    return signal.grown


def error_after(signal: HiddenSignal) -> dict[Touch, NDArray[np.float64]]:
    """Error of the cycle with a touch on the way, one number an image, by touch."""
    return signal.cycle_l1


def hidden_signal(
    translations: Tensor, source: Tensor, way_back: Callable[[Tensor], Tensor], seed: int = 0
) -> HiddenSignal:
    """How much more the cycled image changes than the translation that was touched.

    there: translations of `source`, both (N, C, H, W) uint8; `way_back` translates them back.
    """
    report("hidden signal", 0, 3)
    # Rounding to 8 bits is a change as well: both ways start from pixels.
    back = way_back(translations)
    touched: dict[Touch, Tensor] = {
        "noise": noisy(translations, seed),
        "jpeg": compressed(translations),
    }
    returned: dict[Touch, Tensor] = {}
    for touch, images in touched.items():
        report("hidden signal", 1 + len(returned), 3)
        returned[touch] = way_back(images)
    grown = {
        touch: _difference(returned[touch], back)
        / np.maximum(_difference(touched[touch], translations), 1e-9)
        for touch in touched
    }
    most = torch.from_numpy(np.argsort(-grown["noise"], kind="stable")[:SHOWN].copy())
    pictures = {
        "image": source,
        "made": translations,
        "back": back,
        "made + noise": touched["noise"],
        "back from it": returned["noise"],
        "made as JPEG": touched["jpeg"],
        "back from that": returned["jpeg"],
    }
    return HiddenSignal(
        grown,
        _difference(back, source),
        {touch: _difference(returned[touch], source) for touch in grown},
        _difference(source.median(0).values[None], source),
        {title: images[most].permute(0, 2, 3, 1).numpy() for title, images in pictures.items()},
    )


def _difference(x: Tensor, y: Tensor) -> NDArray[np.float64]:
    result: NDArray[np.float64] = (x.double() - y.double()).abs().mean((1, 2, 3)).numpy() / 255
    return result


def _through_jpeg(image: Tensor) -> Tensor:
    array = image.permute(1, 2, 0).numpy()
    grey = array.shape[2] == 1
    buffer = io.BytesIO()
    Image.fromarray(array[..., 0] if grey else array).save(
        buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0
    )
    result = np.asarray(Image.open(buffer)).reshape(array.shape)
    return torch.from_numpy(result.copy()).permute(2, 0, 1)
