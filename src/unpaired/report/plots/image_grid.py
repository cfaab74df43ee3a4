"""Sample grids and contact sheets: arrays of pixels in, one labelled picture out.

Images are uint8 arrays of shape (height, width, channels) with 1 (grey) or 3 (RGB) channels.
Backgrounds are transparent and text is mid-grey: the pictures suit light pages and dark ones.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from unpaired.core.files import write_atomically

Pixels = npt.NDArray[np.uint8]

_SMALLEST_CELL = 64
_LARGEST_CELL = 512
_GUTTER = 2
_GROUP_GAP = 14
_TEXT_GAP = 4
_SMALLEST_TEXT, _LARGEST_TEXT = 12, 28
_TEXT_COLOUR = (125, 125, 125, 255)
_FRAME_COLOUR = (128, 128, 128, 70)
_TRANSPARENT = (0, 0, 0, 0)


def grid(columns: Mapping[str, Sequence[Pixels]], *, width: int = 540) -> Image.Image:
    """A sample grid: row i shows the i-th image of each column, e.g. a, a→b and a→b→a.

    Columns may differ in size and channels. Where one set of columns is narrower than `width`
    pixels, several stand side by side, filled from top to bottom. Small images are enlarged by a
    whole factor without interpolation, so that each original pixel stays visible.
    """
    titles = list(columns)
    rows = list(zip(*columns.values(), strict=True))
    assert rows, "a grid needs at least one row"
    cells = [[_enlarged(pixels) for pixels in row] for row in rows]
    cell_width, cell_height = _largest([image for row in cells for image in row])

    group_width = len(titles) * (cell_width + _GUTTER) + _GUTTER
    num_groups = max(1, (width + _GROUP_GAP) // (group_width + _GROUP_GAP))
    num_rows = -(-len(rows) // num_groups)
    num_groups = -(-len(rows) // num_rows)
    labels = [_label(title, cell_width) for title in titles]
    header_height = max(label.height for label in labels) + _TEXT_GAP

    picture = Image.new(
        "RGBA",
        (
            num_groups * (group_width + _GROUP_GAP) - _GROUP_GAP,
            header_height + num_rows * (cell_height + _GUTTER) + _GUTTER,
        ),
        _TRANSPARENT,
    )
    draw = ImageDraw.Draw(picture)
    for group in range(num_groups):
        left = group * (group_width + _GROUP_GAP)
        members = cells[group * num_rows : (group + 1) * num_rows]
        bottom = header_height + len(members) * (cell_height + _GUTTER) + _GUTTER
        draw.rectangle((left, header_height, left + group_width - 1, bottom - 1), _FRAME_COLOUR)
        for column, label in enumerate(labels):
            x = left + _GUTTER + column * (cell_width + _GUTTER)
            label.write(draw, x + cell_width // 2, header_height - _TEXT_GAP)
            for row, images in enumerate(members):
                y = header_height + _GUTTER + row * (cell_height + _GUTTER)
                _paste(picture, images[column], x, y, cell_width, cell_height)
    return picture


def first_row(path: Path) -> Image.Image | None:
    """The titles and the first row of the grid in a file; None where it is no whole grid."""
    try:
        with Image.open(path, formats=("PNG",)) as image:
            picture = image.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    pixels = np.asarray(picture)
    frames = np.flatnonzero((pixels[:, 0] == _FRAME_COLOUR).all(1))
    if not len(frames):
        return None
    top = int(frames[0])
    # Images are opaque, and what lies between their rows is not.
    drawn = (pixels[top:, :, 3] == 255).any(1)
    first = int(drawn.argmax())
    gaps = np.flatnonzero(~drawn[first:])
    if not len(gaps):
        return None
    return picture.crop((0, 0, picture.width, top + first + int(gaps[0]) + _GUTTER))


def contact_sheet(
    images: Sequence[Pixels], captions: Sequence[str], *, width: int = 1080
) -> Image.Image:
    """Images in reading order, each with its caption below, in a picture about `width` wide."""
    assert images, "a contact sheet needs at least one image"
    assert len(images) == len(captions), "a contact sheet needs one caption per image"
    cells = [_enlarged(pixels) for pixels in images]
    cell_width, cell_height = _largest(cells)
    labels = [_label(caption, cell_width) for caption in captions]
    text_height = max(label.height for label in labels) + _TEXT_GAP

    step_x = cell_width + _GROUP_GAP
    step_y = cell_height + text_height + _GROUP_GAP
    num_columns = min(len(cells), max(1, (width + _GROUP_GAP) // step_x))
    num_rows = -(-len(cells) // num_columns)
    picture = Image.new(
        "RGBA", (num_columns * step_x - _GROUP_GAP, num_rows * step_y - _GROUP_GAP), _TRANSPARENT
    )
    draw = ImageDraw.Draw(picture)
    for index, (image, label) in enumerate(zip(cells, labels, strict=True)):
        x, y = index % num_columns * step_x, index // num_columns * step_y
        _paste(picture, image, x, y, cell_width, cell_height)
        label.write(draw, x + cell_width // 2, y + cell_height + _TEXT_GAP + label.height)
    return picture


def save_png(picture: Image.Image, path: Path) -> None:
    """Write `picture` as PNG; `path` appears whole or not at all."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())


def _enlarged(pixels: Pixels) -> Image.Image:
    """An image at the size it is drawn: whole factors only, up by repetition, down by averaging."""
    assert pixels.dtype == np.uint8, f"pixels must be uint8, not {pixels.dtype}"
    assert pixels.ndim == 3, f"pixels must be (height, width, channels), not {pixels.shape}"
    assert pixels.shape[2] in (1, 3), f"images have 1 or 3 channels, not {pixels.shape[2]}"
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    shortest, longest = sorted(image.size)
    if longest > _LARGEST_CELL:
        return image.reduce(-(-longest // _LARGEST_CELL))
    # A thin strip is not enlarged beyond the largest cell for the sake of its short side.
    factor = max(1, min(-(-_SMALLEST_CELL // shortest), _LARGEST_CELL // longest))
    return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)


def _largest(images: Sequence[Image.Image]) -> tuple[int, int]:
    return max(image.width for image in images), max(image.height for image in images)


def _paste(
    picture: Image.Image, image: Image.Image, x: int, y: int, cell_width: int, cell_height: int
) -> None:
    """Put `image` into the middle of the cell whose upper left corner is (x, y)."""
    corner = (x + (cell_width - image.width) // 2, y + (cell_height - image.height) // 2)
    picture.paste(image.convert("RGBA"), corner)


@dataclass(frozen=True)
class _Label:
    """A text of one or two lines that fits above or below a cell."""

    lines: tuple[str, ...]
    font: ImageFont.FreeTypeFont

    @property
    def height(self) -> int:
        return len(self.lines) * self._line_height

    @property
    def _line_height(self) -> int:
        return round(1.25 * self.font.size)

    def write(self, draw: ImageDraw.ImageDraw, centre: int, bottom: int) -> None:
        """Centre the text on x = `centre`, its last line ending at y = `bottom`."""
        for index, line in enumerate(self.lines):
            position = (centre, bottom - self.height + index * self._line_height)
            draw.text(position, line, fill=_TEXT_COLOUR, font=self.font, anchor="ma")


def _label(text: str, width: int) -> _Label:
    """`text` for a cell `width` pixels wide, larger on larger cells, cut with an ellipsis."""
    font = _font(max(_SMALLEST_TEXT, min(_LARGEST_TEXT, width // 14)))
    lines = [""]
    for word in "".join(c if c.isprintable() else " " for c in text).split():
        extended = f"{lines[-1]} {word}".strip()
        if not lines[-1] or len(lines) == 2 or font.getlength(extended) <= width:
            lines[-1] = extended
        else:
            lines.append(word)
    return _Label(tuple(_shorten(line, font, width) for line in lines), font)


def _shorten(line: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(line) <= width:
        return line
    kept = len(line)
    while kept and font.getlength(line[:kept] + "…") > width:
        kept -= 1
    return line[:kept] + "…"


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    # A font of ours has arrows and accents, and draws the same everywhere; Pillow's has no arrows.
    content = resources.files("unpaired.report").joinpath("fonts/DejaVuSans.ttf").read_bytes()
    return ImageFont.truetype(io.BytesIO(content), size)
