"""Training log: means over the steps since the last line of metrics.jsonl."""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping
from typing import Any

import torch

from unpaired.data.dataset import Images
from unpaired.data.domain import DomainName
from unpaired.engine.state import PHASES, State


class Window:
    """Sums since the last line of metrics.jsonl."""

    def __init__(self, images: int) -> None:
        self.reset(images)

    def reset(self, images: int) -> None:
        """Begin anew at `images` seen."""
        self.images, self.started = images, time.monotonic()
        self.waited = 0.0
        self.steps = dict.fromkeys(PHASES, 0)
        self.sums: dict[str, dict[str, float]] = {phase: {} for phase in PHASES}

    def add(self, losses: dict[str, float], phase: str, gradient_norm: float) -> None:
        """Count one step of a phase."""
        self.steps[phase] += 1
        sums = self.sums[phase]
        for name, value in (*losses.items(), (f"gradient_norm/{phase}", gradient_norm)):
            sums[name] = sums.get(name, 0.0) + value

    @property
    def count(self) -> int:
        """Steps of any phase so far."""
        return sum(self.steps.values())

    def record(self, state: State, images: Mapping[DomainName, Images]) -> dict[str, Any]:
        """The line of metrics.jsonl, means over the window; begins a new window."""
        elapsed = max(time.monotonic() - self.started, 1e-9)
        means = {
            name: value / self.steps[phase]
            for phase, sums in self.sums.items()
            for name, value in sums.items()
        }
        health = {k: means.pop(k) for k in list(means) if k.startswith("gradient_norm/")}
        record = {
            "images": state.images,
            **{f"epochs_{name}": state.images / len(each) for name, each in images.items()},
            "seconds": state.seconds,
            "images_per_second": (state.images - self.images) / elapsed,
            "data_wait": self.waited / elapsed,
            "losses": means,
            "learning_rate": {p: state.optimisers[p].param_groups[0]["lr"] for p in PHASES},
            "health": {**health, "memory_mb": memory_mb(next(state.networks.parameters()).device)},
        }
        self.reset(state.images)
        return record


def memory_mb(device: torch.device) -> float:
    """Peak memory so far: the GPU's that trains, or the process's."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
