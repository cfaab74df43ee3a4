"""Checks of settings: values without meaning, and settings that contradict each other."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from unpaired.core.config import decoding_errors, describe, encode, is_out_of_bounds
from unpaired.core.errors import SettingError
from unpaired.core.weights import LARGEST_SETTING
from unpaired.data.domain import DIRECTION, Domain, DomainName
from unpaired.data.sources import BuiltIn
from unpaired.experiment.experiment import Experiment
from unpaired.methods.protocols import Translates


def check(experiment: Experiment) -> None:
    """Find settings that have no meaning or contradict each other.

    Raises:
        SettingError: with all problems at once.
    """
    errors = _errors_of_values(experiment)
    problems = [describe(Experiment, error) for error in errors]
    if all(is_out_of_bounds(error) for error in errors):
        sound = {role for role in NETWORKS if not any(f"method.{role}." in p for p in problems)}
        problems += _crosswise(experiment, sound)
    if problems:
        raise SettingError(
            f"{len(problems)} setting{'s' * (len(problems) > 1)} cannot be used:\n"
            + "\n".join(f"  - {problem}" for problem in problems),
            code="settings-invalid",
        )


NETWORKS = ("encoder", "generator", "discriminator")
"""Settings of a method that describe networks; not every method has each."""


def _errors_of_values(experiment: Experiment) -> list[dict[str, Any]]:
    """Values of wrong types, as in `Training(seed="1")`, which Python lets through, and numbers out
    of bounds."""
    text = json.dumps(encode(experiment), default=lambda value: {type(value).__name__: str(value)})
    return decoding_errors(Experiment, text)


def _crosswise(experiment: Experiment, sound: Collection[str]) -> list[str]:
    """`sound`: networks whose own numbers are within bounds."""
    method, training = experiment.method, experiment.training
    problems = []
    sizes = {name: domain.size for name, domain in experiment.domains.items()}
    if len(set(sizes.values())) > 1:
        problems.append(
            f"a.size is {sizes['a']} and b.size {sizes['b']}: networks see both domains at one "
            f"size. Give --a.size {sizes['a']} or --b.size {sizes['b']} alone: the other follows."
        )
    for role in NETWORKS:
        network = getattr(method, role, None)
        too_large = [] if network is None else _too_large(network, f"method.{role}.")
        problems += too_large
        if network is not None and not too_large and role in sound:
            found = [p for size in sorted(set(sizes.values())) for p in network.problems(size)]
            problems += [f"method.{role}: {problem}" for problem in dict.fromkeys(found)]
    problems += method.problems(experiment.a, experiment.b, training.batch_size)
    for name, domain in experiment.domains.items():
        if domain.test_fraction + domain.validation_fraction >= 1:
            problems.append(f"{name}: test and validation fractions leave nothing to train on.")
        if domain.source in (domain.test_source, domain.validation_source):
            problems.append(
                f"{name}: the training images are also those of the test or validation. Give other "
                "images, or none: then a share of the training images is held out."
            )
        if domain.crop is not None:
            left, top, right, bottom = domain.crop
            if not (left < right and top < bottom):
                problems.append(
                    f"{name}.crop is {domain.crop}: it must be left top right bottom with "
                    "left < right and top < bottom, in pixels of the source images."
                )
        if domain.range is not None:
            low, high = domain.range
            if not low < high:
                problems.append(
                    f"{name}.range is {low:g} {high:g}: the value of black must be "
                    "below that of white."
                )
        problems += _crop_problems(name, experiment)
        problems += _palette_problems(name, domain)
        if isinstance(domain.source, BuiltIn) and domain.size != 32:
            problems.append(f"{name}.size is {domain.size}: the built-in images are 32×32.")
    if experiment.a is not None and experiment.a.palette and experiment.b.palette:
        problems.append(
            "a.palette and b.palette are both set: segmentation is measured towards the one domain "
            "of label maps. Leave the palette of the other empty."
        )
    for phase in ("generators", "discriminators"):
        if getattr(training, phase).learning_rate == 0:
            problems.append(f"training.{phase}.learning_rate is 0: nothing would be learned.")
    for length in ("images", "seconds"):
        if getattr(training, length) == 0:
            problems.append(f"training.{length} is 0: nothing would be learned.")
    return problems


def _too_large(network: Any, path: str) -> list[str]:
    """Counts that no model folder may have, lest a stranger's settings make us build anything.

    Refused here, before training: its model could not be loaded.
    """
    return [
        f"{path}{name} is {value}: no model has more than {LARGEST_SETTING}."
        for name, value in encode(network).items()
        if isinstance(value, int) and value > LARGEST_SETTING
    ]


def _crop_problems(name: DomainName, experiment: Experiment) -> list[str]:
    """Why squares cannot be cut out of a domain's images as its settings say, and what to do."""
    domain, method = experiment.domain(name), experiment.method
    problems = []
    if domain.fit != "crop":
        for setting, value, off in (
            ("scale", domain.scale, 1.0),
            ("short_side", domain.short_side, 0),
        ):
            if value != off:
                problems.append(
                    f"{name}.{setting} is {value:g}, but says nothing of {name}.fit "
                    f"{domain.fit}, which has a scale of its own. Set --{name}.fit crop."
                )
        return problems
    if domain.short_side and domain.scale != 1.0:
        problems.append(
            f"{name}.scale is {domain.scale:g} and {name}.short_side {domain.short_side}: each "
            "says at which scale squares are cut out. Leave one of them out."
        )
    if 0 < domain.short_side < domain.size:
        problems.append(
            f"{name}.short_side is {domain.short_side}, which squares of {name}.size {domain.size} "
            f"do not fit in. Set --{name}.short-side {domain.size} or more."
        )
    sees_whole = isinstance(method, Translates) and method.fixed_size
    if sees_whole and DIRECTION[name] in experiment.directions:
        problems.append(
            f"{name}.fit is crop, but {type(method).__name__} knows what is where of whole images "
            f"alone. Set --{name}.fit to cover, pad or resize."
        )
    return problems


def _palette_problems(name: str, domain: Domain) -> list[str]:
    """Why the colours of a domain's classes cannot be used, and what to do."""
    problems = []
    if domain.palette and domain.channels != 3:
        problems.append(
            f"{name}.palette holds RGB colours, but {name}.channels is {domain.channels}. Set "
            f"--{name}.channels 3."
        )
    wrong = [colour for colour in domain.palette if not all(0 <= c <= 255 for c in colour)]
    if wrong:
        problems.append(f"{name}.palette holds {wrong[0]}: red, green and blue are 0 to 255.")
    twice = [colour for colour in set(domain.palette) if domain.palette.count(colour) > 1]
    if twice:
        problems.append(
            f"{name}.palette holds {min(twice)} more than once: each class needs a colour of its "
            "own."
        )
    if domain.palette and domain.range is not None:
        problems.append(
            f"{name}.range would change the colours of label maps. Leave it out, as "
            f"{name}.palette says what pixels are."
        )
    if domain.palette and domain.decoding.depth != 8:
        problems.append(
            f"{name}.palette holds colours of 8 bits, but {name}.decoding.depth is "
            f"{domain.decoding.depth}. Set --{name}.decoding.depth 8."
        )
    if domain.label_channels == "colours" and not domain.palette:
        problems.append(
            f"{name}.label_channels is colours, but without {name}.palette the images are no label "
            f"maps. Give the colours of the classes, or leave label_channels out."
        )
    if domain.palette and domain.label_channels == "classes" and domain.value_range != "signed":
        problems.append(
            f"{name}.value_range is {domain.value_range}, but networks see label maps as class "
            f"channels. Leave value_range out, or set --{name}.label-channels colours."
        )
    if len(domain.palette) == 1:
        problems.append(f"{name}.palette holds one colour: give at least two classes, or none.")
    return problems
