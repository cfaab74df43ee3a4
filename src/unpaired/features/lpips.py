"""LPIPS: perceptual distance of two images, learned from people (Zhang et al. 2018)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unpaired.core.errors import DataError, SettingError
from unpaired.core.extras import from_extra

_BLOCK_IMAGES = 32
_SMALLEST = 32


@dataclass(frozen=True)
class Lpips:
    """The distance with its network, as the package `lpips` has them."""

    network: nn.Module
    device: torch.device

    @torch.no_grad()
    def __call__(self, x: Tensor, y: Tensor) -> NDArray[np.float64]:
        """Distance of each pair, 0 for the same image. x, y: (N, C, H, W) uint8 => (N,).

        Raises DataError for images of different shapes, or of fewer than 32 pixels a side.
        """
        if x.shape != y.shape or min(x.shape[2:]) < _SMALLEST:
            raise DataError(
                f"LPIPS compares images of one shape and at least {_SMALLEST} pixels a side, not "
                f"{tuple(x.shape)} and {tuple(y.shape)}.",
                code="images-unfit-for-lpips",
            )
        blocks = zip(torch.split(x, _BLOCK_IMAGES), torch.split(y, _BLOCK_IMAGES), strict=True)
        distances: NDArray[np.float64] = torch.cat(
            [self.network(*map(self._values, pair)).flatten().double().cpu() for pair in blocks]
        ).numpy()
        return distances

    def _values(self, images: Tensor) -> Tensor:
        """uint8 => [N, 3, H, W] in −1…1, on the device."""
        return images.to(self.device).expand(-1, 3, -1, -1).float() / 127.5 - 1


def load_lpips(device: torch.device) -> Lpips:
    """LPIPS with AlexNet, version 0.1; AlexNet's weights from torch's cache, else fetched.

    Raises:
        MissingExtra, BrokenPackage: without the package `lpips`.
        SettingError: when AlexNet's weights are not at hand.
    """
    (form,) = from_extra("lpips", "LPIPS", purpose="LPIPS")
    try:
        with warnings.catch_warnings():  # of torchvision, about how lpips calls it
            warnings.simplefilter("ignore")
            network = form(net="alex", verbose=False)
    except (OSError, RuntimeError) as error:
        raise SettingError(
            f"LPIPS needs AlexNet's weights, which are not in {torch.hub.get_dir()}/checkpoints "
            f"and cannot be fetched ({error}). Fetch them on another machine and put them there.",
            code="lpips-weights-missing",
            setting="lpips",
        ) from error
    return Lpips(network.to(device).eval().requires_grad_(False), device)
