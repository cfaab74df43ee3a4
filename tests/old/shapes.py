"""Small image sets of shapes, the same to the byte wherever they are drawn: what old runs saw.

`python shapes.py FOLDER` draws them all; see README.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

SIZE = 16
NUM_IMAGES = 24
PALETTE = ((0, 0, 170), (255, 170, 0), (170, 0, 0))
"""Colours of sky, wall and door in label maps."""


def draw_all(folder: Path) -> None:
    """Shapes in red and in blue, dark digits of no meaning, facades and their label maps."""
    for number, (name, colour) in enumerate({"red": (220, 60, 40), "blue": (40, 80, 230)}.items()):
        for shape in ("disc", "square"):
            random = np.random.default_rng([number, shape == "disc"])
            for i in range(NUM_IMAGES // 2):
                inside = _inside(random, shape)
                pixels = np.where(inside[..., None], colour, 30) + random.integers(0, 20)
                _save(pixels, folder / name / shape / f"{i:02}.bmp")
    for part, count, seed in (("train", NUM_IMAGES, 2), ("test", 8, 3)):
        random = np.random.default_rng(seed)
        for i in range(count):
            classes = _facade(random)
            colours = np.array([(150, 190, 230), (190, 150, 110), (70, 60, 60)])
            photo = colours[classes] + random.integers(-15, 16, (SIZE, SIZE, 3))
            _save(photo, folder / "photos" / part / f"{i:02}.bmp")
            _save(np.array(PALETTE)[classes], folder / "maps" / part / f"{i:02}.bmp")


def _inside(random: np.random.Generator, shape: str) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    (y, x), radius = random.integers(5, SIZE - 5, 2), random.integers(2, 5)
    if shape == "disc":
        return np.asarray((rows - y) ** 2 + (columns - x) ** 2 <= radius**2 + 1)
    return np.asarray((abs(rows - y) <= radius) & (abs(columns - x) <= radius))


def _facade(random: np.random.Generator) -> NDArray[np.int64]:
    """Classes of pixels: sky, and a wall with a door below it."""
    classes = np.zeros((SIZE, SIZE), np.int64)
    roof, left = random.integers(2, 7), random.integers(2, 10)
    classes[roof:] = 1
    classes[SIZE - random.integers(4, 8) :, left : left + random.integers(3, 6)] = 2
    return classes


def _save(pixels: NDArray[np.int64], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # BMP has no compression, whose bytes would differ between versions: splits follow the bytes.
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)


class Sight(nn.Module):
    """Photos in 0…255 => two maps, of 32 channels at each place and of 4 at half the size."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(3, 32, 1)
        self.coarse = nn.Conv2d(3, 4, 2, stride=2)

    def forward(self, photos: Tensor) -> tuple[Tensor, Tensor]:
        return self.fine(photos / 255).sin(), self.coarse(photos / 255)


def export_sight(path: Path) -> None:
    """A network that somebody else has trained, as a `torch.export` program."""
    torch.manual_seed(0)
    example = (torch.rand(2, 3, SIZE, SIZE) * 255,)
    shapes = ({0: torch.export.Dim.DYNAMIC},)
    torch.export.save(torch.export.export(Sight().eval(), example, dynamic_shapes=shapes), path)


if __name__ == "__main__":
    draw_all(Path(sys.argv[1]))
    export_sight(Path(sys.argv[1]) / "sight.pt2")
