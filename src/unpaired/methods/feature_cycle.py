"""Label maps and features of photos translated into each other: how a reader learns to read."""

from __future__ import annotations

import copy
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.networks.feature_segmenter import FeatureSegmenter
from unpaired.networks.patchgan import PatchGAN
from unpaired.networks.unet import UNet
from unpaired.objectives import LeastSquares

NOISE: Final = 0.1
"""Added to features that are made, lest they hide the map in what nobody sees."""
HELD: Final = 0.5
"""Weight of the hold, at the end of the game; 1 at the start."""
TRUSTED: Final = 0.5
"""Share of a reader's own average in what it is held to, from the middle of the game on."""
DROPPED: Final = 0.5
"""Share of the components that a reader does without while it studies."""
SHARPENED: Final = 2
"""Power of the probabilities that it studies."""


class FeatureCycle:
    """CycleGAN between label maps and what a given network sees in photos; no photo is made.

    Made photos are poor for long, and a reader that must read them back learns their ways. Features
    are smooth, a tenth of the work, and made well in minutes.

    Reader: features => classes. It learns to read back the features that are made of real maps
    (b→a→b, as a cross-entropy), that its maps look like real ones, and to stay near its first
    guess, with a weight that falls from 1 to `HELD`. Half of that guess is replaced, later, by what
    the average of its last weights says of a photo and of its mirror image (a mean teacher;
    Tarvainen & Valpola 2017).

    Maker: maps => features. It learns that its features look like a photo's, and to make a photo's
    own features of what is read there (a→b→a, squared, without gradient to the reader). What no
    map explains is how photos of one map differ: from another photo, that is added to what is made
    before the reader sees it.

    After the game the reader says what is plausible, as discriminators ask for. What is likeliest
    it learns by study: its own answers, averaged and sharpened, from half of the components (as in
    Noisy Student; Xie et al. 2020).
    """

    def __init__(self, reader: FeatureSegmenter, views: Tensor, maps: Tensor, images: int) -> None:
        """`views` [N, views, d, *grid] of photos, as `FeatureSegmenter.view` gives them, and `maps`
        [M, classes, *grid] of other buildings.

        `images`: how many of each shall be learned from, counting repeats.
        """
        self.reader, self.views, self.maps, self.images = reader, views, maps, images
        self.average = copy.deepcopy(reader.head).requires_grad_(False)
        classes, components, size = maps.shape[1], *views.shape[2:4]
        maker = UNet(
            width=64,
            downsamplings=2,
            blocks=2,
            norm="instance",
            upsampling="resize",
            full_size_skip=True,
        ).build(classes, components, "signed")
        maker.activation = nn.Identity()  # features have no range
        judge = PatchGAN(width=64, layers=2, norm="instance")
        self.maker = maker
        self.judge_features = judge.build(components, size)
        self.judge_maps = judge.build(classes, size)
        self.judges = nn.ModuleList([self.judge_features, self.judge_maps])
        for network in (self.maker, self.judges):
            network.to(views.device)
            for module in network.modules():
                if isinstance(module, nn.Conv2d):
                    # DCGAN's small weights suit images; features are learned sooner from these.
                    module.reset_parameters()
        self.players = nn.ModuleList([reader.head, self.maker])
        self.objective = LeastSquares()

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Random views and maps, by torch's global generator of their device."""
        views, maps = (
            pile[torch.randint(len(pile), (count,), device=pile.device)]
            for pile in (self.views, self.maps)
        )
        return views, maps

    def players_loss(
        self, views: Tensor, maps: Tensor, done: float
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The loss of reader and maker; and what they made, features and maps.

        `done`: share of the game that is over.
        """
        features = views[:, 0]
        logits = self.reader.classify(features)
        read = logits.softmax(1)
        again, made = self._make(read.detach()), self._make(maps)
        unexplained = (features - again).detach().roll(1, 0)
        back = self.reader.classify(made + unexplained + NOISE * torch.randn_like(made))
        trust = TRUSTED * min(max(4 * done - 1, 0), 1)
        held = self.reader.guess(features).exp().lerp(self._answer(views).exp(), trust)
        loss = (
            self.objective.generator(self.judge_maps(read))
            + self.objective.generator(self.judge_features(made))
            + F.cross_entropy(back, maps)
            + F.mse_loss(again, features)
            + (1 - (1 - HELD) * done) * F.cross_entropy(logits, held)
        )
        return loss, (made.detach(), read.detach())

    def judges_loss(self, views: Tensor, maps: Tensor, fakes: tuple[Tensor, Tensor]) -> Tensor:
        """The loss of both discriminators."""
        losses = [
            self.objective.discriminator(judge(real), judge(fake))
            for judge, real, fake in zip(self.judges, (views[:, 0], maps), fakes, strict=True)
        ]
        return losses[0] + losses[1]

    def study_loss(self, views: Tensor) -> Tensor:
        """The cross-entropy of the reader without some components against the answers."""
        features = views[:, 0]
        seen = F.dropout2d(features, DROPPED)
        logits = self.reader.guess(features) + self.reader.head(seen).float()
        return F.cross_entropy(logits, (SHARPENED * self._answer(views)).softmax(1))

    @torch.no_grad()
    def _answer(self, views: Tensor) -> Tensor:
        """What the reader's average says, as logarithms."""
        return self.reader.agree(views, self.average)

    def _make(self, maps: Tensor) -> Tensor:
        made: Tensor = self.maker(2 * maps - 1)
        return made
