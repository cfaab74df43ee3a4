"""Values out of JSON that may be damaged or of another version: what has its type is taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_text(path: Path) -> str:
    """The text in `path`; empty if there is none."""
    return path.read_text("utf-8", errors="replace") if path.is_file() else ""


def read_object(path: Path, notes: list[str] | None = None) -> Mapping[str, Any]:
    """The JSON object in `path`; empty if there is none, with a note if it is damaged."""
    if not path.is_file():
        return {}
    content = parse_object(read_text(path))
    if content is None and notes is not None:
        notes.append(f"{path.name} could not be read as a JSON object.")
    return content or {}


def parse_object(text: str) -> dict[str, Any] | None:
    """`text` as a JSON object, or None if it is no such thing."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def number(line: Mapping[str, Any], key: str) -> float:
    """The number under `key`; 0 if there is none."""
    return numbers(line).get(key, 0.0)


def numbers(content: object) -> dict[str, float]:
    """The numeric entries of a JSON object; a value that was not finite may be stored as null."""
    if not isinstance(content, dict):
        return {}
    return {str(k): float(v) for k, v in content.items() if isinstance(v, (int, float))}


def mapping(content: object) -> Mapping[str, Any]:
    """`content` if it is a JSON object, else an empty one."""
    return content if isinstance(content, dict) else {}


def texts(content: object) -> tuple[str, ...]:
    """The items of a JSON list as texts; none if it is no list."""
    return tuple(map(str, content)) if isinstance(content, list) else ()
