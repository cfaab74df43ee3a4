"""Faithfulness page: which translations to check first, and what they have added and lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unpaired.core.errors import RunError
from unpaired.core.files import write_atomically
from unpaired.metrics.intervals import bootstrap_mean
from unpaired.report.html.assets import INLINE, Assets
from unpaired.report.html.embed import Album, Figure
from unpaired.report.html.render import render
from unpaired.report.plots.image_grid import Pixels, grid, save_png

if TYPE_CHECKING:
    from unpaired.metrics.faithfulness import Faithfulness
    from unpaired.metrics.hidden_signal import HiddenSignal

SHOWN = 12
"""Images of each kind on the page; the file of all is beside it."""

_ADDED, _LOST = np.array([214.0, 40.0, 40.0]), np.array([30.0, 100.0, 220.0])
_VERDICTS = {
    "blind": "The reconstruction does not restore the images yet: one image for all would be as "
    "near, or nearly. What is not restored cannot be hidden; measure again after more training.",
    "hidden": "The reconstruction reads what no eye sees: translations carry some of their input "
    "in faint values, and the error of the cycle flatters the model. Noise in the cycle "
    "(--method.cycle-noise 0.05) takes that out.",
    "unclear": "Whether something is hidden is not clear from these images: read the numbers, and "
    "measure more.",
    "honest": "Nothing seems hidden: the reconstruction reads what is in the picture.",
}
_READING = "Block after block from the left, each from top to bottom"
_STRONGEST = 0.85  # opacity of a colour where all edge of a cell is new


def write_faithfulness(
    translations: Mapping[str, Faithfulness],
    folder: Path,
    title: str,
    hidden: Mapping[str, HiddenSignal] | None = None,
) -> Path:
    """Write `faithfulness.html`, its pictures and `faithfulness.csv` to `folder`; returns the page.

    `translations`: by what they are called, such as "photos → paintings"; `hidden` likewise, where
    there are reconstructions.

    Raises:
        RunError: when the folder cannot be written to.
    """
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        content = page(translations, folder / "pictures", title, hidden or {})
        write_atomically(folder / "faithfulness.html", content)
        write_atomically(folder / "faithfulness.csv", _table(translations))
    except OSError as error:
        raise RunError(
            f"{folder} cannot be written to: {error.strerror}. Choose another -o.",
            code="output-unwritable",
        ) from error
    return folder / "faithfulness.html"


def page(
    translations: Mapping[str, Faithfulness],
    pictures: Path,
    title: str,
    hidden: Mapping[str, HiddenSignal],
    assets: Assets = INLINE,
) -> str:
    """The whole page; its pictures are written to the folder `pictures` as well."""
    album = Album()
    content: dict[str, Any] = {
        "assets": assets,
        "above": "Faithfulness of translations",
        "title": title,
        "notes": (),
        "translations": [
            _translations(measured, name, pictures, i, album)
            for i, (name, measured) in enumerate(translations.items())
        ],
        "hidden": [
            _hidden(measured, name, pictures, i, album)
            for i, (name, measured) in enumerate(hidden.items())
        ],
    }
    content["sections"] = {
        one["anchor"]: one["title"] for one in (*content["translations"], *content["hidden"])
    }
    return render("faithfulness.html", content)


def change_map(
    translation: Pixels, added: NDArray[np.float64], lost: NDArray[np.float64]
) -> Pixels:
    """The translation in grey, with red where edges are new, blue where they are gone.

    translation: (H, W, C) uint8. added, lost: (16, 16), 0…1. Returns (H, W, 3) uint8.
    """
    height, width = translation.shape[:2]
    picture = np.repeat(translation.mean(2, keepdims=True), 3, axis=2)
    for amount, colour in ((lost, _LOST), (added, _ADDED)):
        smooth = Image.fromarray(amount.astype(np.float32)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        opacity = _STRONGEST * np.asarray(smooth)[..., None].clip(0, 1)
        picture = picture * (1 - opacity) + colour * opacity
    return picture.round().astype(np.uint8)


def _translations(
    faithfulness: Faithfulness, name: str, folder: Path, place: int, album: Album
) -> dict[str, Any]:
    suspected, order = faithfulness.suspected, faithfulness.order
    count = min(SHOWN, len(order) // 2)  # of few images, none is among the least and the most
    kinds = {
        "Suspected, the worst first": suspected[:SHOWN],
        "Least faithful": order[::-1][:count],
        "Most faithful": order[:count],
    }
    figures = []
    for kind, indices in kinds.items():
        path = folder / f"{place}-{kind.split(',')[0].lower().replace(' ', '-')}.png"
        figures.append(_changes(faithfulness, indices, kind, name, path, album))
    return {
        "anchor": f"translations-{place}",
        "title": name,
        "num_suspected": len(suspected),
        "num_images": len(faithfulness.names),
        "share": f"{len(suspected) / len(faithfulness.names):.0%}",
        "figures": figures,
    }


def _changes(
    faithfulness: Faithfulness,
    indices: NDArray[np.int64],
    kind: str,
    name: str,
    path: Path,
    album: Album,
) -> Figure:
    """Images beside their translations and what these have changed; nothing for no images."""
    if not len(indices):
        return Figure(title=kind, picture=None)
    columns: dict[str, Sequence[Pixels]] = {
        "input": list(faithfulness.source[indices]),
        "output": list(faithfulness.translations[indices]),
        "changes": [
            change_map(faithfulness.translations[i], faithfulness.added[i], faithfulness.lost[i])
            for i in indices
        ],
    }
    names = ", ".join(f"{faithfulness.names[i]} ({faithfulness.distances[i]:.2f})" for i in indices)
    caption = f"{_READING}, with structure distances: {names}."
    return _grid(columns, kind, f"{name}: {kind}", caption, path, album)


def _hidden(
    signal: HiddenSignal, name: str, folder: Path, place: int, album: Album
) -> dict[str, Any]:
    """What a change that no eye sees makes of the reconstruction."""
    noise, jpeg = (bootstrap_mean(signal.grown[change]) for change in ("noise", "jpeg"))
    errors = [signal.untouched, signal.cycle_l1["noise"], signal.cycle_l1["jpeg"]]
    plain, noised, pressed = (f"{error.mean():.4f}" for error in errors)
    numbers = (
        f"Faint noise on a translation changes its reconstruction {noise.value:.2f} times "
        f"as much as it changed the translation ({noise.low:.2f} to {noise.high:.2f}, n = "
        f"{noise.n:,}), JPEG {jpeg.value:.2f} times ({jpeg.low:.2f} to {jpeg.high:.2f}). Up to "
        "about 1 is honest; where the interval for noise lies above "
        f"{signal.SUSPECTED_FROM:g}, the reconstruction reads what no eye sees, and it is the "
        "input where images come back well, and worse after a change. "
        f"The error of the cycle is {plain}, with noise {noised}, with JPEG {pressed}; one image "
        f"for all would have {signal.blind.mean():.4f}."
    )
    columns = {title: list(images) for title, images in signal.pictures.items()}
    caption = f"The images whose reconstruction changes most. {_READING}: the most first."
    path, alt = folder / f"hidden-{place}.png", f"{name}: hidden signal"
    return {
        "anchor": f"hidden-{place}",
        "title": f"Hidden signal, {name}",
        "verdict": _VERDICTS[signal.verdict],
        "numbers": numbers,
        "figure": _grid(columns, "", alt, caption, path, album),
    }


def _grid(
    columns: Mapping[str, Sequence[Pixels]],
    title: str,
    alt: str,
    caption: str,
    path: Path,
    album: Album,
) -> Figure:
    save_png(grid(columns, width=1080), path)
    missing = f"{path.name} is too large for this page."
    picture = album.embed(path)
    return Figure(title=title, picture=picture, alt=alt, notes=(caption,), missing=missing)


def _table(translations: Mapping[str, Faithfulness]) -> str:
    """All images, the least faithful first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["way", "image", "structure_distance", "nearer_rivals", "suspected"])
    for name, faithfulness in translations.items():
        suspected = set(faithfulness.suspected.tolist())
        for i in faithfulness.order[::-1].tolist():
            numbers = f"{faithfulness.distances[i]:.4f}", f"{faithfulness.nearer[i]:.4f}"
            writer.writerow([name, faithfulness.names[i], *numbers, int(i in suspected)])
    return buffer.getvalue()
