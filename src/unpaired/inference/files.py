"""Translation of image files, folders and tables, read and written in parallel to the network.

Threads decode ahead and encode behind; the network runs in the calling thread, on batches of images
of one size. Memory is bounded whatever the number of images.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from torch import Tensor

from unpaired.core.errors import DataError, SettingError, UnreadableImage, check_choice
from unpaired.data.domain import DomainName, Pixels
from unpaired.data.framing import Placed, Resolution, is_shrunk
from unpaired.data.pixels import Alpha
from unpaired.data.read import read_content
from unpaired.inference.formats import ImageFormat, notes_of_values, why_opaque, write
from unpaired.inference.plan import Job, make_plan
from unpaired.inference.translator import Translator, stack, unstack

VALUES_IN_MEMORY = 200_000_000
"""Bound of pixels × channels at each of three places: read ahead, sorted by size, to be written."""

NUM_WORKERS = min(os.cpu_count() or 1, 16)
"""Threads that decode and encode."""

Progress = Callable[[int, int], None]
"""Called with the number of images that are done, refused ones among them, and of all."""


@dataclass
class TranslationReport:
    """What became of a set of images."""

    num_translated: int = 0
    """Images whose translations are written."""
    num_skipped: int = 0
    """Images whose translations existed; see `skip_existing`."""
    refused: list[UnreadableImage] = field(default_factory=list)
    """Images that could not be used, with the reasons."""
    ignored: Mapping[str, int] = field(default_factory=dict)
    """Number of files in folders that are not named like images, by extension."""
    notes: list[str] = field(default_factory=list)
    """Warnings about images that were translated."""
    seconds: float = 0.0
    """From the call to the last file written."""
    network_seconds: float = 0.0
    """Of these, with the network busy, transfers to and from the device included."""


def translate_files(
    translator: Translator,
    inputs: str | Path | Iterable[str | Path],
    output: str | Path,
    to: DomainName,
    *,
    style_seed: int = 0,
    samples: int = 1,
    resolution: Resolution = "auto",
    alpha: Alpha = "keep",
    batch_size: int | None = None,
    image_format: ImageFormat | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
    strict: bool = False,
    progress: Progress | None = None,
) -> TranslationReport:
    """Translate files, folders, patterns and tables to domain `to`, into the folder `output`.

    `inputs`: one of these, or several. For names and formats see `make_plan`; for sizes,
    `Resolution`; for styles, `Translator`; for transparency, `Alpha`: a note says which images lose
    it to the format that they are written in. JPEG and WebP are written at quality 95. Files appear
    under their names when they are complete, hold nothing of the original but its translation, and
    never replace an input. An image that cannot be used is reported and left out; with `strict`, it
    ends the call. With `skip_existing`, images whose translations all exist are left out and
    counted, so that the same call goes on after an interruption.

    Raises:
        DataError: when an input does not exist, no image is found, or a file cannot be written.
        SettingError: for settings without meaning, and outputs that exist or are inputs.
        UnreadableImage: with `strict`, for the first image that cannot be used.
    """
    started = time.monotonic()
    translator.check(to, style_seed, samples)
    check_choice("alpha", alpha, Alpha)
    if batch_size is not None and batch_size < 1:
        raise SettingError(
            f"batch_size is {batch_size}: the least is 1.",
            code="batch-size-too-small",
            setting="batch_size",
        )
    target = translator.domains(to)[1]
    inputs = [inputs] if isinstance(inputs, (str, Path)) else list(inputs)
    depth = target.decoding.depth
    plan = make_plan(inputs, Path(output), samples, image_format, depth, overwrite, skip_existing)
    styles = [translator.style(to, style_seed, sample) for sample in range(samples)]
    total = len(plan.jobs) + len(plan.refused)
    run = _Run(translator, to, resolution, alpha, styles, batch_size, strict, progress, total)
    run.report.notes += plan.notes
    outputs = [path for job in plan.jobs for path in job.outputs]
    run.report.num_skipped = plan.num_skipped
    run.report.notes += notes_of_values(to, target, outputs)
    run.report.ignored = plan.ignored
    try:
        for error in plan.refused:
            run.refuse(error)
        for batch in run.batches(run.readable(plan.jobs)):
            run.translate(batch)
        run.settle(0)
        run.note_shrunk()
    finally:
        run.pool.shutdown(cancel_futures=True)
    run.report.seconds = time.monotonic() - started
    return run.report


@dataclass(frozen=True)
class _Ready:
    """An image, decoded and placed."""

    job: Job
    placed: Placed
    alpha: Pixels | None
    """Its opacity (H, W, 1), where that is written."""
    notes: tuple[str, ...]
    is_shrunk: bool
    """See `resolution.is_shrunk`."""


@dataclass
class _Run:
    """One call of `translate_files`."""

    translator: Translator
    to: DomainName
    resolution: Resolution
    alpha: Alpha
    styles: list[Tensor | None]
    batch_size: int | None
    strict: bool
    progress: Progress | None
    total: int
    num_shrunk: int = 0
    report: TranslationReport = field(default_factory=TranslationReport)
    unwritten: deque[tuple[_Ready, list[Future[None]]]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(NUM_WORKERS)

    def readable(self, jobs: list[Job]) -> Iterator[_Ready]:
        """The images that can be used, decoded ahead of the network."""
        remaining, ahead = iter(jobs), NUM_WORKERS
        waiting: deque[Future[_Ready | UnreadableImage]] = deque()
        while True:
            for job in islice(remaining, max(0, ahead - len(waiting))):
                waiting.append(self.pool.submit(self._read, job))
            if not waiting:
                return
            image = waiting.popleft().result()
            if isinstance(image, UnreadableImage):
                self.refuse(image)
                continue
            # Two batches keep the network busy; large images may leave room for less.
            wanted = 2 * max(NUM_WORKERS, self._batch_size(image))
            ahead = max(1, min(wanted, VALUES_IN_MEMORY // image.placed.pixels.size))
            yield image

    def batches(self, images: Iterable[_Ready]) -> Iterator[list[_Ready]]:
        """Batches of images of one size, in the order in which they become full."""
        by_size: dict[tuple[int, ...], list[_Ready]] = {}
        for image in images:
            shape = image.placed.pixels.shape
            batch = by_size.setdefault(shape, [])
            batch.append(image)
            values = {size: len(held) * math.prod(size) for size, held in by_size.items()}
            if len(batch) >= self._batch_size(image):
                yield by_size.pop(shape)
            elif sum(values.values()) > VALUES_IN_MEMORY:
                yield by_size.pop(max(values, key=values.__getitem__))
        yield from by_size.values()

    def translate(self, batch: list[_Ready]) -> None:
        """Run the network on a batch and hand the results to the threads that write."""
        pixels = stack([image.placed.pixels for image in batch])
        writes: list[list[Future[None]]] = [[] for _ in batch]
        for sample, style in enumerate(self.styles):
            started = time.monotonic()
            try:
                results = self.translator.translate_batch(pixels, self.to, style)
            except DataError as error:  # too large for the device
                for image in batch:
                    self.refuse(UnreadableImage(image.job.name, str(error), code=error.code))
                return
            self.report.network_seconds += time.monotonic() - started
            for image, result, futures in zip(batch, unstack(results), writes, strict=True):
                futures.append(self.pool.submit(self._write, result, image, sample))
        self.unwritten.extend(zip(batch, writes, strict=True))
        self.settle(VALUES_IN_MEMORY)

    def settle(self, most_values: int) -> None:
        """Account for what is written; wait until no more than `most_values` are not."""
        values = sum(image.placed.pixels.size for image, _ in self.unwritten)
        while self.unwritten:
            image, writes = self.unwritten[0]
            if values <= most_values and not all(write.done() for write in writes):
                return
            self.unwritten.popleft()
            values -= image.placed.pixels.size
            try:
                for write in writes:
                    write.result()
            except UnreadableImage as error:
                self.refuse(error)
                continue
            self.report.num_translated += 1
            self.num_shrunk += image.is_shrunk
            self.report.notes += [f"{image.job.name}: {note}" for note in image.notes]
            self._tell()

    def note_shrunk(self) -> None:
        """Add a note if images went through the network smaller than they are."""
        if not self.num_shrunk:
            return
        size = self.translator.domains(self.to)[0].size
        self.report.notes.append(
            f"{self.num_shrunk:,} of {self.report.num_translated:,} images are more than twice as "
            f"large as those of the training, {size}×{size}: they went through at that size and "
            'were enlarged back, which blurs them. --resolution native (resolution="native") takes '
            "them through at their own."
        )

    def refuse(self, error: UnreadableImage) -> None:
        """Leave one image out, or end the call."""
        if self.strict:
            raise error
        self.report.refused.append(error)
        self._tell()

    def _read(self, job: Job) -> _Ready | UnreadableImage:
        source, target = self.translator.domains(self.to)
        channels, decoding = source.channels, source.reading
        # The ending of a table's row is one that we gave it: it says nothing of the content.
        name = job.name if job.path is not None else job.name.removesuffix(".png")
        try:
            image = read_content(job.read(), name, channels, decoding)
            placed = self.translator.place(image.pixels, job.name, self.to, self.resolution)
        except UnreadableImage as error:
            return error
        shrunk = is_shrunk(
            image.pixels, source, self.resolution, fixed_size=self.translator.translating.fixed_size
        )
        alpha, notes = image.alpha if self.alpha == "keep" else None, image.notes
        reason = why_opaque(job.outputs[0], target)
        if alpha is not None and reason:
            notes += (f"is opaque in its translation: {reason}",) * image.is_transparent
            alpha = None
        return _Ready(job, placed, alpha, notes, shrunk)

    def _write(self, translation: Pixels, image: _Ready, sample: int) -> None:
        pixels = self.translator.finish(image.placed, translation, image.alpha, self.to)
        write(pixels, image.job.outputs[sample], image.job.name)

    def _batch_size(self, image: _Ready) -> int:
        height, width = image.placed.pixels.shape[:2]
        return self.batch_size or self.translator.images_per_batch(height, width)

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress(self.report.num_translated + len(self.report.refused), self.total)
