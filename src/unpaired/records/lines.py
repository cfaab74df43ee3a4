"""Lines of JSON in a run folder: appended, read, and cut off after a checkpoint."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from unpaired.core.files import write_atomically


def append_line(path: Path, record: dict[str, Any]) -> None:
    """Add one line of JSON to a file; a line that a crash has torn stays a line of its own."""
    line = json.dumps(record).encode() + b"\n"
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            line = line if file.read(1) == b"\n" else b"\n" + line
        file.write(line)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a .jsonl file; a line torn by a crash is left out."""
    records = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return records


def read_evaluations(run: Path) -> list[dict[str, Any]]:
    """The lines of evaluations.jsonl that a training writes, without what extractors that a user
    asked for have added."""
    lines = read_lines(run / "evaluations.jsonl")
    return [line for line in lines if line["protocol"]["name"] != "extractor"]


def forget_after(path: Path, images: int) -> None:
    """Drop the lines that lie ahead of a checkpoint: training will write them again."""
    kept = [record for record in read_lines(path) if record["images"] <= images]
    if path.exists():
        write_atomically(path, "".join(json.dumps(record) + "\n" for record in kept))
