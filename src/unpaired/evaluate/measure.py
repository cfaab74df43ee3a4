"""All that is measured of a translator, on one split of its two domains."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from unpaired.config import encode
from unpaired.data.batches import generator
from unpaired.data.domain import Domain
from unpaired.data.images import Images, load_images
from unpaired.data.tensors import to_network, to_pixels
from unpaired.evaluate import paired, segmentation
from unpaired.evaluate.classifier import Classifier
from unpaired.evaluate.classifier_cache import load_or_train
from unpaired.evaluate.distances import floor, frechet, kernel
from unpaired.evaluate.diversity import diversity
from unpaired.evaluate.intervals import Measurement, bootstrap_mean, wilson
from unpaired.evaluate.protocol import Protocol, Split
from unpaired.experiment import Experiment
from unpaired.methods.method import Networks

DomainName = Literal["a", "b"]
OTHER: dict[DomainName, DomainName] = {"a": "b", "b": "a"}
DIRECTIONS: dict[DomainName, str] = {"a": "a2b", "b": "b2a"}
"""The direction in which a domain's images are translated."""

MAX_IMAGES = 10_000
BATCH = 100


@dataclass
class Translated:
    """What became of the images of one domain: uint8 pixels on the CPU, NCHW."""

    source: Tensor
    there: Tensor
    back: Tensor


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
        self.images = {d: _sample(load_images(self.domain(d), split)) for d in OTHER}
        # Other real images: what the floor compares those of the split with.
        training = {d: _sample(load_images(self.domain(d), "train")) for d in OTHER}
        self.more_real = {d: to_eight_bits(sample.pixels) for d, sample in training.items()}
        self.classifiers = self._classifiers() if experiment.evaluation.classifier else None
        self.protocol = Protocol(
            split=split,
            images_a=_hash(self.images["a"].pixels),
            images_b=_hash(self.images["b"].pixels),
            extractor="classifier" if self.classifiers else "pixels",
            judges=tuple(c.weights_hash() for c in (self.classifiers or {}).values()),
            **_of_labels(experiment),
        )

    def domain(self, name: DomainName) -> Domain:
        """The configuration of a domain."""
        domain: Domain = getattr(self.experiment, name)
        return domain

    def measure(self, networks: Networks, images: int, weights: str = "ema") -> Result:
        """Translate everything there and back, and measure it. `networks` is in eval mode."""
        started = time.monotonic()
        translated = {d: self._translate(networks, d) for d in OTHER}
        metrics: dict[str, Measurement] = {}
        worst: dict[DomainName, tuple[NDArray[np.int64], str]] = {}
        for domain in OTHER:
            metrics |= self._content(domain, translated[domain])
            metrics |= self._distribution(OTHER[domain], translated[domain].there)
            scores, by = self._per_image(domain, translated[domain])
            worst[domain] = np.argsort(scores, kind="stable")[:16], by
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
        """All images of a domain, to the other and back, in batches."""
        method, other = self.experiment.method, OTHER[domain]
        pixels = self.images[domain].pixels
        near, far = self.domain(domain).value_range, self.domain(other).value_range
        random = generator(self.protocol.style_seed, "evaluate", domain)
        styles = method.draw_styles(networks, len(pixels), random)
        there, back = [], []
        with torch.inference_mode():
            for first in range(0, len(pixels), BATCH):
                part = pixels[first : first + BATCH].to(self.device)
                style = None if styles is None else styles[first : first + BATCH]
                source = to_network(part, near)
                translation = method.translate(networks, source, other, style)
                cycled = method.translate_back(networks, translation, source, domain)
                there.append(to_pixels(translation, far).cpu())
                back.append(to_pixels(cycled, near).cpu())
        return Translated(to_eight_bits(pixels), torch.cat(there), torch.cat(back))

    def _content(self, domain: DomainName, images: Translated) -> dict[str, Measurement]:
        """What must survive: the class, the way back, and the truth where it is known."""
        direction, other = DIRECTIONS[domain], OTHER[domain]
        metrics = {f"cycle_l1/{domain}": bootstrap_mean(paired.l1(images.back, images.source))}
        unchanged = paired.to_like(
            images.source, self.domain(other).channels, self.domain(other).size
        )
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
            piles = {"": images.there[here], "/input": unchanged[here]}
            metrics |= self._segmentation(self.domain(other).palette, target, piles)
        return metrics

    def _segmentation(
        self, palette: tuple[tuple[int, int, int], ...], truth: Tensor, piles: dict[str, Tensor]
    ) -> dict[str, Measurement]:
        """Whether each pixel of label maps has its true class; nothing without a palette."""
        if not palette:
            return {}
        true = segmentation.nearest_colour(truth, palette)
        resamples, seed = self.protocol.resamples, self.protocol.style_seed
        metrics: dict[str, Measurement] = {}
        for suffix, pixels in piles.items():
            guess = segmentation.nearest_colour(pixels, palette)
            found = segmentation.measure(true, guess, len(palette), resamples, seed)
            metrics |= {f"segmentation/{name}{suffix}": found[name] for name in found}
        return metrics

    def _distribution(self, domain: DomainName, fakes: Tensor) -> dict[str, Measurement]:
        """How much the translations, as a pile, look like real images of `domain`."""
        real = to_eight_bits(self.images[domain].pixels)
        source = to_eight_bits(self.images[OTHER[domain]].pixels)
        unchanged = paired.to_like(source, self.domain(domain).channels, self.domain(domain).size)
        # Distances depend on n: all are taken at the same, the floor's included.
        count, seed = min(len(real), len(fakes)), self.protocol.style_seed
        piles = {"": fakes, "/input": unchanged}
        features = {
            kind: self._features(domain, _first(pile, count, seed)) for kind, pile in piles.items()
        }
        features_of_real = self._features(domain, _first(real, count, seed))
        more = self._features(domain, _first(self.more_real[domain], count, seed))
        metrics: dict[str, Measurement] = {}
        for short, distance in (("fd", frechet), ("kd", kernel)):
            name = f"{short}/{self.protocol.extractor}/{domain}"
            for kind, found in features.items():
                resamples = self.protocol.resamples
                metrics[name + kind] = distance(features_of_real, found, resamples, seed)
            both = np.concatenate([features_of_real, more])
            metrics[f"{name}/floor"] = floor(both, count, seed, distance)
        metrics[f"diversity/{DIRECTIONS[OTHER[domain]]}"] = diversity(fakes, real)
        return metrics

    def _per_image(self, domain: DomainName, images: Translated) -> tuple[NDArray[np.float64], str]:
        """A score of each translation, lower is worse, and its name."""
        labels = self.images[domain].labels
        if self.classifiers is not None and labels is not None:
            logits = self.classifiers[OTHER[domain]].logits(images.there)
            confidence = F.softmax(logits, 1)[torch.arange(len(labels)), torch.from_numpy(labels)]
            scores: NDArray[np.float64] = confidence.double().numpy()
            return scores, "least like their class, to the classifier"
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
        sets = {d: _sample(load_images(self.domain(d), "labelled"), limit=None) for d in OTHER}
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


def _of_labels(experiment: Experiment) -> dict[str, Any]:
    """What a protocol says of label maps, if a domain holds such."""
    found = {d: getattr(experiment, d).palette for d in OTHER if getattr(experiment, d).palette}
    if not found:
        return {}
    resize = f"{Protocol().resize}; label maps ({', '.join(found)}): nearest neighbour"
    return {"resize": resize, "palette": next(iter(found.values()))}


def _first(pixels: Tensor, count: int, seed: int) -> Tensor:
    """The first `count` images of a seeded permutation."""
    return pixels[np.random.default_rng(seed).permutation(len(pixels))[:count]]


def _hash(pixels: Tensor) -> str:
    shape = str(tuple(pixels.shape)).encode()
    return hashlib.sha256(shape + pixels.numpy().tobytes()).hexdigest()[:16]
