"""What photo→labels scores on facades mean: those of answers that never look at the photo.

    python benchmarks/facades_baselines.py --size 64

Prints per pixel, per class, intersection over union (absent classes as 0) on the test label maps.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import torch

from unpaired import recipe
from unpaired.data.dataset import load_images
from unpaired.metrics.segmentation import measure, nearest_colour
from unpaired.recipes.facades import PALETTE


def main() -> None:
    """See the module."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--size", type=int, default=64)
    size = flags.parse_args().size
    experiment = recipe("facades-ours")
    labels = replace(experiment.b, size=size, validation_fraction=0.0)
    photos = replace(experiment.a, size=size)
    train = nearest_colour(load_images(labels, "train").gather(range(400)), PALETTE)
    test = load_images(labels, "test")
    truth = nearest_colour(test.gather(range(len(test))), PALETTE)
    unchanged = load_images(photos, "test").gather(range(len(test)))

    shares = np.stack([(train == k).mean(0) for k in range(len(PALETTE))])  # class, row, column
    mean_colour = (np.moveaxis(shares, 0, -1) @ np.array(PALETTE, float)).round()
    mean_map = torch.from_numpy(mean_colour.astype(np.uint8)).permute(2, 0, 1)[None]
    others = np.random.default_rng(0).integers(0, len(train), len(truth))
    answers = {
        "the most frequent class": np.full_like(truth, shares.mean((1, 2)).argmax()),
        "the most frequent class of each pixel": shares.argmax(0),
        "the mean label map, nearest colour": nearest_colour(mean_map, PALETTE)[0],
        "the label map of another building": train[others],
        "the photo itself, nearest colour": nearest_colour(unchanged, PALETTE),
    }
    for name, answer in answers.items():
        found = measure(truth, np.broadcast_to(answer, truth.shape), len(PALETTE))
        row = " | ".join(f"{found[score].value:.3f}" for score in ("pixel", "class", "iou"))
        print(f"| {name} | {row} |")


if __name__ == "__main__":
    main()
