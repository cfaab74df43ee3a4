"""Domain: one set of images, and the form in which networks see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from unpaired.core.config import Natural, Share, ValueRange, config
from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.settings import Decoding, Reading
from unpaired.data.representation import Classes, Continuous, Representation
from unpaired.data.sources import Source

DomainName = Literal["a", "b"]
Direction = Literal["a2b", "b2a"]
OTHER: dict[DomainName, DomainName] = {"a": "b", "b": "a"}
DIRECTION: dict[DomainName, Direction] = {"a": "a2b", "b": "b2a"}
"""The direction in which a domain's images are translated."""
SOURCE: dict[Direction, DomainName] = {"a2b": "a", "b2a": "b"}
"""The domain whose images a direction translates."""

Pixels = NDArray[np.unsignedinteger[Any]]
"""uint8, or uint16 where a domain keeps 16 bits."""


@config
class Augmentation:
    """Random changes of the training images, drawn anew each time an image is seen."""

    zoom: Annotated[float, Ge(1)] = 1.2
    """Enlarge by this factor before cropping (Daputo: +20 %; CycleGAN: 286/256 = 1.12)."""
    crop_probability: Share = 0.5
    """Share of images that are enlarged and cropped at random (Daputo: about half)."""
    flip: bool = True
    """Mirror half of the images left to right; wrong for digits and letters."""


@config
class Domain:
    """One set of images, with channels, size and value range."""

    source: Annotated[Source, Field(discriminator="kind")]
    """Where the training images come from."""
    test_source: Annotated[Source | None, Field(discriminator="kind")] = None
    """Images kept for the test; none: a share of the training images is held out."""
    validation_source: Annotated[Source | None, Field(discriminator="kind")] = None
    """Images for choices during training; none: a share of the training images is held out."""
    labelled_source: Annotated[Source | None, Field(discriminator="kind")] = None
    """Labelled images that train the evaluation's task classifier; none: the training images."""
    test_fraction: Annotated[float, Ge(0), Le(0.9)] = 0.1
    """Share of the training images held out for the test where there is no test source."""
    validation_fraction: Annotated[float, Ge(0), Le(0.9)] = 0.05
    """Share of the training images held out for validation where there is no such source."""
    channels: Literal[1, 3] = 3
    """1 for grey, 3 for RGB."""
    size: Annotated[int, Ge(8)] = 256
    """Side, in pixels, of the square images that the networks see."""
    crop: tuple[Natural, Natural, Natural, Natural] | None = None
    """Box (left, top, right, bottom) cut out first, in pixels of the source images."""
    fit: Literal["resize", "cover", "pad", "crop"] = "cover"
    """How an image becomes square: stretch; or scale the short side and cut off what lies outside
    the middle square; or add a border around it without scaling; or cut a square out of it, at the
    scale of `scale` or `short_side`: another one each time that it is seen in training, anywhere in
    it, and the middle one wherever images are measured or shown."""
    scale: Annotated[float, Ge(0.01), Le(4)] = 1.0
    """Of the images that fit="crop" cuts squares out of: at 1, their pixels are those of the files.
    Images that are then smaller than the square are enlarged until they fill it."""
    short_side: Natural = 0
    """In place of a scale, for images of many sizes: the short side, in pixels, of the images that
    fit="crop" cuts squares out of (CycleGAN: 286, for squares of 256). 0: as `scale` says."""
    fill: Annotated[int, Ge(0), Le(255)] = 0
    """Grey level, 0 to 255, of the border that "pad" adds."""
    value_range: ValueRange = "signed"
    """Values inside the networks: "signed" is [-1, 1] with tanh, "unit" [0, 1] with sigmoid."""
    range: tuple[float, float] | None = None
    """Physical range: the values in files, integers or floating-point numbers, that are black and
    white. None: all that integers of their width can be (12 bits in 16 are dark, and want 0 4095);
    floating-point numbers and integers of 32 bits, whose range only you know, are then refused."""
    decoding: Decoding = Decoding()
    """How files become pixels."""
    augmentation: Augmentation = Augmentation()
    """Random changes of the training images."""
    balanced: bool = False
    """Draw each class equally often in training; needs labels."""
    palette: tuple[tuple[int, int, int], ...] = ()
    """The colours of the classes where the images are label maps; empty: they are not. Label maps
    are brought to size by nearest neighbour, as a mixture of two colours is no class or a third.
    Maps of class ids have greys: 0 0 0, 1 1 1 and so on."""
    label_channels: Literal["classes", "colours"] = "classes"
    """What networks see of label maps: a channel for each class, which makes every translation a
    valid label map, or the colours, as of images."""

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {"decoding.float_range": "range"}

    @property
    def reading(self) -> Reading:
        """Its decoding, and what its pixels stand for."""
        return Reading(**vars(self.decoding), range=self.range, holds_labels=self.holds_labels)

    @property
    def levels(self) -> int:
        """The largest pixel value: 255, or 65535 at 16 bits."""
        return int(2**self.decoding.depth - 1)

    @property
    def representation(self) -> Representation:
        """Between its pixels and what networks see."""
        if self.palette and self.label_channels == "classes":
            return Classes(self.palette)
        return Continuous(self.channels, self.value_range)

    @property
    def holds_labels(self) -> bool:
        """Whether the images are label maps, whose colours must not be mixed."""
        return bool(self.palette)


def frame(pixels: Pixels, domain: Domain) -> Pixels:
    """Bring an image (H, W, C) to the (size, size, C) that the networks of `domain` see; of those
    that fit="crop" may cut out of it, the middle one."""
    left, top, right, bottom = box_in(pixels.shape[0], pixels.shape[1], domain)
    return square(pixels[top:bottom, left:right], domain)


def box_in(height: int, width: int, domain: Domain) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what the domain's crop box leaves of an image; an end before
    its beginning where that is nothing."""
    left, top, right, bottom = domain.crop or (0, 0, width, height)
    return left, top, min(right, width), min(bottom, height)


def require_box(pixels: Pixels, name: str, domain: Domain) -> tuple[int, int, int, int]:
    """As `box_in`, of an image (H, W, C).

    Raises:
        UnreadableImage: where all of it lies outside the crop box.
    """
    height, width = pixels.shape[:2]
    left, top, right, bottom = box_in(height, width, domain)
    if left >= right or top >= bottom:
        raise UnreadableImage(
            name,
            f"has {width}×{height} pixels, which all lie outside the crop box {domain.crop}",
            code="outside-crop",
        )
    return left, top, right, bottom


def square(pixels: Pixels, domain: Domain) -> Pixels:
    """As `frame`, of an image that the crop box is cut out of already."""
    height, width = pixels.shape[:2]
    size = domain.size
    if domain.fit == "pad" and max(height, width) <= size:
        top, left = (size - height) // 2, (size - width) // 2
        margins = ((top, size - height - top), (left, size - width - left), (0, 0))
        border = domain.fill * domain.levels // 255
        return np.pad(pixels, margins, constant_values=border).astype(pixels.dtype)
    if domain.fit == "pad":  # too large to pad: scale the long side, then pad
        scale = size / max(height, width)
        pixels = resize(
            pixels, round(height * scale), round(width * scale), nearest=domain.holds_labels
        )
        return square(pixels, domain)
    if domain.fit == "crop":
        return window(at_scale(pixels, domain), size)
    if domain.fit == "cover":
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        pixels = pixels[top : top + short, left : left + short]
    return resize(pixels, size, size, nearest=domain.holds_labels)


def at_scale(pixels: Pixels, domain: Domain) -> Pixels:
    """The image (H, W, C), at least as large as the networks' square, that fit="crop" cuts squares
    out of; the crop box is cut out already."""
    height, width = size_at_scale(pixels.shape[0], pixels.shape[1], domain)
    return resize(pixels, height, width, nearest=domain.holds_labels)


def size_at_scale(height: int, width: int, domain: Domain) -> tuple[int, int]:
    """Height and width that fit="crop" scales an image to: not below the square that it cuts out,
    to whose side the short side of smaller images is brought."""
    short = min(height, width)
    scale = domain.short_side / short if domain.short_side else domain.scale
    if round(short * scale) < domain.size:
        scale = domain.size / short
    return max(domain.size, round(height * scale)), max(domain.size, round(width * scale))


def window(pixels: Pixels, size: int, place: NDArray[np.float64] | None = None) -> Pixels:
    """A square (size, size, C) of an image (H, W, C) at least as large, nothing scaled.

    `place`: two numbers in [0, 1), down and across, for each of which every position that the
    square can have is as likely as any other; none: the middle.
    """
    room = np.subtract(pixels.shape[:2], size)
    top, left = room // 2 if place is None else (place * (room + 1)).astype(np.int64)
    return pixels[top : top + size, left : left + size]


def resize(pixels: Pixels, height: int, width: int, *, nearest: bool = False) -> Pixels:
    """Bicubic with anti-aliasing, in float and unquantised until the end; same dtype.

    With `nearest`, each pixel is that of the image at its centre: no colour is made up.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    if nearest:
        rows, columns = (
            (2 * np.arange(max(1, after)) + 1) * before // (2 * max(1, after))
            for after, before in ((height, pixels.shape[0]), (width, pixels.shape[1]))
        )
        picked: Pixels = pixels[rows[:, None], columns]
        return picked
    values = resize_in_float(pixels, max(1, height), max(1, width))
    return np.clip(np.round(values), 0, np.iinfo(pixels.dtype).max).astype(pixels.dtype)


def resize_in_float(pixels: Pixels, height: int, width: int) -> NDArray[np.float32]:
    """Bicubic with anti-aliasing, (H, W, C) float32: neither rounded nor clipped to the range."""
    planes = [
        Image.fromarray(pixels[..., c].astype(np.float32)).resize(
            (width, height), Image.Resampling.BICUBIC
        )
        for c in range(pixels.shape[2])
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)
