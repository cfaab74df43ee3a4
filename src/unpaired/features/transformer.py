"""DINOv2 and CLIP features, by the package transformers: for FD-DINOv2 and CMMD."""

from __future__ import annotations

import pickle
from typing import Annotated, Any, Literal

import numpy as np
import torch
from annotated_types import Ge
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.config import config
from unpaired.core.errors import SettingError
from unpaired.core.extras import from_extra
from unpaired.core.weights import hash_of_weights
from unpaired.features.base import Loaded, resize, resize_in_words

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CLIP = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


@config
class DINOv2:
    """The class token of DINOv2 ViT-L/14, 1024 numbers: FD-DINOv2 (Stein et al. 2023)."""

    kind: Literal["dinov2"] = "dinov2"
    weights: str = "facebook/dinov2-large"
    """Id on the Hugging Face hub (in its cache, or fetched), or a folder."""
    side: Annotated[int, Ge(8)] = 224
    """Side of the images that the network sees."""

    def load(self, device: torch.device) -> Loaded:
        """Raises MissingExtra without transformers, SettingError for weights that do not fit."""
        network = pretrained("Dinov2Model", self.weights, "FD-DINOv2")
        return _Transformer("dinov2", network, self.side, _IMAGENET, _class_token, device)


@config
class CLIP:
    """The image embedding of CLIP ViT-L/14-336, 768 numbers: CMMD (Jayasumana et al. 2024)."""

    kind: Literal["clip"] = "clip"
    weights: str = "openai/clip-vit-large-patch14-336"
    """Id on the Hugging Face hub (in its cache, or fetched), or a folder."""
    side: Annotated[int, Ge(8)] = 336
    """Side of the images that the network sees."""

    def load(self, device: torch.device) -> Loaded:
        """Raises MissingExtra without transformers, SettingError for weights that do not fit."""
        network = pretrained("CLIPVisionModelWithProjection", self.weights, "CMMD")
        return _Transformer("clip", network, self.side, _CLIP, _embedding, device)


class _Transformer:
    def __init__(
        self,
        name: str,
        network: Any,
        side: int,
        statistics: tuple[tuple[float, ...], tuple[float, ...]],
        pick: Any,
        device: torch.device,
    ) -> None:
        self.name, self.weights_hash = name, hash_of_weights(network)
        self.resize = resize_in_words(side)
        self.network, self.side, self.pick, self.device = network.to(device), side, pick, device
        self.mean, self.std = (torch.tensor(s, device=device).view(3, 1, 1) for s in statistics)

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return resize(pixels, self.side)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        values = (images.to(self.device) / 255 - self.mean) / self.std
        features: Tensor = self.pick(self.network(pixel_values=values))
        return features.float().cpu()


def _class_token(output: Any) -> Tensor:
    token: Tensor = output.last_hidden_state[:, 0]  # behind the last norm
    return token


def _embedding(output: Any) -> Tensor:
    embedding: Tensor = output.image_embeds
    return embedding


def pretrained(name: str, weights: str, purpose: str, **options: Any) -> Any:
    """The model `name` of transformers in evaluation mode, frozen; `purpose` opens the messages.

    `weights` is an id on the Hugging Face hub (from its cache, else fetched) or a folder.

    Raises:
        MissingExtra, BrokenPackage: without transformers.
        SettingError: for weights that are absent or of another model.
    """
    (form,) = from_extra("transformers", name, purpose=purpose)
    try:
        network, report = form.from_pretrained(weights, output_loading_info=True, **options)
    except (OSError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        raise SettingError(
            f"{purpose}: {weights!r} is neither a folder with a {name} nor in the hub's cache or "
            f"to be fetched ({type(error).__name__}: {str(error)[:200]}). Fetch it on another "
            "machine and name the folder.",
            code="transformer-not-found",
            setting="extractor",
        ) from error
    if report["missing_keys"]:
        raise SettingError(
            f"{purpose}: {weights!r} lacks {len(report['missing_keys'])} of the weights of a "
            f"{name}, such as {min(report['missing_keys'])}.",
            code="weights-incomplete",
            setting="extractor",
        )
    return network.eval().requires_grad_(False)
