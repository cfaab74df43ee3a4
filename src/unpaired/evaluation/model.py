"""Evaluator of a translator: what metrics need of one split of its domains, gathered once."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.domain import OTHER, SOURCE, DomainName
from unpaired.evaluation import content, gather
from unpaired.evaluation.measure import measure
from unpaired.evaluation.missing import Missing
from unpaired.evaluation.samples import (
    Translated,
    generate,
    translate,
)
from unpaired.evaluation.split import EvaluatedSplit
from unpaired.inference.applied import AppliedModel
from unpaired.methods.networks import Networks
from unpaired.methods.protocols import Generates
from unpaired.metrics import paired
from unpaired.metrics.hidden_signal import HiddenSignal
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement


@dataclass
class Result:
    """One line of evaluations.jsonl, and the pictures behind it."""

    record: EvaluationRecord
    translated: dict[DomainName, Translated]
    """By the domain that was translated from."""
    from_noise: Tensor | None
    """Images of b from noise, (N, C, H, W) uint8, where the method makes such."""
    hidden: dict[DomainName, HiddenSignal]
    """By source domain, where there is a way back; of test images only."""
    worst: dict[DomainName, tuple[NDArray[np.int64], str]]
    """Per source domain: indices of the least successful translations, and by which measure."""


class Evaluator(EvaluatedSplit):
    """One split of both domains, with its task classifiers; measures any translator."""

    def measure(self, networks: Networks, images: int, weights: str = "ema") -> Result:
        """Translate everything there and back, and measure it. `networks` is in eval mode."""
        started = time.monotonic()
        seed = self.protocol.style_seed
        model = AppliedModel(self.experiment, networks, self.device)
        translated: dict[DomainName, Translated] = {}
        metrics: dict[str, Measurement] = {}
        from_noise: Tensor | None = None
        missing = Missing()
        notes = [*self.notes, *self.missing.sentences]
        hidden: dict[DomainName, HiddenSignal] = {}
        worst: dict[DomainName, tuple[NDArray[np.int64], str]] = {}
        for direction in self.experiment.directions:
            domain = SOURCE[direction]
            pair = translate(model, self.images[domain].pixels, domain, seed)
            translated[domain] = pair
            gathered = gather.of_translations(self, model, domain, pair, missing)
            if self.split == "test" and pair.reconstructions is not None:
                with missing.noting(*(f"hidden_signal/{domain}/{t}" for t in ("noise", "jpeg"))):
                    hidden[domain] = content.honesty(model, domain, pair, seed)
                    gathered.values["hidden_signal"] = hidden[domain]
            metrics |= measure(gathered, notes)
            with missing.noting(f"the least successful translations of {domain}"):
                scores, by = self._per_image(domain, pair)
                worst[domain] = np.argsort(scores, kind="stable")[:16], by
        if isinstance(self.experiment.method, Generates):
            from_noise = generate(model, len(self.images["b"].pixels), seed)
            gathered, not_probed = gather.of_noise(self, model, from_noise)
            notes += not_probed
            metrics |= measure(gathered, notes)
        record = EvaluationRecord(
            images=images,
            weights=weights,
            split=self.split,
            precision=model.precision,
            seconds=time.monotonic() - started,
            protocol=self.protocol,
            fingerprint=self.protocol.fingerprint,
            metrics={name: metrics[name] for name in sorted(metrics)},
            notes=(*notes, *missing.sentences),
        )
        return Result(record, translated, from_noise, hidden, worst)

    def _per_image(self, domain: DomainName, images: Translated) -> tuple[NDArray[np.float64], str]:
        """A score of each translation, lower is worse, and its name."""
        labels = self.images[domain].labels
        if self.classifiers is not None and labels is not None:
            logits = self.classifiers[OTHER[domain]].logits(images.translations)
            confidence = F.softmax(logits, 1)[torch.arange(len(labels)), torch.from_numpy(labels)]
            scores: NDArray[np.float64] = confidence.double().numpy()
            return scores, "least like their class, to the classifier"
        if images.reconstructions is None:
            unchanged = self.unchanged(domain, images.source)
            return -paired.l1(images.translations, unchanged), "furthest from the image itself"
        return -paired.l1(
            images.reconstructions, images.source
        ), "furthest from themselves after the cycle"
