"""Generated parts of the documentation: which page holds which, and how they get there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import recipe_list
import rooms
import settings_reference
import verbs

DOCS = Path(__file__).resolve().parents[1]

PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "architecture.md": {"floors": rooms.floors, "modules": rooms.modules},
    "cli.md": {"verbs": verbs.verbs},
    "settings.md": {"settings": settings_reference.settings},
    "recipes.md": {"recipes": recipe_list.recipes},
}
"""By page, the parts between `<!-- NAME: begin -->` and `<!-- NAME: end -->`."""


def page(name: str) -> str:
    """A page as it should be."""
    text = (DOCS / name).read_text("utf-8")
    for part, write in PARTS[name].items():
        begin, end = f"<!-- {part}: begin -->", f"<!-- {part}: end -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n\n{write().strip()}\n\n{end}{after}"
    return text


def write_all() -> None:
    """Bring every page up to date."""
    for name in PARTS:
        (DOCS / name).write_text(page(name), "utf-8")


def out_of_date() -> list[str]:
    """The pages that `write_all` would change."""
    return [name for name in PARTS if page(name) != (DOCS / name).read_text("utf-8")]
