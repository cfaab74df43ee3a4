"""Encoder pretraining: the classes of labelled images, and agreement on images of another domain.

Semi-supervised where asked for (French et al. 2018, "Self-ensembling for visual domain
adaptation"; Sohn et al. 2020, "FixMatch").
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.core.config import Natural, NonNegative, Positive, Share, config
from unpaired.data.batches import generator
from unpaired.data.domain import DomainName
from unpaired.data.jitter import Jitter, jitter
from unpaired.methods.networks import Networks
from unpaired.methods.shared_encoder import SharedEncoder
from unpaired.methods.stages import StageData
from unpaired.methods.supervised import SupervisedTraining


@config
class Pretraining:
    """How an encoder learns the classes of a's images, before anything else is learned."""

    images: Natural = 120_000
    """Images seen."""
    batch_size: Positive = 64
    """Images per step."""
    learning_rate: NonNegative = 3e-3
    """Largest step size of AdamW; it rises, then falls to zero (one cycle)."""
    weight_decay: NonNegative = 0.05
    """AdamW's."""
    jitter: Jitter = Jitter()
    """Random changes of the images. Much of it lets the encoder read what is not of its domain."""
    consistency_weight: NonNegative = 0.0
    """Weight of agreeing on b's images, whose labels are not used: what the encoder is sure of as
    it sees an image, it shall say of the image changed (French et al. 2018; FixMatch, 2020)."""
    confidence: Share = 0.7
    """Probability above which it counts as sure, once each class has its equal share of a batch."""
    warm_up: Share = 0.5
    """Share of the images after which consistency begins: before, its guesses are no use."""

    name: ClassVar[str] = "encoder"
    seeded_by: ClassVar[str] = "pretraining"
    labelled: ClassVar[tuple[DomainName, ...]] = ("a",)
    advice: ClassVar[str] = "Lower --method.encoder-training.learning-rate."

    def begin(self, nets: Networks, data: StageData) -> EncoderTraining:
        """See `Stage`. `nets.encoders["a"]` learns; it is frozen again afterwards."""
        encoder = nets.encoders["a"]
        assert isinstance(encoder, SharedEncoder)
        return EncoderTraining(self, encoder.train().requires_grad_(True), data)


class EncoderTraining(SupervisedTraining):
    """A shared encoder's training; see `Pretraining`."""

    def __init__(self, settings: Pretraining, encoder: SharedEncoder, data: StageData) -> None:
        """`encoder` is in training mode, and all of it learns."""
        self.settings, self.encoder, self.data = settings, encoder, data
        self.random = generator(data.seed, settings.seeded_by)
        self.labels = data.labels("a")
        super().__init__(
            encoder,
            self.loss,
            len(self.labels),
            images_seen=settings.images,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            random=self.random,
        )

    def finish(self) -> None:
        """See `StageTraining`."""
        self.encoder.eval().requires_grad_(False)

    def loss(self, batch: Tensor, images: int) -> Tensor:
        """Numbers of images of a, int64 [N], and the images seen before them => a scalar."""
        settings, random = self.settings, self.random
        labelled = jitter(self._read("a", batch), settings.jitter, random)
        labels = self.labels[batch].to(self.data.device)
        warming = images + len(batch) <= settings.warm_up * settings.images
        if warming or not settings.consistency_weight:
            return F.cross_entropy(self._classify(labelled), labels)
        num_others = len(self.data.batches["b"].images)
        others = torch.randint(num_others, (len(batch),), generator=random)
        unlabelled = self._read("b", others)
        with torch.no_grad():
            self.encoder.eval()
            shares = in_equal_shares(self._classify(unlabelled).softmax(1))
            self.encoder.train()
        confidence, guesses = shares.max(1)
        # Both domains in one batch: batch norm must know the statistics of both afterwards.
        both = torch.cat([labelled, jitter(unlabelled, settings.jitter, random)])
        of_labelled, of_unlabelled = self._classify(both).chunk(2)
        sure = confidence > settings.confidence
        agreement = (F.cross_entropy(of_unlabelled, guesses, reduction="none") * sure).mean()
        return F.cross_entropy(of_labelled, labels) + settings.consistency_weight * agreement

    def _read(self, domain: DomainName, indices: Tensor) -> Tensor:
        """Images in the form in which the encoder takes both domains, in [0, 1]."""
        return self.encoder.to_unit(self.data.read(domain, indices), domain)

    def _classify(self, unit: Tensor) -> Tensor:
        with self.data.autocast():
            return self.encoder.classify_unit(unit)


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
