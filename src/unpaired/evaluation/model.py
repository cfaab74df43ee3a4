"""All that is measured of a translator, on one split of its two domains."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.core.weights import hash_of_weights
from unpaired.data.dataset import Images, load_images
from unpaired.data.domain import DIRECTION, OTHER, SOURCE, DomainName
from unpaired.data.leaks import Leaks, find_leaks
from unpaired.evaluation import content
from unpaired.evaluation import encoders as learned
from unpaired.evaluation.content import Pretrained
from unpaired.evaluation.samples import (
    Translated,
    Translating,
    content_hash,
    first,
    sample,
    to_eight_bits,
)
from unpaired.experiment.experiment import Experiment
from unpaired.features.classifier import Classifier
from unpaired.features.classifier_cache import load_or_train
from unpaired.features.pixels import averages
from unpaired.methods.base import Networks
from unpaired.metrics import paired
from unpaired.metrics.diversity import diversity
from unpaired.metrics.floor import floor
from unpaired.metrics.frechet import frechet
from unpaired.metrics.hidden_signal import HiddenSignal
from unpaired.metrics.intervals import bootstrap_mean, wilson
from unpaired.metrics.kernel_distance import kernel
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol, Split


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


class Evaluator:
    """One split of both domains, with the classifiers that judge it; measures any translator."""

    def __init__(
        self,
        experiment: Experiment,
        split: Split,
        device: torch.device,
        pretrained: Pretrained | None = None,
        training: Mapping[DomainName, Images] | None = None,
        images: Mapping[DomainName, Images] | None = None,
        leaks: Leaks | None = None,
    ) -> None:
        """`training` and `images` are the domains' training images and those of the split where
        they are open already, and `leaks` the leaks among them."""
        self.experiment, self.split, self.device = experiment, split, device
        self.pretrained = pretrained or Pretrained()
        domains = experiment.domains
        images = images or {d: load_images(domain, split) for d, domain in domains.items()}
        self.images = {d: sample(images[d]) for d in domains}
        # Other real images: what the floor compares those of the split with.
        training = training or {d: load_images(domain, "train") for d, domain in domains.items()}
        self.training = {d: sample(images) for d, images in training.items()}
        self.leaks = (leaks or find_leaks(experiment.domains))[split]
        wanted = experiment.evaluation.classifier
        self.classifiers = self._classifiers(training) if wanted else None
        self.protocol = Protocol(
            split=split,
            images_a=content_hash(self.images["a"].pixels) if "a" in self.images else "",
            images_b=content_hash(self.images["b"].pixels),
            extractor="classifier" if self.classifiers else "pixels",
            evaluators=tuple(hash_of_weights(c) for c in (self.classifiers or {}).values()),
            **_of_labels(experiment),
        )

    def measure(self, networks: Networks, images: int, weights: str = "ema") -> Result:
        """Translate everything there and back, and measure it. `networks` is in eval mode."""
        started = time.monotonic()
        method, seed = self.experiment.method, self.protocol.style_seed
        translating = Translating(self.experiment, networks, self.device, seed)
        translated: dict[DomainName, Translated] = {}
        metrics: dict[str, Measurement] = {}
        from_noise: Tensor | None = None
        notes = list(self.leaks)
        hidden: dict[DomainName, HiddenSignal] = {}
        worst: dict[DomainName, tuple[NDArray[np.int64], str]] = {}
        for direction in method.directions:
            domain = SOURCE[direction]
            pair = translating.translate(self.images[domain].pixels, domain)
            translated[domain] = pair
            metrics |= self._content(domain, pair)
            metrics |= learned.encoded(translating, domain, pair, self.images[domain].labels)
            unchanged = self.unchanged(domain, pair.source)
            metrics |= self._distribution(OTHER[domain], pair.translations, direction, unchanged)
            metrics |= self._adaptation(translating, domain)
            if self.split == "test" and pair.reconstructions is not None:
                hidden[domain] = content.honesty(translating, domain, pair, seed)
                metrics |= hidden[domain].metrics(domain)
            scores, by = self._per_image(domain, pair)
            worst[domain] = np.argsort(scores, kind="stable")[:16], by
        if method.latent_channels:
            from_noise = translating.generate(len(self.images["b"].pixels))
            metrics |= self._distribution("b", from_noise, "b")
            matches, missing = learned.probed(translating, self.training["b"], self.images["b"])
            notes += missing
            metrics |= matches
        record = EvaluationRecord(
            images=images,
            weights=weights,
            split=self.split,
            precision=translating.precision,
            seconds=time.monotonic() - started,
            protocol=self.protocol,
            fingerprint=self.protocol.fingerprint,
            metrics={name: metrics[name] for name in sorted(metrics)},
            notes=tuple(notes),
        )
        return Result(record, translated, from_noise, hidden, worst)

    def unchanged(self, domain: DomainName, source: Tensor) -> Tensor:
        """Images of a domain in the form of the other: what no translation would come to."""
        other = self.experiment.domain(OTHER[domain])
        return paired.to_like(source, other.channels, other.size)

    def _content(self, domain: DomainName, images: Translated) -> dict[str, Measurement]:
        """What must survive: the class, the way back, and the truth where it is known."""
        direction, other = DIRECTION[domain], OTHER[domain]
        metrics: dict[str, Measurement] = {}
        if images.reconstructions is not None:
            metrics[f"cycle_l1/{domain}"] = bootstrap_mean(
                paired.l1(images.reconstructions, images.source)
            )
            for kind, distance in self.pretrained.perceptual.items():
                distances = distance(images.reconstructions, images.source)
                metrics[f"cycle_{kind}/{domain}"] = bootstrap_mean(distances)
        unchanged = self.unchanged(domain, images.source)
        seed, extra = self.protocol.style_seed, self.pretrained
        metrics |= content.structures(
            direction, images.source, images.translations, extra.structures, seed
        )
        labels = self.images[domain].labels
        if self.classifiers is not None and labels is not None:
            judge = self.classifiers[other]
            for name, pixels in (("", images.translations), ("/input", unchanged)):
                right = int((judge.predict(pixels).numpy() == labels).sum())
                metrics[f"translation_accuracy/{direction}{name}"] = wilson(right, len(labels))
            real = self.images[other]
            metrics |= content.diversity_within_classes(
                direction, images.translations, labels, real
            )
        here, truth = self._pairs(domain)
        if len(here):
            target = to_eight_bits(self.images[other].pixels)[truth]
            sets = {"": images.translations[here], "/input": unchanged[here]}
            metrics |= content.against_truth(direction, target, sets, extra.perceptual)
            palette, resamples = self.experiment.domain(other).palette, self.protocol.resamples
            metrics |= content.label_maps(palette, target, sets, resamples, seed)
        return metrics

    def _adaptation(self, translating: Translating, domain: DomainName) -> dict[str, Measurement]:
        """See `learned.adaptation`; only on test images, and where both domains have labels."""
        training, real = self.training[domain], self.images[OTHER[domain]]
        wanted = self.experiment.evaluation.adaptation and self.split == "test"
        if not wanted or training.labels is None or real.labels is None:
            return {}
        images = translating.translate(training.pixels, domain, and_back=False)
        unchanged = self.unchanged(domain, images.source)
        name = f"adaptation_accuracy/{DIRECTION[domain]}"
        return learned.adaptation(
            images.translations, unchanged, training.labels, real, name, self.device
        )

    def _distribution(
        self, domain: DomainName, fakes: Tensor, way: str, unchanged: Tensor | None = None
    ) -> dict[str, Measurement]:
        """How much images that were made, as a pile, look like real ones of `domain`."""
        real = to_eight_bits(self.images[domain].pixels)
        # Distances depend on n: all are taken at the same, the floor's included.
        count, seed = min(len(real), len(fakes)), self.protocol.style_seed
        sets = {"": fakes} if unchanged is None else {"": fakes, "/input": unchanged}
        features = {
            kind: self._features(domain, first(images, count, seed))
            for kind, images in sets.items()
        }
        features_of_real = self._features(domain, first(real, count, seed))
        # Other real images: what the floor compares those of the split with.
        training = to_eight_bits(self.training[domain].pixels)
        more = self._features(domain, first(training, count, seed))
        metrics: dict[str, Measurement] = {}
        for short, distance in (("fd", frechet), ("kd", kernel)):
            name = f"{short}/{self.protocol.extractor}/{domain}"
            for kind, matches in features.items():
                resamples = self.protocol.resamples
                metrics[name + kind] = distance(matches, features_of_real, resamples, seed)
            both = np.concatenate([features_of_real, more])
            metrics[f"{name}/floor"] = floor(both, (count, count), seed, distance)
        metrics[f"diversity/{way}"] = diversity(fakes, real)
        return metrics

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

    def _pairs(self, domain: DomainName) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of this split's images whose true counterpart is known, and of those."""
        ids, others = self.images[domain].ids, self.images[OTHER[domain]].ids
        if ids is None or others is None:
            return np.array([], int), np.array([], int)
        place = {identity: i for i, identity in enumerate(others)}
        matches = [(i, place[identity]) for i, identity in enumerate(ids) if identity in place]
        here, there = np.array(matches, int).reshape(-1, 2).T
        return here, there

    def _features(self, domain: DomainName, images: Tensor) -> NDArray[np.float64]:
        """(N, d) of the domain's classifier; without one, the image averaged to 8×8."""
        if self.classifiers is not None:
            features = self.classifiers[domain].features(images)
        else:
            features = averages(images)
        array: NDArray[np.float64] = features.double().numpy()
        return array

    def _classifiers(
        self, training: Mapping[DomainName, Images]
    ) -> dict[DomainName, Classifier] | None:
        """One task classifier a domain, trained on its real labelled images."""
        sets = {}
        for d, domain in self.experiment.domains.items():
            own = domain.labelled_source is not None
            sets[d] = sample(load_images(domain, "labelled") if own else training[d], limit=None)
        if any(s.labels is None for s in sets.values()):
            return None
        num_classes = 1 + max(int(s.labels.max()) for s in sets.values() if s.labels is not None)
        return {
            d: load_or_train(
                to_eight_bits(s.pixels),
                torch.from_numpy(s.labels),
                num_classes,
                device=self.device,
            )
            for d, s in sets.items()
            if s.labels is not None
        }


def _of_labels(experiment: Experiment) -> dict[str, Any]:
    """What a protocol says of label maps, if a domain holds such."""
    palettes = {name: d.palette for name, d in experiment.domains.items() if d.palette}
    if not palettes:
        return {}
    resize = f"{Protocol().resize}; label maps ({', '.join(palettes)}): nearest neighbour"
    return {"resize": resize, "palette": next(iter(palettes.values()))}
