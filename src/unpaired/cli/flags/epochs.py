"""Epochs in images seen: how many images an epoch of the named image sets has."""

from __future__ import annotations

from argparse import Namespace

from unpaired.core.errors import UnpairedError


def images_of_an_epoch(options: Namespace) -> int | None:
    """Training images of the larger image set that --a and --b or a recipe name; None where they
    name none that can be listed here, without fetching anything."""
    from unpaired.data.sources import HuggingFace, parse_source
    from unpaired.data.splits import list_split
    from unpaired.experiment.auto import undescribed
    from unpaired.recipes import recipe

    a, b, name = (getattr(options, flag, None) for flag in ("a", "b", "recipe"))
    try:
        if b:
            domains = undescribed(parse_source(a) if a else None, parse_source(b)).domains
        elif name and not a:
            domains = recipe(name).domains
        else:
            return None
        if any(isinstance(domain.source, HuggingFace) for domain in domains.values()):
            return None
        return max(len(list_split(domain, "train")[1]) for domain in domains.values())
    except UnpairedError:  # which is said once the flag is right
        return None
