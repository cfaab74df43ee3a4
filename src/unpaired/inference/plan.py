"""Translation plan: which images are translated, and where their translations go.

All names are settled, and clashes refused, before anything is translated.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path, PurePosixPath

from unpaired.core.errors import DataError, SettingError, UnreadableImage, check_choice
from unpaired.core.files import at_home
from unpaired.data.codecs.formats import EXTENSIONS
from unpaired.data.folder import list_images
from unpaired.data.missing import instead
from unpaired.data.names import file_names
from unpaired.data.sources import Content, parse_source
from unpaired.inference.formats import HOLD_16_BITS, WRITERS, ImageFormat


@dataclass(frozen=True)
class Job:
    """One image to translate."""

    name: str
    """What messages call it: relative to the folder or pattern that stands for it."""
    read: Callable[[], Content]
    """Its content: encoded bytes, a file, or pixels (height, width, channels)."""
    path: Path | None
    """Where it lies, if it is a file of its own."""
    outputs: tuple[Path, ...]
    """Where its translations go, one per sample."""


@dataclass
class Plan:
    """All images to translate, what was refused before reading it, and what users should know."""

    jobs: list[Job] = field(default_factory=list)
    num_skipped: int = 0
    """Images left out because all of their translations exist."""
    refused: list[UnreadableImage] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    """Number of files in folders that are not named like images, by extension."""
    notes: list[str] = field(default_factory=list)


def make_plan(
    inputs: Iterable[str | Path],
    output: Path,
    samples: int,
    image_format: ImageFormat | None,
    depth: int,
    overwrite: bool,
    skip_existing: bool = False,
) -> Plan:
    """Find the images that files, folders, patterns and tables stand for, and name the outcome.

    A table is a .parquet file, hf:… or builtin:…, as in training; its images are called by their
    ids, or by their rows where these are no file names. Folders are searched at any depth; their
    structure, and that below the fixed part of a pattern, is kept. Extensions are kept where the
    format is written here and holds `depth` bits, else they become .png, or that of `image_format`.
    With several samples, "-1", "-2" … is appended. Where two images would have one name, the later
    one gets "-2"; one whose extension changes is later than all that keep theirs.

    With `skip_existing`, an image all of whose translations exist is left out; one that lacks some
    is translated anew. An empty file is what a crash of the machine leaves: it does not count.

    Raises:
        DataError: when an input does not exist, or there is no image.
        SettingError: when `output` is or lies in a folder that is translated, is a file, or holds
            an input; or holds files of these names already, without `overwrite` and
            `skip_existing`, which exclude each other.
    """
    if overwrite and skip_existing:
        raise SettingError(
            "existing translations cannot be both replaced and kept: give --overwrite "
            "(overwrite=True) or --skip-existing (skip_existing=True).",
            code="overwrite-or-skip",
            setting="skip_existing",
        )
    if image_format is not None:
        check_choice("image_format", image_format, ImageFormat)
    plan = Plan()
    _check_folder(output)
    jobs_by_file: dict[Path | tuple[str, str], Job] = {}
    for text in map(str, inputs):
        if _is_table(text):
            jobs_by_file |= {(text, job.name): job for job in _rows(text)}
            continue
        _check_outside(output, at_home(text))
        for root, name in _find(text, plan):
            path = root / name
            jobs_by_file.setdefault(path, Job(name, partial(Path, path), path, ()))
    if not jobs_by_file:
        raise DataError(
            f"no image to translate in {', '.join(map(str, inputs))}"
            f"{instead(plan.refused, plan.ignored)}",
            code="no-image-to-translate",
        )
    jobs, taken = list(jobs_by_file.values()), set[PurePosixPath]()
    wishes = [_renamed(job.name, image_format, depth) for job in jobs]
    named: dict[int, list[PurePosixPath]] = {}
    # x.png keeps its name also where x.gif comes before it and becomes a PNG.
    for i in sorted(range(len(wishes)), key=lambda i: str(wishes[i]) != jobs[i].name):
        named[i] = _free_names(wishes[i], samples, taken)
    for i, (job, wanted) in enumerate(zip(jobs, wishes, strict=True)):
        if named[i] != _free_names(wanted, samples, set()):
            plan.notes.append(
                f"{job.path or job.name} becomes {named[i][0]}: another image is called {wanted}. "
                "Translate one folder at a time for names to stay."
            )
        plan.jobs.append(replace(job, outputs=tuple(output / part for part in named[i])))
    _check_inputs_stay(plan.jobs)
    if skip_existing:
        missing = [job for job in plan.jobs if not all(map(_is_written, job.outputs))]
        plan.num_skipped = len(plan.jobs) - len(missing)
        plan.jobs = missing
    elif not overwrite:
        _check_free([path for job in plan.jobs for path in job.outputs])
    return plan


def _is_table(text: str) -> bool:
    return text.startswith(("hf:", "builtin:")) or Path(text).suffix == ".parquet"


def _rows(text: str) -> Iterator[Job]:
    """Each image of a table."""
    records = parse_source(text).open()
    for i, name in enumerate(file_names(records.names, records.ids)):
        yield Job(f"{name}.png", partial(records.read, i), None, ())


def _find(text: str, plan: Plan) -> Iterator[tuple[Path, str]]:
    """Each image as (root, name relative to it); what is none goes to the plan."""
    path = at_home(text)
    if path.is_dir():
        listing = list_images(path)
        plan.refused += listing.refused
        plan.ignored += listing.ignored
        yield from ((path, name) for name in listing.names)
    elif os.path.lexists(path):
        yield path.parent, path.name
    elif glob.has_magic(text):
        parts = path.parts
        fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
        root = Path(*parts[:fixed])
        for match in sorted(glob.glob(str(path), recursive=True)):
            extension = Path(match).suffix.lower()
            if extension in EXTENSIONS:
                yield root, Path(match).relative_to(root).as_posix()
            elif not os.path.isdir(match):
                plan.ignored[extension or "without extension"] += 1
    else:
        raise DataError(
            f"{text!r} does not exist. Give files, folders, a pattern like 'in/*.png', or a table "
            "(.parquet, hf:owner/name:split).",
            code="input-not-found",
        )


def _renamed(name: str, image_format: ImageFormat | None, depth: int) -> PurePosixPath:
    path = PurePosixPath(name)
    extension = path.suffix.lower()
    if image_format is not None:
        wanted = {"png": ".png", "jpeg": ".jpg", "webp": ".webp", "tiff": ".tif"}[image_format]
        keep = WRITERS.get(extension, ("",))[0] == WRITERS[wanted][0]
    else:
        wanted = ".png"
        keep = extension in WRITERS and (depth == 8 or extension in HOLD_16_BITS)
    if keep:
        return path
    return (
        path.with_suffix(wanted) if extension in EXTENSIONS else path.with_name(path.name + wanted)
    )


def _free_names(
    path: PurePosixPath, samples: int, taken: set[PurePosixPath]
) -> list[PurePosixPath]:
    """Names for all samples of one image that no other image has."""
    number, stem = 1, path.stem
    while True:
        ends = [f"-{sample + 1}" for sample in range(samples)] if samples > 1 else [""]
        names = [path.with_name(f"{stem}{end}{path.suffix}") for end in ends]
        if taken.isdisjoint(names):
            taken.update(names)
            return names
        number += 1
        stem = f"{path.stem}-{number}"


def _check_folder(output: Path) -> None:
    if output.is_dir():
        return
    if output.exists() or output.suffix.lower() in EXTENSIONS:
        raise SettingError(
            f"{output} is no folder. Give a folder for the translations with -o.",
            code="output-is-no-folder",
        )


def _check_outside(output: Path, path: Path) -> None:
    if path.is_dir() and output.resolve().is_relative_to(path.resolve()):
        raise SettingError(
            f"the translations would go to {output}, into the folder {path} that is translated. "
            "Choose a folder outside of it with -o.",
            code="output-among-inputs",
        )


def _check_inputs_stay(jobs: list[Job]) -> None:
    # An entry of a folder, as a link is replaced and not followed.
    folders: dict[Path, Path] = {}

    def entry(path: Path) -> Path:
        parent = path.parent
        if parent not in folders:
            folders[parent] = parent.resolve()
        return folders[parent] / path.name

    outputs = [path for job in jobs for path in job.outputs]
    paths = [job.path for job in jobs if job.path is not None]
    inputs = {entry(path) for path in paths}
    if any(map(os.path.lexists, outputs)):  # also what links among the inputs lead to
        inputs |= {Path(os.path.realpath(path)) for path in paths}
    for path in outputs:
        if entry(path) in inputs:
            raise SettingError(
                f"the translation {path} would replace an image that is translated. Choose another "
                "folder with -o.",
                code="output-replaces-input",
            )


def _is_written(path: Path) -> bool:
    """Whether a translation exists: files get their names when they are complete."""
    return path.is_file() and path.stat().st_size > 0


def _check_free(outputs: list[Path]) -> None:
    existing = [path for path in outputs if os.path.lexists(path)]
    if existing:
        raise SettingError(
            f"{len(existing)} of {len(outputs)} translations exist already (first: {existing[0]}). "
            "Go on with those that are missing (--skip-existing), replace them (--overwrite), or "
            "choose another folder with -o.",
            code="outputs-exist",
            setting="skip_existing",
        )
