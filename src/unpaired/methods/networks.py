"""Networks of a method by role: generators, discriminators, encoders."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn


class Networks(nn.Module):
    """The networks of a method by role: `nets.generators["a2b"]`, `nets.discriminators["b"]`."""

    def __init__(
        self,
        generators: Mapping[str, nn.Module],
        discriminators: Mapping[str, nn.Module],
        encoders: Mapping[str, nn.Module],
        training_only: Mapping[str, nn.Module] | None = None,
    ) -> None:
        """`training_only`: parts of the generators' losses. What they learn is trained with the
        generators and lies in checkpoints; no average is taken of it, and no model holds it."""
        super().__init__()
        self.generators = nn.ModuleDict(dict(generators))
        self.discriminators = nn.ModuleDict(dict(discriminators))
        self.encoders = nn.ModuleDict(dict(encoders))
        self.training_only = nn.ModuleDict(dict(training_only or {}))

    def generating(self) -> nn.ModuleDict:
        """Generators and encoders: what is averaged, and what a model keeps."""
        return nn.ModuleDict({"generators": self.generators, "encoders": self.encoders})
