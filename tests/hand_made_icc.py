"""ICC profiles put together by hand, and what they mean in formulas of their own."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# Colorants of RGB spaces adapted to D50, as their profiles hold them: rows X, Y, Z.
SRGB = np.array([[0.4360, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
DISPLAY_P3 = np.array(
    [[0.5151, 0.2919, 0.1572], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]]
)
ADOBE_RGB = np.array([[0.6097, 0.2053, 0.1492], [0.3111, 0.6257, 0.0632], [0.0195, 0.0609, 0.7446]])
PROPHOTO = np.array([[0.7977, 0.1352, 0.0313], [0.2880, 0.7119, 0.0001], [0.0, 0.0, 0.8249]])
D50 = (0.9642, 1.0, 0.8249)


def linear(levels: Array, gamma: float | None) -> Array:
    """Levels in 0…1 => light; without a gamma, by the curve of sRGB (IEC 61966-2-1)."""
    if gamma is not None:
        return np.asarray(levels**gamma)
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)


def encoded(light: Array) -> Array:
    """Light => sRGB levels, 0…255, unrounded."""
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def in_srgb(pixels: Array, colorants: Array, gamma: float | None = None) -> Array:
    """What pixels (H, W, 3) of an RGB space are in sRGB, 0…255, unrounded."""
    to_srgb = np.linalg.inv(SRGB) @ colorants
    return encoded(linear(pixels / 255, gamma) @ to_srgb.T)


def rgb_profile(colorants: Array, gamma: float | None = None, name: str = "hand made") -> bytes:
    """A matrix profile; without a gamma, with the curve of sRGB."""
    curve = _curve(gamma)
    tags = {f"{c}XYZ": _xyz(*colorants[:, i]) for i, c in enumerate("rgb")}
    return _profile("RGB ", name, tags | {f"{c}TRC": curve for c in "rgb"}, kind="mntr")


def grey_profile(gamma: float, name: str = "grey") -> bytes:
    """A grey profile with a gamma."""
    return _profile("GRAY", name, {"kTRC": _curve(gamma)}, kind="mntr")


def cmyk_profile(name: str = "press") -> bytes:
    """L* falls with each ink, in proportion, to 0 at full black and 40 at each full colour."""
    inks = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), -1).reshape(16, 4)
    lightness = (1 - inks[:, 3]) * np.prod(1 - 0.6 * inks[:, :3], axis=1)
    lab = np.stack([255 * lightness, np.full(16, 128.0), np.full(16, 128.0)], -1)
    straight = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0])
    table += struct.pack(">9i", *(65536 * np.eye(3, dtype=int)).ravel().tolist())
    table += straight * 4 + lab.round().astype(np.uint8).tobytes() + straight * 3
    return _profile("CMYK", name, {"A2B0": table}, kind="prtr", connection="Lab ")


def _profile(
    space: str, name: str, tags: dict[str, bytes], *, kind: str, connection: str = "XYZ "
) -> bytes:
    text = name.encode() + b"\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {"desc": description, "cprt": b"text" + bytes(4) + b"none\0", "wtpt": _xyz(*D50)} | tags
    directory, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for tag, content in tags.items():
        directory += struct.pack(">4sII", tag.encode(), start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    body = struct.pack(">I", len(tags)) + directory + data
    head = struct.pack(
        ">I4sI4s4s4s", 128 + len(body), b"", 0x02400000, kind.encode(), space.encode(),
        connection.encode(),
    )  # fmt: skip
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", *(round(65536 * number) for number in D50))
    return head + bytes(128 - len(head)) + body


def _xyz(*numbers: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(65536 * number) for number in numbers))


def _curve(gamma: float | None) -> bytes:
    if gamma is not None:
        return b"curv" + bytes(4) + struct.pack(">IH", 1, round(256 * gamma))
    levels = (65535 * linear(np.linspace(0, 1, 1024), None)).round().astype(">u2")
    return b"curv" + bytes(4) + struct.pack(">I", 1024) + levels.tobytes()
