"""Signal handling: SIGTERM, SIGHUP, SIGUSR1 and Ctrl-C end a training between two steps.

SIGTERM is what schedulers send, SIGHUP what a lost terminal sends, SIGUSR1 what SLURM sends ahead
of the end of a job (--signal=USR1@120). A platform may lack the last two.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

TERMINATED = 128 + signal.SIGTERM
"""Exit code of what was asked to end, by whichever signal."""

ENDING = tuple(
    getattr(signal, name)
    for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGBREAK")  # the last is Windows' Ctrl-Break
    if hasattr(signal, name)
)
"""Signals that ask for an end, of those that this platform has."""


class _CutShort(BaseException):
    """Leaves what a signal does not wait for; no `except Exception` on the way holds it up."""


class Interruption:
    """What has been received: called, the exit code that follows from it, or 0."""

    def __init__(self) -> None:
        self._code = 0
        self._may_cut = False

    def __call__(self) -> int:
        return self._code

    def cut_short(self, work: Callable[[], None]) -> None:
        """Do `work`, which may take minutes and changes nothing that is saved; a signal ends it
        where it is, or keeps it from beginning. Who sent it may not wait so long."""
        if self._code:
            return
        try:
            self._may_cut = True
            if not self._code:  # it may have come in between
                work()
            self._may_cut = False
        except _CutShort:
            pass
        finally:
            self._may_cut = False

    def handle(self, number: int, _: FrameType | None) -> None:
        """The handler."""
        self._code = code_of(number)
        if self._may_cut:
            self._may_cut = False  # a second signal must not end what saves after the first
            raise _CutShort


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Signals end the loop at the next step: yields what has been received."""
    received = Interruption()
    with handled((*ENDING, signal.SIGINT), received.handle):
        yield received


@contextmanager
def ending_at_once() -> Iterator[None]:
    """For what has nothing to save, or has saved: signals raise SystemExit where they arrive."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(code_of(number))

    with handled(ENDING, end):  # Ctrl-C raises KeyboardInterrupt by itself
        yield


def code_of(number: int) -> int:
    """The exit code after a signal: 130 after Ctrl-C, 143 after any that asks for an end."""
    return 128 + signal.SIGINT if number == signal.SIGINT else TERMINATED


_ACTIVE: list[Any] = []
"""Handlers of this module that are in force."""


@contextmanager
def handled(
    numbers: tuple[int, ...], handler: Callable[[int, FrameType | None], Any]
) -> Iterator[None]:
    """`handler` hears these signals, of those that are anybody's; afterwards all is as it was."""
    try:
        before = {s: signal.signal(s, handler) for s in numbers if _may_be_heard(s)}
    except ValueError:  # not the main thread, where Python takes no signals
        before = {}
    _ACTIVE.append(handler)
    try:
        yield
    finally:
        _ACTIVE.remove(handler)
        for number, previous in before.items():
            signal.signal(number, previous)


def _may_be_heard(number: int) -> bool:
    """SIGTERM and Ctrl-C always, but for handlers that are not Python's, which could not be put
    back: those of a program that Python is part of. Others where nobody has other plans for them:
    nohup switches SIGHUP off, and a program around may requeue its job at SIGUSR1."""
    current = signal.getsignal(number)
    if number in (signal.SIGTERM, signal.SIGINT):
        return current is not None
    return current == signal.SIG_DFL or current in _ACTIVE
