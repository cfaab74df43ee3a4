"""Semantic segmenter of photos: its training, and the classes that it predicts."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unpaired.core.errors import DataError, SettingError
from unpaired.data.jitter import Jitter, jitter
from unpaired.data.tensors import channel_statistics
from unpaired.engine.fitting import fit, seeded
from unpaired.methods.supervised import SupervisedTraining
from unpaired.segmenter.networks import SegmenterNetwork, UperNet, pretrained

SMALLEST = 32
"""Side of the smallest photos, in pixels: the network's coarsest stage is 1/32 of them."""
BATCH_IMAGES = 16
LEARNING_RATES = {"upernet": 1e-2, "segformer": 1e-3}
"""From random weights, with AdamW in one cycle; measured on facades at 128×128."""
PRETRAINED_LEARNING_RATE = 1e-4
"""Between those of encoder and decoder, 6e-5 and 6e-4, in SegFormer's paper (section 4.1)."""
WEIGHT_DECAY = 0.05
LARGEST_ZOOM = 1.5
"""Training photos are enlarged by up to this factor, a random part is kept, half are mirrored."""
COLOURS = Jitter(shift=0, rotation=0, scale=0, shuffle_channels=False, contrast=0.3, brightness=0.1)
"""Training photos change in contrast and brightness, but not in hue: sky is blue."""

_EPOCHS, _MIN_IMAGES_SEEN, _MAX_IMAGES_SEEN = 75, 10_000, 200_000
_FEWEST_STEPS = 5  # the least that one cycle of the learning rate goes up and down in
_PREDICTION_BATCH_IMAGES = 32
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Segmenter(nn.Module):
    """A network that gives each pixel of RGB photos one of K classes."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))
        self.register_buffer("std", torch.ones(1, 3, 1, 1))
        self.network = network

    def forward(self, photos: Tensor) -> Tensor:
        """(N, 3, H, W) float in 0…1 => logits (N, K, H, W), in the current mode."""
        logits: Tensor = self.network(pixel_values=(photos - self.mean) / self.std).logits
        return F.interpolate(logits, photos.shape[2:], mode="bilinear", align_corners=False)

    @torch.no_grad()
    def predict(self, photos: Tensor) -> NDArray[np.int64]:
        """(N, 3, H, W) uint8 => (N, H, W): the likeliest class of each pixel, 0…K−1.

        Batch by batch in evaluation mode: what else is in the set changes nothing.
        """
        self.eval()
        batches = torch.split(photos, _PREDICTION_BATCH_IMAGES)
        predicted = [self(_unit(b.to(self.mean.device))).argmax(1).cpu() for b in batches]
        classes: NDArray[np.int64] = torch.cat(predicted).numpy()
        return classes


def train_segmenter(
    photos: Tensor,
    classes: NDArray[np.int64],
    num_classes: int,
    network: SegmenterNetwork | None = None,
    *,
    weights: str = "",
    seed: int = 0,
    device: torch.device | str = "cpu",
    images_seen: int | None = None,
    progress: Callable[[int, int, float], None] | None = None,
) -> tuple[Segmenter, SegmenterNetwork]:
    """Train on photos (N, 3, H, W) uint8 and the classes of their pixels (N, H, W), 0…K−1.

    Minimises the cross-entropy of all pixels. Sees 75 epochs, but at least 10,000 and at most
    200,000 images, unless `images_seen` says otherwise; whole batches only. Order, augmentation
    and first weights follow from `seed`: on the same machine, with the same number of threads, the
    weights are the same to the bit. `weights`: those of a pretrained SegFormer, in place of
    `network`; see `pretrained`. `progress` is called at each hundredth step: images seen, all,
    loss.

    Returns the segmenter, in evaluation mode, and the form of its network.

    Raises:
        DataError: for photos or classes of another form.
        MissingExtra: without transformers.
        SettingError: for weights that cannot be used, or too short a training.
        NonFiniteLoss: when the training met a value that is not finite.
    """
    _check(photos, classes, num_classes)
    images_seen = images_seen or default_images_seen(len(photos))
    check_length(images_seen)
    device = torch.device(device)
    random = torch.Generator().manual_seed(seed)
    truth = torch.from_numpy(classes)
    with seeded(seed, device):  # dropout draws from the global state
        segmenter, network = _start(photos, num_classes, network or UperNet(), weights)
        segmenter.to(device).train()

        def loss(batch: Tensor, _: int) -> Tensor:
            augmented, wanted = augment(photos[batch].to(device), truth[batch].to(device), random)
            return F.cross_entropy(segmenter(augmented), wanted)

        training = SupervisedTraining(
            segmenter,
            loss,
            len(photos),
            images_seen=images_seen,
            batch_size=BATCH_IMAGES,
            learning_rate=PRETRAINED_LEARNING_RATE if weights else LEARNING_RATES[network.kind],
            weight_decay=WEIGHT_DECAY,
            random=random,
        )
        advice = "Train with another seed; if that fails too, report it."
        fit(training, device, advice=advice, report=progress)
    return segmenter.eval(), network


def check_length(images_seen: int) -> None:
    """Raises `SettingError` for too short a training."""
    if images_seen < _FEWEST_STEPS * BATCH_IMAGES:
        raise SettingError(
            f"a segmenter sees at least {_FEWEST_STEPS * BATCH_IMAGES} photos in its training, "
            f"counting repeats, and learns something from 10,000 on; {images_seen} are too few.",
            code="training-too-short",
            setting="images",
        )


def augment(photos: Tensor, classes: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Enlarge, crop and mirror a photo and its classes alike, and change the photo's colours.

    (N, 3, H, W) uint8 and (N, H, W) => (N, 3, H, W) float in 0…1 and (N, H, W). Classes are those
    of the nearest pixel: none is made up.
    """
    n, _, height, width = photos.shape
    zoom, mirror, across, down = torch.rand(4, n, generator=random).to(photos.device)
    part = 1 / (1 + (LARGEST_ZOOM - 1) * zoom)
    grid = torch.zeros(n, 2, 3, device=photos.device)
    grid[:, 0, 0] = torch.where(mirror < 0.5, -part, part)
    grid[:, 1, 1] = part
    grid[:, 0, 2] = (1 - part) * (2 * across - 1)
    grid[:, 1, 2] = (1 - part) * (2 * down - 1)
    places = F.affine_grid(grid, [n, 1, height, width], align_corners=False)

    def moved(values: Tensor, mode: str) -> Tensor:
        return F.grid_sample(values, places, mode, padding_mode="border", align_corners=False)

    augmented = jitter(moved(_unit(photos), "bilinear"), COLOURS, random)
    return augmented, moved(classes[:, None].float(), "nearest")[:, 0].round().long()


def default_images_seen(num_photos: int) -> int:
    """Training photos seen, counting repeats, for a set of this size."""
    return min(max(_EPOCHS * num_photos, _MIN_IMAGES_SEEN), _MAX_IMAGES_SEEN)


def images_within(
    seconds: float,
    photos: Tensor,
    classes: NDArray[np.int64],
    num_classes: int,
    network: SegmenterNetwork | None = None,
    *,
    weights: str = "",
    device: torch.device | str = "cpu",
) -> int:
    """About how many photos a training sees in a time, by two short trainings.

    Raises as `train_segmenter` does.
    """
    for steps in (_FEWEST_STEPS, 2 * _FEWEST_STEPS):  # the first also pays what is paid once
        started = time.monotonic()
        train_segmenter(
            photos,
            classes,
            num_classes,
            network,
            weights=weights,
            device=device,
            images_seen=steps * BATCH_IMAGES,
        )
        images_per_second = steps * BATCH_IMAGES / (time.monotonic() - started)
    return max(int(seconds * images_per_second), _FEWEST_STEPS * BATCH_IMAGES)


def _start(
    photos: Tensor, num_classes: int, network: SegmenterNetwork, weights: str
) -> tuple[Segmenter, SegmenterNetwork]:
    """The network before its training, standardised for the photos or as its weights want it."""
    if weights:
        form, module = pretrained(weights, num_classes)
        segmenter, network = Segmenter(module), form
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in _IMAGENET)
    else:
        segmenter = Segmenter(network.build(num_classes))
        mean, deviation = channel_statistics(photos)
    segmenter.mean.copy_(mean)
    segmenter.std.copy_(deviation)
    return segmenter, network


def _unit(photos: Tensor) -> Tensor:
    """uint8 => float32 in 0…1."""
    return photos.float() / 255


def _check(photos: Tensor, classes: NDArray[np.int64], num_classes: int) -> None:
    if photos.ndim != 4 or photos.shape[1] != 3 or photos.dtype != torch.uint8 or len(photos) < 2:
        raise DataError(
            "A segmenter is trained on at least two photos, (N, 3, H, W) uint8; these are "
            f"{tuple(photos.shape)} {str(photos.dtype).removeprefix('torch.')}.",
            code="photos-unfit",
        )
    if min(photos.shape[2:]) < SMALLEST:
        raise DataError(
            f"A segmenter sees photos of at least {SMALLEST}×{SMALLEST} pixels; these have "
            f"{photos.shape[3]}×{photos.shape[2]}.",
            code="photos-too-small",
        )
    if classes.shape != (len(photos), *photos.shape[2:]):
        raise DataError(
            f"Photos of shape {tuple(photos.shape)} need a class for each pixel; these classes are "
            f"{classes.shape}.",
            code="classes-of-other-form",
        )
    if num_classes < 2 or classes.min() < 0 or classes.max() >= num_classes:
        raise DataError(
            f"A segmenter tells two classes or more apart, 0 to {num_classes - 1}; these pixels' "
            f"go from {classes.min()} to {classes.max()}.",
            code="classes-out-of-range",
        )
