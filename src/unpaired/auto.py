"""Settings for two piles of images that nobody has described: looks at them, chooses, says why."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from unpaired.data.decode import Decoding, decode
from unpaired.data.domain import Augmentation, Domain
from unpaired.data.sources import BuiltIn, Folder, Source, describe
from unpaired.engine.hardware import choose_device, choose_precision
from unpaired.errors import DataError, UnreadableImage
from unpaired.experiment import NETWORKS, Evaluation, Experiment, Optimiser, Training
from unpaired.methods import CycleGAN
from unpaired.networks import PatchGAN, ResNet
from unpaired.objectives import LeastSquares

PROBED = 48
"""Images of each pile that are looked at."""

SIZES = (32, 64, 128, 256)


@dataclass(frozen=True)
class Look:
    """What the first images of a pile tell."""

    num_images: int
    short_side: int
    is_grey: bool
    sixteen_bits: bool
    files: str = "images"
    """What is counted, in words: not all are images where some cannot be read."""


def choose(
    a: Source, b: Source, device: Literal["auto", "cpu", "cuda"] | None = None
) -> tuple[Experiment, list[str]]:
    """An experiment for two sources on this machine, and one line of reason for each choice.

    Raises:
        DataError: when a pile cannot be opened or none of its first images can be read.
    """
    looks = {"a": look(a), "b": look(b)}
    found = choose_device(device or "auto")
    gpu = found.type == "cuda"
    smallest = min(seen.short_side for seen in looks.values())
    limit = 256 if gpu else 128
    size = max((s for s in SIZES if s <= min(smallest, limit)), default=SIZES[0])
    reasons = [
        f"{name}: {seen.num_images:,} {seen.files} in {describe(source)}, short side "
        f"{seen.short_side} pixels, {'grey' if seen.is_grey else 'colour'}"
        for (name, seen), source in zip(looks.items(), (a, b), strict=True)
    ]
    why = "the largest that the images fill"
    if smallest < SIZES[0]:
        why = "the least that networks are made for; smaller images are enlarged"
    elif smallest > limit:
        why = (
            "larger images take hours on a processor without a GPU; for more detail: "
            "--a.size 256 --b.size 256"
        )
    reasons.append(f"size {size}×{size}: {why}")

    blocks = {32: 3, 64: 4, 128: 6, 256: 9}[size]
    width = 64 if gpu else 32
    layers = {32: 2, 64: 2, 128: 3, 256: 3}[size]
    batch = {32: 64, 64: 32, 128: 16, 256: 8}[size] if gpu else {32: 32, 64: 16}.get(size, 4)
    reasons.append(
        f"ResNet generator with {blocks} blocks and {width} channels, PatchGAN with {layers} "
        f"layers, batches of {batch}: usual at this size, and what a "
        f"{'GPU' if gpu else 'processor'} trains in reasonable time"
    )
    precision = choose_precision("auto", found)
    reasons.append(
        f"{precision} on {found.type}: "
        + (
            "computed in hardware here"
            if precision == "bfloat16"
            else "bfloat16 would be emulated here"
        )
    )
    images = 1_000_000 if gpu else {32: 200_000, 64: 100_000, 128: 40_000}[size]
    optimiser = Optimiser(learning_rate=2e-4 * max(1.0, batch / 16) ** 0.5)
    same_channels = looks["a"].is_grey == looks["b"].is_grey
    experiment = Experiment(
        name=f"{short_name(a)}-{short_name(b)}",
        a=_domain(a, looks["a"], size),
        b=_domain(b, looks["b"], size),
        method=CycleGAN(
            generator=ResNet(width=width, blocks=blocks),
            discriminator=PatchGAN(width=width, layers=layers, norm="none", spectral_norm=True),
            adversarial=LeastSquares(),
            identity_weight=5.0 if same_channels else 0.0,
        ),
        training=Training(
            images=images,
            batch_size=batch,
            generators=optimiser,
            discriminators=optimiser,
            log_images=max(batch, images // 500),
            sample_images=images // 20,
            checkpoint_images=images // 20,
        ),
        evaluation=Evaluation(images=images // 5),
    )
    return experiment, reasons


def look(source: Source) -> Look:
    """Open a source and decode some of its images, spread over the pile."""
    records = source.open()
    places = np.unique(np.linspace(0, len(records.names) - 1, PROBED).astype(int))
    shapes: list[tuple[int, int]] = []
    grey = deep = 0
    refused: list[UnreadableImage] = list(records.refused)
    for i in places:
        content = records.read(int(i))
        try:
            if isinstance(content, np.ndarray):
                pixels, deepest = content, content.dtype == np.uint16
            else:
                wide = Decoding(depth=16)
                pixels = decode(content, name=records.names[i], channels=3, decoding=wide).pixels
                deepest = bool((pixels % 257).any())  # 8-bit images are multiples of 257
        except UnreadableImage as error:
            refused.append(error)
            continue
        shapes.append(pixels.shape[:2])
        grey += bool((pixels == pixels[..., :1]).all())
        deep += deepest
    if not shapes:
        raise DataError(
            f"{describe(source)}: none of the {len(places)} images that were tried can be read "
            f"(first: {refused[0]}). `unpaired check` lists every file."
        )
    short = int(np.median([min(shape) for shape in shapes]))
    bad = len(places) - len(shapes)
    files = f"files ({bad} of {len(places)} that were tried cannot be read)" if bad else "images"
    return Look(len(records.names), short, grey == len(shapes), deep > len(shapes) / 2, files)


def smoke(experiment: Experiment) -> Experiment:
    """The same experiment, shrunk until the entire path takes seconds; its numbers mean nothing."""
    training = experiment.training
    batch = min(training.batch_size, 4)
    steps = 6
    method = experiment.method
    parts = {role: getattr(method, role) for role in NETWORKS if hasattr(method, role)}
    changes: dict[str, Any] = {role: _shrunk(network) for role, network in parts.items()}
    if method.pretraining is not None:
        changes["encoder_training"] = replace(method.pretraining, images=batch * steps)
    domains = {name: replace(domain, size=32) for name, domain in experiment.domains.items()}
    return replace(
        experiment,
        **domains,  # type: ignore[arg-type]
        name=f"{experiment.name}-smoke",
        method=replace(method, **changes),
        training=replace(
            training,
            images=batch * steps,
            batch_size=batch,
            log_images=batch,
            sample_images=batch * 3,
            checkpoint_images=batch * 3,
        ),
        evaluation=replace(
            experiment.evaluation, images=batch * 3, classifier=False, adaptation=False
        ),
    )


def _shrunk(network: Any) -> Any:
    changes: dict[str, Any] = {"width": 8} if hasattr(network, "width") else {}
    if hasattr(network, "widths"):
        changes["widths"] = ()  # they are as many as the size asks for
    if hasattr(network, "max_width"):
        changes["max_width"] = 64
    if getattr(network, "blocks", 0) > 1:
        changes["blocks"] = 1
    if hasattr(network, "downsamplings"):
        changes["downsamplings"] = 2
    if getattr(network, "layers", 0) > 2:
        changes["layers"] = 2
    return replace(network, **changes)


def short_name(source: Source) -> str:
    """The last part of a source's name, of letters, digits and dashes: `photos/` is "photos"."""
    if isinstance(source, BuiltIn):
        return source.name
    path = source.path if isinstance(source, Folder) else source.name
    return re.sub(r"[^A-Za-z0-9]+", "-", Path(path).absolute().stem).strip("-") or "pile"


def _domain(source: Source, seen: Look, size: int) -> Domain:
    validation = replace(source, part="validation") if isinstance(source, BuiltIn) else None
    test = replace(source, part="test") if isinstance(source, BuiltIn) else None
    return Domain(
        source=source,
        validation_source=validation,
        test_source=test,
        channels=1 if seen.is_grey else 3,
        size=size,
        fit="cover",
        decoding=Decoding(depth=16 if seen.sixteen_bits else 8),
        augmentation=Augmentation(flip=test is None),
    )
