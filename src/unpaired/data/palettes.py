"""Palettes: colours of the classes in label maps, from a file or from the maps themselves."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unpaired.core.errors import DataError, SettingError

Palette = tuple[tuple[int, int, int], ...]

MAX_COLOURS = 256
"""As many as a file with a palette of its own has. Label maps of more have lost some of theirs, or
are photos."""
FLAT = 8
"""A pixel is in a flat region when its four neighbours differ by at most this in every channel."""
FAR = 32.0
"""A flat pixel at a larger L2 distance (RGB, 0…255) from every palette colour has an unknown one;
at most half the smallest distance between two palette colours."""
MAX_UNKNOWN = 0.005
"""Largest share of a label map's pixels that may be of unknown colours.

Facades re-encoded as JPEG at quality 50 to 95, or resized with bicubic, have at most 0.0009.
"""
_COLOURS_SHOWN = 5


def read_palette(path: Path) -> Palette:
    """The colours of a text file: one a line, red, green and blue in 0…255; # begins a comment.

    Raises:
        SettingError: naming the line that is none, or when there are fewer than two colours.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"--palette {path} cannot be read ({error}). Give `facades`, or a text file with one "
            "colour a line, such as: 255 170 0",
            code="palette-unreadable",
            setting="palette",
        ) from None
    palette = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = re.fullmatch(r"(\d{1,3})[\s,;]+(\d{1,3})[\s,;]+(\d{1,3})", text.strip("()"))
        red, green, blue = (int(part) for part in match.groups()) if match else (256, 0, 0)
        if max(red, green, blue) > 255:
            raise SettingError(
                f"{path}, line {number}: {line!r} is no colour. Write red, green and blue in "
                "0…255, such as: 255 170 0",
                code="no-colour",
                setting="palette",
            )
        palette.append((red, green, blue))
    if len(palette) < 2 or len(set(palette)) < len(palette):
        raise SettingError(
            f"{path} has {len(palette)} colours, {len(set(palette))} of them different: a palette "
            "is two or more, each once.",
            code="no-palette",
            setting="palette",
        )
    return tuple(palette)


def unknown_colours(pixels: NDArray[np.uint8], palette: Palette) -> tuple[float, Counter[int]]:
    """The share of a label map's pixels (H, W, 3) that are of no palette colour; their colours.

    Only flat regions are considered (see `FLAT`, `FAR`), because where two classes meet, JPEG and
    resizing mix their colours to some that are in no palette; a class of one's own makes a region.
    Of the colours, red · 65536 + green · 256 + blue, only the most frequent are counted.
    """
    colours = np.array(palette, np.int64)
    between = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    far = min(FAR, between[~np.eye(len(colours), dtype=bool)].min(initial=2 * FAR) / 2)
    values, counts = np.unique(_packed(pixels)[_is_flat(pixels)], return_counts=True)
    unpacked = np.stack([values >> 16, values >> 8 & 255, values & 255], -1)
    counts = np.where(_distance(unpacked, palette) > far, counts, 0)
    most = np.argsort(-counts, kind="stable")[:_COLOURS_SHOWN]
    of_most = Counter({int(values[i]): int(counts[i]) for i in most if counts[i]})
    return float(counts.sum() / pixels[..., 0].size), of_most


def share_of_palette(pixels: NDArray[np.uint8], palette: Palette) -> float:
    """Share of the pixels of images (N, H, W, 3) that have, about, a colour of the palette."""
    return float((_distance(pixels, palette) <= FAR).mean())


def colours_of(pixels: NDArray[np.uint8]) -> set[int]:
    """The different colours of an image (H, W, 3), each red · 65536 + green · 256 + blue.

    Of more than `MAX_COLOURS`, only one more, as photos have millions.
    """
    return set(np.unique(_packed(pixels))[: MAX_COLOURS + 1].tolist())


def unpacked(colour: int) -> tuple[int, int, int]:
    """Red · 65536 + green · 256 + blue => red, green, blue."""
    return colour >> 16, colour >> 8 & 255, colour & 255


def check_number(colours: set[int], name: str) -> None:
    """Raise DataError where all colours of the label maps are no palette."""
    if len(colours) > MAX_COLOURS:
        raise DataError(
            f"{name} has more than {MAX_COLOURS} colours, so its classes cannot be known by them "
            "alone: these are photos, or label maps that were stored as JPEG or resized. Give the "
            "colours of the classes: --palette FILE, one a line, such as: 255 170 0",
            code="too-many-colours",
            setting="palette",
        )
    if len(colours) < 2:
        raise DataError(
            f"{name} has one colour only: there is no second class.",
            code="one-colour",
        )


def check_known(unknown: dict[str, tuple[float, Counter[int]]], name: str, count: int) -> None:
    """Raise DataError where label maps of a set of `count` have unknown colours.

    unknown: of each label map, its name, and what `unknown_colours` says of it.
    """
    unknown = {map_: of for map_, of in unknown.items() if of[0] > MAX_UNKNOWN}
    if not unknown:
        return
    worst, (share, _) = max(unknown.items(), key=lambda item: item[1][0])
    colours: Counter[int] = sum((counts for _, counts in unknown.values()), Counter())
    shown = ", ".join(str(unpacked(colour)) for colour, _ in colours.most_common(_COLOURS_SHOWN))
    raise DataError(
        f"{len(unknown)} of {count} label maps in {name} have colours that the palette lacks, in "
        f"more than {MAX_UNKNOWN:.1%} of their pixels: {shown}; the most is {share:.0%} in "
        f"{worst}. Add the colours of all classes to the palette (--palette FILE), or repaint "
        "these pixels. (Label maps stored as JPEG are read; photos are not.)",
        code="unknown-colours",
        setting="palette",
    )


def _distance(pixels: NDArray[Any], palette: Palette) -> NDArray[Any]:
    """L2 distance of each pixel (…, 3) to the nearest colour of the palette, (…)."""
    nearest = np.full(pixels.shape[:-1], np.inf)
    for colour in palette:
        difference = pixels - np.array(colour, np.float32)
        nearest = np.minimum(nearest, np.linalg.norm(difference, axis=-1))
    return nearest


def _packed(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(H, W, 3) => (H, W): red · 65536 + green · 256 + blue."""
    packed: NDArray[np.int64] = pixels.astype(np.int64) @ np.array([65536, 256, 1])
    return packed


def _is_flat(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where the neighbours above, below, left and right have nearly the same colour, (H, W)."""
    values = pixels.astype(np.int16)
    flat = np.ones(values.shape[:2], dtype=bool)
    same = np.abs(np.diff(values, axis=0)).max(-1) <= FLAT
    flat[1:] &= same
    flat[:-1] &= same
    same = np.abs(np.diff(values, axis=1)).max(-1) <= FLAT
    flat[:, 1:] &= same
    flat[:, :-1] &= same
    return flat
