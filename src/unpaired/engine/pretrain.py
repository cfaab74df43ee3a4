"""What is learned before the game begins: an encoder of a learns the labels of a."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor

from unpaired.data.batches import derive_seed, generator
from unpaired.data.images import Images
from unpaired.data.jitter import jitter
from unpaired.data.tensors import to_network
from unpaired.engine.classify import fit
from unpaired.engine.state import State
from unpaired.experiment import Experiment
from unpaired.methods.method import DomainName


def pretrain(
    fabric: Fabric,
    experiment: Experiment,
    state: State,
    images: Mapping[DomainName, Images],
    tell: Callable[[int, int, float], None],
) -> None:
    """Train `nets.encoders["a"]` on labelled images, once; it is frozen again afterwards.

    `tell` hears now and then of the images seen, all that will be, and the loss. The first process
    trains, the others receive: all must build on the same encoder.
    """
    settings, seed = experiment.method.pretraining, experiment.training.seed
    labels = images["a"].labels
    assert settings is not None
    assert labels is not None, "checked before training"
    truth = torch.from_numpy(labels)
    encoder = state.networks.encoders["a"]
    random = generator(seed, "pretraining")

    def read(domain: DomainName, indices: Tensor) -> Tensor:
        """Images in the form in which the encoder takes both domains, in [0, 1]."""
        pixels = images[domain].gather(indices.numpy()).to(fabric.device)
        values = to_network(pixels, experiment.domain(domain).value_range)
        unit: Tensor = encoder.to_unit(values, domain)  # type: ignore[operator]
        return unit

    images_seen = 0

    def classify(unit: Tensor) -> Tensor:
        with fabric.autocast():
            logits: Tensor = encoder.classify_unit(unit)  # type: ignore[operator]
        return logits

    def loss(batch: Tensor) -> Tensor:
        seen = jitter(read("a", batch), settings.jitter, random)
        right = truth[batch].to(fabric.device)
        nonlocal images_seen
        images_seen += len(batch)
        if not settings.consistency_weight or images_seen <= settings.warm_up * settings.images:
            return F.cross_entropy(classify(seen), right)
        others = torch.randint(len(images["b"]), (len(batch),), generator=random)
        unlabelled = read("b", others)
        with torch.no_grad():
            encoder.eval()
            confidence, label = in_equal_shares(classify(unlabelled).softmax(1)).max(1)
            encoder.train()
        # Both domains in one batch: batch norm must know the statistics of both afterwards.
        both = torch.cat([seen, jitter(unlabelled, settings.jitter, random)])
        logits, judged = classify(both).chunk(2)
        sure = confidence > settings.confidence
        agreement = (F.cross_entropy(judged, label, reduction="none") * sure).mean()
        return F.cross_entropy(logits, right) + settings.consistency_weight * agreement

    if fabric.is_global_zero:
        torch.manual_seed(derive_seed(seed, "pretraining"))
        encoder.train().requires_grad_(True)
        fit(
            encoder,
            loss,
            len(truth),
            images_seen=settings.images,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            random=random,
            tell=tell,
        )
        encoder.eval().requires_grad_(False)
    encoder.load_state_dict(fabric.broadcast(encoder.state_dict()))
    state.average.encoders["a"].load_state_dict(encoder.state_dict())


def in_equal_shares(guesses: Tensor, rounds: int = 5) -> Tensor:
    """Probabilities [N, classes] => the nearest that give each class as many images as any other.

    Sinkhorn & Knopp's rounds, as Caron et al. 2020 (SwAV, section 3.1) use them. Without them a
    class that is never named stays so: its images are surely another's, again and again.
    """
    shares = guesses.float().clamp_min(1e-4)
    for _ in range(rounds):
        shares = shares / shares.sum(0)
        shares = shares / shares.sum(1, keepdim=True)
    return shares
