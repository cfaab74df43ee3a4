"""Draws the fixed sample grids of a run: a, a→b, a→b→a; b likewise."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.batches import generator
from unpaired.data.tensors import to_network, to_pixels
from unpaired.experiment import Experiment
from unpaired.methods.method import Networks

DomainName = Literal["a", "b"]

NUM_ROWS = 12
NUM_STYLES = 6


def columns(
    experiment: Experiment, networks: Networks, pixels: Tensor, domain: DomainName
) -> dict[str, list[NDArray[np.uint8]]]:
    """Columns of a grid: images of one domain (NCHW integers), translated there and back."""
    other: DomainName = "b" if domain == "a" else "a"
    near = getattr(experiment, domain).value_range
    far = getattr(experiment, other).value_range
    method = experiment.method
    device = next(networks.parameters()).device
    random = generator(0, "samples", domain)
    style = method.draw_styles(networks, len(pixels), random)
    with torch.inference_mode():
        source = to_network(pixels.to(device), near)
        there = method.translate(networks, source, other, style)
        back = method.translate_back(networks, there, source, domain)
    return {
        domain: to_arrays(to_pixels(source, near)),
        f"{domain}→{other}": to_arrays(to_pixels(there, far)),
        f"{domain}→{other}→{domain}": to_arrays(to_pixels(back, near)),
    }


def styles(
    experiment: Experiment, networks: Networks, pixels: Tensor
) -> dict[str, list[NDArray[np.uint8]]]:
    """Columns of a grid: images of a, each translated with the same few styles."""
    method = experiment.method
    device = next(networks.parameters()).device
    source = to_network(pixels.to(device), experiment.a.value_range)
    found = {"a": to_arrays(to_pixels(source, experiment.a.value_range))}
    for i in range(NUM_STYLES):
        style = method.draw_styles(networks, 1, generator(i, "styles"))
        assert style is not None, "asked for the styles of a method that has none"
        with torch.inference_mode():
            there = method.translate(networks, source, "b", style.expand(len(source), -1))
        found[f"style {i + 1}"] = to_arrays(to_pixels(there, experiment.b.value_range))
    return found


def to_arrays(pixels: Tensor) -> list[NDArray[np.uint8]]:
    """NCHW uint8 => list of HWC arrays."""
    return list(pixels.permute(0, 2, 3, 1).cpu().numpy())
