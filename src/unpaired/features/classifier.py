"""Task classifier: a small network that learns the classes of one domain's real images."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.core.errors import DataError
from unpaired.core.progress import report
from unpaired.data.jitter import Jitter, jitter
from unpaired.data.tensors import channel_statistics
from unpaired.engine.fitting import fit, seeded
from unpaired.methods.supervised import SupervisedTraining

NUM_FEATURES = 128

_BATCH_IMAGES = 64
_PREDICTION_BATCH_IMAGES = 512
_MIN_IMAGES_SEEN, _MAX_IMAGES_SEEN, _EPOCHS = 10_000, 80_000, 10
_LEARNING_RATE, _WEIGHT_DECAY = 3e-3, 0.05


LARGEST_SIDE, REDUCED_SIDE = 96, 64
"""Larger images are averaged down to the second: what they show can be told at that size, and the
training takes minutes and not hours."""


class Classifier(nn.Module):
    """A small convolutional network for images of about 16 to 96 pixels; it reduces larger ones.

    Its answers (`features`, `logits`, `predict`) are for (N, C, H, W) images, uint8 or float in
    0…1; they are computed batch by batch in evaluation mode, without gradients, and come back on
    the CPU.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        width = 32
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("std", torch.ones(1, channels, 1, 1))
        self.body = nn.Sequential(
            _convolution(channels, width, size=5, stride=2),
            _convolution(width, 2 * width),
            nn.MaxPool2d(2),
            _convolution(2 * width, 4 * width),
            _convolution(4 * width, 4 * width),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * width, NUM_FEATURES, bias=False),
            nn.BatchNorm1d(NUM_FEATURES),
        )
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(NUM_FEATURES, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """NCHW, float in 0…1 => logits (N, num_classes), in the current mode."""
        logits: Tensor = self.head(self._embed(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """(N, 128) float32: the layer before the last, ahead of its rectifier.

        Unrectified, because the Fréchet distance takes features to be Gaussian.
        """
        return self._batched(self._embed, images)

    def logits(self, images: Tensor) -> Tensor:
        """(N, num_classes) float32: unnormalised log-probabilities."""
        return self._batched(self.forward, images)

    def predict(self, images: Tensor) -> Tensor:
        """(N,) int64: the most likely class of each image."""
        return self.logits(images).argmax(1)

    def _embed(self, images: Tensor) -> Tensor:
        if reduces(images):
            images = F.interpolate(images, size=REDUCED_SIDE, mode="area")
        features: Tensor = self.body((images - self.mean) / self.std)
        return features

    @torch.no_grad()
    def _batched(self, function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
        self.eval()
        batches = torch.split(images, _PREDICTION_BATCH_IMAGES)
        return torch.cat([function(_unit(b.to(self.mean.device))).cpu() for b in batches])


def reduces(images: Tensor) -> bool:
    """Whether a classifier reduces these images, NCHW, to a smaller size."""
    return max(images.shape[-2:]) > LARGEST_SIDE


def train_classifier(
    images: Tensor,
    labels: Tensor,
    num_classes: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
    images_seen: int | None = None,
) -> Classifier:
    """Train on real labelled images: (N, C, H, W) uint8 and (N,) int64 in 0…num_classes−1.

    Sees ten epochs, but at least 10,000 and at most 80,000 images, unless `images_seen` says
    otherwise. The order, the augmentation and the first weights follow from `seed`; with the same
    machine and number of threads the weights are the same to the bit. The global random state is
    left as it was.
    Raises DataError for images or labels of another form, NonFiniteLoss when training diverged.
    """
    _check(images, labels, num_classes)
    device = torch.device(device)
    random = torch.Generator().manual_seed(seed)
    with seeded(seed, torch.device("cpu")):  # where its first weights are drawn
        classifier = Classifier(images.shape[1], num_classes)
    mean, deviation = channel_statistics(images)
    classifier.mean.copy_(mean)
    classifier.std.copy_(deviation)
    classifier.to(device).train()
    images_seen = images_seen or default_images_seen(len(images))

    def loss(batch: Tensor, _: int) -> Tensor:
        seen = jitter(_unit(images[batch].to(device)), Jitter(), random)
        return F.cross_entropy(classifier(seen), labels[batch].to(device))

    training = SupervisedTraining(
        classifier,
        loss,
        len(labels),
        images_seen=images_seen,
        batch_size=_BATCH_IMAGES,
        learning_rate=_LEARNING_RATE,
        weight_decay=_WEIGHT_DECAY,
        random=random,
    )
    fit(
        training,
        device,
        advice="Report it, with the output of `unpaired doctor`.",
        report=lambda seen, total, _: report("task classifier", seen, total),
        every=max(1, images_seen // _BATCH_IMAGES // 50),
    )
    return classifier.eval()


def default_images_seen(num_images: int) -> int:
    """Training images seen, counting repeats, for a set of this size."""
    return min(max(_EPOCHS * num_images, _MIN_IMAGES_SEEN), _MAX_IMAGES_SEEN)


def _convolution(channels_in: int, channels_out: int, size: int = 3, stride: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def _unit(images: Tensor) -> Tensor:
    """uint8 => float32 in 0…1; floats stay."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def _check(images: Tensor, labels: Tensor, num_classes: int) -> None:
    if images.ndim != 4 or images.dtype != torch.uint8 or len(images) < 2:
        raise DataError(
            "A classifier is trained on at least two images, (N, C, H, W) uint8; these are "
            f"{tuple(images.shape)} {str(images.dtype).removeprefix('torch.')}.",
            code="images-unfit-for-classifier",
        )
    if labels.shape != images.shape[:1] or labels.dtype != torch.int64:
        raise DataError(
            f"{len(images)} images need as many int64 labels; these are "
            f"{tuple(labels.shape)} {str(labels.dtype).removeprefix('torch.')}.",
            code="labels-unfit-for-images",
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise DataError(
            f"Labels of {num_classes} classes are 0 to {num_classes - 1}; these go from "
            f"{int(labels.min())} to {int(labels.max())}. Count the classes over all domains.",
            code="labels-out-of-range",
        )
