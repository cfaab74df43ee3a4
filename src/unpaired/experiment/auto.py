"""Automatic settings: what suits image sets that nobody has described, and the reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from unpaired.core.devices import choose_device, choose_precision
from unpaired.data.coverage import scale_in_words
from unpaired.data.domain import Augmentation, Domain, DomainName
from unpaired.data.first_images import FirstImages, probe_images
from unpaired.data.representation import Continuous
from unpaired.data.sources import BuiltIn, Source, describe
from unpaired.experiment.experiment import Experiment
from unpaired.experiment.names import name_of
from unpaired.experiment.usual import (
    SIZES,
    largest_size,
    usual_batch,
    usual_discriminator,
    usual_generator,
    usual_length,
)
from unpaired.methods import CycleGAN
from unpaired.networks import Generator, PatchGAN, ResNet, UNet


def undescribed(a: Source | None, b: Source) -> Experiment:
    """Two image sets of which nothing is known yet, or one to make images like it from noise."""
    return Experiment(
        name=name_of(a, b),
        a=None if a is None else _domain(a),
        b=_domain(b),
        method=CycleGAN(generator=UNet()),
    )


def choose(wanted: Experiment, fixed: Collection[str] = ()) -> tuple[Experiment, list[str]]:
    """`wanted` with what suits its images and this machine, and one line of reason for each choice.

    `fixed`: settings by their paths, such as "training.batch_size", that stay as they are; choices
    that depend on them follow them.

    Raises:
        DataError: when a source cannot be opened or none of its first images can be read.
    """
    probes = {
        name: probe_images(domain.source, domain.reading, domain.crop, name)
        for name, domain in wanted.domains.items()
    }
    device = choose_device(wanted.training.device)
    gpu = device.type == "cuda"
    size, why = _size(wanted, probes, fixed, gpu=gpu)
    domains = {
        name: _suited(wanted.domain(name), name, first, size, fixed)
        for name, first in probes.items()
    }
    experiment = replace(wanted, **domains)  # type: ignore[arg-type]
    reasons = [
        f"{name}: {first.num_images:,} {first.files} in "
        f"{describe(experiment.domain(name).source)}, "
        f"short side {first.short_side} pixels, {'grey' if first.is_grey else 'colour'}"
        for name, first in probes.items()
    ]
    reasons.append(f"size {size}×{size}: {why}")
    experiment, networks = _with_networks(experiment, size, fixed, gpu=gpu)
    reasons += _of_generator(experiment, fixed)
    experiment, batches = _with_training(experiment, size, fixed, gpu=gpu)
    if networks or batches:
        time = f", and what a {'GPU' if gpu else 'processor'} trains in reasonable time"
        fast = size <= largest_size(gpu=gpu)
        reasons.append(f"{', '.join(networks + batches)}: usual at this size{time if fast else ''}")
    if "training.precision" not in fixed:
        deep = experiment.keeps_16_bits
        precision = "float32" if deep else choose_precision("auto", device)
        fast = precision == "bfloat16"
        why = "computed in hardware here" if fast else "bfloat16 would be emulated here"
        why = "the images keep 16 bits, and bfloat16 has 8" if deep else why
        reasons.append(f"{precision} on {device.type}: {why}")
    return experiment, reasons + _of_augmentation(experiment, fixed)


def _size(
    wanted: Experiment,
    probes: Mapping[DomainName, FirstImages],
    fixed: Collection[str],
    *,
    gpu: bool,
) -> tuple[int, str]:
    """Side of the images in training, and why."""
    shorts = {name: _short_side(wanted.domain(name), first) for name, first in probes.items()}
    typed = [domain.size for name, domain in wanted.domains.items() if f"{name}.size" in fixed]
    if typed:
        small = [name for name, short in shorts.items() if short < typed[0]]
        enlarged = f"; images of {' and '.join(small)} are smaller and are enlarged"
        return typed[0], f"as given{enlarged if small else ''}"
    smallest = min(shorts.values())
    limit = largest_size(gpu=gpu)
    size = max((s for s in SIZES if s <= min(smallest, limit)), default=SIZES[0])
    why = "the largest that the images fill"
    if smallest < SIZES[0]:
        why = "the least that networks are made for; smaller images are enlarged"
    elif smallest >= 2 * limit:
        where = "on a GPU" if gpu else "on a processor without a GPU"
        flag = f"--{min(probes)}.size {2 * limit}"
        why = f"larger images take {'days' if gpu else 'hours'} {where}; for more detail: {flag}"
    return size, why


def _short_side(domain: Domain, first: FirstImages) -> int:
    """Of the images that come to the networks' size, or that squares of it are cut out of."""
    if domain.fit != "crop":
        return first.short_side
    return domain.short_side or round(first.short_side * domain.scale)


def _suited(
    domain: Domain, name: DomainName, first: FirstImages, size: int, fixed: Collection[str]
) -> Domain:
    """A domain in the form that suits its images."""
    depth = 16 if first.sixteen_bits else 8
    domain = replace(
        domain, decoding=_fill(domain.decoding, f"{name}.decoding", fixed, depth=depth)
    )
    if domain.fit == "crop":  # at one scale, which zooming would change
        augmentation = _fill(domain.augmentation, f"{name}.augmentation", fixed, zoom=1.0)
        domain = replace(domain, augmentation=augmentation)
    channels = 1 if first.is_grey and not domain.holds_labels else 3
    suited: Domain = _fill(domain, name, fixed, channels=channels, size=size)
    return suited


def _with_networks(
    experiment: Experiment, size: int, fixed: Collection[str], *, gpu: bool
) -> tuple[Experiment, list[str]]:
    """Networks of the usual size, as far as they are of the usual kind; and what they are."""
    method = experiment.method
    if not isinstance(method, CycleGAN):
        return experiment, []  # the others' defaults suit any size
    assert experiment.a is not None
    said = []
    generator, discriminator = _generator(experiment, fixed), method.discriminator
    path = "method.generator"
    if path not in fixed:
        values = usual_generator(generator, size, gpu=gpu)
        generator = _fill(generator, path, fixed, **values)
        words = {"blocks": f"{values['blocks']} blocks", "width": f"{values['width']} channels"}
        what = "ResNet generator" if isinstance(generator, ResNet) else "U-Net generator"
        said += _said(what, path, fixed, words)
    if isinstance(discriminator, PatchGAN):
        path = "method.discriminator"
        values = usual_discriminator(size, gpu=gpu)
        if method.adversarial.weight_clip:  # which it would undo
            values["spectral_norm"] = False
        discriminator = _fill(discriminator, path, fixed, **values)
        said += _said("PatchGAN", path, fixed, {"layers": f"{values['layers']} layers"})
    identity = 5.0 if _have_like_channels(experiment) else 0.0
    method = replace(method, generator=generator, discriminator=discriminator)
    method = _fill(method, "method", fixed, identity_weight=identity)
    return replace(experiment, method=method), said


def _generator(experiment: Experiment, fixed: Collection[str]) -> Generator:
    """A U-Net, which starts from the picture, where both domains have like channels; else a ResNet.

    What of a generator is fixed alone stays, in a kind that has it.
    """
    assert isinstance(experiment.method, CycleGAN)
    generator, path = experiment.method.generator, "method.generator"
    typed = {name.removeprefix(f"{path}.") for name in fixed if name.startswith(f"{path}.")}
    left_to_us = path not in fixed and typed <= {field.name for field in fields(ResNet)} - {"kind"}
    if not left_to_us or not isinstance(generator, UNet) or _have_like_channels(experiment):
        return generator
    return ResNet(**{name: getattr(generator, name) for name in typed})


def _have_like_channels(experiment: Experiment) -> bool:
    """Whether an image of one domain can be left as it is in the other; a label map cannot."""
    a, b = (domain.representation for domain in experiment.domains.values())
    return isinstance(a, Continuous) and a == b


def _with_training(
    experiment: Experiment, size: int, fixed: Collection[str], *, gpu: bool
) -> tuple[Experiment, list[str]]:
    """Length, batches and learning rates that are usual at a size; and how large batches are."""
    batch, images = usual_batch(size, gpu=gpu), usual_length(size, gpu=gpu)
    training = _fill(experiment.training, "training", fixed, images=images, batch_size=batch)
    rate = 2e-4 * max(1.0, training.batch_size / 16) ** 0.5
    for phase in ("generators", "discriminators"):
        path = f"training.{phase}"
        optimiser = _fill(getattr(training, phase), path, fixed, learning_rate=rate)
        training = replace(training, **{phase: optimiser})
    length = min(images, training.images)  # a time budget leaves the length open
    training = _fill(
        training,
        "training",
        fixed,
        log_images=max(training.batch_size, length // 500),
        sample_images=max(1, length // 20),
        checkpoint_images=max(1, length // 20),
    )
    evaluation = _fill(experiment.evaluation, "evaluation", fixed, images=max(1, length // 5))
    said = [] if "training.batch_size" in fixed else [f"batches of {batch}"]
    return replace(experiment, training=training, evaluation=evaluation), said


def _of_generator(experiment: Experiment, fixed: Collection[str]) -> list[str]:
    """Why the generator is of its kind, where that was left to us."""
    method, path = experiment.method, "method.generator"
    if not isinstance(method, CycleGAN) or {path, f"{path}.kind"} & set(fixed):
        return []
    if isinstance(method.generator, ResNet):
        return ["ResNet generator: a and b differ in channels, so that each image is drawn anew"]
    return [
        "U-Net generator with the image beside its last layer: a and b have like channels, so that "
        "what is sharp in an image need not be drawn anew"
    ]


def _of_augmentation(experiment: Experiment, fixed: Collection[str]) -> list[str]:
    """What training images are changed by, unasked, and how to leave them as they are."""
    settings = {name: domain.augmentation for name, domain in experiment.domains.items()}
    mirrored = [name for name, s in settings.items() if s.flip]
    zoomed = [name for name, s in settings.items() if s.zoom > 1 and s.crop_probability > 0]
    reasons = [
        f"training images of {name}: squares from anywhere in each, {scale_in_words(domain)}"
        for name, domain in experiment.domains.items()
        if domain.fit == "crop"
    ]
    for names, setting, off, what in (
        (mirrored, "flip", "no-flip", "half are mirrored, which is wrong for digits and text"),
        (zoomed, "zoom", "zoom 1", "some are zoomed and cropped, which cuts off borders"),
    ):
        names = [name for name in names if f"{name}.augmentation.{setting}" not in fixed]
        flags = " ".join(f"--{name}.augmentation.{off}" for name in names)
        if names:
            reasons.append(f"training images of {' and '.join(names)}: {what}; without: {flags}")
    return reasons


def _fill(settings: Any, path: str, fixed: Collection[str], **values: Any) -> Any:
    """Settings with the values of all that is not fixed."""
    chosen = {name: value for name, value in values.items() if f"{path}.{name}" not in fixed}
    return replace(settings, **chosen)


def _said(what: str, path: str, fixed: Collection[str], words: dict[str, str]) -> list[str]:
    """A network in words, by what is not fixed of it: "PatchGAN with 2 layers"."""
    left = [text for name, text in words.items() if f"{path}.{name}" not in fixed]
    return [f"{what} with {' and '.join(left)}"] if left else []


def _domain(source: Source) -> Domain:
    if not isinstance(source, BuiltIn):
        return Domain(source=source)
    return Domain(
        source=source,
        validation_source=replace(source, part="validation"),
        test_source=replace(source, part="test"),
        augmentation=Augmentation(flip=False),  # digits
    )
