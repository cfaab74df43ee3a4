"""Cost of measuring: seconds that the evaluations at a training's end take, from a few images."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from unpaired.data.dataset import Images
from unpaired.data.domain import SOURCE, DomainName
from unpaired.evaluation import content
from unpaired.evaluation.samples import MAX_IMAGES, generate, to_eight_bits, translate
from unpaired.experiment.experiment import Experiment
from unpaired.features.classifier import default_images_seen, train_classifier
from unpaired.inference.applied import AppliedModel
from unpaired.methods.networks import Networks
from unpaired.methods.protocols import Generates
from unpaired.metrics.structure import edges_of

PROBED = 4
"""Images that are translated to know how long one takes."""

_LEARNED = 192  # labelled images that a classifier sees to know how long one takes

Counts = Mapping[DomainName, int]
"""Images of a split, by domain."""


@dataclass(frozen=True)
class Cost:
    """Seconds of what follows a training."""

    validation: float
    """Measuring the final weights on validation images."""
    test: float
    """Measuring what is exported on test images."""
    classifiers: float = 0.0
    """Training the task classifiers that are not kept from before."""

    @property
    def total(self) -> float:
        """All of it."""
        return self.validation + self.test + self.classifiers

    def corrected(self, validation: float) -> Cost:
        """With the seconds that an evaluation on validation images took, after the classifiers."""
        factor = validation / max(self.validation, 1e-9)
        return replace(self, validation=validation, test=self.test * factor, classifiers=0.0)


def estimate_cost(
    experiment: Experiment,
    networks: Networks,
    device: torch.device,
    images: Mapping[DomainName, Images],
    validation: Counts,
    test: Counts,
    learned: Sequence[int],
) -> Cost:
    """Time a few of the `images`, some of each domain, through all that grows with their number.

    `networks`: in evaluation mode, whatever their weights. `learned`: the labelled images of each
    classifier that is to be trained. The caller's random state is left as it was.
    """
    model = AppliedModel(experiment, networks, device)
    costs = {"validation": 0.0, "test": 0.0}
    for direction in experiment.directions:
        domain = SOURCE[direction]
        pixels = images[domain].gather(np.arange(min(PROBED, len(images[domain]))))
        back = len(experiment.directions) > 1
        through = _per_image(lambda: translate(model, pixels, domain, 0), len(pixels))  # noqa: B023
        described = _per_image(lambda: edges_of(to_eight_bits(pixels)), len(pixels))  # noqa: B023
        for split, counts in (("validation", validation), ("test", test)):
            count = min(counts[domain], MAX_IMAGES)
            structured = min(count, content.MOST_IMAGES)
            costs[split] += through * count + 2 * described * structured
            if split == "test" and back:  # the hidden signal: three times the way back
                costs[split] += 1.5 * through * structured
    if isinstance(experiment.method, Generates):
        made = _per_image(lambda: generate(model, PROBED, 0), PROBED)
        costs = {"validation": made * validation["b"], "test": made * test["b"]}
    return Cost(**costs, classifiers=_of_classifiers(images, device, learned))


def _of_classifiers(
    images: Mapping[DomainName, Images], device: torch.device, learned: Sequence[int]
) -> float:
    if not learned:
        return 0.0
    some = images["b"].gather(np.arange(min(64, len(images["b"]))))
    labels = torch.arange(len(some)) % 2
    per_image = _per_image(
        lambda: train_classifier(
            to_eight_bits(some), labels, 2, device=device, images_seen=_LEARNED
        ),
        _LEARNED,
    )
    return per_image * sum(map(default_images_seen, learned))


def _per_image(work: Callable[[], object], count: int) -> float:
    """Seconds an image of work on `count` of them, which ends on the processor; the first time
    does not count."""
    work()
    started = time.monotonic()
    work()
    return (time.monotonic() - started) / count
