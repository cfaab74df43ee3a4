"""CycleGAN with a feature segmenter: label maps are read off features of a given network.

What is where in the label maps says what features mean at first; two translators between features
and label maps (`FeatureCycle`) and then the adversarial and cycle losses change it from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.core.config import config
from unpaired.data.domain import DIRECTION, OTHER, Domain, DomainName
from unpaired.methods.base import Losses, Networks
from unpaired.methods.cyclegan import CycleGAN
from unpaired.methods.feature_cycle import FeatureCycle
from unpaired.networks import FeatureMaps
from unpaired.networks.feature_segmenter import FeatureSegmenter


@config
class FeatureSegmentation(CycleGAN):
    """CycleGAN between photos and label maps that sees photos by a network trained elsewhere."""

    kind: Literal["feature_segmentation"] = "feature_segmentation"  # type: ignore[assignment]
    encoder: FeatureMaps = FeatureMaps()
    """The network trained elsewhere, off whose features photo→labels reads the classes."""
    encoder_images: int = 0
    """Photos and label maps that photo→labels learns from before any photo is translated, by two
    translators between label maps and features, and the last fifth by its own answers
    (`FeatureCycle`); 0: it begins with the guess."""
    encoder_weight: float = 1.0
    """Weight of the cross-entropy between the classes read and those that were read before any
    photo was translated."""

    @property
    def fixed_size(self) -> bool:
        """See `BaseMethod`. What is where is known of whole images alone."""
        return True

    @property
    def prepares(self) -> bool:
        """See `BaseMethod`."""
        return True

    def problems(self, a: Domain | None, b: Domain, batch_size: int) -> list[str]:
        """See `BaseMethod`."""
        problems = CycleGAN.problems(self, a, b, batch_size)
        if a is None:
            return problems
        photos = [domain for domain in (a, b) if domain.representation.values != "classes"]
        if not self.encoder.path:
            problems.append(
                "method.encoder.path is missing: the network whose features label maps are read "
                "off. Give --method.encoder.path, or --method.kind cyclegan."
            )
        if len(photos) != 1:
            problems.append(
                "method.encoder reads label maps off photos: it needs one domain with a palette, "
                "whose label_channels are classes."
            )
        elif photos[0].channels != 3:
            problems.append(
                "method.encoder takes colour images. Give the photos' domain channels 3."
            )
        if self.identity_weight:
            problems.append(
                "method.encoder sees photos, and method.identity_weight would show it label maps. "
                "Set --method.identity-weight 0."
            )
        if self.style_channels and b.representation.values == "classes":
            problems.append(
                "method.encoder reads one label map off a photo, and method.style_channels asks "
                "for many. Set --method.style-channels 0."
            )
        return problems

    def build_generator(self, source: Domain, target: Domain, style_channels: int = 0) -> nn.Module:
        """See `CycleGAN`. Photo→labels is a feature segmenter."""
        if target.representation.values != "classes":
            return CycleGAN.build_generator(self, source, target, style_channels)
        return self.encoder.build(
            target.representation.channels,
            source.size,
            source.value_range,
            mirrors=source.augmentation.flip,
        )

    def prepare(
        self, nets: Networks, piles: Mapping[DomainName, Iterable[Tensor]]
    ) -> FeatureCycle | None:
        """See `BaseMethod`. Photo→labels makes its first guess, and learns from features."""
        ((photos, segmenter),) = (
            (name, generator)
            for name in OTHER
            if isinstance(generator := nets.generators[DIRECTION[name]], FeatureSegmenter)
        )
        shares = ((channels + 1) / 2 for channels in piles[OTHER[photos]])
        maps = torch.cat([F.adaptive_avg_pool2d(each, segmenter.grid) for each in shares])
        segmenter.learn(piles[photos], maps)
        if not self.encoder_images:
            return None
        views = torch.cat([segmenter.view(each) for each in piles[photos]])
        return FeatureCycle(segmenter, views, maps, self.encoder_images)

    def translation(
        self, generator: nn.Module, images: Tensor, style: Tensor | None, losses: Losses
    ) -> Tensor:
        """See `CycleGAN`. What leaving the guess costs is added to `losses`."""
        if not isinstance(generator, FeatureSegmenter):
            return CycleGAN.translation(self, generator, images, style, losses)
        channels, departure = generator.read(images)
        losses["departure"] = self.encoder_weight * departure
        return channels
