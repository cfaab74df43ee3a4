"""Faithfulness of translations, image by image: what each has kept, added and lost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unpaired.metrics.intervals import wilson
from unpaired.metrics.structure import Edges, edges_of, moved_edges, nearer, structure
from unpaired.records.measurement import Measurement

SUSPECTED_FROM = 0.05
"""Share of other images' translations that may be nearer to an image before it is suspected."""


@dataclass(frozen=True)
class Faithfulness:
    """Images and their translations, with what was measured of each of N."""

    names: list[str]
    source: NDArray[np.uint8]
    """(N, H, W, C)."""
    translations: NDArray[np.uint8]
    """(N, H', W', C'): the translations."""
    distances: NDArray[np.float64]
    """(N,): structure distances; see `structure`."""
    nearer: NDArray[np.float64]
    """(N,): share of other images' translations whose structure is nearer to the image."""
    added: NDArray[np.float64]
    """(N, 16, 16): where the translation has edges that the image has not; see `moved_edges`."""
    lost: NDArray[np.float64]
    """(N, 16, 16): where the image has edges that the translation has not."""
    edges: tuple[Edges, Edges]
    """Of the images and of their translations."""

    @property
    def tensors(self) -> tuple[Tensor, Tensor]:
        """Images (N, C, H, W) and their translations (N, C', H', W'), uint8."""
        source, translations = (
            torch.from_numpy(images).permute(0, 3, 1, 2)
            for images in (self.source, self.translations)
        )
        return source, translations

    @property
    def order(self) -> NDArray[np.int64]:
        """Indices, the most faithful translation first."""
        return np.lexsort((self.distances, self.nearer))

    @property
    def suspected(self) -> NDArray[np.int64]:
        """Indices of suspected hallucinations, the worst first: others' translations fit better."""
        order = self.order[::-1]
        return order[self.nearer[order] >= SUSPECTED_FROM]


def faithfulness(source: Tensor, translations: Tensor, names: list[str]) -> Faithfulness:
    """Images (N, C, H, W) uint8 against their translations (N, C', H', W') uint8, N ≥ 2."""
    edges = edges_of(source), edges_of(translations)
    added, lost = moved_edges(*edges)
    return Faithfulness(
        names=names,
        source=source.permute(0, 2, 3, 1).numpy(),
        translations=translations.permute(0, 2, 3, 1).numpy(),
        distances=structure(*edges),
        nearer=nearer(*edges),
        added=added,
        lost=lost,
        edges=edges,
    )


def share_suspected(images: Faithfulness) -> Measurement:
    """Share of translations that are suspected hallucinations, with its Wilson interval."""
    return wilson(len(images.suspected), len(images.names))
