"""Ways of learning a translation. To add one: a file here, and its name in the union `Method`."""

from __future__ import annotations

from unpaired.methods.cyclegan import CycleGAN

Method = CycleGAN

__all__ = ["CycleGAN", "Method"]
