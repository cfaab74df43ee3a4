"""Pictures of a comparison: of each run, the first row of its newest sample grids."""

from __future__ import annotations

from dataclasses import dataclass

from unpaired.report.comparison.compare import Comparison
from unpaired.report.html.embed import Album, Embedded
from unpaired.report.plots.image_grid import first_row


@dataclass(frozen=True, kw_only=True)
class Newest:
    """What a run has drawn last."""

    run: str
    when: str
    pictures: tuple[Embedded, ...]


def newest_pictures(comparison: Comparison) -> list[Newest]:
    """For each run that has drawn samples, in the order of the tables."""
    album = Album()
    figures = []
    for entry in comparison.entries:
        for newest in entry.run.samples[-1:]:
            paths = [path for path in (newest.a, newest.b) if path is not None]
            rows = [row for path in paths if (row := first_row(path)) is not None]
            embedded = [picture for row in rows if (picture := album.embed_picture(row))]
            if embedded:
                when = f"after {newest.images:,} images"
                figures.append(Newest(run=entry.name, when=when, pictures=tuple(embedded)))
    return figures
