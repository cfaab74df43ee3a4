"""Change record: one line of `changes.jsonl`, settings that a run was continued with instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unpaired.records.json_values import mapping, number
from unpaired.records.lines import append_line, read_lines

CHANGES = "changes.jsonl"


@dataclass(frozen=True, kw_only=True)
class Change:
    """Settings that changed between two parts of a training; `config.json` holds the new ones."""

    images: int
    """Images seen per domain when it took effect."""
    settings: Mapping[str, tuple[Any, Any]]
    """The value before and the value from then on, by the setting's path."""
    reason: str
    """Why that was allowed, as a sentence."""

    @property
    def sentence(self) -> str:
        """For people."""
        changed = ", ".join(
            f"{path} {old!r} → {new!r}" for path, (old, new) in self.settings.items()
        )
        return f"from {self.images:,} images seen on: {changed}. {self.reason}"

    def append_to(self, run: Path) -> None:
        """Add it to a run folder's record."""
        append_line(run / CHANGES, asdict(self))

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Change:
        """What `append_to` wrote."""
        settings = {
            path: (values[0], values[1])
            for path, values in mapping(line.get("settings")).items()
            if isinstance(values, list) and len(values) == 2
        }
        images, reason = int(number(line, "images")), str(line.get("reason", ""))
        return cls(images=images, settings=settings, reason=reason)


def read_changes(run: Path, notes: list[str] | None = None) -> tuple[Change, ...]:
    """What has changed in a run so far."""
    return tuple(map(Change.from_json, read_lines(run / CHANGES, notes)))
