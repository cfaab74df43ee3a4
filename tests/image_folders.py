"""Folders of small images for trainings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from unpaired.data.sources import Folder
from unpaired.engine.schedules import Constant
from unpaired.experiment.experiment import Experiment


def write_images(folder: Path, count: int, seed: int, value: int | None = None) -> Path:
    """Random images, or such of one value, each with its own bytes."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for i in range(count):
        pixels = random.integers(0, 256, (32, 32, 3), np.uint8)
        if value is not None:
            pixels[:] = value
        Image.fromarray(pixels).save(folder / f"{i:02d}.png", compress_level=i % 10)
    return folder


def of_folders(tiny: Experiment, a: Path, b: Path, images: int = 8) -> Experiment:
    """The tiny experiment on two folders, from which its held-out images come as well."""
    own = {"test_source": None, "validation_source": None}
    return replace(
        tiny,
        a=replace(tiny.a, source=Folder(path=str(a)), channels=3, **own),
        b=replace(tiny.b, source=Folder(path=str(b)), **own),
        training=replace(tiny.training, images=images, schedule=Constant()),
    )
