"""Encoder shared by two domains: f of a domain transfer network, for images of either."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unpaired.core.config import Values
from unpaired.data.domain import OTHER, Domain, DomainName
from unpaired.data.tensors import luma


class SharedEncoder(nn.Module):
    """f for images of either domain: brings them to the channels and range that f expects.

    Frozen and in evaluation mode but for its own training. Gradients pass through to the images.
    Of `standardised` features (their number; 0: none) each has mean 0 and variance 1 in either
    domain, over all images that were encoded with `learn`.
    """

    def __init__(self, encoder: nn.Module, a: Domain, b: Domain, standardised: int = 0) -> None:
        super().__init__()
        self.encoder = encoder.eval().requires_grad_(False)
        self.channels = a.representation.channels
        self.values: dict[str, Values] = {
            "a": a.representation.values,
            "b": b.representation.values,
        }
        # Without momentum: f does not change, so that the statistics are those of all its images.
        kinds = {d: nn.BatchNorm1d(standardised, affine=False, momentum=None) for d in OTHER}
        self.statistics = nn.ModuleDict(kinds if standardised else {})  # type: ignore[arg-type]

    def forward(self, images: Tensor, domain: DomainName, *, learn: bool = False) -> Tensor:
        """NCHW as networks see `domain` => [N, features], float32.

        `learn`: these are real images of the domain, whose features count in its statistics.
        """
        features: Tensor = self.encoder(self.to_unit(images, domain)).float()
        if not self.statistics:
            return features
        statistics = self.statistics[domain].eval()
        if learn:
            _count_in(statistics, features.detach())
        standard: Tensor = statistics(features)
        return standard

    def classify(self, images: Tensor) -> Tensor:
        """NCHW of a as networks see it => logits of its classes."""
        return self.classify_unit(self.to_unit(images, "a"))

    def head(self, features: Tensor) -> Tensor:
        """[N, features] => logits of a's classes, float32."""
        logits: Tensor = self.encoder.head(features).float()  # type: ignore[operator]
        return logits

    def classify_unit(self, images: Tensor) -> Tensor:
        """NCHW as `to_unit` returns them => logits of a's classes, float32."""
        return self.head(self.encoder(images))

    def to_unit(self, images: Tensor, domain: DomainName) -> Tensor:
        """Values in [0, 1], with the channels of a: grey is repeated, colour becomes luma."""
        if self.values[domain] != "unit":
            images = (images + 1) / 2
        if images.shape[1] == self.channels:
            return images
        if self.channels == 1:
            return luma(images)
        return images.expand(-1, self.channels, -1, -1)


@torch.no_grad()
def _count_in(statistics: nn.Module, features: Tensor) -> None:
    """Move the means over batches by one more, [N, features].

    As `nn.BatchNorm1d(momentum=None)` does in training, but for the number of batches, for which it
    asks the host.
    """
    assert isinstance(statistics, nn.BatchNorm1d)
    mean, variance = statistics.running_mean, statistics.running_var
    assert mean is not None
    assert variance is not None
    assert statistics.num_batches_tracked is not None
    share = statistics.num_batches_tracked.add_(1).reciprocal()
    new_variance, new_mean = torch.var_mean(features, 0, correction=min(1, len(features) - 1))
    mean.lerp_(new_mean, share)
    variance.lerp_(new_variance, share)
