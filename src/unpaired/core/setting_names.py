"""Short names of settings and their values, for tables and folder names: `cycle_weight=5`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """Each path by as few of its last parts as distinguish it from the others.

    "method.cycle_weight" is "cycle_weight"; the choice between alternatives,
    "method.adversarial.kind", is "adversarial".
    """
    paths = list(dict.fromkeys(paths))
    tails = shortest_tails([path.removesuffix(".kind").split(".") for path in paths])
    names = {path: ".".join(tail) for path, tail in zip(paths, tails, strict=True)}
    return names if len(set(names.values())) == len(names) else {path: path for path in paths}


def shortest_tails(places: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Of each sequence of parts, as few of the last as distinguish it from the others."""
    shortest: list[Sequence[str]] = []
    for index, parts in enumerate(places):
        others = [place for i, place in enumerate(places) if i != index]
        tails = (parts[-length:] for length in range(1, len(parts) + 1))
        unique = (tail for tail in tails if all(o[-len(tail) :] != tail for o in others))
        shortest.append(next(unique, parts))
    return shortest


def text_of(value: Any) -> str:
    """A value of a setting as plain JSON holds it: 5.0 is "5", none "none", [1, 2] "1-2"."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (list, tuple)):
        return "-".join(map(text_of, value))
    return str(value)
