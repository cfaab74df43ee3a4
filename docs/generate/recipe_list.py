"""Recipes, as their docstrings describe them."""

from __future__ import annotations

from unpaired.recipes import RECIPES, entry


def recipes() -> str:
    """An entry for each recipe: task, paper, cost, score."""
    return "\n\n".join(_entry(name) for name in RECIPES)


def _entry(name: str) -> str:
    parts = entry(RECIPES[name])
    lines = [f"### {name}", "", parts["task"], ""]
    lines += [f"- {k.capitalize()}: {parts[k]}" for k in ("paper", "cost", "score") if parts[k]]
    return "\n".join(lines).replace("<", "&lt;")
