"""The pictures of a comparison: of each run, the first row of its newest sample grids."""

from __future__ import annotations

from unpaired.report.comparison.compare import Comparison
from unpaired.report.comparison.entries import Entry
from unpaired.report.html.embed import Album
from unpaired.report.html.markup import Html, absent, tag
from unpaired.report.plots.image_grid import first_row


def newest_pictures(comparison: Comparison) -> Html:
    """A figure for each run that has drawn samples, in the order of the tables."""
    album = Album()
    figures = [_figure(entry, album) for entry in comparison.entries]
    if not any(figures):
        return absent("No run has drawn samples yet.")
    words = "One row of each run's newest sample grids; its report, linked below, has all of them."
    return tag("div", tag("p", words, class_="note"), tag("div", *figures, class_="newest"))


def _figure(entry: Entry, album: Album) -> Html:
    if not entry.run.samples:
        return Html("")
    newest = entry.run.samples[-1]
    paths = [path for path in (newest.a, newest.b) if path is not None]
    rows = [row for path in paths if (row := first_row(path)) is not None]
    found = [picture for row in rows if (picture := album.embed_picture(row)) is not None]
    if not found:
        return Html("")
    when = f"after {newest.images:,} images"
    images = [picture.image(f"Samples of {entry.name} {when}") for picture in found]
    caption = tag("figcaption", tag("strong", entry.name), tag("span", when))
    return tag("figure", caption, *images)
