"""Task classifiers of an evaluation: one a domain, trained on its real labelled images."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from unpaired.data.dataset import Images, MemoryImages, load_images
from unpaired.data.domain import DomainName
from unpaired.data.splits import list_split
from unpaired.evaluation.samples import sample, to_eight_bits
from unpaired.experiment.experiment import Experiment
from unpaired.features.classifier import Classifier
from unpaired.features.classifier_cache import is_kept, load_or_train


def task_classifiers(
    experiment: Experiment, training: Mapping[DomainName, Images], device: torch.device
) -> dict[DomainName, Classifier] | None:
    """One task classifier a domain, trained on its real labelled images."""
    sets = _labelled(experiment, training)
    if sets is None:
        return None
    return {d: load_or_train(*labelled, device=device) for d, labelled in sets.items()}


def images_to_learn(experiment: Experiment, training: Mapping[DomainName, Images]) -> list[int]:
    """Labelled images that each classifier will be trained on which is not kept from before; where
    they would have to be decoded first to know whether it is, all count."""
    domains = experiment.domains
    if not experiment.evaluation.classifier or any(t.labels is None for t in training.values()):
        return []
    in_memory = all(isinstance(images, MemoryImages) for images in training.values())
    if not in_memory or any(domain.labelled_source for domain in domains.values()):
        return [len(list_split(domain, "labelled")[1]) for domain in domains.values()]
    sets = _labelled(experiment, training) or {}
    return [len(labelled[0]) for labelled in sets.values() if not is_kept(*labelled)]


_Labelled = tuple[Tensor, Tensor, int]
"""Images, uint8, their labels, and how many classes there are."""


def _labelled(
    experiment: Experiment, training: Mapping[DomainName, Images]
) -> dict[DomainName, _Labelled] | None:
    """What the classifiers learn from; None where a domain has no labels."""
    sets = {}
    for d, domain in experiment.domains.items():
        own = domain.labelled_source is not None
        sets[d] = sample(load_images(domain, "labelled") if own else training[d], limit=None)
    if any(s.labels is None for s in sets.values()):
        return None
    num_classes = 1 + max(int(s.labels.max()) for s in sets.values() if s.labels is not None)
    return {
        d: (to_eight_bits(s.pixels), torch.from_numpy(s.labels), num_classes)
        for d, s in sets.items()
        if s.labels is not None
    }
