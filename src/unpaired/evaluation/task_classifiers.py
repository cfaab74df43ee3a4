"""Task classifiers of an evaluation: one a domain, trained on its real labelled images."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from unpaired.data.dataset import Images, load_images
from unpaired.data.domain import DomainName
from unpaired.evaluation.samples import sample, to_eight_bits
from unpaired.experiment.experiment import Experiment
from unpaired.features.classifier import Classifier
from unpaired.features.classifier_cache import load_or_train


def task_classifiers(
    experiment: Experiment, training: Mapping[DomainName, Images], device: torch.device
) -> dict[DomainName, Classifier] | None:
    """One task classifier a domain, trained on its real labelled images."""
    sets = {}
    for d, domain in experiment.domains.items():
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
            device=device,
        )
        for d, s in sets.items()
        if s.labels is not None
    }
