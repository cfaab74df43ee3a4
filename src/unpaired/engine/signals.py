"""Signal handling: SIGTERM and Ctrl-C end a training between two steps."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruption() -> Iterator[Callable[[], int]]:
    """SIGTERM and Ctrl-C end the loop at the next step: yields a function, the exit code or 0."""
    received = 0

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal received
        received = 128 + number

    # A handler that is not Python's, of a program that Python is part of, could not be put back.
    heard = [s for s in (signal.SIGTERM, signal.SIGINT) if signal.getsignal(s) is not None]
    try:
        before = {s: signal.signal(s, handle) for s in heard}
    except ValueError:  # not the main thread, where Python takes no signals
        before = {}
    try:
        yield lambda: received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
