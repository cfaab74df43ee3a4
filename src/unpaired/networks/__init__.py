"""Building blocks: generators and discriminators, unaware of what they are trained for.

To add one: a file with a configuration that has `build`, and its name in a union here.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unpaired.networks.cnn import CNN
from unpaired.networks.patchgan import PatchGAN
from unpaired.networks.resnet import ResNet
from unpaired.networks.unet import UNet

Generator = Annotated[UNet | ResNet, Field(discriminator="kind")]
Discriminator = Annotated[CNN | PatchGAN, Field(discriminator="kind")]

__all__ = ["CNN", "Discriminator", "Generator", "PatchGAN", "ResNet", "UNet"]
