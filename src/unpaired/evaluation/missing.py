"""Missing numbers: what a set of images gives no value for is named, with the reason.

The boundary: what images without a meaning for a metric raise (all alike, too few, features that
are not finite) leaves out the numbers that it concerns, with a note, and all others are taken.
Anything else is a defect or the machine's, and is raised: `unpaired evaluate` ends with it, and a
training records it and goes on (`training.observer`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch

from unpaired.core.errors import DataError, UnpairedError

UNDEFINED = (
    DataError,
    ArithmeticError,
    ValueError,
    torch.linalg.LinAlgError,  # type: ignore[attr-defined]
)
"""What metrics and the networks behind them raise for such images; numpy's LinAlgError, and what
scipy and scikit-learn refuse, are ValueErrors."""


class Missing:
    """Names of numbers that have no value, by the reason."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, names: Sequence[str], reason: str) -> None:
        """Note what is missing."""
        self._names.setdefault(reason, []).extend(names)

    @contextmanager
    def noting(self, *names: str) -> Iterator[None]:
        """For what gives the numbers of these names: where it cannot, they are missing."""
        try:
            yield
        except UNDEFINED as error:
            self.add(names, reason_of(error))

    @property
    def sentences(self) -> list[str]:
        """A note for each reason."""
        return [f"{_enumerated(names)} missing: {why}" for why, names in self._names.items()]


def reason_of(error: Exception) -> str:
    """Why, as a sentence: errors of ours are written for users, others begin with their kind."""
    text = str(error).strip() or "no reason was given"
    text = text if isinstance(error, UnpairedError) else f"{type(error).__name__}: {text}"
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _enumerated(names: Sequence[str]) -> str:
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} and {last} are" if others else f"{last} is"
