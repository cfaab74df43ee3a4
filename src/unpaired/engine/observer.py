"""Observer protocol: what follows a training, and changes nothing about it."""

from __future__ import annotations

from typing import Protocol

from unpaired.engine.state import State
from unpaired.records.log import LogPoint


class Observer(Protocol):
    """What follows a training, and changes nothing about it."""

    def stage(self, name: str, images: int, total: int, loss: float) -> None:
        """`images` of `total` have been seen in a stage before the main training."""
        ...

    def log(self, point: LogPoint) -> None:
        """A line of metrics.jsonl."""
        ...

    def sample(self, state: State) -> None:
        """Time to draw the sample grid."""
        ...

    def evaluate(self, state: State) -> None:
        """Time to evaluate on validation images."""
        ...

    def stop(self, state: State) -> None:
        """A signal ends the training here, for now."""
        ...
