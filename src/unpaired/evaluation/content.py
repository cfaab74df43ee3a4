"""Content of translations, gathered: structure, the known truth, an honest cycle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from unpaired.data.domain import DomainName
from unpaired.evaluation.samples import Translated, first
from unpaired.inference.applied import AppliedModel
from unpaired.metrics import segmentation
from unpaired.metrics.catalogue.metric import Need
from unpaired.metrics.hidden_signal import HiddenSignal, hidden_signal
from unpaired.metrics.paired import PairDistance
from unpaired.metrics.structure import Edges, edges_of

MOST_IMAGES = 1000
"""Images whose structure and hidden signal are measured: enough for intervals of a percent."""


@dataclass(frozen=True)
class Pretrained:
    """Distances by networks that others have trained: on demand, as their weights may be large."""

    lpips: PairDistance | None = None
    dino: PairDistance | None = None

    @property
    def values(self) -> dict[Need, Any]:
        """Those that there are, as metrics need them."""
        networks: dict[Need, Any] = {"lpips": self.lpips, "dino": self.dino}
        return {need: network for need, network in networks.items() if network is not None}


def edges(images: Tensor, seed: int) -> Edges:
    """Edges of at most `MOST_IMAGES`."""
    return edges_of(first(images, MOST_IMAGES, seed))


def translated(images: Translated, source_edges: Edges, seed: int) -> dict[Need, Any]:
    """Images, their translations and reconstructions; of at most `MOST_IMAGES` for structure."""
    values: dict[Need, Any] = {
        "source": images.source,
        "translations": images.translations,
        "sampled_source": first(images.source, MOST_IMAGES, seed),
        "sampled_translations": first(images.translations, MOST_IMAGES, seed),
        "source_edges": source_edges,
        "translation_edges": edges(images.translations, seed),
    }
    if images.reconstructions is not None:
        values["reconstructions"] = images.reconstructions
    return values


def against_truth(
    translations: Tensor, truth: Tensor, palette: tuple[tuple[int, int, int], ...]
) -> dict[Need, Any]:
    """Translations and their true counterparts; as classes too, where there is a palette."""
    values: dict[Need, Any] = {"translations_with_truth": translations, "truth": truth}
    if palette:
        values["label_maps"] = segmentation.nearest_colour(translations, palette)
        values["true_label_maps"] = segmentation.nearest_colour(truth, palette)
        values["num_classes"] = len(palette)
    return values


def honesty(model: AppliedModel, domain: DomainName, images: Translated, seed: int) -> HiddenSignal:
    """See `hidden_signal`; of at most `MOST_IMAGES`, and where there is a way back."""
    source, translations = (
        first(pixels, MOST_IMAGES, seed) for pixels in (images.source, images.translations)
    )

    def reconstruct(changed: Tensor) -> Tensor:
        return model.reconstruct(changed, source, domain)

    return hidden_signal(translations, source, reconstruct, seed)
