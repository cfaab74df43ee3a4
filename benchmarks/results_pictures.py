"""Pictures for docs/results.md: python benchmarks/results_pictures.py RUN_FOLDER …

Writes what the final weights of runs make, `research/records/<run>/a2b.png` and so on, and no
input: the data are not ours to show. Translations are of the first three test images of each class,
a column a class; without labels, of the first thirty. From noise: twenty images, and the way from
the first to the last. Images of more than 96 pixels are shown at 96, or each would take megabytes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import unpaired
from unpaired.data.dataset import Images, load_images
from unpaired.data.domain import OTHER, SOURCE, Direction, resize
from unpaired.experiment.experiment import Experiment, load
from unpaired.inference.noise import Noise
from unpaired.report.plots.image_grid import grid
from unpaired.training.samples import Columns, to_arrays

RECORDS = Path(__file__).resolve().parents[1] / "research" / "records"
COLUMNS, ROWS = 10, 3
WIDTH = 660
LARGEST = 96


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="run folders, whose records are taken")
    for run in parser.parse_args().runs:
        target = RECORDS / run.name
        assert target.exists(), f"take the records first: python benchmarks/results.py {run}"
        experiment = load(run / "config.json")
        if not experiment.directions:
            save(target / "b.png", made_of_noise(Noise(run / "model")))
        for direction in experiment.directions:
            save(target / f"{direction}.png", translations(run / "model", experiment, direction))


def save(path: Path, columns: Columns) -> None:
    """A column for each name."""
    shown = {name: [reduce(image) for image in images] for name, images in columns.items()}
    grid(shown, width=WIDTH).save(path, optimize=True)


def reduce(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, C), at most `LARGEST` pixels wide and high."""
    height, width, _ = image.shape
    scale = LARGEST / max(height, width)
    if scale >= 1:
        return image
    return resize(image, round(height * scale), round(width * scale))


def translations(model: Path, experiment: Experiment, direction: Direction) -> Columns:
    """Of test images, in columns; where there are styles, all in one."""
    source = SOURCE[direction]
    to = OTHER[source]
    images = load_images(experiment.domain(source), "test")
    translator = unpaired.load(model)
    style = translator.style(to, style_seed=0, sample=0)
    return {
        name: to_arrays(translator.translate_batch(images.gather(places), to, style))
        for name, places in choose(images).items()
    }


def choose(images: Images) -> dict[str, list[int]]:
    """Places of the images of each column."""
    if images.labels is None:
        return {str(i + 1): [i + COLUMNS * row for row in range(ROWS)] for i in range(COLUMNS)}
    labels = images.labels
    return {str(k): np.flatnonzero(labels == k)[:ROWS].tolist() for k in np.unique(labels)}


def made_of_noise(model: Noise) -> Columns:
    """Two rows of samples, and one that leads from one image to another."""
    samples = model.latents(2 * COLUMNS)
    way = model.between(0, 2 * COLUMNS - 1, COLUMNS)
    made = model.images(torch.cat([samples, way]))
    return {str(i + 1): list(made[i::COLUMNS]) for i in range(COLUMNS)}


if __name__ == "__main__":
    main()
