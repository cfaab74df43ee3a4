"""What is learned before the game begins: an encoder of a learns the labels of a."""

from __future__ import annotations

import torch
from lightning_fabric import Fabric
from torch import Tensor

from unpaired.data.batches import derive_seed, generator
from unpaired.data.images import Images
from unpaired.data.jitter import jitter
from unpaired.data.tensors import to_network
from unpaired.engine.classify import fit
from unpaired.engine.state import State
from unpaired.experiment import Experiment


def pretrain(fabric: Fabric, experiment: Experiment, state: State, images: Images) -> None:
    """Train `nets.encoders["a"]` on labelled images, once; it is frozen again afterwards.

    The first process trains it, the others receive it: all must build on the same encoder.
    """
    settings, seed = experiment.method.pretraining, experiment.training.seed
    assert settings is not None
    assert images.labels is not None, "checked before training"
    encoder = state.networks.encoders["a"]
    value_range = experiment.domain("a").value_range

    def read(indices: Tensor) -> Tensor:
        return to_network(images.gather(indices.numpy()).to(fabric.device), "unit")

    def classify(unit: Tensor) -> Tensor:
        values = unit * 2 - 1 if value_range == "signed" else unit
        logits: Tensor = encoder.classify(values)  # type: ignore[operator]
        return logits

    if fabric.is_global_zero:
        torch.manual_seed(derive_seed(seed, "pretraining"))
        encoder.train().requires_grad_(True)
        fit(
            encoder,
            classify,
            read,
            torch.from_numpy(images.labels),
            images_seen=settings.images,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            random=generator(seed, "pretraining"),
            augment=lambda seen, random: jitter(seen, settings.jitter, random),
            autocast=fabric.autocast,
        )
        encoder.eval().requires_grad_(False)
    encoder.load_state_dict(fabric.broadcast(encoder.state_dict()))
    state.average.encoders["a"].load_state_dict(encoder.state_dict())
