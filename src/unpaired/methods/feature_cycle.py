"""Feature cycle: label maps and features of photos translated into each other, before any photo is.

How a feature segmenter learns classes that nobody paired, as a training stage.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.core.config import Natural, NonNegative, Positive, config
from unpaired.data.domain import DIRECTION, OTHER, DomainName
from unpaired.methods.networks import Networks
from unpaired.methods.stages import Optimised, StageData, Update
from unpaired.networks.feature_segmenter import FeatureSegmenter
from unpaired.networks.patchgan import PatchGAN
from unpaired.networks.unet import UNet
from unpaired.objectives import LeastSquares


@config
class FeatureCycle:
    """How photo→labels learns from features, before any photo is translated."""

    images: Natural = 0
    """Photos and label maps learned from, counting repeats; 0: it begins with the first guess."""
    batch_size: Positive = 16
    """Features and label maps per step."""
    guess_images: Natural = 1_000
    """Most images of each domain that the first guess is made from, and all that is learned here;
    each twice where there are fewer."""
    learning_rate: NonNegative = 5e-4
    """Step size of Adam in the cycle; it falls to zero in the second half."""
    cycle_noise: NonNegative = 0.1
    """Standard deviation of noise added to generated features, lest they hide the map in what
    nobody sees."""
    guess_weight: NonNegative = 0.5
    """Weight of staying near the first guess at the end of the cycle; 1 at the start."""
    teacher_share: NonNegative = 0.5
    """Share of the segmenter's own average in that guess, from the middle of the cycle on (a mean
    teacher; Tarvainen & Valpola 2017)."""
    teacher_rate: NonNegative = 0.02
    """Share of the newest weights in that average, each step."""
    self_training_share: NonNegative = 0.2
    """Share of the images that are left for self-training, after the cycle."""
    self_training_rate: NonNegative = 1e-3
    """Step size of Adam in self-training, which falls to zero."""
    dropout: NonNegative = 0.5
    """Share of the components that the segmenter does without in self-training (Noisy Student; Xie
    et al. 2020)."""
    sharpening: NonNegative = 2.0
    """Power of the probabilities that self-training takes for true."""

    name: ClassVar[str] = "feature cycle"
    seeded_by: ClassVar[str] = "preparation"
    labelled: ClassVar[tuple[DomainName, ...]] = ()
    advice: ClassVar[str] = "Set --method.feature-cycle.images 0."

    def begin(self, nets: Networks, data: StageData) -> FeatureCycleTraining | None:
        """See `Stage`. Photo→labels makes its first guess, and learns from features."""
        ((photos, segmenter),) = (
            (name, generator)
            for name in OTHER
            if isinstance(generator := nets.generators[DIRECTION[name]], FeatureSegmenter)
        )
        label_maps = data.first_batches(OTHER[photos], self.guess_images)
        shares = ((channels + 1) / 2 for channels in label_maps)
        maps = torch.cat([F.adaptive_avg_pool2d(each, segmenter.grid) for each in shares])
        segmenter.learn(data.first_batches(photos, self.guess_images), maps)
        if not self.images:
            return None
        views = [segmenter.view(each) for each in data.first_batches(photos, self.guess_images)]
        return FeatureCycleTraining(self, segmenter, torch.cat(views), maps)


class FeatureCycleTraining:
    """CycleGAN between label maps and what a network sees in photos; no photo is generated.

    Generated photos are poor for long, and a segmenter that must read them back learns their ways.
    Features are smooth, a tenth of the work, and generated well in minutes.

    Segmenter: features => classes. It learns to read back the features that are generated of real
    maps (b→a→b, as a cross-entropy), that its maps look like real ones, and to stay near its first
    guess, with a weight that falls. A share of that guess is replaced, later, by what the average
    of its last weights says of a photo and of its mirror image.

    Feature generator: maps => features. It learns that its features look like a photo's, and to
    generate a photo's own features from what is read there (a→b→a, squared, without gradient to the
    segmenter). What no map explains is how photos of one map differ: from another photo, that is
    added to what is generated before the segmenter sees it.

    After the cycle the segmenter says what is plausible, as discriminators ask for. What is
    likeliest it learns by self-training: from its own answers, averaged and sharpened, with half of
    the components.
    """

    def __init__(
        self, settings: FeatureCycle, segmenter: FeatureSegmenter, views: Tensor, maps: Tensor
    ) -> None:
        """`views` [N, views, d, *grid] of photos, as `FeatureSegmenter.view` gives them, and `maps`
        [M, classes, *grid] of other buildings."""
        self.settings, self.segmenter, self.views, self.maps = settings, segmenter, views, maps
        self.average = copy.deepcopy(segmenter.head).requires_grad_(False)
        classes, components, size = maps.shape[1], *views.shape[2:4]
        self.feature_generator = UNet(
            width=64,
            downsamplings=2,
            blocks=2,
            norm="instance",
            upsampling="resize",
            full_size_skip=True,
        ).build(classes, components, "signed")
        self.feature_generator.activation = nn.Identity()  # features have no range
        discriminator = PatchGAN(width=64, layers=2, norm="instance")
        self.of_features = discriminator.build(components, size)
        self.of_maps = discriminator.build(classes, size)
        self.discriminators = nn.ModuleList([self.of_features, self.of_maps])
        for network in (self.feature_generator, self.discriminators):
            network.to(views.device)
            for module in network.modules():
                if isinstance(module, nn.Conv2d):
                    # DCGAN's small weights suit images; features are learned sooner from these.
                    module.reset_parameters()
        self.translators = nn.ModuleList([segmenter.head, self.feature_generator])
        self.objective = LeastSquares()

        self.batch_size = settings.batch_size
        steps = max(settings.images // self.batch_size, 1)
        self.images = steps * self.batch_size
        self.end_of_cycle = round((1 - settings.self_training_share) * steps) * self.batch_size
        self.networks: nn.Module = nn.ModuleList(
            [self.translators, self.discriminators, self.average]
        )
        self.optimised = {
            "translators": Optimised(list(self.translators.parameters()), beta1=0.5),
            "discriminators": Optimised(list(self.discriminators.parameters()), beta1=0.5),
            "student": Optimised(list(segmenter.head.parameters())),
        }
        self.generators: dict[str, torch.Generator] = {}

    def updates(self, images: int) -> Iterator[Update]:
        """See `StageTraining`: steps of the cycle, then steps of self-training."""
        if images < self.end_of_cycle:
            yield from self._cycle_updates(images / self.end_of_cycle)
            return
        if images == self.end_of_cycle:
            self.segmenter.head.load_state_dict(self.average.state_dict())
        left = (self.images - images) / (self.images - self.end_of_cycle)
        views, _ = self.draw(self.batch_size)
        loss = self.self_training_loss(views)
        yield Update("student", loss, self.settings.self_training_rate * left)

    def _cycle_updates(self, done: float) -> Iterator[Update]:
        rate = self.settings.learning_rate * min(1.0, 2 * (1 - done))
        views, maps = self.draw(self.batch_size)
        self.discriminators.requires_grad_(False)
        loss, fakes = self.translator_loss(views, maps, done)
        yield Update("translators", loss, rate)
        self.discriminators.requires_grad_(True)
        yield Update("discriminators", self.discriminator_loss(views, maps, fakes), rate)
        heads = zip(self.average.parameters(), self.segmenter.head.parameters(), strict=True)
        with torch.no_grad():
            for average, newest in heads:
                average.lerp_(newest, self.settings.teacher_rate)

    def finish(self) -> None:
        """See `StageTraining`."""
        taught = self.end_of_cycle < self.images  # else the average is what was learned
        self.segmenter.keep(self.segmenter.head if taught else self.average)

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Random views and maps, by torch's global generator of their device."""
        views, maps = (
            each[torch.randint(len(each), (count,), device=each.device)]
            for each in (self.views, self.maps)
        )
        return views, maps

    def translator_loss(
        self, views: Tensor, maps: Tensor, done: float
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """The loss of segmenter and feature generator; and their outputs, features and maps.

        `done`: share of the cycle that is over.
        """
        settings, features = self.settings, views[:, 0]
        logits = self.segmenter.classify(features)
        classes = logits.softmax(1)
        cycled, fake = self._generate(classes.detach()), self._generate(maps)
        unexplained = (features - cycled).detach().roll(1, 0)
        noise = settings.cycle_noise * torch.randn_like(fake)
        back = self.segmenter.classify(fake + unexplained + noise)
        trust = settings.teacher_share * min(max(4 * done - 1, 0), 1)
        guess = self.segmenter.guess(features).exp().lerp(self._answer(views).exp(), trust)
        loss = (
            self.objective.generator(self.of_maps(classes))
            + self.objective.generator(self.of_features(fake))
            + F.cross_entropy(back, maps)
            + F.mse_loss(cycled, features)
            + (1 - (1 - settings.guess_weight) * done) * F.cross_entropy(logits, guess)
        )
        return loss, (fake.detach(), classes.detach())

    def discriminator_loss(
        self, views: Tensor, maps: Tensor, fakes: tuple[Tensor, Tensor]
    ) -> Tensor:
        """The loss of both discriminators."""
        losses = [
            self.objective.discriminator(discriminator(real), discriminator(fake))
            for discriminator, real, fake in zip(
                self.discriminators, (views[:, 0], maps), fakes, strict=True
            )
        ]
        return losses[0] + losses[1]

    def self_training_loss(self, views: Tensor) -> Tensor:
        """The cross-entropy of the segmenter without some components against the answers."""
        features = views[:, 0]
        some = F.dropout2d(features, self.settings.dropout)
        logits = self.segmenter.guess(features) + self.segmenter.head(some).float()
        answers = (self.settings.sharpening * self._answer(views)).softmax(1)
        return F.cross_entropy(logits, answers)

    @torch.no_grad()
    def _answer(self, views: Tensor) -> Tensor:
        """What the segmenter's average says, as logarithms."""
        return self.segmenter.agree(views, self.average)

    def _generate(self, maps: Tensor) -> Tensor:
        features: Tensor = self.feature_generator(2 * maps - 1)
        return features
