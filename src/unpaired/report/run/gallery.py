"""The pictures of a report: final samples, samples over time, and the worst test images."""

from __future__ import annotations

from collections.abc import Mapping

from unpaired.records.runs import Picture, Run, Samples
from unpaired.report.html.embed import Album
from unpaired.report.html.markup import Html, absent, tag
from unpaired.report.names import Names


def final_pictures(run: Run, names: Names, album: Album) -> Html:
    """The last sample grids, large, and the same inputs under several styles."""
    figures = []
    if run.samples:
        last = run.samples[-1]
        for way, picture in _grids(last, names).items():
            figures.append(_figure(album, picture, f"{way}, after {last.images:,} images"))
    figures += _of_directions(run.styles, names, album, "the same inputs in several styles")
    if not figures:
        return absent("No sample pictures have been written yet.")
    return tag("div", *figures, class_="pair")


def pictures_over_time(run: Run, names: Names, album: Album) -> Html:
    """The sample grids of all moments behind a slider; without scripts, a strip to scroll."""
    grids = [_grids(samples, names) for samples in run.samples]
    steps = album.embed_steps([[grid.path for grid in grid.values()] for grid in grids])
    frames = []
    for samples, grid, pictures in zip(run.samples, grids, steps, strict=True):
        if not any(pictures):
            continue
        when = f"{samples.images:,} images seen"
        images = [
            picture.image(f"Sample grid {way} after {when}")
            for way, picture in zip(grid, pictures, strict=True)
            if picture is not None
        ]
        caption = tag("figcaption", when)
        frames.append(tag("figure", caption, tag("div", *images, class_="pair"), class_="moment"))
    if len(frames) < 2:
        return absent("So far there is no second moment to compare with.")
    last = len(frames) - 1
    label = "Moment of the training"
    # Hidden until the script shows it: without scripts the strip is there to scroll.
    slider = tag("input", type="range", max=last, value=last, aria_label=label, hidden=True)
    parts = [slider, tag("div", *frames, class_="strip", tabindex=0)]
    if len(frames) < len(run.samples):
        number = f"{len(frames)} of {len(run.samples)} moments are shown"
        parts.append(tag("p", f"{number}; all are in the folder samples.", class_="note"))
    return tag("div", *parts, class_="timeline")


def failures(run: Run, names: Names, album: Album) -> Html:
    """The test images that came out worst."""
    if not names.directions:
        return absent("Images made from noise have no originals to be measured against.")
    figures = _of_directions(run.worst, names, album, "the worst test images")
    if not figures:
        return absent("No worst test images yet: the evaluation on test data writes them.")
    return tag("div", *figures, class_="pair")


def _grids(samples: Samples, names: Names) -> dict[str, Picture]:
    """The grids of one moment by the way that they show, e.g. "ink → sign → ink"."""
    if not names.directions:
        caption = "Each row leads from one draw of the noise to another."
        found = {names.ways: (samples.b, caption)}
    else:
        found = {_way("a", "b", names): (samples.a, ""), _way("b", "a", names): (samples.b, "")}
    return {
        way: Picture(path=path, caption=caption)
        for way, (path, caption) in found.items()
        if path is not None
    }


def _way(source: str, target: str, names: Names) -> str:
    """From one domain to the other and, where the method knows the way, back."""
    back = [source] if f"{target}2{source}" in names.directions else []
    return names.path(source, target, *back)


def _of_directions(
    pictures: Mapping[str, Picture], names: Names, album: Album, what: str
) -> list[Html]:
    ways = {"a2b": names.path("a", "b"), "b2a": names.path("b", "a")}
    return [
        _figure(album, picture, f"{ways.get(direction, direction)}: {what}")
        for direction, picture in pictures.items()
    ]


def _figure(album: Album, picture: Picture, title: str) -> Html:
    """A picture with its title; words instead of a picture that cannot be shown."""
    caption = [tag("strong", title)]
    if picture.caption:
        caption.append(tag("span", picture.caption))
    embedded = album.embed(picture.path)
    if embedded is None:
        body = absent(f"{picture.path.name} is no whole PNG, or too large for this page.")
    else:
        body = embedded.image(f"{title}. {picture.caption}".strip())
        if not embedded.exact:
            caption.append(tag("span", f"A compressed copy of samples/{picture.path.name}."))
    return tag("figure", tag("figcaption", *caption), body)
