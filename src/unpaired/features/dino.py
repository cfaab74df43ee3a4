"""DINO structure distance: how far the self-similarity of a vision transformer's keys has moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unpaired.data.domain import resize
from unpaired.features.transformer import pretrained
from unpaired.metrics.structure import check_pairs

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet, as DINO was trained
_BLOCK_IMAGES = 4  # a matrix of 785×785 and the network's activations for each


@dataclass(frozen=True)
class DinoStructure:
    """Structure distance in the eyes of a vision transformer (Tumanyan et al. 2022)."""

    network: nn.Module
    """A `transformers.ViTModel` in evaluation mode."""
    keys: nn.Module
    """The layer within that computes the last block's keys, of all heads."""
    side: int
    """Side of the images that the network takes."""

    def __call__(self, x: Tensor, y: Tensor) -> NDArray[np.float64]:
        """Distance of each pair, 0…4 and far below 1 in practice; 0 for the same structure.

        x: (N, C, H, W) uint8, y: (N, C', H', W') uint8 => (N,). The mean squared difference of the
        matrices of cosines between all tokens' keys, the class token's included; the set's number
        is the mean. Images are resized to the network's side, bicubic with anti-aliasing.
        Raises DataError for image sets of different sizes.
        """
        check_pairs(x, y)
        blocks = zip(torch.split(x, _BLOCK_IMAGES), torch.split(y, _BLOCK_IMAGES), strict=True)
        distances: NDArray[np.float64] = torch.cat(
            [
                (self._self_similarity(a) - self._self_similarity(b)).square().mean((1, 2)).cpu()
                for a, b in blocks
            ]
        ).numpy()
        return distances

    @torch.no_grad()
    def _self_similarity(self, images: Tensor) -> Tensor:
        """(N, C, H, W) uint8 => (N, tokens, tokens) float64, cosines."""
        keys_of_tokens: list[Tensor] = []
        handle = self.keys.register_forward_hook(
            lambda _, __, output: keys_of_tokens.append(output)
        )
        try:
            self.network(pixel_values=self._prepare(images))
        finally:
            handle.remove()
        directions = F.normalize(keys_of_tokens[0].double(), dim=2)
        return directions @ directions.mT

    def _prepare(self, images: Tensor) -> Tensor:
        """(N, C, H, W) uint8 => (N, 3, side, side) float32, standardised, on the device."""
        arrays = images.permute(0, 2, 3, 1).cpu().numpy()
        resized = np.stack([resize(array, self.side, self.side) for array in arrays])
        device = next(self.network.parameters()).device
        values = torch.from_numpy(resized).to(device).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
        mean, std = (values.new_tensor(s, dtype=torch.float32).view(3, 1, 1) for s in (_MEAN, _STD))
        return (values / 255 - mean) / std


def load_dino(
    weights: str = "facebook/dino-vitb8", device: torch.device | str = "cpu"
) -> DinoStructure:
    """The distance with its network; published numbers have ViT-B/8, whose last block is "11".

    `weights`, and what is raised: see `extractors.transformer.pretrained`.
    """
    purpose = "The DINO structure distance"
    network = pretrained("ViTModel", weights, purpose, add_pooling_layer=False)
    # "key" in transformers 4, "k_proj" in 5; heads lie side by side in the output of both.
    keys = [m for name, m in network.named_modules() if name.endswith((".key", ".k_proj"))]
    return DinoStructure(network.to(device), keys[-1], int(network.config.image_size))
