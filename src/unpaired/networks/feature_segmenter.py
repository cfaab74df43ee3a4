"""Feature segmenter: label maps read off the features of a network trained elsewhere."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterable
from typing import Annotated, Any, Final

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn

from unpaired.core import class_channels
from unpaired.core.config import Natural, Positive, ValueRange, config
from unpaired.core.errors import SettingError
from unpaired.networks.exported import (
    ExportedNetwork,
    Values,
    open_network,
    require_gradient,
    show_two,
)
from unpaired.networks.layers import InstanceNorm

GUESSED_FROM: Final = 32
"""Components that the guess is made from; the rest is for the head alone. With all 64 the guess is
too sure of itself, as if each were evidence of its own."""

GROUPS: Final = 8
"""Groups of channels in the head's widest layer."""

PLACES: Final = 16
"""Places across and down each photo that the guess is learned from."""

SMALLEST_GRID: Final = 12
"""Places across and down that the networks of `FeatureCycle` need."""


@config
class FeatureMaps:
    """A `torch.export` program: photos [N, 3, side, side] => maps [N, C, H, W], one or several of
    any sizes (a tuple), differentiable. A classifier's stages will do.

    A program is code. Use only files whose origin you trust.
    """

    path: str = ""
    """The program, a .pt2 file; empty: none."""
    side: Annotated[int, Ge(8)] = 256
    """Side of the photos that the program takes; they are resized to it, bilinearly."""
    values: Values = "bytes"
    """Values that it takes: 0 to 255, 0 to 1, or −1 to 1."""
    components: Natural = 64
    """Principal components of all maps that are kept of each place."""
    width: Positive = 128
    """Channels of the head."""
    rounds: Natural = 3
    """How often the guess is made and learned from. It spreads to rarer classes, and drifts."""
    grid: Natural = 32
    """Places across and down at which classes are read; between them they are interpolated. At most
    the size of the images."""

    def problems(self, size: int) -> list[str]:
        """Why images of this size will not do, and what to change."""
        if not self.path:
            return []
        found = []
        places = min(self.grid, size)
        if self.width % GROUPS:
            found.append(f"width is {self.width}: it must be a multiple of {GROUPS}.")
        if places < SMALLEST_GRID or places % 4:
            found.append(
                f"classes would be read at {places}×{places} places: give a grid that is a "
                f"multiple of 4, at least {SMALLEST_GRID}, and images of that size or larger."
            )
        if self.components < GUESSED_FROM:
            found.append(f"components is {self.components}: give {GUESSED_FROM} or more.")
        return found

    def build(
        self, classes: int, size: int, value_range: ValueRange, *, mirrors: bool
    ) -> FeatureSegmenter:
        """The network: photos in the value range => class channels.

        `mirrors`: whether a photo's mirror image is as good a photo.

        Raises:
            SettingError: when the file is absent or no program, or does not fit these settings.
        """
        with torch.device("cpu"):
            network = open_network(self.path, self.side, self.values)
            channels = _count_channels(network, self.path)
        if channels < self.components:
            raise SettingError(
                f"method.encoder: the maps of the program {self.path!r} have {channels} channels "
                f"in all, fewer than method.encoder.components, {self.components}. Set "
                f"--method.encoder.components {channels}.",
                code="too-few-channels",
                setting="method.encoder.components",
            )
        return FeatureSegmenter(
            network, channels, classes, size, value_range, self, mirrors=mirrors
        )


class FeatureSegmenter(nn.Module):
    """A guess of the classes, learned once from both training sets, and a head that changes it.

    The guess is a linear discriminant: the features of each class are Gaussian around a mean of
    its own, and where classes lie is known from the label maps. It is learned by expectation
    maximisation (Dempster et al. 1977), for which the expected map of all buildings is the first
    guess. The head is a network over the same features (hypercolumns; Hariharan et al. 2015) that
    begins at zero. What it has learned before the training of photos begins is kept beside it, as
    what later readings are held to.
    """

    mean: Tensor
    basis: Tensor
    evidence: Tensor
    offset: Tensor
    layout: Tensor

    def __init__(
        self,
        program: ExportedNetwork,
        channels: int,
        classes: int,
        size: int,
        value_range: ValueRange,
        settings: FeatureMaps,
        *,
        mirrors: bool,
    ) -> None:
        super().__init__()
        self.program, self.value_range, self.rounds = program, value_range, settings.rounds
        self.mirrors = mirrors
        kept, width, grid = settings.components, settings.width, min(settings.grid, size)
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("basis", torch.zeros(kept, channels))
        self.register_buffer("evidence", torch.zeros(classes, GUESSED_FROM))
        self.register_buffer("offset", torch.zeros(classes))
        self.register_buffer("layout", torch.full((classes, grid, grid), 1 / classes))
        self.head = nn.Sequential(
            nn.Conv2d(kept, width, 1),
            InstanceNorm(width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 3, padding=1),
            InstanceNorm(width),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, width, 5, padding=2, groups=GROUPS),
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, classes, 1),
        )
        for parameter in self.head[-1].parameters():
            nn.init.zeros_(parameter)
        self.held = copy.deepcopy(self.head).requires_grad_(False)

    @property
    def grid(self) -> tuple[int, int]:
        """Places down and across at which classes are read."""
        side = self.layout.shape[1]
        return side, side

    def forward(self, photos: Tensor, style: Tensor | None = None) -> Tensor:
        """Photos [N, 3, H, W] => class channels [N, classes, H, W].

        In evaluation, of what is read in a photo and in its mirror image, if that is one too.
        """
        del style
        views = self.describe(photos)[:, None] if self.training else self.view(photos)
        return self._channels(self.agree(views, self.head), photos)

    def read(self, photos: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, and the cross-entropy of the classes against those that are held to."""
        features = self.describe(photos)
        guess, change = self.guess(features), self.head(features).float()
        departure = F.cross_entropy(guess + change, (guess + self.held(features)).softmax(1))
        return self._channels(guess + change, photos), departure

    def describe(self, photos: Tensor) -> Tensor:
        """Photos [N, 3, H, W] => principal components of what the program sees, [N, d, *grid]."""
        first = 0
        # Projected before they are resized, which is the same and several times less work; and in
        # float32, as what is subtracted is larger than what is left.
        maps = self._look(photos)
        with torch.autocast(photos.device.type, enabled=False):
            components = -(self.basis @ self.mean)[:, None, None]
            for each in maps:
                basis = self.basis[:, first : first + each.shape[1]]
                projected = torch.einsum("nchw,dc->ndhw", each.float(), basis)
                components = components + _resize(projected, self.grid)
                first += each.shape[1]
        return components

    def view(self, photos: Tensor) -> Tensor:
        """Photos => components [N, views, d, *grid]: of the photo, and of its mirror image, if that
        is one too."""
        views = [photos, photos.flip(3)] if self.mirrors else [photos]
        return torch.stack([self.describe(each) for each in views], 1)

    def agree(self, views: Tensor, head: nn.Module) -> Tensor:
        """[N, views, d, *grid] => logarithms of the classes' probabilities, averaged over a photo
        and its mirror image, [N, classes, *grid].

        `head`: this segmenter's own, or one as it was at another time.
        """
        first, *mirrored = (
            (self.guess(each) + head(each).float()).log_softmax(1) for each in views.unbind(1)
        )
        read = torch.stack([first, *(each.flip(3) for each in mirrored)])
        return read.logsumexp(0) - math.log(len(read))

    def guess(self, features: Tensor) -> Tensor:
        """[N, d, *grid] => logarithms of the classes' probabilities, [N, classes, *grid]."""
        seen = torch.einsum("ndhw,kd->nkhw", features[:, :GUESSED_FROM], self.evidence)
        return (seen + self.offset[:, None, None] + self.layout.log()).log_softmax(1)

    def classify(self, features: Tensor) -> Tensor:
        """[N, d, *grid] => logits of the classes, [N, classes, *grid]."""
        logits: Tensor = self.guess(features) + self.head(features).float()
        return logits

    def keep(self, head: nn.Module) -> None:
        """Take what a head has learned, and hold later readings to it."""
        for kept in (self.head, self.held):
            kept.load_state_dict(head.state_dict())

    @torch.no_grad()
    def learn(self, photos: Iterable[Tensor], maps: Tensor) -> None:
        """Make the guess from images and label maps that need not correspond.

        `photos`: batches [N, 3, H, W]; `maps`: [M, classes, *grid], the share that each class has
        of a place.
        """
        # A class that was never seen at a place may still be there.
        self.layout.copy_(maps.double().mean(0) + 1e-3)
        self.layout.div_(self.layout.sum(0))

        step = max(self.grid[0] // PLACES, 1)
        first = step // 2
        places = (slice(None), slice(None), slice(first, None, step), slice(first, None, step))
        seen = []
        for photo in itertools.chain.from_iterable(photos):  # one by one, as maps are large
            found = [_resize(each.float(), self.grid) for each in self._look(photo[None])]
            seen.append(torch.cat([each[places] for each in found], 1))
        pixels = torch.cat(seen).movedim(1, -1).flatten(0, 2).contiguous()
        mean, spread = pixels.mean(0), pixels.std(0).clamp_min(1e-6)
        pixels.sub_(mean).div_(spread)
        variances, axes = torch.linalg.eigh((pixels.T @ pixels).double() / len(pixels))
        kept = len(self.basis)
        scale = variances[-kept:].flip(0).clamp_min(1e-6).sqrt()
        whitening = (axes[:, -kept:].flip(1) / scale).float()
        self.mean.copy_(mean)
        self.basis.copy_((whitening / spread[:, None]).T)

        where = self.layout[places[1:]].flatten(1).T.double()
        known = (pixels @ whitening[:, :GUESSED_FROM]).double().unflatten(0, (-1, len(where)))
        probable = where.expand(len(known), *where.shape)
        for _ in range(self.rounds):
            self._fit(known.flatten(0, 1), probable.flatten(0, 1))
            evidence = known @ self.evidence.double().T + self.offset.double()
            probable = (evidence + where.log()).softmax(-1)

    def _fit(self, known: Tensor, probable: Tensor) -> None:
        """Means of the classes, and what they share of covariance, as the scores that follow."""
        weights = probable.sum(0) + 50  # a class that is hardly there stays near the mean of all
        means = probable.T @ known / weights[:, None]
        within = known.T @ known - (means * weights[:, None]).T @ means
        within = within / weights.sum() + 0.05 * torch.eye(len(within)).to(within)
        evidence = torch.linalg.solve(within, means.T).T
        self.evidence.copy_(evidence)
        self.offset.copy_(-(evidence * means).sum(1) / 2)

    def _channels(self, logits: Tensor, photos: Tensor) -> Tensor:
        """Logits at the grid => class channels at each pixel."""
        size = photos.shape[2:]
        if logits.shape[2:] != size:
            logits = F.interpolate(logits, size, mode="bilinear")
        return class_channels.from_logits(logits, training=self.training)

    def _look(self, photos: Tensor) -> list[Tensor]:
        """The maps of the program, as it gives them."""
        unit = (photos.float() + 1) / 2 if self.value_range == "signed" else photos.float()
        return _as_maps(self.program(unit))


def _as_maps(found: Any) -> list[Tensor]:
    """What a program returns, one map or several."""
    return list(found) if isinstance(found, (tuple, list)) else [found]


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    if maps.shape[2] >= size[0]:
        return F.interpolate(maps, size, mode="area")
    return F.interpolate(maps, size, mode="bilinear")


def _count_channels(network: ExportedNetwork, path: str) -> int:
    """How many channels the program's maps have in all; tried before any work is done.

    Raises:
        SettingError: when it takes no such photos or returns anything else.
    """
    advice = "Set --method.encoder.side, or export it with a dynamic batch size."
    found = _as_maps(show_two(network, path, "method.encoder", advice, "photos"))
    if not all(isinstance(m, Tensor) and m.ndim == 4 and len(m) == 2 for m in found):
        forms = [list(m.shape) if isinstance(m, Tensor) else type(m).__name__ for m in found]
        raise SettingError(
            f"method.encoder: the program {path!r} returns {forms} for two photos, not maps "
            "[2, C, H, W]. Export a module that returns those of its stages, as a tuple.",
            code="no-feature-maps",
            setting="method.encoder.path",
        )
    require_gradient(found, path)
    return sum(m.shape[1] for m in found)
