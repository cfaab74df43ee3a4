"""Progress on the console, of training and measuring: a bar on a terminal, else plain lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from unpaired.core.progress import listening

if TYPE_CHECKING:
    from unpaired.records.log import LogPoint, StagePoint

PLAIN_SECONDS = 10.0
"""Least time between plain lines."""


class MeasuringText:
    """What is said of a measurement: its step, how far that is, and the time that is left."""

    def __init__(self, expected_seconds: float | None = None) -> None:
        """`expected_seconds`: of all steps together, where that is known."""
        self.expected = expected_seconds
        self._started: float | None = None
        self._step, self._step_started, self._step_first = "", 0.0, 0

    def at(self, step: str, done: int, total: int) -> tuple[float, str]:
        """Share of the measurement that is done, and a line; see `core.progress`."""
        now = time.monotonic()
        if self._started is None:
            self._started = now
        if step != self._step:
            self._step, self._step_started, self._step_first = step, now, done
        advanced, elapsed = done - self._step_first, now - self._started
        # The first tenth of a step says too little: it begins with what is done but once.
        telling = advanced > 0 and done >= total / 10
        left = (now - self._step_started) / advanced * (total - done) if telling else None
        share = done / max(total, 1)
        if self.expected is not None:
            left = max(self.expected - elapsed, left or 0.0)
            share = elapsed / max(elapsed + left, 1e-9)
        rest = "" if left is None else f"; about {duration(left)} left"
        return share, f"measuring: {step}, {done:,} of {total:,}{rest}"


class TrainingProgress:
    """Images seen, images/s, data wait, each loss, memory and the time left, on standard error."""

    def __init__(
        self, total_images: int, total_seconds: float | None = None, *, quiet: bool = False
    ) -> None:
        self.total = total_images
        self.total_seconds = total_seconds
        self.quiet = quiet
        self.console = Console(stderr=True, highlight=False)
        self._bar: Progress | None = None
        self._next_line = 0.0

    def __enter__(self) -> TrainingProgress:
        if not self.quiet and self.console.is_terminal:
            self._bar = Progress(
                BarColumn(), TextColumn("{task.fields[status]}"), console=self.console
            )
            self._task = self._bar.add_task("training", total=1.0, status="")
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, text: str) -> None:
        """One line, above a bar that goes on."""
        if self._bar is not None:
            self.console.print(text, markup=False, soft_wrap=True)
        elif not self.quiet:
            say(text)

    def stage(self, point: StagePoint) -> None:
        """Show a line of stages.jsonl."""
        status = f"{point.stage}: {point.images:,}/{point.total:,} images  loss {point.loss:.3f}"
        if self._bar is not None:
            self._bar.update(self._task, completed=0.0, status=status)
        elif not self.quiet and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + PLAIN_SECONDS
            say(status)

    @contextmanager
    def measuring(self, expected_seconds: float | None = None) -> Iterator[None]:
        """Show what is reported inside; see `core.progress`."""
        text = MeasuringText(expected_seconds)
        self._next_line = time.monotonic() + PLAIN_SECONDS

        def show(step: str, done: int, total: int) -> None:
            share, status = text.at(step, done, total)
            if self._bar is not None:
                self._bar.update(self._task, completed=share, status=status)
            elif not self.quiet and time.monotonic() >= self._next_line:
                self._next_line = time.monotonic() + PLAIN_SECONDS
                say(status)

        with listening(show):
            yield

    def update(self, point: LogPoint) -> None:
        """Show a line of metrics.jsonl."""
        images, speed = point.images, point.images_per_second
        share, left = images / self.total, max(0.0, (self.total - images) / max(speed, 1e-9))
        progress = f"{images:,}/{self.total:,} images"
        if self.total_seconds is not None:  # the budget ends most trainings before the count does
            share = max(share, point.seconds / self.total_seconds)
            left = min(left, max(0.0, self.total_seconds - point.seconds))
            progress = f"{images:,} images"
        losses = "  ".join(
            f"{name.replace('generators/', 'G ').replace('discriminators/', 'D ')} {value:.3f}"
            for name, value in point.losses.items()
        )
        status = (
            f"{progress}  {duration(left)} left  {speed:,.0f} images/s  "
            f"data wait {point.data_wait:.0%}  "
            f"{point.health['memory_mb']:,.0f} MB  {losses}"
        )
        if self._bar is not None:
            self._bar.update(self._task, completed=share, status=status)
        elif not self.quiet and (time.monotonic() >= self._next_line or share >= 1):
            self._next_line = time.monotonic() + PLAIN_SECONDS
            say(status)


@contextmanager
def counting(what: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yields a function that takes (done, total): a bar on a terminal, now and then a line."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        yield lambda done, total: None
    elif console.is_terminal:
        with Progress(console=console) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    else:
        spoken = time.monotonic()

        def report(done: int, total: int) -> None:
            nonlocal spoken
            if time.monotonic() - spoken >= PLAIN_SECONDS:
                spoken = time.monotonic()
                say(f"{what}: {done:,} of {total:,}")

        yield report


def say(text: str) -> None:
    """One plain line for people; standard output stays free for results."""
    print(text, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Seconds in the unit that suits them: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
