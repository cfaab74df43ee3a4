"""Checks of a training's images: labels, label maps, batch size, and where the run is written."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np

from unpaired.core.errors import DataError, RunError, UnreadableImage
from unpaired.core.files import at_home
from unpaired.data.codecs.decoded import Values
from unpaired.data.dataset import MEMORY_SHARE, Images, StreamedImages
from unpaired.data.domain import Domain, DomainName
from unpaired.data.palettes import share_of_palette
from unpaired.data.read import read_content
from unpaired.data.sources import Folder, describe
from unpaired.data.splits import Split, list_split, source_of
from unpaired.data.value_ranges import advise
from unpaired.experiment.experiment import Experiment
from unpaired.methods.protocols import Classifies


def check_outside(run: Path, experiment: Experiment) -> None:
    """Refuse a run folder among images: its sample grids would be trained on when it continues.

    Raises:
        RunError: naming both.
    """
    for domain in experiment.domains.values():
        for split in get_args(Split):
            source = source_of(domain, split)
            if not isinstance(source, Folder):
                continue
            if run.resolve().is_relative_to(at_home(source.path).resolve()):
                raise RunError(
                    f"the run would be written to {run}, into the images in {source.path}, and its "
                    "pictures be taken for some of them when it is continued. Choose a folder "
                    "outside of it with -o.",
                    code="run-among-images",
                )


LABEL_MAPS_LOOKED_AT = 50


def check_palettes(experiment: Experiment, images: dict[DomainName, Images]) -> None:
    """Refuse to train on photos that are said to be label maps.

    Raises:
        DataError: where less than half of the pixels have a colour of the palette. Classes that a
            palette leaves out, as Cityscapes' does, are less.
    """
    for name, domain in experiment.domains.items():
        if not domain.palette:
            continue
        some = images[name].gather(np.arange(min(LABEL_MAPS_LOOKED_AT, len(images[name]))))
        share = share_of_palette(some.permute(0, 2, 3, 1).numpy(), domain.palette)
        if share < 0.5:
            raise DataError(
                f"{describe(domain.source)} should hold label maps, but {share:.0%} of the pixels "
                f"have a colour of {name}.palette. Give label maps, the colours of your classes "
                f"(--{name}.palette), or images of any kind without one (a recipe without "
                "label maps).",
                code="no-label-maps",
                setting=f"{name}.palette",
            )


def large_batches(experiment: Experiment, images: dict[DomainName, Images]) -> list[str]:
    """Warnings of training sets that are smaller than a batch."""
    batch = experiment.training.batch_size
    return [
        f"a batch is {batch:,} images, and {name} has {len(training):,} to train on: every batch "
        "shows some of them more than once. Give a smaller --training.batch-size."
        for name, training in images.items()
        if len(training) < batch
    ]


def streaming_notes(images: Images) -> list[str]:
    """What users should know of images that are decoded anew each time: how fast they come."""
    if not isinstance(images, StreamedImages):
        return []
    return [
        f"decoded, they need more than {MEMORY_SHARE:.0%} of the memory that is free: each is "
        f"decoded anew each time it is seen, about {images.images_per_second:,.0f} a second here"
    ]


def decoding_notes(images: Images) -> list[str]:
    """What was noted of images that were decoded, such as a damaged colour profile: a line each."""
    notes = sorted(images.notes.items(), key=lambda item: (-item[1], item[0]))
    lines = [f"{n:,} image{'s' * (n != 1)}: {note}" for note, n in notes[:MOST_NOTES]]
    unsaid = sum(count for _, count in notes[MOST_NOTES:])
    return [*lines, f"{unsaid:,} notes more; `unpaired check` lists them"] if unsaid else lines


MOST_NOTES = 3


def lost_bits(experiment: Experiment) -> list[str]:
    """Warnings of a number format that holds less than the images do."""
    if not experiment.keeps_16_bits or experiment.training.precision != "bfloat16":
        return []
    return [
        "images keep 16 bits, of which bfloat16 holds 8: networks learn in it, and translate in "
        "float32. Leave --training.precision out, and they learn in float32 too."
    ]


IMAGES_LOOKED_AT = 50
"""Of a training set, for the range of its numbers."""


def unsuited_ranges(experiment: Experiment, images: dict[DomainName, Images]) -> list[str]:
    """Warnings of training images that use little of black to white, with the range that suits.

    Files are read again where their images look like it, or a range is set.
    """
    warnings = []
    for name, domain in experiment.domains.items():
        if domain.holds_labels:
            continue
        some = images[name].gather(np.arange(min(IMAGES_LOOKED_AT, len(images[name])))).numpy()
        contrast = np.median(np.ptp(some.reshape(len(some), -1), axis=1))
        if domain.range is None and contrast > domain.levels / 2:
            continue
        if (advice := advise(_stored_values(domain), domain.range)) is not None:
            warnings.append(f"{name} has {advice.sentence(name)}")
    return warnings


def _stored_values(domain: Domain) -> dict[str, Values]:
    """The range of the numbers in the first files of a training set, by name."""
    index, places = list_split(domain, "train")
    values = {}
    for i in places[:IMAGES_LOOKED_AT].tolist():
        try:
            content = index.read(i)
            decoded = read_content(content, index.names[i], domain.channels, domain.reading)
        except UnreadableImage as error:
            if error.numbers is not None:
                values[index.names[i]] = Values(*error.numbers, limit=None)
            continue
        values[index.names[i]] = decoded.values
    return values


def check_labels(experiment: Experiment, images: dict[DomainName, Images]) -> None:
    """Refuse to train what needs labels without them.

    Raises:
        DataError: naming the source and what it lacks.
    """
    method = experiment.method
    labelled = {name for stage in method.stages() for name in stage.labelled}
    for name, domain in experiment.domains.items():
        labels = images[name].labels
        learns = name in labelled
        what = f"the encoder of {type(method).__name__} learns the classes of {name}"
        what = what if learns else f"{name}.balanced draws each class equally often"
        if (learns or domain.balanced) and labels is None:
            raise DataError(
                f"{describe(domain.source)} has no labels, but {what}. Give labelled images: a "
                "folder with a subfolder for each class, or a data set with a column `label`.",
                code="labels-needed",
            )
        if learns and labels is not None and isinstance(method, Classifies):
            num_classes = method.num_classes
            if int(labels.max()) >= num_classes:
                raise DataError(
                    f"{describe(domain.source)} has classes up to {int(labels.max())}, but the "
                    f"encoder distinguishes {num_classes}. Set --method.encoder.num-classes "
                    f"{int(labels.max()) + 1}.",
                    code="too-many-classes",
                    setting="method.encoder.num_classes",
                )
