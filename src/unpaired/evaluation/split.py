"""Split of an evaluation: real images of both domains, and what measures them, gathered once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from unpaired.core.weights import hash_of_weights
from unpaired.data.coverage import scale_in_words
from unpaired.data.dataset import Images, load_images
from unpaired.data.domain import DIRECTION, OTHER, DomainName
from unpaired.data.index import open_index
from unpaired.data.leaks import Leaks, find_leaks
from unpaired.data.missing import left_out
from unpaired.data.shared_classes import shared_classes
from unpaired.data.splits import source_of
from unpaired.evaluation import content
from unpaired.evaluation.missing import Missing
from unpaired.evaluation.samples import content_hash, sample, to_eight_bits
from unpaired.evaluation.task_classifiers import task_classifiers
from unpaired.experiment.experiment import Experiment
from unpaired.features.classifier import Classifier
from unpaired.metrics import paired
from unpaired.metrics.structure import Edges
from unpaired.records.protocol import Protocol, Split


class EvaluatedSplit:
    """One split of both domains, with its task classifiers and its protocol."""

    def __init__(
        self,
        experiment: Experiment,
        split: Split,
        device: torch.device,
        pretrained: content.Pretrained | None = None,
        training: Mapping[DomainName, Images] | None = None,
        images: Mapping[DomainName, Images] | None = None,
        leaks: Leaks | None = None,
    ) -> None:
        """`training` and `images` are the domains' training images and those of the split where
        they are open already, and `leaks` the leaks among them."""
        self.experiment, self.split, self.device = experiment, split, device
        self.pretrained = pretrained or content.Pretrained()
        self._edges: dict[DomainName, Edges] = {}
        domains = experiment.domains
        images = images or {d: load_images(domain, split) for d, domain in domains.items()}
        self.images = {d: sample(images[d]) for d in domains}
        self.left_out = [
            f"{split} images of {d}: left out {line}"
            for d, domain in domains.items()
            for line in left_out(
                images[d].refused, open_index(source_of(domain, split)).records.ignored
            )
        ]
        # Other real images: what the floor compares those of the split with.
        training = training or {d: load_images(domain, "train") for d, domain in domains.items()}
        self.training = {d: sample(images) for d, images in training.items()}
        self.leaks = (leaks or find_leaks(experiment.domains))[split]
        self.classes = shared_classes(experiment.domains)
        evaluation = experiment.evaluation
        self.notes = list(self.leaks)
        if evaluation.classifier or evaluation.adaptation:
            self.notes += self.classes.notes
        self.missing = Missing()
        self.classifiers: dict[DomainName, Classifier] | None = None
        if evaluation.classifier and self.classes.shared:
            with self.missing.noting("the task classifier"):
                self.classifiers = task_classifiers(experiment, training, device)
        self.protocol = Protocol(
            split=split,
            images_a=content_hash(self.images["a"].pixels) if "a" in self.images else "",
            images_b=content_hash(self.images["b"].pixels),
            extractor="classifier" if self.classifiers else "pixels",
            evaluators=tuple(hash_of_weights(c) for c in (self.classifiers or {}).values()),
            **_of_framing(experiment),
        )

    def unchanged(self, domain: DomainName, source: Tensor) -> Tensor:
        """Images of a domain in the form of the other: what no translation would come to."""
        other = self.experiment.domain(OTHER[domain])
        return paired.to_like(source, other.channels, other.size)

    def edges(self, domain: DomainName) -> Edges:
        """Of a domain's images, described once for all evaluations."""
        if domain not in self._edges:
            images = to_eight_bits(self.images[domain].pixels)
            self._edges[domain] = content.edges(images, self.protocol.style_seed)
        return self._edges[domain]

    def slots(self, domain: DomainName) -> dict[str, str]:
        """What fills the names of metrics of translations from a domain."""
        return {"direction": DIRECTION[domain], "source": domain, "target": OTHER[domain]}


def _of_framing(experiment: Experiment) -> dict[str, Any]:
    """What a protocol says of images that are not brought to size as usual."""
    domains = experiment.domains
    crops = {name: scale_in_words(d) for name, d in domains.items() if d.fit == "crop"}
    palettes = {name: d.palette for name, d in domains.items() if d.palette}
    resize = Protocol().resize
    if crops:
        middles = ", ".join(f"{name} {scale}" for name, scale in crops.items())
        resize += f"; middle squares alone ({middles})"
    if palettes:
        resize += f"; label maps ({', '.join(palettes)}): nearest neighbour"
    said: dict[str, Any] = {"resize": resize} if crops or palettes else {}
    return said | ({"palette": next(iter(palettes.values()))} if palettes else {})
