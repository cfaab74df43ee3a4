"""CycleGAN with a feature segmenter: label maps are read off features of a given network.

What is where in the label maps says what features mean at first; two translators between features
and label maps (`FeatureCycle`) and then the adversarial and cycle losses change it from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from torch import Tensor, nn

from unpaired.core.config import NonNegative, config
from unpaired.data.domain import Domain
from unpaired.methods.cyclegan import CycleGAN
from unpaired.methods.feature_cycle import FeatureCycle
from unpaired.methods.protocols import Losses
from unpaired.methods.stages import Stage
from unpaired.networks import FeatureMaps
from unpaired.networks.feature_segmenter import FeatureSegmenter


@config
class FeatureSegmentation(CycleGAN):
    """CycleGAN between photos and label maps that sees photos by a network trained elsewhere."""

    kind: Literal["feature_segmentation"] = "feature_segmentation"  # type: ignore[assignment]
    encoder: FeatureMaps = FeatureMaps()
    """The network trained elsewhere, off whose features photo→labels reads the classes."""
    feature_cycle: FeatureCycle = FeatureCycle()
    """How photo→labels learns from features, before any photo is translated."""
    encoder_weight: NonNegative = 1.0
    """Weight of the cross-entropy between the classes read and those that were read before any
    photo was translated."""

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {
        **CycleGAN.FORMER_NAMES,
        "encoder_images": "feature_cycle.images",
    }

    @property
    def fixed_size(self) -> bool:
        """See `Translates`. What is where is known of whole images alone."""
        return True

    def stages(self) -> tuple[Stage, ...]:
        """See `Learns`."""
        return (self.feature_cycle,)

    def problems(self, a: Domain | None, b: Domain, batch_size: int) -> list[str]:
        """See `Learns`."""
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

    def translation(
        self, generator: nn.Module, images: Tensor, style: Tensor | None, losses: Losses
    ) -> Tensor:
        """See `CycleGAN`. What leaving the guess costs is added to `losses`."""
        if not isinstance(generator, FeatureSegmenter):
            return CycleGAN.translation(self, generator, images, style, losses)
        channels, departure = generator.read(images)
        losses["departure"] = self.encoder_weight * departure
        return channels
