"""Label maps and features of photos translated into each other: how a reader learns to read."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.networks.class_reader import ClassReader
from unpaired.networks.patchgan import PatchGAN
from unpaired.networks.unet import UNet
from unpaired.objectives import LeastSquares

NOISE: Final = 0.1
"""Added to features that are made, lest they hide the map in what nobody sees."""
HELD: Final = 0.5
"""Weight of the cross-entropy against the first guess, at the end; 1 at the start."""


class FeatureCycle:
    """CycleGAN between label maps and what a given network sees in photos; no photo is made.

    Made photos are poor for long, and a reader that must read them back learns their ways. Features
    are smooth, a tenth of the work, and made well in minutes.

    Reader: features => classes. It learns to read back the features that are made of real maps
    (b→a→b, as a cross-entropy), that its maps look like real ones, and to stay near its first
    guess, with a weight that falls from 1 to `HELD`.

    Maker: maps => features. It learns that its features look like a photo's, and to make a photo's
    own features of what is read there (a→b→a, squared, without gradient to the reader). What no
    map explains is how photos of one map differ: from another photo, that is added to what is made
    before the reader sees it.
    """

    def __init__(self, reader: ClassReader, features: Tensor, maps: Tensor, images: int) -> None:
        """`features` [N, d, *grid] of photos and `maps` [M, classes, *grid] of other buildings.

        `images`: how many of each shall be learned from, counting repeats.
        """
        self.reader, self.features, self.maps, self.images = reader, features, maps, images
        classes, components, size = maps.shape[1], *features.shape[1:3]
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
            network.to(features.device)
            for module in network.modules():
                if isinstance(module, nn.Conv2d):
                    # DCGAN's small weights suit images; features are learned sooner from these.
                    module.reset_parameters()
        self.players = nn.ModuleList([reader.head, self.maker])
        self.objective = LeastSquares()

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Random features and maps, by torch's global generator of their device."""
        features, maps = (
            pile[torch.randint(len(pile), (count,), device=pile.device)]
            for pile in (self.features, self.maps)
        )
        return features, maps

    def players_loss(
        self, features: Tensor, maps: Tensor, done: float
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The loss of reader and maker; and what they made, features and maps.

        `done`: share of the images that have been seen.
        """
        logits = self.reader.classify(features)
        read = logits.softmax(1)
        again, made = self._make(read.detach()), self._make(maps)
        unexplained = (features - again).detach().roll(1, 0)
        back = self.reader.classify(made + unexplained + NOISE * torch.randn_like(made))
        guess = self.reader.guess(features).softmax(1)
        loss = (
            self.objective.generator(self.judge_maps(read))
            + self.objective.generator(self.judge_features(made))
            + F.cross_entropy(back, maps)
            + F.mse_loss(again, features)
            + (1 - (1 - HELD) * done) * F.cross_entropy(logits, guess)
        )
        return loss, (made.detach(), read.detach())

    def judges_loss(self, features: Tensor, maps: Tensor, fakes: tuple[Tensor, Tensor]) -> Tensor:
        """The loss of both discriminators."""
        losses = [
            self.objective.discriminator(judge(real), judge(fake))
            for judge, real, fake in zip(self.judges, (features, maps), fakes, strict=True)
        ]
        return losses[0] + losses[1]

    def _make(self, maps: Tensor) -> Tensor:
        made: Tensor = self.maker(2 * maps - 1)
        return made
