"""Pictures of a report: final samples, samples over time, and the worst test images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from unpaired.records.runs import Picture, Run, Samples
from unpaired.report.html.embed import Album, Embedded, Figure
from unpaired.report.names import Names


@dataclass(frozen=True, kw_only=True)
class Moment:
    """The sample grids of one moment."""

    when: str
    pictures: tuple[tuple[Embedded, str], ...]
    """Each with its description in words."""


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The sample grids of as many moments as a page has room for."""

    moments: tuple[Moment, ...]
    num_all: int


def final_pictures(run: Run, names: Names, album: Album) -> list[Figure]:
    """The last sample grids, large, and the same inputs under several styles."""
    figures = []
    if run.samples:
        last = run.samples[-1]
        for title, picture in _grids(last, names).items():
            figures.append(_figure(album, picture, f"{title}, after {last.images:,} images"))
    return figures + _of_directions(run.styles, names, album, "the same inputs in several styles")


def pictures_over_time(run: Run, names: Names, album: Album) -> Timeline:
    """The sample grids of all moments."""
    grids = [_grids(samples, names) for samples in run.samples]
    steps = album.embed_steps([[grid.path for grid in grid.values()] for grid in grids])
    moments = []
    for samples, grid, pictures in zip(run.samples, grids, steps, strict=True):
        when = f"{samples.images:,} images seen"
        shown = tuple(
            (picture, f"Sample grid {title} after {when}")
            for title, picture in zip(grid, pictures, strict=True)
            if picture is not None
        )
        if shown:
            moments.append(Moment(when=when, pictures=shown))
    return Timeline(moments=tuple(moments), num_all=len(run.samples))


def failures(run: Run, names: Names, album: Album) -> list[Figure]:
    """The test images that came out worst."""
    return _of_directions(run.worst, names, album, "the worst test images")


def _grids(samples: Samples, names: Names) -> dict[str, Picture]:
    """The grids of one moment by what they show, e.g. "ink → sign → ink"."""
    if not names.directions:
        caption = "Each row leads from one draw of the noise to another."
        grids = {names.title: (samples.b, caption)}
    else:
        grids = {
            _round_trip("a", "b", names): (samples.a, ""),
            _round_trip("b", "a", names): (samples.b, ""),
        }
    return {
        title: Picture(path=path, caption=caption)
        for title, (path, caption) in grids.items()
        if path is not None
    }


def _round_trip(source: str, target: str, names: Names) -> str:
    """From one domain to the other and, where the method translates so, back."""
    back = [source] if f"{target}2{source}" in names.directions else []
    return names.path(source, target, *back)


def _of_directions(
    pictures: Mapping[str, Picture], names: Names, album: Album, what: str
) -> list[Figure]:
    titles = {"a2b": names.path("a", "b"), "b2a": names.path("b", "a")}
    return [
        _figure(album, picture, f"{titles.get(direction, direction)}: {what}")
        for direction, picture in pictures.items()
    ]


def _figure(album: Album, picture: Picture, title: str) -> Figure:
    embedded = album.embed(picture.path)
    is_copy = embedded is not None and not embedded.exact
    copied = f"A compressed copy of samples/{picture.path.name}." if is_copy else ""
    return Figure(
        title=title,
        picture=embedded,
        alt=f"{title}. {picture.caption}".strip(),
        notes=tuple(filter(None, [picture.caption, copied])),
        missing=f"{picture.path.name} is no whole PNG, or too large for this page.",
    )
