"""Inception v3 features as FID has them: the network and weights of torch-fidelity."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unpaired.core.config import config
from unpaired.core.errors import SettingError
from unpaired.core.extras import from_extra
from unpaired.core.files import at_home
from unpaired.core.weights import hash_of_weights
from unpaired.features.base import Loaded, resize, resize_in_words

_MODULE = "torch_fidelity.feature_extractor_inceptionv3"
_PURPOSE = "Inception, and so FID and KID,"
_SIDE = 299
_RESIZE = {
    "clean": f"clean: {resize_in_words(_SIDE)}",
    "legacy": "legacy: TensorFlow 1's bilinear without anti-aliasing, to 299×299",
}


@config
class Inception:
    """The 2048 features before the last layer of Inception v3 (Szegedy et al. 2015).

    With it, and only with it, a Fréchet distance is called FID and a kernel distance KID.
    """

    kind: Literal["inception"] = "inception"
    weights: str = ""
    """Weights in torch-fidelity's form; empty: those in torch's cache, fetched if absent."""
    resize: Literal["clean", "legacy"] = "clean"
    """How images become 299×299: as clean-fid does it, or as FID was first published."""

    def load(self, device: torch.device) -> Loaded:
        """Raises MissingExtra or BrokenPackage, and SettingError for weights that do not fit."""
        return _Inception(self, device)


class _Inception:
    def __init__(self, settings: Inception, device: torch.device) -> None:
        path = at_home(settings.weights) if settings.weights else _published()
        self.name = "inception" if settings.resize == "clean" else "inception-legacy"
        self.resize = _RESIZE[settings.resize]
        self.clean = settings.resize == "clean"
        self.device, self.body = device, _load(path).to(device)
        (self.bilinear,) = from_extra(
            "torch_fidelity.interpolate_compat_tensorflow",
            "interpolate_bilinear_2d_like_tensorflow1x",
            purpose=_PURPOSE,
        )
        self.weights_hash = hash_of_weights(self.body)

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        if self.clean:
            return resize(pixels, _SIDE)
        images = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32))
        resized: Tensor = self.bilinear(images, (_SIDE, _SIDE), align_corners=False)
        array: NDArray[np.float32] = resized[0].numpy()
        return array

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        features: Tensor = self.body((images.to(self.device) - 128) / 128)
        return features.float().cpu()


def _published() -> Path:
    """The weights in torch's cache, fetched there if they are absent."""
    url: str
    (url,) = from_extra(_MODULE, "URL_INCEPTION_V3", purpose=_PURPOSE)
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix="6726825d", progress=False)
        except (OSError, RuntimeError) as error:
            raise SettingError(
                f"Inception's weights are not at {path} and cannot be fetched from {url} "
                f"({error}). Fetch them on another machine and put them there, or name the file: "
                "inception:FILE. Without them, compare with --extractor pixels, a program of your "
                "own (encoder.pt2), or dinov2:FOLDER.",
                code="weights-not-fetched",
                setting="extractor",
            ) from error
    return path


def _load(path: Path) -> nn.Module:
    """[N, 3, 299, 299] in −1…1 => [N, 2048]."""
    (form,) = from_extra(_MODULE, "FeatureExtractorInceptionV3", purpose=_PURPOSE)
    if not path.is_file():
        raise SettingError(
            f"there are no weights of Inception at {path}. Name a file that exists.",
            code="weights-not-found",
            setting="extractor",
        )
    try:
        # torch-fidelity reads any pickle: first make sure that it holds nothing but tensors.
        torch.load(path, map_location="cpu", weights_only=True)
        network = form("inception", ["2048"], str(path))
    except (pickle.UnpicklingError, RuntimeError, AttributeError, TypeError, EOFError) as error:
        raise SettingError(
            f"{path} does not hold weights of Inception v3 in torch-fidelity's form "
            f"({type(error).__name__}: {str(error)[:200]}).",
            code="weights-of-other-network",
            setting="extractor",
        ) from error
    # Its parts follow one another in the order in which they are made, up to the last layer. Its
    # own forward takes whole numbers only, which would round a clean resize.
    *parts, _last = network.children()
    return nn.Sequential(*parts, nn.Flatten())
