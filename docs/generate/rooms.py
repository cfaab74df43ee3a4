"""Rooms and modules of the package, each with the first sentence of its docstring."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "unpaired"


def floors() -> str:
    """A table of the rooms, floor by floor, in the order of the import contract."""
    rows = ["| floor | room | what it is |", "|---|---|---|"]
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = layers["tool"]["importlinter"]["contracts"][0]
    floors = [layer for layer in contract["layers"] if not layer.startswith("__")]
    for number, layer in zip(range(len(floors), 0, -1), floors, strict=True):
        for room in layer.split(" | "):
            sentence = first_sentence(PACKAGE / room / "__init__.py")
            rows.append(f"| {number} | [`{room}/`](#{room}) | {sentence} |")
    return "\n".join(rows)


def modules() -> str:
    """A section for each room, with its modules."""
    rooms = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))
    return "\n\n".join(_section(room) for room in rooms)


def _section(room: Path) -> str:
    lines = [f"### {room.name}", "", first_sentence(room / "__init__.py"), ""]
    lines += ["| module | what it is |", "|---|---|"]
    for path in sorted(room.rglob("*.py")):
        name = path.relative_to(room).as_posix().removesuffix("__init__.py")
        if name:
            link = f"../{path.relative_to(ROOT).as_posix()}"
            lines.append(f"| [`{name}`]({link}) | {first_sentence(path)} |")
    return "\n".join(lines)


def first_sentence(path: Path) -> str:
    """The first sentence of a module's docstring, ready for a table's cell."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    paragraph = " ".join(text.split("\n\n")[0].split())
    sentence = re.split(r"(?<=[a-z)`0-9])\. ", paragraph, maxsplit=1)[0].rstrip(".:")
    assert sentence, f"{path} says nothing of itself"
    return f"{sentence}.".replace("|", "\\|").replace("<", "&lt;")
