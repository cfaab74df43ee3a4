"""Methods: ways of learning a translation or a generator (CycleGAN, DTN, GAN).

To add one: a file here, and its name in the union `Method`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from unpaired.methods.cyclegan import CycleGAN
from unpaired.methods.dtn import DTN
from unpaired.methods.feature_segmentation import FeatureSegmentation
from unpaired.methods.gan import GAN

Method = Annotated[CycleGAN | DTN | FeatureSegmentation | GAN, Field(discriminator="kind")]

__all__ = ["DTN", "GAN", "CycleGAN", "FeatureSegmentation", "Method"]
