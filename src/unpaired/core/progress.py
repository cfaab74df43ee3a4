"""Progress of long work: the steps that it reports, and who listens to them.

Whoever works reports, as whoever warns logs: nobody need listen, and no function between the two
hands anything on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, int, int], None]
"""Takes the name of a step, how much of it is done, and how much there is."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def report(step: str, done: int, total: int) -> None:
    """Say how much of a step is done, to who listens in this thread."""
    listener = _listener.get()
    if listener is not None:
        listener(step, min(done, total), total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Give `listener` what is reported inside."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
