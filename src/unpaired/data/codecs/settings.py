"""Decoding settings: depth, background, range and limits of images that are read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from annotated_types import Ge, Le

from unpaired.core.config import Natural, NonNegative, config
from unpaired.core.errors import UnreadableImage


@config
class Decoding:
    """How encoded images become pixels."""

    depth: Literal[8, 16] = 8
    """Bits kept per channel."""

    background: tuple[
        Annotated[int, Ge(0), Le(255)],
        Annotated[int, Ge(0), Le(255)],
        Annotated[int, Ge(0), Le(255)],
    ] = (255, 255, 255)
    """Colour put under transparent pixels: red, green, blue in 0..255."""

    max_megapixels: NonNegative = 64.0
    """Largest image that is decoded, in millions of pixels."""

    min_side: Natural = 4
    """Smallest width and height that is used, in pixels."""

    profiles: Literal["convert", "ignore"] = "convert"
    """Embedded colour profiles (ICC: Display P3, Adobe RGB, CMYK, grey): "convert" brings their
    colours to sRGB, as viewers do. Label maps, images with a physical range and values of 16 bits
    are never converted."""


@config
class Reading(Decoding):
    """How the images of a domain become pixels: its decoding, and what its pixels stand for."""

    range: tuple[float, float] | None = None
    """See `Domain.range`."""

    holds_labels: bool = False
    """See `Domain.holds_labels`."""


_VALUES = {"range": "LOW HIGH", "max_megapixels": "N"}


def flags_for(refused: Iterable[UnreadableImage], domain: str = "") -> list[str]:
    """The flags that let refused images pass: those of a domain, or, without its name, those of a
    command that has flags of its own for them."""
    settings = dict.fromkeys(error.setting for error in refused if error.setting)
    places = {"range": f"{domain}.", "max_megapixels": f"{domain}.decoding."}
    return [
        f"--{places[name] if domain else ''}{name.replace('_', '-')} {_VALUES[name]}"
        for name in settings
    ]


def check_size(size: tuple[int, int], name: str, decoding: Decoding) -> None:
    """Refuse by the size that the header declares, before memory is spent on the pixels."""
    width, height = size
    megapixels = width * height / 1e6
    if megapixels > decoding.max_megapixels:
        raise UnreadableImage(
            name,
            f"has {width}×{height} pixels, which is {megapixels:.1f} megapixels; "
            f"max_megapixels allows {decoding.max_megapixels:g}",
            "max_megapixels",
            code="too-large",
        )
    if min(size) < decoding.min_side:
        raise UnreadableImage(
            name,
            f"has {width}×{height} pixels; the smallest side allowed is {decoding.min_side} "
            "(min_side)",
            code="too-small",
        )
