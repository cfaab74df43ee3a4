"""Built-in data: 1,797 real handwritten digits, as ink on paper and as street signs.

scikit-learn ships the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and
Kaynak 1998): 8×8 pixels, 17 grey levels. The training digits are cut into two disjoint halves, one
for each style. Validation and test digits are rendered in *both* styles under one `id`, so the true
counterpart of every translation is known though training never sees a pair.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Style = Literal["ink", "sign"]
Part = Literal["train", "validation", "test"]

SIZE = 32
NUM_TEST, NUM_VALIDATION = 360, 180
_STROKE_SIZE = 26  # side of the digit inside the frame


@cache
def render(style: Style, part: Part) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[str]]:
    """Pixels (N, 32, 32, 1 or 3) uint8, labels (N,) and ids of one part in one style.

    A training opens each part several times: what is returned is shared, and not to be changed.
    """
    strokes, labels = _strokes()
    indices = _indices(style, part)
    draw = _draw_ink if style == "ink" else _draw_sign
    pixels = np.stack([draw(strokes[i], np.random.default_rng((7, int(i)))) for i in indices])
    return pixels, labels[indices], [f"digit-{i:04d}" for i in indices]


def _indices(style: Style, part: Part) -> NDArray[np.int64]:
    order = np.random.default_rng(0).permutation(len(_strokes()[1]))
    test, validation, train = np.split(order, [NUM_TEST, NUM_TEST + NUM_VALIDATION])
    if part == "test":
        return test
    if part == "validation":
        return validation
    half = len(train) // 2
    return train[:half] if style == "ink" else train[half:]


@cache
def _strokes() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Coverage of each pixel by ink, (N, 32, 32) in 0…1, and the labels."""
    from sklearn.datasets import load_digits  # slow to import

    digits = load_digits()
    scale = _STROKE_SIZE / 8
    margin = (SIZE - _STROKE_SIZE) // 2
    smooth = ndimage.zoom(
        digits.images / 16.0, (1, scale, scale), order=3, grid_mode=True, mode="grid-constant"
    )
    # A steep but smooth threshold turns the enlarged blur into a stroke with an anti-aliased edge.
    sharp = 1 / (1 + np.exp(-12 * (smooth - 0.45)))
    framed = np.pad(sharp, ((0, 0), (margin, margin), (margin, margin)))
    return framed.astype(np.float32), digits.target.astype(np.int64)


def _draw_ink(stroke: NDArray[np.float32], _: np.random.Generator) -> NDArray[np.uint8]:
    return np.round(stroke[..., None] * 255).astype(np.uint8)


def _draw_sign(stroke: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.uint8]:
    """A pale digit on a plate of random hue, with a gradient of light, blur and camera noise."""
    hue = random.uniform()
    plate = _hsv_to_rgb(hue, random.uniform(0.55, 0.95), random.uniform(0.35, 0.75))
    paint = _hsv_to_rgb(
        hue + random.uniform(0.4, 0.6), random.uniform(0.0, 0.3), random.uniform(0.9, 1.0)
    )
    angle, strength = random.uniform(0, 2 * np.pi), random.uniform(0.0, 0.35)
    axis = np.linspace(-1, 1, SIZE)
    light = 1 + strength * (np.cos(angle) * axis[None, :] + np.sin(angle) * axis[:, None])
    image = plate + (paint - plate) * stroke[..., None]
    image = image * light[..., None]
    blur = random.uniform(0.3, 0.9)
    image = ndimage.gaussian_filter(image, (blur, blur, 0), mode="nearest")
    image = image + random.normal(0, 0.015, image.shape)
    pixels: NDArray[np.uint8] = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    return pixels


def _hsv_to_rgb(hue: float, saturation: float, value: float) -> NDArray[np.float64]:
    offsets = (hue * 6 + np.array([0, 4, 2])) % 6
    rgb: NDArray[np.float64] = value * (1 - saturation * np.clip(2 - np.abs(offsets - 3), 0, 1))
    return rgb
