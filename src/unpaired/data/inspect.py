"""Data inspection: counts, sizes, bad files and duplicates of image sets, before any training."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unpaired.core.errors import UnreadableImage
from unpaired.data.codecs.decoded import Values
from unpaired.data.codecs.settings import Reading
from unpaired.data.domain import Domain, DomainName, Pixels, frame
from unpaired.data.index import NUM_THREADS, ImageIndex, open_index, opened_once
from unpaired.data.read import read_content
from unpaired.data.sources import BuiltIn, Source, describe, parse_source
from unpaired.data.splits import FEWEST as FEWEST_OF_SPLIT
from unpaired.data.splits import Split, list_split, source_of
from unpaired.data.value_ranges import RangeAdvice, advise

SHEET = 24
"""Images of each set on the contact sheet."""

THUMBNAIL = 96
"""Side of an image on the contact sheet."""

FEWEST = 50
"""Training images below which a set gets a warning."""


@dataclass
class Finding:
    """What one image set holds."""

    source: str
    num_files: int = 0
    num_usable: int = 0
    refused: list[UnreadableImage] = field(default_factory=list)
    ignored: Mapping[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    num_grey: int = 0
    num_labelled: int = 0
    num_transparent: int = 0
    values: dict[str, Values] = field(default_factory=dict)
    """The range of each image's numbers, by its name; of those too that are refused for it."""
    range_advice: RangeAdvice | None = None
    hashes: dict[str, str] = field(default_factory=dict)
    usable_names: list[str] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    thumbnails: list[tuple[str, NDArray[np.uint8]]] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        return {
            "source": self.source,
            "files": self.num_files,
            "usable": self.num_usable,
            "grey": self.num_grey,
            "labelled": self.num_labelled,
            "transparent": self.num_transparent,
            "values": self._extremes,
            "range": None if self.range_advice is None else self.range_advice.proposal,
            "refused": [{"name": e.name, "reason": e.reason} for e in self.refused],
            "ignored": dict(self.ignored),
            "notes": self.notes,
            "sizes": {f"{w}x{h}": n for (h, w), n in self.sizes.most_common()},
            "duplicates": self.duplicates,
        }

    @property
    def _extremes(self) -> tuple[float, float] | None:
        values = self.values.values()
        if not values:
            return None
        return min(v.smallest for v in values), max(v.largest for v in values)


@opened_once()
def check_data(
    sources: Mapping[str, Source | str | Path],
    decoding: Reading | Mapping[str, Reading] | None = None,
) -> dict[str, Finding]:
    """Decode every image of each source; keys are yours, such as "a", "a-test", "b", and those of
    `decoding` where sources differ in it. A source may be written as on the command line.

    Raises:
        SettingError: for a text that is no source.
        DataError: when a source cannot be opened at all. Single bad files are findings.
    """
    alike = decoding if isinstance(decoding, Reading) else Reading()
    single = decoding if isinstance(decoding, Mapping) else {}
    opened = {
        name: parse_source(str(source)) if isinstance(source, (str, Path)) else source
        for name, source in sources.items()
    }
    return {name: _inspect(source, single.get(name, alike)) for name, source in opened.items()}


def leaks(findings: dict[str, Finding]) -> list[tuple[str, str]]:
    """Images with the same pixels in two sets, as ("a: x.png", "a-test: y.png")."""
    return [
        (f"{first}: {x}", f"{second}: {y}")
        for first, second, pairs in in_two_sources(findings)
        for x, y in pairs
    ]


def in_two_sources(
    findings: dict[str, Finding],
) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Of each two sets, their keys and the names of the images that stand in both."""
    for first, second in itertools.combinations(findings, 2):
        here, there = findings[first].hashes, findings[second].hashes
        yield first, second, [(here[h], there[h]) for h in here if h in there]


def too_small(domains: Mapping[DomainName, Domain], findings: dict[str, Finding]) -> dict[str, str]:
    """Why sets cannot be trained on, by name, where they are too small: split as training would.

    `findings`: under the keys "a", "b" and, where there are such, "a-test", "b-test".
    """
    reasons = {}
    for name, domain in domains.items():
        if isinstance(domain.source, BuiltIn):
            continue
        splits: tuple[Split, ...] = ("train", "validation", "test")
        for split in splits:
            is_apart = source_of(domain, split) is not domain.source
            if split == "validation" and is_apart:
                continue  # a set that is not inspected here
            key = f"{name}-test" if is_apart else name
            usable = set(findings[key].usable_names)
            if not is_apart:
                index, places = list_split(domain, split)
                usable &= {index.names[i] for i in places}
            if len(usable) < FEWEST_OF_SPLIT[split]:
                reasons[key] = (
                    f"{findings[key].num_usable} usable images are too few to train: "
                    f"{len(usable)} for the {split} split, which needs at least "
                    f"{FEWEST_OF_SPLIT[split]}"
                )
                break
    return reasons


@dataclass(frozen=True)
class _Inspected:
    """What is kept of one decoded image: all may not fit in memory together."""

    size: tuple[int, int]
    is_grey: bool
    is_transparent: bool
    values: Values
    digest: str
    notes: tuple[str, ...]
    thumbnail: NDArray[np.uint8] | None


def _inspect(source: Source, decoding: Reading) -> Finding:
    index = open_index(source)
    records = index.records
    finding = Finding(describe(source), num_files=len(index) + len(records.refused))
    finding.refused += records.refused
    finding.ignored = records.ignored
    finding.num_labelled = 0 if records.labels is None else len(records.labels)
    shown = set(np.linspace(0, len(index) - 1, SHEET).astype(int).tolist())
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        images = pool.map(
            lambda i: _inspect_image(index, i, decoding, i in shown), range(len(index))
        )
        for name, image in zip(index.names, images, strict=True):
            if isinstance(image, UnreadableImage):
                finding.refused.append(image)
                if image.numbers is not None:
                    finding.values[name] = Values(*image.numbers, limit=None)
                continue
            finding.num_usable += 1
            finding.usable_names.append(name)
            finding.notes += [f"{name}: {note}" for note in image.notes]
            finding.sizes[image.size] += 1
            finding.num_grey += image.is_grey
            finding.num_transparent += image.is_transparent
            finding.values[name] = image.values
            if image.digest in finding.hashes:
                finding.duplicates.append((finding.hashes[image.digest], name))
            finding.hashes.setdefault(image.digest, name)
            if image.thumbnail is not None:
                finding.thumbnails.append((name, image.thumbnail))
    if not decoding.holds_labels:
        finding.range_advice = advise(finding.values, decoding.range)
    index.complete()  # each image was read: its hash is kept for next time
    return finding


def _inspect_image(
    index: ImageIndex, i: int, decoding: Reading, shown: bool
) -> _Inspected | UnreadableImage:
    try:
        decoded = read_content(index.read(i), index.names[i], 3, decoding)
    except UnreadableImage as error:
        return error
    pixels = decoded.pixels
    return _Inspected(
        size=pixels.shape[:2],
        is_grey=bool((pixels == pixels[..., :1]).all()),
        is_transparent=decoded.is_transparent,
        values=decoded.values,
        digest=hashlib.sha256(str(pixels.shape).encode() + pixels.tobytes()).hexdigest(),
        notes=decoded.notes,
        thumbnail=_thumbnail(pixels) if shown else None,
    )


def _thumbnail(pixels: Pixels) -> NDArray[np.uint8]:
    small = frame(pixels, Domain(source=BuiltIn(name="ink"), size=THUMBNAIL))
    return (small // (257 if small.dtype == np.uint16 else 1)).astype(np.uint8)
