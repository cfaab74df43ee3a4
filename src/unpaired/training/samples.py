"""Sample grids of a run: a, a→b, a→b→a; b likewise; or images generated from noise."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.batches import generator
from unpaired.data.domain import OTHER, DomainName
from unpaired.evaluation.samples import Translating, to_eight_bits
from unpaired.experiment.experiment import Experiment
from unpaired.inference.noise import generate
from unpaired.methods.networks import Networks

NUM_ROWS = 12
NUM_STYLES = 6
NUM_BETWEEN = 10

Columns = dict[str, list[NDArray[np.uint8]]]
"""Columns of a grid, by title."""


def columns(
    experiment: Experiment, networks: Networks, pixels: Tensor, domain: DomainName
) -> Columns:
    """Images of one domain (NCHW integers), translated there and, where there is a way, back."""
    other = OTHER[domain]
    device = next(networks.parameters()).device
    translated = Translating(experiment, networks, device, 0).translate(pixels, domain)
    grids = {
        domain: to_arrays(translated.source),
        f"{domain}→{other}": to_arrays(translated.translations),
    }
    if translated.reconstructions is not None:
        grids[f"{domain}→{other}→{domain}"] = to_arrays(translated.reconstructions)
    return grids


def styles(experiment: Experiment, networks: Networks, pixels: Tensor) -> Columns:
    """Images of a, each translated with the same few styles."""
    device = next(networks.parameters()).device
    translating = Translating(experiment, networks, device, 0)
    grids = {"a": to_arrays(to_eight_bits(pixels))}
    for i in range(NUM_STYLES):
        style = experiment.method.draw_styles(networks, 1, generator(i, "styles"))
        assert style is not None, "asked for the styles of a method that has none"
        same = style.expand(len(pixels), -1)
        translations = translating.translate(pixels, "a", and_back=False, styles=same).translations
        grids[f"style {i + 1}"] = to_arrays(translations)
    return grids


def interpolations(experiment: Experiment, networks: Networks) -> Columns:
    """Images from noise: each row leads from one draw of the noise to another, step by step."""
    device = next(networks.parameters()).device
    ends = experiment.method.draw_latents(2 * NUM_ROWS, generator(0, "samples", "b"))
    first, last = ends[:NUM_ROWS], ends[NUM_ROWS:]
    grids: Columns = {}
    for i, share in enumerate(torch.linspace(0, 1, NUM_BETWEEN)):
        images = generate(experiment, networks, torch.lerp(first, last, share), device)
        grids[f"{i + 1}"] = to_arrays(images)
    return grids


def to_arrays(pixels: Tensor) -> list[NDArray[np.uint8]]:
    """NCHW uint8 => list of HWC arrays."""
    return list(pixels.permute(0, 2, 3, 1).cpu().numpy())
