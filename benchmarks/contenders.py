"""What `train_step.py` lets compete: our step, the textbook's, a peer's, on like networks."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

import peer
from textbook import Textbook
from unpaired.data.domain import Domain
from unpaired.data.sources import Folder
from unpaired.engine.distributed import build_fabric
from unpaired.engine.settings import Training
from unpaired.engine.state import State
from unpaired.engine.step import Step as OurStep
from unpaired.experiment.experiment import Experiment
from unpaired.methods import CycleGAN
from unpaired.networks import PatchGAN, ResNet

Step = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Sizes of images and networks; the loss is least squares, λ 10."""

    size: int
    """Side of the images, in pixels."""
    batch_size: int
    """Images per domain and step."""
    width: int
    """Channels after the generator's first convolution."""
    blocks: int
    """Residual blocks of the generator; the peer knows 4, 6 and 9."""
    discriminator_width: int
    """Channels after the discriminator's first convolution."""
    layers: int
    """Strided layers of the PatchGAN discriminator."""
    goal: float | None
    """How many times as fast as each other step ours shall be."""


CASES = {
    "small": Case(
        size=32, batch_size=64, width=32, blocks=4, discriminator_width=32, layers=2, goal=1.5
    ),
    "large": Case(
        size=256, batch_size=1, width=64, blocks=9, discriminator_width=64, layers=3, goal=1.3
    ),
}
SMOKE = Case(size=16, batch_size=2, width=4, blocks=4, discriminator_width=4, layers=1, goal=None)


def build(name: str, case: Case, options: argparse.Namespace) -> Step:
    """The step of "ours", "textbook" or "peer"; each call trains on the same batch."""
    if options.device == "cuda":
        torch.backends.cudnn.benchmark = True  # as our training loop, and the peer, do
    batch = build_batch(case, torch.device(options.device))
    experiment = build_experiment(case, options)
    if name == "ours":
        return build_ours(experiment, batch)
    if name == "textbook":
        textbook = Textbook(experiment, batch["a"].device)
        return lambda: textbook.step(batch["a"], batch["b"])
    return build_peer(case, options, batch)


def build_experiment(case: Case, options: argparse.Namespace) -> Experiment:
    """The experiment that ours and the textbook train."""
    domain = Domain(source=Folder(path="."), size=case.size)  # no image is read from it
    method = CycleGAN(
        generator=ResNet(width=case.width, blocks=case.blocks, upsampling=options.upsampling),
        discriminator=PatchGAN(width=case.discriminator_width, layers=case.layers),
        identity_weight=10 * options.identity,
    )
    training = Training(
        batch_size=case.batch_size,
        device=options.device,
        precision=options.precision,
        compile=options.compile,
    )
    return Experiment(a=domain, b=domain, method=method, training=training)


def build_batch(case: Case, device: torch.device) -> dict[str, Tensor]:
    """Noise in [-1, 1]: the time does not depend on what the images show."""
    random = torch.Generator().manual_seed(1)
    shape = (case.batch_size, 3, case.size, case.size)
    return {name: (2 * torch.rand(shape, generator=random) - 1).to(device) for name in ("a", "b")}


def build_ours(experiment: Experiment, batch: dict[str, Tensor]) -> Step:
    """Exactly what the training loop does with a batch."""
    fabric = build_fabric(experiment.training)
    step = OurStep(experiment, State(experiment, fabric.device), fabric)
    return lambda: step.advance(batch)


def build_peer(case: Case, options: argparse.Namespace, batch: dict[str, Tensor]) -> Step:
    """See `peer.py`."""
    sizes = asdict(case)
    del sizes["goal"]
    return peer.build_step(
        options.peer,
        **sizes,
        identity=options.identity,
        antialias=options.upsampling == "resize",
        real_a=batch["a"],
        real_b=batch["b"],
    )
