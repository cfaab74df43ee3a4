"""Training log: the lines of metrics.jsonl, means over the steps since the last one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil
import torch

from unpaired.data.dataset import Images
from unpaired.data.domain import DomainName
from unpaired.engine.settings import PHASES
from unpaired.engine.state import State
from unpaired.engine.tally import Means
from unpaired.records.log import LogPoint


class Window:
    """The time since the last line of metrics.jsonl, and what it was spent on."""

    def __init__(self, images: int) -> None:
        self._memory_mb = 0.0
        self._begin(images)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """For data: its share of the time is logged."""
        started = time.monotonic()
        yield
        self._waited += time.monotonic() - started

    @contextmanager
    def paused(self) -> Iterator[None]:
        """For what is no training: images per second are those of training."""
        started = time.monotonic()
        yield
        self._started += time.monotonic() - started

    def point(self, state: State, means: Means, images: Mapping[DomainName, Images]) -> LogPoint:
        """The line of metrics.jsonl; begins a new window."""
        elapsed = max(time.monotonic() - self._started, 1e-9)
        self._memory_mb = max(self._memory_mb, memory_mb(state.device))
        norms = {f"gradient_norm/{phase}": norm for phase, norm in means.gradient_norms.items()}
        point = LogPoint(
            images=state.images,
            epochs={name: state.images / len(each) for name, each in images.items()},
            seconds=state.seconds,
            images_per_second=(state.images - self._images) / elapsed,
            data_wait=self._waited / elapsed,
            losses=means.losses,
            learning_rate={
                phase: float(state.optimisers[phase].param_groups[0]["lr"]) for phase in PHASES
            },
            health={**norms, "memory_mb": self._memory_mb},
        )
        self._begin(state.images)
        return point

    def _begin(self, images: int) -> None:
        self._images, self._started, self._waited = images, time.monotonic(), 0.0


def memory_mb(device: torch.device) -> float:
    """Peak of the GPU that trains so far, or what this process holds now."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return float(psutil.Process().memory_info().rss / 2**20)
