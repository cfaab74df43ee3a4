"""Sample grids of a run: a, a→b, a→b→a; b likewise; or images generated from noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from unpaired.data.batches import generator
from unpaired.data.domain import OTHER, DomainName
from unpaired.evaluation.samples import to_eight_bits, translate
from unpaired.inference.applied import AppliedModel

NUM_ROWS = 12
NUM_STYLES = 6
NUM_BETWEEN = 10

Columns = dict[str, list[NDArray[np.uint8]]]
"""Columns of a grid, by title."""


def columns(model: AppliedModel, pixels: Tensor, domain: DomainName) -> Columns:
    """Images of one domain (NCHW integers), translated and, where there is a direction, back."""
    other = OTHER[domain]
    translated = translate(model, pixels, domain, 0)
    grids = {
        domain: to_arrays(translated.source),
        f"{domain}→{other}": to_arrays(translated.translations),
    }
    if translated.reconstructions is not None:
        grids[f"{domain}→{other}→{domain}"] = to_arrays(translated.reconstructions)
    return grids


def styles(model: AppliedModel, pixels: Tensor) -> Columns:
    """Images of a, each translated with the same few styles."""
    grids = {"a": to_arrays(to_eight_bits(pixels))}
    for i in range(NUM_STYLES):
        style = model.draw_styles(1, generator(i, "styles"))
        assert style is not None, "asked for the styles of a method that has none"
        translated = translate(model, pixels, "a", 0, and_back=False, styles=style)
        grids[f"style {i + 1}"] = to_arrays(translated.translations)
    return grids


def interpolations(model: AppliedModel) -> Columns:
    """Images from noise: each row leads from one draw of the noise to another, step by step."""
    images = model.interpolate(NUM_ROWS, NUM_BETWEEN, generator(0, "samples", "b"))
    return {f"{i + 1}": to_arrays(step) for i, step in enumerate(images)}


def to_arrays(pixels: Tensor) -> list[NDArray[np.uint8]]:
    """NCHW uint8 => list of HWC arrays."""
    return list(pixels.permute(0, 2, 3, 1).cpu().numpy())
