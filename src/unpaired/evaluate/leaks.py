"""Images that serve twice, so that numbers flatter: as training and test, or in both piles."""

from __future__ import annotations

from unpaired.data.splits import Split, num_seen_in_training, num_shared
from unpaired.experiment import Experiment


def leaks(experiment: Experiment, split: Split) -> list[str]:
    """What a reader of the numbers of a split must know; images are told apart as stored."""
    found = []
    for name, domain in experiment.domains.items():
        if count := num_seen_in_training(domain, split):
            found.append(
                f"{count} {split} images of {name} are also training images: numbers taken on them "
                "do not tell how it does on new ones. Give others, or none: then a share of the "
                "training images is held out."
            )
    if experiment.a is not None and (count := num_shared(experiment.a, experiment.b)):
        found.append(f"{count} images are in both piles, a and b: a translator can leave them be.")
    return found
