"""Any network that torch.export has written, such as a face encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unpaired.config import config
from unpaired.evaluate.extractors.extractor import Loaded, hash_of_file, resize
from unpaired.networks import ExportedEncoder


@config
class Program:
    """A `torch.export` program: images [N, 3, side, side] => features [N, d].

    A program is code. Use only files whose origin you trust.
    """

    kind: Literal["program"] = "program"
    weights: str
    """The program, a .pt2 file."""
    side: int = 112
    """Side of the images that it takes."""
    values: Literal["bytes", "unit", "signed"] = "bytes"
    """Values that it takes: 0 to 255, 0 to 1, or −1 to 1."""
    num_features: int = 128
    """Numbers that it describes an image with."""

    def load(self, device: torch.device) -> Loaded:
        """Raises SettingError for a file that is absent, no program, or does not fit."""
        encoder = ExportedEncoder(
            path=self.weights, side=self.side, values=self.values, features=self.num_features
        )
        return _Program(self, encoder.build(3, self.side), device)


class _Program:
    def __init__(self, settings: Program, network: nn.Module, device: torch.device) -> None:
        path = Path(settings.weights).expanduser()
        self.name, self.weights_hash = path.stem, hash_of_file(path)
        self.resize = f"bicubic, anti-aliased, unquantised, to {settings.side}×{settings.side}"
        self.side, self.device, self.network = settings.side, device, network.to(device)

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return resize(pixels, self.side)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        found: Tensor = self.network(images.to(self.device) / 255)
        return found.float().cpu()
