"""Cache of task classifiers: the same data and settings give the same network."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from unpaired.core.files import cache_folder, write_atomically
from unpaired.core.weights import hash_of_weights
from unpaired.features.classifier import (
    REDUCED_SIDE,
    Classifier,
    default_images_seen,
    reduces,
    train_classifier,
)

logger = logging.getLogger(__name__)

VERSION = 1
"""Counted up whenever the network or its training changes: old files are then left alone."""


def load_or_train(
    images: Tensor,
    labels: Tensor,
    num_classes: int,
    seed: int = 0,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    images_seen: int | None = None,
) -> Classifier:
    """`train_classifier`, or what it gave for the same images, labels and settings before.

    Cached in `folder` (default: `default_folder()`), under a fingerprint of all that goes into the
    weights. A damaged file is trained anew, and a folder that cannot be written costs no more than
    training again next time; both are logged as warnings.
    Raises DataError as `train_classifier` does.
    """
    images_seen = images_seen or default_images_seen(len(images))
    path = _path(images, labels, num_classes, seed, folder, images_seen)
    if path.exists():
        try:
            return _load(path, Classifier(images.shape[1], num_classes)).to(device).eval()
        except (SafetensorError, RuntimeError, OSError, ValueError) as error:
            logger.warning("the cached classifier %s is damaged (%s); training anew", path, error)
    classifier = train_classifier(images, labels, num_classes, seed, device, images_seen)
    try:
        _save(path, classifier)
    except OSError as error:
        logger.warning("the classifier cannot be kept for next time: %s", error)
    return classifier


def is_kept(images: Tensor, labels: Tensor, num_classes: int) -> bool:
    """Whether `load_or_train` needs no training for these."""
    images_seen = default_images_seen(len(images))
    return _path(images, labels, num_classes, 0, None, images_seen).exists()


def _path(
    images: Tensor,
    labels: Tensor,
    num_classes: int,
    seed: int,
    folder: Path | None,
    images_seen: int,
) -> Path:
    """Where a classifier is kept, by all that goes into its weights."""
    settings = {
        "version": VERSION,
        "shape": tuple(images.shape),
        "num_classes": num_classes,
        "seed": seed,
        "images_seen": images_seen,
    }
    if reduces(images):
        settings["side"] = REDUCED_SIDE
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    digest.update(images.contiguous().numpy().tobytes())
    digest.update(labels.contiguous().numpy().tobytes())
    return (folder or default_folder()) / f"{digest.hexdigest()[:32]}.safetensors"


def default_folder() -> Path:
    """Where they are kept; see `files.cache_folder`."""
    return cache_folder("classifiers")


def _save(path: Path, classifier: Classifier) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.cpu().contiguous() for name, tensor in classifier.state_dict().items()}
    write_atomically(path, save(state, {"weights_hash": hash_of_weights(classifier)}))


def _load(path: Path, classifier: Classifier) -> Classifier:
    classifier.load_state_dict(load_file(path))
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
    # The format checks lengths but not content: a flipped bit would give wrong numbers, quietly.
    if metadata.get("weights_hash") != hash_of_weights(classifier):
        raise ValueError("its weights are not those that were written")
    return classifier
