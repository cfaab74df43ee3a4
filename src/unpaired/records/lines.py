"""Lines of JSON in a run folder: appended, read as far as they are whole, cut off after a point."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from unpaired.core.files import write_atomically
from unpaired.records.json_values import number, parse_object, read_text


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Add one line of JSON to a file; a line that a crash has torn stays a line of its own."""
    line = json.dumps(record).encode() + b"\n"
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)


def read_lines(path: Path, notes: list[str] | None = None) -> list[dict[str, Any]]:
    """The JSON objects of a `.jsonl`, without lines torn by a crash (a resumed run appends after
    them); `notes` gets a sentence where there are such."""
    # Not splitlines: JSON may hold other characters that it takes for the end of a line.
    lines = [text for text in read_text(path).split("\n") if text]
    records = [record for text in lines if (record := parse_object(text)) is not None]
    if notes is not None and (num_torn := len(lines) - len(records)):
        plural = "line was" if num_torn == 1 else "lines were"
        notes.append(f"{num_torn} unreadable {plural} skipped in {path.name}.")
    return records


def forget_after(path: Path, images: int, stage: str | None = None) -> None:
    """Drop the lines, of a stage alone if one is given, that lie ahead of a checkpoint: training
    will write them again."""
    kept = [
        record
        for record in read_lines(path)
        if number(record, "images") <= images or (stage and record.get("stage") != stage)
    ]
    if path.exists():
        write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept))
