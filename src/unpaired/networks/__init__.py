"""Networks: generators, discriminators and encoders, unaware of what they are trained for.

To add one: a file with a configuration that has `build`, and its name in a union here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unpaired.networks.cnn import CNN
from unpaired.networks.decoder import Decoder
from unpaired.networks.exported import ExportedEncoder
from unpaired.networks.feature_segmenter import FeatureMaps
from unpaired.networks.label_encoder import ClassEncoder
from unpaired.networks.patchgan import PatchGAN
from unpaired.networks.resnet import ResNet
from unpaired.networks.sphereface import SphereFace
from unpaired.networks.unet import UNet

Generator = Annotated[UNet | ResNet, Field(discriminator="kind")]
"""Image => image."""
Discriminator = Annotated[CNN | PatchGAN, Field(discriminator="kind")]
"""Image => logits."""
Encoder = Annotated[ClassEncoder | ExportedEncoder | SphereFace, Field(discriminator="kind")]
"""Image => features."""

__all__ = [
    "CNN",
    "ClassEncoder",
    "Decoder",
    "Discriminator",
    "Encoder",
    "ExportedEncoder",
    "FeatureMaps",
    "Generator",
    "PatchGAN",
    "ResNet",
    "SphereFace",
    "UNet",
]
