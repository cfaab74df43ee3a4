"""Observers of a training for tests."""

from __future__ import annotations

from unpaired.records.log import LogPoint, StagePoint


class Silent:
    """Looks away, or stops the training like a person at a moment."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at

    def stage(self, point: StagePoint) -> None: ...

    def log(self, point: LogPoint) -> None:
        if point.images == self.stop_at:
            raise KeyboardInterrupt

    def sample(self, state: object) -> None: ...

    def evaluate(self, state: object) -> None: ...

    def stop(self, state: object) -> None: ...

    def diverge(self, state: object, error: object) -> None: ...
