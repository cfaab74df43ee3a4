"""The sections of docs/results.md: which recipes, which numbers, what was reported, what we say."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One section."""

    title: str
    recipes: tuple[str, ...]
    metrics: tuple[str, ...]
    reported: str
    """What the reports and the literature have."""
    text: str
    """What happened, why, and what to take from it."""


ACCURACIES = ("translation_accuracy/a2b", "translation_accuracy/b2a")
DISTANCES = ("fd/classifier/a", "fd/classifier/b")
DIVERSITIES = ("diversity/a2b", "diversity/b2a")
CYCLES = ("cycle_l1/a", "cycle_l1/b")

ROWS = (
    Row(
        title="Built-in example: ink ↔ sign",
        recipes=("demo",),
        metrics=(*ACCURACIES, *CYCLES, *DIVERSITIES, "truth_psnr/b2a"),
        reported="No report has it; it needs no download.",
        text="",
    ),
)
