"""Training log: the lines of `metrics.jsonl`, and of `stages.jsonl` before the main training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from unpaired.records.json_values import number, numbers

_EPOCHS = "epochs_"


@dataclass(frozen=True, kw_only=True)
class LogPoint:
    """The training at one moment; means are over the steps since the point before it."""

    images: int
    """Images seen so far, per domain."""
    epochs: Mapping[str, float] = field(default_factory=dict)
    """How often all images of each domain ("a", "b") have been seen."""
    seconds: float = 0.0
    """Time spent on training so far."""
    images_per_second: float = 0.0
    data_wait: float = 0.0
    """Share of the time spent waiting for data, 0 to 1."""
    losses: Mapping[str, float] = field(default_factory=dict)
    learning_rate: Mapping[str, float] = field(default_factory=dict)
    """By phase: "generators", "discriminators"."""
    health: Mapping[str, float] = field(default_factory=dict)
    """Norms of gradients ("gradient_norm/generators"), peak memory ("memory_mb") and the like."""

    def as_json(self) -> dict[str, Any]:
        """The line as JSON stores it."""
        return {
            "images": self.images,
            **{f"{_EPOCHS}{domain}": epochs for domain, epochs in self.epochs.items()},
            "seconds": self.seconds,
            "images_per_second": self.images_per_second,
            "data_wait": self.data_wait,
            "losses": dict(self.losses),
            "learning_rate": dict(self.learning_rate),
            "health": dict(self.health),
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> LogPoint:
        """What `as_json` wrote; what a line lacks is 0 or empty."""
        of_domains = {k: v for k, v in numbers(line).items() if k.startswith(_EPOCHS)}
        return cls(
            images=int(number(line, "images")),
            epochs={key.removeprefix(_EPOCHS): value for key, value in of_domains.items()},
            seconds=number(line, "seconds"),
            images_per_second=number(line, "images_per_second"),
            data_wait=number(line, "data_wait"),
            losses=numbers(line.get("losses")),
            learning_rate=numbers(line.get("learning_rate")),
            health=numbers(line.get("health")),
        )


@dataclass(frozen=True, kw_only=True)
class StagePoint:
    """A stage before the main training, at one moment."""

    stage: str
    """Its name."""
    images: int
    """Images seen in the stage so far, counting repeats."""
    total: int
    """Images that the stage ends after."""
    loss: float
    """The loss of one step."""

    def as_json(self) -> dict[str, Any]:
        """The line as JSON stores it."""
        return asdict(self)

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> StagePoint:
        """What `as_json` wrote."""
        return cls(
            stage=str(line.get("stage", "")),
            images=int(number(line, "images")),
            total=int(number(line, "total")),
            loss=number(line, "loss"),
        )
