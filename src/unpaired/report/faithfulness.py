"""The faithfulness page: which translations to look at first, and what they have added and lost."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unpaired.core.errors import RunError
from unpaired.core.files import write_atomically
from unpaired.metrics.intervals import bootstrap_mean
from unpaired.report.html.embed import Album
from unpaired.report.html.markup import Html, absent, tag
from unpaired.report.html.page import Section, document
from unpaired.report.plots.image_grid import Pixels, grid, save_png

if TYPE_CHECKING:
    from unpaired.metrics.faithfulness import Faithfulness
    from unpaired.metrics.hidden_signal import HiddenSignal

SHOWN = 12
"""Images of each kind on the page; the file of all is beside it."""

_ADDED, _LOST = np.array([214.0, 40.0, 40.0]), np.array([30.0, 100.0, 220.0])
_VERDICTS = {
    "blind": "The way back does not restore the images yet: one image for all would be as near, or "
    "nearly. What is not restored cannot be hidden; measure again after more training.",
    "hidden": "The way back reads what no eye sees: translations carry some of their input in "
    "faint values, and the error of the cycle flatters the model. Noise in the cycle "
    "(--method.cycle-noise 0.05) takes that way out.",
    "unclear": "Whether something is hidden is not clear from these images: read the numbers, and "
    "measure more.",
    "honest": "Nothing is found to be hidden: the way back reads what is in the picture.",
}
_READING = "Block after block from the left, each from top to bottom"
_STRONGEST = 0.85  # opacity of a colour where all edge of a cell is new


def write_faithfulness(
    ways: Mapping[str, Faithfulness],
    folder: Path,
    title: str,
    hidden: Mapping[str, HiddenSignal] | None = None,
) -> Path:
    """Write `faithfulness.html`, its pictures and `faithfulness.csv` to `folder`; returns the page.

    `ways`: by what they are called, such as "photos → paintings"; `hidden` likewise, where there
    is a way back.

    Raises:
        RunError: when the folder cannot be written to.
    """
    try:
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        album = Album()
        sections = [
            Section(f"way-{i}", way, _way(found, way, folder / "pictures", f"{i}", album))
            for i, (way, found) in enumerate(ways.items())
        ]
        sections += [
            Section(
                f"hidden-{i}",
                f"Hidden signal, {way}",
                _hidden(found, way, folder / "pictures" / f"hidden-{i}.png", album),
            )
            for i, (way, found) in enumerate((hidden or {}).items())
        ]
        notes = ["Written by unpaired evaluate; every image's numbers are in faithfulness.csv."]
        page = folder / "faithfulness.html"
        write_atomically(page, document(title, "Faithfulness of translations", sections, notes))
        write_atomically(folder / "faithfulness.csv", _table(ways))
    except OSError as error:
        raise RunError(
            f"{folder} cannot be written to: {error.strerror}. Choose another -o."
        ) from error
    return page


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


def _way(found: Faithfulness, way: str, folder: Path, stem: str, album: Album) -> Html:
    suspected, order = found.suspected, found.order
    share = len(suspected) / len(found.names)
    words = (
        f"{len(suspected)} of {len(found.names)} translations ({share:.0%}) are suspected: at "
        "least one in twenty translations of other images has a structure that is nearer to the "
        "image than its own. Where a translation must change shapes, as between digits and "
        "clothes, that is no fault."
    )
    legend = (
        "Each row: the image, what was made of it, and where edges have changed. Red: edges that "
        "the image has not; blue: edges that are gone."
    )
    count = min(SHOWN, len(order) // 2)  # of few images, none is among the least and the most
    kinds = {
        "Suspected, the worst first": suspected[:SHOWN],
        "Least faithful": order[::-1][:count],
        "Most faithful": order[:count],
    }
    parts = [tag("p", words), tag("p", legend, class_="note")]
    for kind, indices in kinds.items():
        parts.append(tag("h3", kind))
        name = f"{stem}-{kind.split(',')[0].lower().replace(' ', '-')}.png"
        parts.append(_figure(found, indices, f"{way}: {kind}", folder / name, album))
    return tag("div", *parts)


def _figure(
    found: Faithfulness, indices: NDArray[np.int64], alt: str, path: Path, album: Album
) -> Html:
    if not len(indices):
        return absent("None.")
    maps = [change_map(found.translations[i], found.added[i], found.lost[i]) for i in indices]
    columns: dict[str, Sequence[Pixels]] = {
        "image": list(found.source[indices]),
        "made": list(found.translations[indices]),
        "changes": maps,
    }
    names = ", ".join(f"{found.names[i]} ({found.distances[i]:.2f})" for i in indices)
    caption = f"{_READING}, with structure distances: {names}."
    return _picture(columns, alt, caption, path, album)


def _hidden(found: HiddenSignal, way: str, path: Path, album: Album) -> Html:
    """What a touch that no eye sees makes of the way back."""
    noise, jpeg = (bootstrap_mean(found.grown[touch]) for touch in ("noise", "jpeg"))
    errors = [found.untouched, found.cycle_l1["noise"], found.cycle_l1["jpeg"]]
    plain, noised, pressed = (f"{error.mean():.4f}" for error in errors)
    numbers = (
        f"Faint noise on a translation changes the image that comes back {noise.value:.2f} times "
        f"as much as it changed the translation ({noise.low:.2f} to {noise.high:.2f}, n = "
        f"{noise.n:,}), JPEG {jpeg.value:.2f} times ({jpeg.low:.2f} to {jpeg.high:.2f}). Up to "
        f"about 1 is honest; where the interval for noise lies above {found.SUSPECTED_FROM:g}, the "
        "way back reads what no eye sees, and it is the input where images come back well, and "
        "worse after a touch. "
        f"The error of the cycle is {plain}, with noise {noised}, with JPEG {pressed}; one image "
        f"for all would have {found.blind.mean():.4f}."
    )
    columns = {title: list(pile) for title, pile in found.pictures.items()}
    caption = f"The images whose way back changes most. {_READING}: the most first."
    figure = _picture(columns, f"{way}: hidden signal", caption, path, album)
    return tag("div", tag("p", _VERDICTS[found.verdict]), tag("p", numbers), figure)


def _picture(
    columns: Mapping[str, Sequence[Pixels]], alt: str, caption: str, path: Path, album: Album
) -> Html:
    save_png(grid(columns, width=1080), path)
    embedded = album.embed(path)
    body = (
        absent(f"{path.name} is too large for this page.")
        if embedded is None
        else embedded.image(alt)
    )
    return tag("figure", body, tag("figcaption", tag("span", caption)))


def _table(ways: Mapping[str, Faithfulness]) -> str:
    """All images, the least faithful first."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["way", "image", "structure_distance", "nearer_rivals", "suspected"])
    for way, found in ways.items():
        suspected = set(found.suspected.tolist())
        for i in found.order[::-1].tolist():
            numbers = f"{found.distances[i]:.4f}", f"{found.nearer[i]:.4f}"
            writer.writerow([way, found.names[i], *numbers, int(i in suspected)])
    return buffer.getvalue()
