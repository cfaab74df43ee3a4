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
        terms: Mapping[str, nn.Module] | None = None,
    ) -> None:
        """`terms`: parts of losses without weights of their own, which only training needs."""
        super().__init__()
        self.generators = nn.ModuleDict(dict(generators))
        self.discriminators = nn.ModuleDict(dict(discriminators))
        self.encoders = nn.ModuleDict(dict(encoders))
        self.terms = nn.ModuleDict(dict(terms or {}))

    def generating(self) -> nn.ModuleDict:
        """Generators and encoders: what the generator phase trains and a model keeps."""
        return nn.ModuleDict({"generators": self.generators, "encoders": self.encoders})
