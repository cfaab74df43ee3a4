"""Objectives: pure functions of tensors that return a scalar loss."""

from __future__ import annotations

from unpaired.objectives.adversarial import (
    Adversarial,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    WassersteinClip,
    WassersteinGP,
)

__all__ = [
    "Adversarial",
    "Hinge",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "WassersteinClip",
    "WassersteinGP",
]
