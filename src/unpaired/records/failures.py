"""Failure record: one line of `failures.jsonl`, what failed beside a training that went on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unpaired.records.json_values import number
from unpaired.records.lines import append_line, read_lines

FAILURES = "failures.jsonl"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A measurement, a picture or a page that could not be had."""

    images: int
    """Images seen so far, per domain."""
    what: str
    """What failed: "the evaluation on validation images"."""
    reason: str
    """Why, as a sentence."""

    @property
    def sentence(self) -> str:
        """For people."""
        return f"{self.what} at {self.images:,} images seen is missing: {self.reason}"

    def append_to(self, run: Path) -> None:
        """Add it to a run folder's record."""
        append_line(run / FAILURES, asdict(self))

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Failure:
        """What `append_to` wrote."""
        return cls(
            images=int(number(line, "images")),
            what=str(line.get("what", "")),
            reason=str(line.get("reason", "")),
        )


def read_failures(run: Path, notes: list[str] | None = None) -> tuple[Failure, ...]:
    """What has failed in a run so far."""
    return tuple(map(Failure.from_json, read_lines(run / FAILURES, notes)))
