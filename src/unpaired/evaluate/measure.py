"""All that is measured of a translator, on one split of its two domains."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.config import encode
from unpaired.data.batches import generator
from unpaired.data.images import Images, load_images
from unpaired.data.tensors import to_network, to_pixels
from unpaired.evaluate import paired
from unpaired.evaluate.classifier import Classifier, train_classifier
from unpaired.evaluate.classifier_cache import load_or_train
from unpaired.evaluate.distances import floor, frechet, kernel
from unpaired.evaluate.diversity import diversity
from unpaired.evaluate.intervals import Measurement, bootstrap_mean, wilson
from unpaired.evaluate.probe import probe
from unpaired.evaluate.protocol import Protocol, Split
from unpaired.experiment import Experiment
from unpaired.methods.method import DIRECTION, OTHER, SOURCE, DomainName, Networks

MAX_IMAGES = 10_000
BATCH = 100


@dataclass
class Translated:
    """What became of the images of one domain: uint8 pixels on the CPU, NCHW."""

    source: Tensor
    there: Tensor
    back: Tensor | None
    """None where the method knows no way back."""


@dataclass
class Result:
    """One line of evaluations.jsonl, and the pictures behind it."""

    record: dict[str, Any]
    translated: dict[DomainName, Translated]
    worst: dict[DomainName, tuple[NDArray[np.int64], str]]
    """Per source domain: indices of the least successful translations, and by which measure."""


class Judge:
    """One split of both domains, with the classifiers that judge it; measures any translator."""

    def __init__(self, experiment: Experiment, split: Split, device: torch.device) -> None:
        self.experiment, self.split, self.device = experiment, split, device
        domains = experiment.domains
        self.images = {d: _sample(load_images(domain, split)) for d, domain in domains.items()}
        # Other real images: what the floor compares those of the split with.
        self.training = {d: _sample(load_images(domain, "train")) for d, domain in domains.items()}
        self.classifiers = self._classifiers() if experiment.evaluation.classifier else None
        self.protocol = Protocol(
            split=split,
            images_a=_hash(self.images["a"].pixels) if "a" in self.images else "",
            images_b=_hash(self.images["b"].pixels),
            extractor="classifier" if self.classifiers else "pixels",
            judges=tuple(c.weights_hash() for c in (self.classifiers or {}).values()),
        )

    def measure(self, networks: Networks, images: int, weights: str = "ema") -> Result:
        """Translate everything there and back, and measure it. `networks` is in eval mode."""
        started = time.monotonic()
        method = self.experiment.method
        sources = [SOURCE[direction] for direction in method.directions]
        translated = {d: self._translate(networks, d) for d in sources}
        metrics: dict[str, Measurement] = {}
        worst: dict[DomainName, tuple[NDArray[np.int64], str]] = {}
        for domain, pile in translated.items():
            metrics |= self._content(domain, pile)
            metrics |= self._encoded(networks, domain, pile)
            unchanged = self._unchanged(domain, pile.source)
            metrics |= self._distribution(OTHER[domain], pile.there, DIRECTION[domain], unchanged)
            if self.experiment.evaluation.adaptation and self.split == "test":
                metrics |= self._adaptation(networks, domain)
            scores, by = self._per_image(domain, pile)
            worst[domain] = np.argsort(scores, kind="stable")[:16], by
        if method.latent_channels:
            metrics |= self._distribution("b", self._generate(networks), "b")
            metrics |= self._probe(networks)
        record = {
            "images": images,
            "weights": weights,
            "split": self.split,
            "protocol": encode(self.protocol),
            "fingerprint": self.protocol.fingerprint,
            "seconds": time.monotonic() - started,
            "metrics": {name: metrics[name].as_json() for name in sorted(metrics)},
        }
        return Result(record, translated, worst)

    def _translate(self, networks: Networks, domain: DomainName) -> Translated:
        """All images of the split of a domain, to the other and back."""
        pixels = self.images[domain].pixels
        there, back = self._translate_pixels(networks, domain, pixels)
        return Translated(to_eight_bits(pixels), there, back)

    def _translate_pixels(
        self, networks: Networks, domain: DomainName, pixels: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """Images of a domain, NCHW integers => their translations, there and back, in batches."""
        method, other = self.experiment.method, OTHER[domain]
        near, far = (self.experiment.domain(d).value_range for d in (domain, other))
        random = generator(self.protocol.style_seed, "evaluate", domain)
        styles = method.draw_styles(networks, len(pixels), random)
        returns = DIRECTION[other] in method.directions
        there, back = [], []
        with torch.inference_mode():
            for first in range(0, len(pixels), BATCH):
                part = pixels[first : first + BATCH].to(self.device)
                style = None if styles is None else styles[first : first + BATCH]
                source = to_network(part, near)
                translation = method.translate(networks, source, other, style)
                there.append(to_pixels(translation, far).cpu())
                if returns:
                    cycled = method.translate_back(networks, translation, source, domain)
                    back.append(to_pixels(cycled, near).cpu())
        return torch.cat(there), torch.cat(back) if returns else None

    def _generate(self, networks: Networks) -> Tensor:
        """As many images from noise as there are real ones."""
        method = self.experiment.method
        count, value_range = len(self.images["b"].pixels), self.experiment.b.value_range
        random = generator(self.protocol.style_seed, "evaluate", "b")
        with torch.inference_mode():
            parts = [
                method.generate(networks, part.to(self.device))
                for part in torch.split(method.draw_latents(count, random), BATCH)
            ]
        return torch.cat([to_pixels(part, value_range).cpu() for part in parts])

    def _unchanged(self, domain: DomainName, source: Tensor) -> Tensor:
        """Images of a domain in the form of the other: what no translation would come to."""
        other = self.experiment.domain(OTHER[domain])
        return paired.to_like(source, other.channels, other.size)

    def _content(self, domain: DomainName, images: Translated) -> dict[str, Measurement]:
        """What must survive: the class, the way back, and the truth where it is known."""
        direction, other = DIRECTION[domain], OTHER[domain]
        metrics: dict[str, Measurement] = {}
        if images.back is not None:
            metrics[f"cycle_l1/{domain}"] = bootstrap_mean(paired.l1(images.back, images.source))
        unchanged = self._unchanged(domain, images.source)
        labels = self.images[domain].labels
        if self.classifiers is not None and labels is not None:
            judge = self.classifiers[other]
            for name, pixels in (("", images.there), ("/input", unchanged)):
                right = int((judge.predict(pixels).numpy() == labels).sum())
                metrics[f"translation_accuracy/{direction}{name}"] = wilson(right, len(labels))
        here, truth = self._pairs(domain)
        if len(here):
            target = to_eight_bits(self.images[other].pixels)[truth]
            for measure in (paired.l1, paired.psnr, paired.ssim):
                name = f"truth_{measure.__name__}/{direction}"
                metrics[name] = bootstrap_mean(measure(images.there[here], target))
                metrics[f"{name}/input"] = bootstrap_mean(measure(unchanged[here], target))
        return metrics

    @torch.no_grad()
    def _encoded(
        self, networks: Networks, domain: DomainName, images: Translated
    ) -> dict[str, Measurement]:
        """What the method's own encoder makes of images and their translations, and of labels."""
        method = self.experiment.method
        described = self._describe(networks, images.source, domain)
        if described is None:
            return {}
        translated = self._describe(networks, images.there, OTHER[domain])
        assert translated is not None
        name = f"embedding_similarity/{DIRECTION[domain]}"
        shuffled = described[np.random.default_rng(0).permutation(len(described))]
        metrics = {
            name: bootstrap_mean(_cosines(described, translated)),
            f"{name}/shuffled": bootstrap_mean(_cosines(shuffled, translated)),
        }
        labels = self.images[domain].labels
        if method.pretraining is not None and labels is not None:
            value_range = self.experiment.domain(domain).value_range
            found = [
                method.classify(networks, to_network(part.to(self.device), value_range))
                for part in torch.split(images.source, BATCH)
            ]
            right = int((torch.cat(found).argmax(1).cpu().numpy() == labels).sum())
            metrics[f"encoder_accuracy/{domain}"] = wilson(right, len(labels))
        return metrics

    @torch.no_grad()
    def _describe(
        self, networks: Networks, pixels: Tensor, domain: DomainName
    ) -> NDArray[np.float64] | None:
        """What the method's encoder makes of images (uint8) of a domain, (N, d)."""
        value_range, parts = self.experiment.domain(domain).value_range, []
        for part in torch.split(pixels, BATCH):
            values = to_network(part.to(self.device), value_range)
            features = self.experiment.method.features(networks, values, domain)
            if features is None:
                return None
            parts.append(features.double().cpu().numpy())
        return np.concatenate(parts)

    def _adaptation(self, networks: Networks, domain: DomainName) -> dict[str, Measurement]:
        """How well a classifier of translated images, with the source's labels, reads real ones."""
        seen, real = self.training[domain], self.images[OTHER[domain]]
        if seen.labels is None or real.labels is None:
            return {}
        translated, _ = self._translate_pixels(networks, domain, seen.pixels)
        name = f"adaptation_accuracy/{DIRECTION[domain]}"
        piles = {name: translated, f"{name}/input": self._unchanged(domain, seen.pixels)}
        target = to_eight_bits(real.pixels)
        num_classes = 1 + max(int(seen.labels.max()), int(real.labels.max()))
        metrics = {}
        for key, pile in piles.items():
            student = train_classifier(
                to_eight_bits(pile), torch.from_numpy(seen.labels), num_classes, device=self.device
            )
            right = int((student.predict(target).numpy() == real.labels).sum())
            metrics[key] = wilson(right, len(real.labels))
        return metrics

    def _probe(self, networks: Networks) -> dict[str, Measurement]:
        """What a linear classifier reads in the discriminator's features; needs labels."""
        seen, unseen = self.training["b"], self.images["b"]
        if seen.labels is None or unseen.labels is None or "b" not in networks.discriminators:
            return {}
        value_range = self.experiment.b.value_range
        piles = [
            [to_network(part.to(self.device), value_range) for part in torch.split(pixels, BATCH)]
            for pixels in (seen.pixels, unseen.pixels)
        ]
        found = probe(networks.discriminators["b"], piles[0], seen.labels, piles[1])
        return {
            "feature_accuracy/b": wilson(int((found == unseen.labels).sum()), len(unseen.labels))
        }

    def _distribution(
        self, domain: DomainName, fakes: Tensor, way: str, unchanged: Tensor | None = None
    ) -> dict[str, Measurement]:
        """How much images that were made, as a pile, look like real ones of `domain`."""
        real = to_eight_bits(self.images[domain].pixels)
        # Distances depend on n: all are taken at the same, the floor's included.
        count, seed = min(len(real), len(fakes)), self.protocol.style_seed
        piles = {"": fakes} if unchanged is None else {"": fakes, "/input": unchanged}
        features = {
            kind: self._features(domain, _first(pile, count, seed)) for kind, pile in piles.items()
        }
        features_of_real = self._features(domain, _first(real, count, seed))
        # Other real images: what the floor compares those of the split with.
        training = to_eight_bits(self.training[domain].pixels)
        more = self._features(domain, _first(training, count, seed))
        metrics: dict[str, Measurement] = {}
        for short, distance in (("fd", frechet), ("kd", kernel)):
            name = f"{short}/{self.protocol.extractor}/{domain}"
            for kind, found in features.items():
                resamples = self.protocol.resamples
                metrics[name + kind] = distance(features_of_real, found, resamples, seed)
            both = np.concatenate([features_of_real, more])
            metrics[f"{name}/floor"] = floor(both, count, seed, distance)
        metrics[f"diversity/{way}"] = diversity(fakes, real)
        return metrics

    def _per_image(self, domain: DomainName, images: Translated) -> tuple[NDArray[np.float64], str]:
        """A score of each translation, lower is worse, and its name."""
        labels = self.images[domain].labels
        if self.classifiers is not None and labels is not None:
            logits = self.classifiers[OTHER[domain]].logits(images.there)
            confidence = F.softmax(logits, 1)[torch.arange(len(labels)), torch.from_numpy(labels)]
            scores: NDArray[np.float64] = confidence.double().numpy()
            return scores, "least like their class, to the classifier"
        if images.back is None:
            unchanged = self._unchanged(domain, images.source)
            return -paired.l1(images.there, unchanged), "furthest from the image itself"
        return -paired.l1(images.back, images.source), "furthest from themselves after the cycle"

    def _pairs(self, domain: DomainName) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Indices of this split's images whose true counterpart is known, and of those."""
        ids, others = self.images[domain].ids, self.images[OTHER[domain]].ids
        if ids is None or others is None:
            return np.array([], int), np.array([], int)
        place = {identity: i for i, identity in enumerate(others)}
        found = [(i, place[identity]) for i, identity in enumerate(ids) if identity in place]
        here, there = np.array(found, int).reshape(-1, 2).T
        return here, there

    def _features(self, domain: DomainName, images: Tensor) -> NDArray[np.float64]:
        """(N, d) of the domain's classifier; without one, the image averaged to 8×8."""
        if self.classifiers is not None:
            features = self.classifiers[domain].features(images)
        else:
            features = F.adaptive_avg_pool2d(images.float() / 255, 8).flatten(1)
        array: NDArray[np.float64] = features.double().numpy()
        return array

    def _classifiers(self) -> dict[DomainName, Classifier] | None:
        """One task classifier a domain, trained on its real labelled images."""
        sets = {
            d: _sample(load_images(domain, "labelled"), limit=None)
            for d, domain in self.experiment.domains.items()
        }
        if any(s.labels is None for s in sets.values()):
            return None
        num_classes = 1 + max(int(s.labels.max()) for s in sets.values() if s.labels is not None)
        return {
            d: load_or_train(to_eight_bits(s.pixels), torch.from_numpy(s.labels), num_classes)
            for d, s in sets.items()
            if s.labels is not None
        }


@dataclass
class Sample:
    """The images of a split that are measured, in memory."""

    pixels: Tensor
    labels: NDArray[np.int64] | None
    ids: list[str] | None


def to_eight_bits(pixels: Tensor) -> Tensor:
    """uint8 or uint16 => uint8, as the metrics want it."""
    return pixels if pixels.dtype == torch.uint8 else (pixels.int() / 257).round().to(torch.uint8)


def _sample(images: Images, limit: int | None = MAX_IMAGES) -> Sample:
    """All images, or the first of a seeded permutation of a larger pile."""
    indices = np.arange(len(images))
    if limit is not None and len(images) > limit:
        indices = np.sort(np.random.default_rng(0).permutation(len(images))[:limit])
    return Sample(
        pixels=images.gather(indices),
        labels=None if images.labels is None else images.labels[indices],
        ids=None if images.ids is None else [images.ids[i] for i in indices],
    )


def _first(pixels: Tensor, count: int, seed: int) -> Tensor:
    """The first `count` images of a seeded permutation."""
    return pixels[np.random.default_rng(seed).permutation(len(pixels))[:count]]


def _cosines(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cosine of each row of x and the same row of y."""
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    cosines: NDArray[np.float64] = np.sum(x * y, 1) / np.maximum(lengths, 1e-12)
    return cosines


def _hash(pixels: Tensor) -> str:
    shape = str(tuple(pixels.shape)).encode()
    return hashlib.sha256(shape + pixels.numpy().tobytes()).hexdigest()[:16]
