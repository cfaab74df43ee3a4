"""Task-classifier features: of a network trained on labelled real images, for digits and such."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import torch
from annotated_types import Ge
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from unpaired.core.config import config
from unpaired.core.errors import DataError
from unpaired.core.weights import hash_of_weights
from unpaired.data.dataset import load_images
from unpaired.data.domain import Augmentation, Domain
from unpaired.data.sources import Folder, Source, describe
from unpaired.features.base import Loaded, resize, resize_in_words
from unpaired.features.classifier import Classifier
from unpaired.features.classifier_cache import load_or_train


@config
class TaskClassifier:
    """The layer before the last of a small network that has learned the classes of real images.

    The same images give the same network: it is kept for next time.
    """

    kind: Literal["classifier"] = "classifier"
    labelled: Annotated[Source, Field(discriminator="kind")] = Folder(path="")
    """Real images with a class each: a folder with a subfolder for each class, or a column."""
    side: Annotated[int, Ge(8)] = 32
    """Side of the images that it sees; 16 to 96."""

    def load(self, device: torch.device) -> Loaded:
        """Raises DataError for images without labels."""
        domain = Domain(
            source=self.labelled,
            size=self.side,
            fit="resize",
            test_fraction=0,
            validation_fraction=0,
            augmentation=Augmentation(),
        )
        images = load_images(domain, "train", 2)
        if images.labels is None:
            raise DataError(
                f"{describe(self.labelled)} has no labels for a classifier to learn: give a folder "
                "with a subfolder for each class, or a table with a column `label`.",
                code="labels-missing",
                setting="extractor",
            )
        pixels = images.gather(np.arange(len(images)))
        labels = torch.from_numpy(images.labels)
        network = load_or_train(pixels, labels, int(labels.max()) + 1, device=device)
        return _TaskClassifier(network, self.side)


class _TaskClassifier:
    name = "classifier"

    def __init__(self, network: Classifier, side: int) -> None:
        self.network, self.side, self.weights_hash = network, side, hash_of_weights(network)
        self.resize = resize_in_words(side)

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return resize(pixels, self.side)

    def features(self, images: Tensor) -> Tensor:
        return self.network.features(images / 255)
