"""Image conversion: Pillow images, arrays, tensors and files to pixels (H, W, C), and back."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from unpaired.core.errors import DataError, UnreadableImage
from unpaired.data.codecs.decode import decode
from unpaired.data.codecs.decoded import EIGHT_BITS_IN_SIXTEEN, Decoded
from unpaired.data.codecs.numbers import from_integers
from unpaired.data.domain import Domain, Pixels
from unpaired.data.tensors import LUMA

ImageLike = Image.Image | NDArray[Any] | Tensor | Path | str | bytes
"""A Pillow image; an array (H, W) or (H, W, C); a tensor [C, H, W]; a file, or its bytes.

Arrays and tensors hold uint8 (0 to 255) or uint16 (0 to 65535). Transparency in arrays, as a second
or fourth channel, is for uint8 alone.
"""

Alpha = Literal["keep", "composite"]
"""What becomes of transparency in translations: "keep" carries it over, where what is returned or
written holds it; "composite" leaves the image opaque, before the background of the decoding."""

_PNG_MODES = {"1", "L", "LA", "I;16", "I;16B", "P", "RGB", "RGBA"}
_TIFF_MODES = {"F", "I", "CMYK", "LAB"}  # numbers without black and white; colours for print
_LUMA = np.array([round(2**16 * weight) for weight in LUMA], np.uint32)  # as Pillow has it


def read_image(image: ImageLike, domain: Domain) -> Decoded:
    """Pixels (H, W, domain.channels) at the domain's depth, by the rules that files are read by.

    Raises:
        UnreadableImage: when the image breaks a rule of `domain.reading`, with the reason.
        DataError: when it is of no kind that is taken.
    """
    if isinstance(image, (str, Path)):
        return _decode(Path(image), str(image), domain)
    if isinstance(image, bytes):
        return _decode(image, "the image", domain)
    if isinstance(image, Image.Image):
        try:
            content = _encode(image)
        except (OSError, SyntaxError, ValueError) as error:  # Pillow reads an open file only now
            reason = f"cannot be read; it may be damaged, empty or closed (Pillow: {error})"
            raise UnreadableImage("the image", reason, code="damaged") from error
        return _decode(content, "the image", domain)
    if not isinstance(image, (np.ndarray, Tensor)):
        raise DataError(
            f"{type(image).__name__} is no kind of image. Give one image: a Pillow image, an array "
            "(H, W) or (H, W, C), a tensor [C, H, W], a file, or its bytes; of a list each by "
            "itself. Many files are translated by unpaired.translate_files.",
            code="no-kind-of-image",
        )
    if isinstance(image, Tensor):
        array = _from_tensor(image)
    else:
        array = image
        _check(str(array.dtype), array.shape, least_axes=2)
    if array.dtype == np.uint16 and array.ndim == 3 and array.shape[2] == 3:
        # The one kind that Pillow has no mode for.
        notes: list[str] = []
        decoded = from_integers(array, 2**16 - 1, domain.reading, notes)
        pixels = convert(decoded.pixels, domain.channels, domain.decoding.depth)
        return replace(decoded, pixels=pixels, notes=tuple(notes))
    plain = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    return _decode(_encode(Image.fromarray(np.ascontiguousarray(plain))), "the image", domain)


def like(pixels: Pixels, image: ImageLike) -> Any:
    """Pixels (H, W, C), transparency among them, as the same kind of thing as `image`; a Pillow
    image for files and bytes."""
    if isinstance(image, Tensor):
        return torch.from_numpy(pixels).permute(2, 0, 1).contiguous().to(image.device)
    if isinstance(image, np.ndarray):
        return pixels[..., 0] if image.ndim == 2 and pixels.shape[2] == 1 else pixels
    return to_pillow(pixels)


def to_pillow(pixels: Pixels) -> Image.Image:
    """Pixels (H, W, 1 to 4) as L, LA, RGB, RGBA or I;16. Pillow has no 16-bit colour and no 16-bit
    transparency: these become 8 bits."""
    if pixels.shape[2] == 1:
        return Image.fromarray(pixels[..., 0])
    return Image.fromarray(convert(pixels, pixels.shape[2], 8))


def holds_alpha(image: ImageLike, target: Domain) -> bool:
    """Whether a translation to `target` that is `like` an image can be transparent: Pillow has no
    grey of 16 bits that is."""
    is_array = isinstance(image, (np.ndarray, Tensor))
    return is_array or not (target.channels == 1 and target.decoding.depth == 16)


def with_alpha(translation: Pixels, alpha: Pixels, source: Domain, target: Domain) -> Pixels:
    """A translation (H, W, C) and the opacity (H, W, 1) of its original => (H, W, C + 1).

    The networks see the original before the background of `source`. What this lends to pixels that
    are partly transparent is taken out again: before the same background they look as translated,
    and before others they have no fringe. Fully transparent pixels keep the translation's colour,
    and label maps theirs.
    """
    alpha = convert(alpha, 1, target.decoding.depth)
    partly = ((alpha > 0) & (alpha < target.levels))[..., 0]
    colours = translation
    if partly.any() and not target.holds_labels:
        share = alpha[partly].astype(np.float32) / target.levels
        behind = np.array(source.decoding.background, np.uint8)[None, None]
        behind = convert(behind, target.channels, target.decoding.depth)[0].astype(np.float32)
        before = behind + (translation[partly] - behind) / share
        colours = translation.copy()
        colours[partly] = np.rint(before).clip(0, target.levels).astype(translation.dtype)
    return np.concatenate([colours, alpha], axis=2)


def convert(pixels: Pixels, channels: int, depth: int) -> Pixels:
    """Pixels (H, W, 1 or 3) with other channels or bits: by luma and replication, and by range."""
    if pixels.shape[2] == 3 and channels == 1:
        luma = pixels.astype(np.uint32) @ _LUMA + 2**15 >> 16
        pixels = luma[..., None].astype(pixels.dtype)
    elif pixels.shape[2] == 1 and channels == 3:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.dtype == np.uint8 and depth == 16:
        return pixels.astype(np.uint16) * EIGHT_BITS_IN_SIXTEEN
    if pixels.dtype == np.uint16 and depth == 8:
        return np.rint(pixels / EIGHT_BITS_IN_SIXTEEN).astype(np.uint8)
    return pixels


def _decode(content: bytes | Path, name: str, domain: Domain) -> Decoded:
    return decode(content, name=name, channels=domain.channels, decoding=domain.reading)


def _encode(image: Image.Image) -> bytes:
    """A file in memory, so that one place decides what becomes of modes, palettes and alpha."""
    if image.mode == "I" and image.format not in (None, "TIFF"):
        image = Image.fromarray(np.asarray(image).astype(np.uint16))  # of a file with 16 bits
    if image.mode not in _PNG_MODES | _TIFF_MODES:
        with_alpha = "LA" if image.mode == "La" else "RGBA"  # La has no other conversion
        image = image.convert(with_alpha if image.has_transparency_data else "RGB")
    file = io.BytesIO()
    if image.mode in _TIFF_MODES:
        image.save(file, "TIFF")
    else:
        image.save(file, "PNG", compress_level=0)
    return file.getvalue()


def _from_tensor(image: Tensor) -> NDArray[Any]:
    """[C, H, W] => (H, W, C)."""
    # First of all, as numpy has no bfloat16 and no sparse arrays.
    _check(str(image.dtype).removeprefix("torch."), (*image.shape[1:], *image.shape[:1]), 3)
    if image.layout != torch.strided or image.is_meta:
        raise DataError(
            "a sparse or meta tensor holds no pixels. Give a dense one.", code="no-dense-tensor"
        )
    return np.moveaxis(image.detach().cpu().numpy(), 0, -1)


def _check(dtype: str, shape: tuple[int, ...], least_axes: int) -> None:
    """Refuse what is no image of (H, W, C)."""
    channels = shape[2] if len(shape) == 3 else 1
    allowed = {"uint8": (1, 2, 3, 4), "uint16": (1, 3)}.get(dtype, ())
    if least_axes <= len(shape) <= 3 and 0 not in shape and channels in allowed:
        return
    raise DataError(
        f"an image of {dtype} with {channels} channel(s) and shape {shape} (with channels last) "
        "cannot be used. Give uint8 (0 to 255) with 1 to 4 channels, or uint16 (0 to 65535) with 1 "
        "or 3; values in [0, 1] are multiplied by 255 and rounded first.",
        code="no-image-array",
    )
