"""Colour profiles: embedded ICC profiles (Display P3, Adobe RGB, CMYK, grey) converted to sRGB.

By LittleCMS, through Pillow's ImageCms and its defaults (perceptual, as for photographs). Images
without a profile, and those whose profile is sRGB, keep every bit. What else says of an image which
colours it has (gAMA of a PNG, the interoperability of EXIF) is not applied, as in most programs; a
note says so where they are not those of sRGB.
"""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from unpaired.data.codecs.settings import Reading

NEARLY_SRGB = 2
"""Of 255: a profile that moves no colour by more is sRGB. What programs embed as sRGB differs by a
level or two where curves are tables."""

_KINDS = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}
"""The colour spaces of profiles, by the modes of Pillow that they describe."""
_IN_WORDS = {"GRAY": "grey", "Lab": "Lab"}


@dataclass(frozen=True)
class Conversion:
    """What a profile makes of colours in one of Pillow's modes."""

    name: str
    """Of the profile, by itself; for messages."""
    problem: str = ""
    """Why it is not used; empty otherwise."""
    transform: Any = None
    """ImageCms's, of colours; None where nothing changes."""
    table: tuple[int, ...] = ()
    """Of 256 grey levels; empty where nothing changes."""

    @property
    def changes_nothing(self) -> bool:
        """Whether colours stay as they are."""
        return self.transform is None and not self.table

    def apply(self, image: Image.Image) -> Image.Image:
        """An image of the mode => L or RGB, in sRGB."""
        if self.table:
            return image.point(list(self.table))
        converted: Image.Image = self.transform.apply(image)
        return converted


def to_srgb(image: Image.Image, decoding: Reading, notes: list[str]) -> Image.Image:
    """An image of 8 bits, with or without transparency => its colours in sRGB.

    Left as it is without a profile, but for L*a*b*, which is no colour without a conversion.
    """
    if image.mode == "LAB":
        return _from_lab().apply(image)
    if not _is_wanted(decoding):
        return image
    if "icc_profile" not in image.info:
        _note_other_colours(image, notes)
        return image
    conversion = _noted(image.info["icc_profile"], _described(image.mode), notes)
    if conversion.changes_nothing:
        return image
    colours, alpha = _parts(image)
    converted = conversion.apply(colours)
    if alpha is not None:
        converted.putalpha(alpha)
    return converted


def pixels_to_srgb(
    pixels: npt.NDArray[Any], profile: bytes | None, decoding: Reading, notes: list[str]
) -> npt.NDArray[Any]:
    """Pixels (H, W, 1 or 3) of more than 8 bits, at the wanted depth => in sRGB, at 8 bits.

    At 16 they stay as they are, as LittleCMS gives Pillow 8.
    """
    if profile is None or not _is_wanted(decoding):
        return pixels
    plain = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    conversion = _noted(profile, "L" if plain.ndim == 2 else "RGB", notes)
    if conversion.changes_nothing:
        return pixels
    if decoding.depth == 16:
        notes.append(
            f"has the colour profile {conversion.name}, which is not applied to 16 bits: its "
            "colours are read as sRGB (decoding.depth 8 converts them)"
        )
        return pixels
    converted = np.asarray(conversion.apply(Image.fromarray(plain)))
    return converted.reshape(pixels.shape)


def _is_wanted(decoding: Reading) -> bool:
    """Label maps have classes in place of colours, and a physical range has measured values."""
    return decoding.profiles == "convert" and decoding.range is None and not decoding.holds_labels


def _described(mode: str) -> str:
    """Which of L, RGB and CMYK the profile of an image of 8 bits is for."""
    if mode in ("1", "L", "LA", "La"):
        return "L"
    return "CMYK" if mode == "CMYK" else "RGB"


def _parts(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Any mode of 8 bits => L, RGB or CMYK, and the transparency."""
    is_grey = _described(image.mode) == "L"
    if image.has_transparency_data:
        # One transparent level or colour would not be found again once it is converted.
        image = image.convert("LA" if is_grey else "RGBA")
        return image.convert("L" if is_grey else "RGB"), image.getchannel("A")
    if is_grey:
        return image.convert("L"), None
    return image if image.mode == "CMYK" else image.convert("RGB"), None


def _noted(profile: bytes | None, mode: str, notes: list[str]) -> Conversion:
    """The conversion by a profile, which is None where Pillow could not read it."""
    conversion = _conversion(profile, mode) if profile else Conversion("", "is damaged")
    if conversion.problem:
        named = f" {conversion.name}" * bool(conversion.name)
        notes.append(
            f"has a colour profile{named} that {conversion.problem}: its colours are read as sRGB"
        )
    return conversion


@functools.lru_cache(maxsize=32)
def _conversion(profile: bytes, mode: str) -> Conversion:
    """By the profile's bytes: images of one camera share one."""
    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = _name(opened.profile.profile_description)
        space = opened.profile.xcolor_space.strip()
    except (OSError, ValueError):
        return Conversion("", "is damaged")
    # Grey images carry RGB profiles too: their levels are colours with three equal parts.
    if space != _KINDS[mode] and (mode, space) != ("L", "RGB"):
        kinds = (_IN_WORDS.get(kind, kind) for kind in (space, _KINDS[mode]))
        return Conversion(name, "is for {} and not for {}".format(*kinds))
    profile_mode = next(m for m, kind in _KINDS.items() if kind == space)
    try:
        transform = _transform(opened, profile_mode)
    except ImageCms.PyCMSError:
        return Conversion(name, "cannot be used")
    if mode == "L":
        levels = np.arange(256, dtype=np.uint8)[None]
        greys = Image.fromarray(levels).convert(profile_mode)
        table = np.asarray(Conversion(name, transform=transform).apply(greys).convert("L"))
        moved = np.abs(table.astype(int) - levels).max()
        return Conversion(name, table=tuple(table[0].tolist()) if moved > NEARLY_SRGB else ())
    conversion = Conversion(name, transform=transform)
    if mode == "RGB" and _moves_little(conversion):
        return Conversion(name)
    return conversion


def _transform(profile: Any, mode: str) -> Any:
    from PIL import ImageCms

    return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB")


@functools.cache
def _from_lab() -> Conversion:
    from PIL import ImageCms

    return Conversion("Lab", transform=_transform(ImageCms.createProfile("LAB"), "LAB"))


def _moves_little(conversion: Conversion) -> bool:
    """Whether a conversion of RGB leaves each colour of a lattice nearly where it is."""
    steps = np.linspace(0, 255, 18).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    moved = np.asarray(conversion.apply(Image.fromarray(lattice))).astype(int) - lattice
    return bool(np.abs(moved).max() <= NEARLY_SRGB)


def _name(description: str | None) -> str:
    """A profile's name for itself, in one line."""
    words = "".join(c if c.isprintable() else " " for c in description or "").split()
    return " ".join(words)[:60]


def _note_other_colours(image: Image.Image, notes: list[str]) -> None:
    """Say where an image without a profile has other colours than sRGB, by what else it says."""
    if image.mode == "CMYK":
        notes.append("is CMYK without a colour profile: its colours are approximate")
    gamma = image.info.get("gamma")  # of a PNG; that of sRGB is near 1/2.2
    if gamma and "srgb" not in image.info and not 0.42 < gamma < 0.48:
        notes.append(f"has a gamma of {gamma:g} (gAMA), which is not applied: 0.45 is sRGB's")
    # Cameras that are set to Adobe RGB name their files and say so, by the rule DCF 2.0.
    if b"R03\0" in (image.info.get("exif") or b""):
        notes.append(
            "is of a camera set to Adobe RGB (EXIF), without its profile: its colours are read as "
            "sRGB"
        )
