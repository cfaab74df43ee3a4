"""Observer protocol: what follows a training, and changes nothing about it."""

from __future__ import annotations

from typing import Protocol

from unpaired.core.errors import NonFiniteLoss
from unpaired.engine.state import State
from unpaired.records.log import LogPoint, StagePoint


class Observer(Protocol):
    """What follows a training, and changes nothing about it."""

    def stage(self, point: StagePoint) -> None:
        """A line of stages.jsonl."""
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

    def diverge(self, state: State, error: NonFiniteLoss) -> None:
        """A value that is not finite ends the training here; nothing of `state` is used after."""
        ...
