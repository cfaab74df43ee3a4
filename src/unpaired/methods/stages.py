"""Training stages: what a method trains before its main training, by losses of its own.

A method lists its stages; the engine trains them one after the other, with checkpoints, signals and
log as in the main training. Here is what both know of each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from unpaired.data.batches import Batches
from unpaired.data.domain import DomainName
from unpaired.methods.networks import Networks


@dataclass(frozen=True)
class Optimised:
    """Weights that one optimiser trains: AdamW, which is Adam where no weight decays."""

    parameters: Sequence[nn.Parameter]
    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.0


class Update(NamedTuple):
    """One step of one optimiser."""

    optimiser: str
    """Its name among `StageTraining.optimised`."""
    loss: Tensor
    """A scalar."""
    learning_rate: float
    beta1: float | None = None
    """Adam's decay of the first moment from now on; none: as it is."""


class StageTraining(Protocol):
    """A stage under way: its networks, and the losses of each step."""

    @property
    def images(self) -> int:
        """Images seen at the end, counting repeats: whole batches."""

    @property
    def batch_size(self) -> int:
        """Images of a step."""

    @property
    def networks(self) -> nn.Module:
        """Everything that changes from step to step."""

    @property
    def optimised(self) -> Mapping[str, Optimised]:
        """What is trained, by the names of the optimisers."""

    @property
    def generators(self) -> Mapping[str, torch.Generator]:
        """Sources of random numbers beside torch's global ones, which are seeded for the stage."""

    def updates(self, images: int) -> Iterator[Update]:
        """The updates of the step that begins after `images` seen.

        The optimiser takes its step before the next update is asked for, so that each loss is that
        of weights as they are by then; the last part of the function runs after the last of them.
        """
        ...

    def finish(self) -> None:
        """Leave in the method's networks what was learned."""
        ...


@dataclass(frozen=True)
class StageData:
    """What a stage learns from: the training images, on the device on which they are wanted."""

    batches: Mapping[DomainName, Batches]
    """Those of the main training."""
    batch_size: int
    """Images of a step of the main training."""
    seed: int
    """That of the training."""
    device: torch.device
    autocast: Callable[[], AbstractContextManager[None]]
    """The precision of the main training, where a stage wants it."""

    def first_batches(self, domain: DomainName, images: int) -> Iterator[Tensor]:
        """The main training's first `images` of a domain, each twice at most, NCHW."""
        batches = self.batches[domain]
        for position in range(0, min(2 * len(batches.images), images), self.batch_size):
            yield batches.at(position)

    def read(self, domain: DomainName, indices: Tensor) -> Tensor:
        """Images by number, int64 [N] => NCHW as networks see them, unchanged."""
        batches = self.batches[domain]
        pixels = batches.images.gather(indices.numpy()).to(self.device)
        return batches.domain.representation.encode(pixels)

    def labels(self, domain: DomainName) -> Tensor:
        """The classes of all images of a domain that has labels, int64 [N] on the CPU."""
        labels = self.batches[domain].images.labels
        assert labels is not None, "checked before training"
        return torch.from_numpy(labels)


class Stage(Protocol):
    """What is trained before the main training: settings, which know how to begin."""

    name: ClassVar[str]
    """What logs and folders call it."""
    seeded_by: ClassVar[str]
    """The word beside the training's seed from which its random numbers derive."""
    labelled: ClassVar[tuple[DomainName, ...]]
    """Domains whose training images must be labelled."""
    advice: ClassVar[str]
    """What to do where a loss is not finite."""

    @property
    def images(self) -> int:
        """Images to be seen, counting repeats."""

    @property
    def batch_size(self) -> int:
        """Images of a step."""

    def begin(self, nets: Networks, data: StageData) -> StageTraining | None:
        """Make ready to train some of `nets`, or, where no step is needed, do what is to be done.

        It draws from torch's global generators, and is called again, with the same draws, where a
        stage goes on from a checkpoint.
        """
        ...
