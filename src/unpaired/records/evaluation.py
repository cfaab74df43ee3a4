"""Evaluation record: one line of `evaluations.jsonl`, all that was measured under one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unpaired.records.json_values import mapping, number, texts
from unpaired.records.lines import read_lines
from unpaired.records.measurement import Measurement, measurements
from unpaired.records.protocol import Protocol


@dataclass(frozen=True, kw_only=True)
class EvaluationRecord:
    """Everything measured at once of one state of a training."""

    images: int
    """Images seen by the weights that were measured."""
    weights: str
    """Which weights: "ema" for their average."""
    split: str
    """Which images were kept from training for it: "validation" or "test"."""
    protocol: Protocol
    fingerprint: str
    """Of the protocol, as it was when the line was written."""
    metrics: Mapping[str, Measurement]
    notes: tuple[str, ...] = ()
    """What a reader of the numbers must know, such as why one is missing."""
    precision: str = ""
    """In which the networks computed; empty where it was not recorded. It is of the machine and
    not of the measurement, and so no part of the protocol."""
    seconds: float = 0.0
    """Time that the measurement took."""

    @property
    def added_extractor(self) -> str:
        """That a user has asked for after the training; empty for what trainings measure."""
        return self.protocol.extractor if self.protocol.name == "extractor" else ""

    @property
    def values(self) -> dict[str, float]:
        """The numbers alone, by metric."""
        return {name: measurement.value for name, measurement in self.metrics.items()}

    def as_json(self) -> dict[str, Any]:
        """The line as JSON stores it, metrics by name."""
        return {
            "images": self.images,
            "weights": self.weights,
            "split": self.split,
            "precision": self.precision,
            "seconds": self.seconds,
            "protocol": self.protocol.as_json(),
            "fingerprint": self.fingerprint,
            "metrics": {name: metric.as_json() for name, metric in self.metrics.items()},
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> EvaluationRecord:
        """What `as_json` wrote; what a line lacks is 0 or empty."""
        return cls(
            images=int(number(line, "images")),
            weights=str(line.get("weights", "")),
            split=str(line.get("split", "")),
            protocol=Protocol.from_json(mapping(line.get("protocol"))),
            fingerprint=str(line.get("fingerprint", "")),
            metrics=measurements(line.get("metrics")),
            notes=texts(line.get("notes")),
            precision=str(line.get("precision", "")),
            seconds=number(line, "seconds"),
        )


def read_evaluations(path: Path, notes: list[str] | None = None) -> tuple[EvaluationRecord, ...]:
    """The records in a file, by images seen; of a measurement that was repeated, after a resume
    or by a user, the last one."""
    latest: dict[tuple[object, ...], EvaluationRecord] = {}
    for record in map(EvaluationRecord.from_json, read_lines(path, notes)):
        key = record.fingerprint, record.split, record.weights, record.images
        latest.pop(key, None)
        latest[key] = record
    return tuple(sorted(latest.values(), key=lambda record: record.images))
