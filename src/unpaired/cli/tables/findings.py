"""Findings about many images, in few lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unpaired.data.inspect import Finding

_MOST_ALIKE, _MOST_LINES = 3, 20


def summed_up(lines: Sequence[str]) -> list[str]:
    """Lines such as "cat.png: is a JPEG though …" with the first few of each finding, then a count.

    What follows the first colon is the finding. Of many different ones, the first stand for all.
    """
    alike: dict[str, list[str]] = {}
    for line in lines:
        alike.setdefault(line.partition(": ")[2] or line, []).append(line)
    shown = []
    for finding, members in alike.items():
        shown += members[:_MOST_ALIKE]
        if left := len(members) - _MOST_ALIKE:
            shown += [f"and {left:,} more: {finding}"] if left > 0 else []
    if len(shown) <= _MOST_LINES:
        return shown
    return [*shown[:_MOST_LINES], f"and {len(shown) - _MOST_LINES:,} lines more (--json has all)"]


def leak_lines(findings: dict[str, Finding]) -> list[str]:
    """A line for each image that stands in two image sets, or one for all where they are many."""
    from unpaired.data.inspect import in_two_sources

    lines = []
    for first, second, pairs in in_two_sources(findings):
        if len(pairs) <= _MOST_ALIKE:
            lines += [
                f"leak: the same image is {first}: {x} and {second}: {y}: remove one of them"
                for x, y in pairs
            ]
            continue
        shown = ", ".join(x if x == y else f"{x} = {y}" for x, y in pairs[:_MOST_ALIKE])
        relation = _relation(first, second, findings[first].hashes, findings[second].hashes)
        lines.append(
            f"leak: {len(pairs):,} images of {first} are also in {second}: {shown} and "
            f"{len(pairs) - _MOST_ALIKE:,} more; {relation}"
        )
    return lines


def _relation(first: str, second: str, here: dict[str, str], there: dict[str, str]) -> str:
    if here.keys() == there.keys():
        return "the image sets are the same: give another for one of them"
    if here.keys() < there.keys():
        return f"all of {first} lies in {second}: remove these from {second}"
    if there.keys() < here.keys():
        return f"all of {second} lies in {first}: remove these from {first}"
    return "remove them from one of the two"
