"""Whether a translation carries its input in what no eye sees, so that the way back can read it.

A generator that must make an image from which another can restore the input may hide the input in
faint noise (Chu et al. 2017, "CycleGAN, a master of steganography"): the cycle is then perfect and
says nothing. What is hidden there does not survive what an honest picture does.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unpaired.evaluate.intervals import Measurement, bootstrap_mean

NOISE_LEVELS = 4.0
"""Standard deviation of the noise, in levels of 0…255: next to invisible."""

JPEG_QUALITY = 90


def noisy(images: Tensor, seed: int) -> Tensor:
    """Gaussian noise of `NOISE_LEVELS`, rounded and clipped; (N, C, H, W) uint8."""
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    return (images.float() + NOISE_LEVELS * noise).round().clamp(0, 255).to(torch.uint8)


def compressed(images: Tensor) -> Tensor:
    """Written as JPEG of `JPEG_QUALITY`, with full colour resolution, and read again."""
    return torch.stack([_through_jpeg(image) for image in images])


def hidden_signal(
    there: Tensor, back: Tensor, source: Tensor, way_back: Callable[[Tensor], Tensor], seed: int = 0
) -> dict[str, Measurement]:
    """How much more the cycled image changes than the translation that was touched; per image mean.

    there: translations, back: what became of them, source: the images, all (N, C, H, W) uint8.
    `way_back` translates such translations back.

    `noise`, `jpeg`: mean |way_back(touched) − back| over mean |touched − there|. Up to about 1 a
    change stays as large as it was; much more means that the way back reads what no eye sees.
    `cycle_l1/noise`, `cycle_l1/jpeg`: what is left of the cycle, to be read beside `cycle_l1`.
    """
    metrics: dict[str, Measurement] = {}
    for name, touched in (("noise", noisy(there, seed)), ("jpeg", compressed(there))):
        returned = way_back(touched)
        grown = _difference(returned, back) / np.maximum(_difference(touched, there), 1e-9)
        metrics[name] = bootstrap_mean(grown)
        metrics[f"cycle_l1/{name}"] = bootstrap_mean(_difference(returned, source))
    return metrics


def _difference(x: Tensor, y: Tensor) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (x.double() - y.double()).abs().mean((1, 2, 3)).numpy() / 255
    return found


def _through_jpeg(image: Tensor) -> Tensor:
    array = image.permute(1, 2, 0).numpy()
    grey = array.shape[2] == 1
    buffer = io.BytesIO()
    Image.fromarray(array[..., 0] if grey else array).save(
        buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0
    )
    found = np.asarray(Image.open(buffer)).reshape(array.shape)
    return torch.from_numpy(found.copy()).permute(2, 0, 1)
