"""CycleGAN: two translators that undo each other (Zhu et al. 2017)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unpaired.core.config import config
from unpaired.data.domain import DIRECTION, OTHER, Domain, DomainName
from unpaired.methods.adversarial import AdversarialMethod
from unpaired.methods.base import Batch, Losses, Networks
from unpaired.methods.feature_cycle import FeatureCycle
from unpaired.networks import Discriminator, FeatureMaps, Generator, PatchGAN, ResNet
from unpaired.networks.feature_segmenter import FeatureSegmenter
from unpaired.networks.label_maps import PaletteInput, PaletteOutput, colours_of
from unpaired.networks.style_encoder import StyleEncoder
from unpaired.objectives import Adversarial, LeastSquares


@config
class CycleGAN(AdversarialMethod):
    """Adversarial loss in both domains and L1 cycle consistency (Zhu et al. 2017, equation 3)."""

    kind: Literal["cyclegan"] = "cyclegan"
    generator: Generator = ResNet()
    """The network that translates; both directions have one each."""
    discriminator: Discriminator = PatchGAN()
    """The network that judges; both domains have one each."""
    adversarial: Adversarial = LeastSquares()
    """What discriminators and generators minimise."""
    cycle_weight: float = 10.0
    """λ of a→b→a (equation 2), and of b→a→b where it has no weight of its own; 0: without it."""
    cycle_weight_b: float | None = None
    """λ of b→a→b; none: as `cycle_weight`."""
    identity_weight: float = 0.0
    """Weight of |G_a2b(b) − b| and |G_b2a(a) − a| (section 5.2: half of λ); needs like channels."""
    cycle_noise: float = 0.0
    """Standard deviation of noise added to a translation before it is translated back, in the units
    of the value range. Without it generators hide what the cycle needs in invisible patterns (Chu
    et al. 2017; the defence is Bashkirova et al. 2019's, section 4.1)."""
    class_channels: bool = False
    """Show networks a domain of label maps (one with a palette) as a channel per class, and let its
    generator choose classes, so that every translation is a valid label map; else as colours."""
    class_looks: tuple[tuple[int, int, int], ...] = ()
    """What each class of the label maps looks like in the other domain, as far as a person can say
    it in one colour, in the order of the palette; needs `class_channels`. Without pairs nothing
    but the layout says which class is which, and a mapping that exchanges bright and dark cycles
    as well: this settles it."""
    looks_weight: float = 0.0
    """Weight of |G(labels) − the looks of their classes|."""
    encoder: FeatureMaps = FeatureMaps()
    """A network trained elsewhere, off whose features photo→labels reads the classes; needs
    `class_channels`. What is where in the label maps says what the features mean at first, and the
    adversarial and cycle losses change it from there. Without: `generator` learns to see."""
    encoder_images: int = 0
    """Photos and label maps that photo→labels learns from before any photo is made, by two
    translators between label maps and features, and the last fifth by its own answers
    (`FeatureCycle`); 0: it begins with the guess."""
    encoder_weight: float = 1.0
    """Weight of the cross-entropy between the classes read and those that were read before any
    photo was made."""
    style_channels: int = 0
    """Numbers of the style that a→b takes beside the image, so that one image of a can have many
    translations; 0: one. A style is read from a real image of b by an encoder, which b→a→b uses
    too: without it, the way back would have to guess what a does not show."""
    style_weight: float = 1.0
    """Weight of reading the style back from the translation (Zhu et al. 2017b, BicycleGAN,
    equation 6): keeps the generator from ignoring it."""
    critic_steps: int = 1
    """Batches that discriminators learn from for each that generators learn from (WGAN: 5)."""
    r1_weight: float = 0.0
    """γ of the zero-centred gradient penalty on real images (R1; Mescheder et al. 2018)."""
    r1_every: int = 16
    """Steps from one R1 to the next (lazy regularisation, StyleGAN2)."""

    @property
    def size_multiple(self) -> int:
        """See `BaseMethod`."""
        return self.generator.size_multiple

    @property
    def fixed_size(self) -> bool:
        """See `BaseMethod`. What is where is known of whole images alone."""
        return self.prepares

    @property
    def prepares(self) -> bool:
        """See `BaseMethod`."""
        return bool(self.encoder.path)

    def problems(self, a: Domain | None, b: Domain, batch_size: int) -> list[str]:
        """See `BaseMethod`."""
        if a is None:
            return ["a is missing: CycleGAN translates between two piles of images. Give --a."]
        found = self.discriminator_problems(batch_size)
        if self.class_channels and not (a.palette or b.palette):
            found.append(
                "method.class_channels is set, but neither a nor b holds label maps. Give the "
                "domain that does the colours of its classes (palette), or leave class_channels "
                "out."
            )
        palettes = [domain.palette for domain in (a, b) if domain.palette]
        if bool(self.class_looks) != (self.looks_weight > 0):
            found.append(
                "method.class_looks and method.looks_weight go together: the colours say what "
                "classes look like, the weight how strongly it counts. Set both or neither."
            )
        elif self.class_looks and not (self.class_channels and len(palettes) == 1):
            found.append(
                "method.class_looks say what classes of label maps look like in photos: they need "
                "method.class_channels, and one domain with a palette."
            )
        elif self.class_looks and len(self.class_looks) != len(palettes[0]):
            found.append(
                f"method.class_looks has {len(self.class_looks)} colours for the "
                f"{len(palettes[0])} classes of the palette. Give one each, in its order."
            )
        if self.encoder.path:
            found += self._encoder_problems(a, b)
        elif self.encoder_images:
            found.append(
                "method.encoder_images is set, but there is no encoder to read with. Give "
                "--method.encoder.path, or leave encoder_images out."
            )
        why = "a generator cannot be fed its own output. Set --method.identity-weight 0, or give"
        if self.identity_weight and a.channels != b.channels:
            found.append(
                f"method.identity_weight is {self.identity_weight:g}, but a has {a.channels} "
                f"channel(s) and b {b.channels}: {why} both domains the same channels."
            )
        if self.identity_weight and a.value_range != b.value_range:
            found.append(
                f"method.identity_weight is {self.identity_weight:g}, but a.value_range is "
                f"{a.value_range} and b.value_range {b.value_range}: {why} both domains the same "
                "range."
            )
        return found

    def _encoder_problems(self, a: Domain, b: Domain) -> list[str]:
        found, photos = [], [domain for domain in (a, b) if not domain.palette]
        if not self.class_channels or len(photos) != 1:
            found.append(
                "method.encoder reads label maps off photos: it needs method.class_channels, and "
                "one domain with a palette."
            )
        elif photos[0].channels != 3:
            found.append("method.encoder takes colour images. Give the photos' domain channels 3.")
        if self.identity_weight:
            found.append(
                "method.encoder sees photos, and method.identity_weight would show it label maps. "
                "Set --method.identity-weight 0."
            )
        if self.style_channels and b.palette:
            found.append(
                "method.encoder reads one label map off a photo, and method.style_channels asks "
                "for many. Set --method.style-channels 0."
            )
        return found

    def prepare(
        self, nets: Networks, piles: Mapping[DomainName, Iterable[Tensor]]
    ) -> FeatureCycle | None:
        """See `BaseMethod`. Photo→labels makes its first guess, and learns from features."""
        (photos,) = (
            name for name in OTHER if feature_segmenter_of(nets.generators[DIRECTION[name]])
        )
        reader, labels = feature_segmenter_of(nets.generators[DIRECTION[photos]]), OTHER[photos]
        seen = nets.discriminators[labels]
        assert reader is not None
        assert isinstance(seen, PaletteInput)
        shares = (seen.shares(each) for each in piles[labels])
        maps = torch.cat([F.adaptive_avg_pool2d(each, reader.grid) for each in shares])
        reader.learn(piles[photos], maps)
        if not self.encoder_images:
            return None
        views = torch.cat([reader.view(each) for each in piles[photos]])
        return FeatureCycle(reader, views, maps, self.encoder_images)

    def build(self, a: Domain | None, b: Domain) -> Networks:
        """See `BaseMethod`."""
        assert a is not None
        style = self.style_channels
        generators: dict[str, nn.Module] = {
            "a2b": self._build_generator(a, b, style),
            "b2a": self._build_generator(b, a, 0),
        }
        discriminators: dict[str, nn.Module] = {
            "a": self._seeing(a, self.discriminator.build(self.channels_of(a), a.size)),
            "b": self._seeing(b, self.discriminator.build(self.channels_of(b), b.size)),
        }
        encoders: dict[str, nn.Module] = {}
        if style:
            encoders["b"] = StyleEncoder(b.channels, b.size, style)
        return Networks(generators, discriminators, encoders)

    def channels_of(self, domain: Domain) -> int:
        """How many channels networks see of a domain: those of its images, or one per class."""
        return len(domain.palette) if self.class_channels and domain.palette else domain.channels

    def _build_generator(self, source: Domain, target: Domain, style: int) -> nn.Module:
        inputs, outputs = self.channels_of(source), self.channels_of(target)
        chooses = self.class_channels and target.holds_labels
        if chooses and self.encoder.path:
            mirrors = source.augmentation.flip
            reader = self.encoder.build(outputs, source.size, source.value_range, mirrors=mirrors)
            return PaletteOutput(reader, target.palette, target.value_range)
        value_range = "signed" if chooses else target.value_range
        network = self.generator.build(inputs, outputs, value_range, style)
        if chooses:
            seeing = self._seeing(source, network)
            return PaletteOutput(seeing, target.palette, target.value_range)
        if self.class_looks and source.palette:
            looks = colours_of(self.class_looks, target.value_range)
            return PaletteInput(network, source.palette, source.value_range, looks)
        return self._seeing(source, network)

    def _seeing(self, domain: Domain, network: nn.Module) -> nn.Module:
        """A network whose input is images of `domain`."""
        if self.class_channels and domain.holds_labels:
            return PaletteInput(network, domain.palette, domain.value_range)
        return network

    def generator_losses(self, nets: Networks, batch: Batch) -> tuple[Losses, dict[str, Tensor]]:
        """See `BaseMethod`."""
        a, b = batch["a"], batch["b"]
        style = style_of_b = None
        if self.style_channels:
            style_of_b = nets.encoders["b"](b)
            # Each image of a takes the style of another real image, as in translation.
            style = style_of_b.detach().roll(1, 0)
            nets.encoders["b"].remember(style)  # type: ignore[operator]
        a2b, b2a = nets.generators["a2b"], nets.generators["b2a"]
        losses: Losses = {}

        if self.identity_weight and self.shares_batches and self.cycle_weight:
            fake_b, same_b = a2b(torch.cat([a, b]), _cat(style, style_of_b)).chunk(2)
            fake_a, same_a, cycled_a = b2a(torch.cat([b, a, self.noisy(fake_b)])).chunk(3)
        else:
            fake_b = self._translate(a2b, a, style, losses)
            fake_a = self._translate(b2a, b, None, losses)
            if self.cycle_weight:
                cycled_a = b2a(self.noisy(fake_b))
            if self.identity_weight:
                same_b, same_a = a2b(b, style_of_b), b2a(a)
        if self.weight_of_cycle_b:
            cycled_b = a2b(self.noisy(fake_a), style_of_b)

        for domain, fake in (("a", fake_a), ("b", fake_b)):
            judged = nets.discriminators[domain](fake)
            losses[f"adversarial_{domain}"] = self.adversarial.generator(judged)
        if self.cycle_weight:
            losses["cycle_a"] = self.cycle_weight * l1(cycled_a, a)
        if self.weight_of_cycle_b:
            losses["cycle_b"] = self.weight_of_cycle_b * l1(cycled_b, b)
        if self.looks_weight:
            for target, generator, labels, fake in (("a", b2a, b, fake_a), ("b", a2b, a, fake_b)):
                if isinstance(generator, PaletteInput):
                    looks = generator.look(labels, fake.shape[1])
                    losses[f"looks_{target}"] = self.looks_weight * l1(fake, looks)
        if self.identity_weight:
            losses["identity_a"] = self.identity_weight * l1(same_a, a)
            losses["identity_b"] = self.identity_weight * l1(same_b, b)
        if style is not None:
            losses["style"] = self.style_weight * l1(nets.encoders["b"](fake_b), style)
        return losses, {"a": fake_a.detach(), "b": fake_b.detach()}

    def _translate(
        self, generator: nn.Module, images: Tensor, style: Tensor | None, losses: Losses
    ) -> Tensor:
        """A translation; if it is read off features, `losses` gets what leaving the guess costs."""
        if reader := feature_segmenter_of(generator):
            scores, departure = reader.read(images)
            losses["departure"] = self.encoder_weight * departure
            painted: Tensor = generator.paint(scores)  # type: ignore[operator]
            return painted
        output: Tensor = generator(images, style)
        return output

    def fakes(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """See `BaseMethod`."""
        a, b = batch["a"], batch["b"]
        style = nets.encoders["b"](b).roll(1, 0) if self.style_channels else None
        return {"a": nets.generators["b2a"](b), "b": nets.generators["a2b"](a, style)}

    def draw_styles(self, nets: Networks, count: int, random: torch.Generator) -> Tensor | None:
        """See `BaseMethod`."""
        if not self.style_channels:
            return None
        styles: Tensor = nets.encoders["b"].draw(count, random)  # type: ignore[operator]
        return styles

    def translate(
        self, nets: Networks, images: Tensor, to: DomainName, style: Tensor | None = None
    ) -> Tensor:
        """See `BaseMethod`."""
        output: Tensor = (
            nets.generators["a2b"](images, style) if to == "b" else nets.generators["b2a"](images)
        )
        return output

    def translate_back(
        self, nets: Networks, translated: Tensor, original: Tensor, to: DomainName
    ) -> Tensor:
        """See `BaseMethod`."""
        style = nets.encoders["b"](original) if self.style_channels and to == "b" else None
        return self.translate(nets, translated, to, style)

    def noisy(self, fake: Tensor) -> Tensor:
        """A translation as the way back sees it."""
        return fake + self.cycle_noise * torch.randn_like(fake) if self.cycle_noise else fake

    @property
    def weight_of_cycle_b(self) -> float:
        """λ of b→a→b."""
        return self.cycle_weight if self.cycle_weight_b is None else self.cycle_weight_b

    @property
    def shares_batches(self) -> bool:
        """Whether a generator may see images of several roles in one batch: not with batch norm."""
        return self.generator.norm != "batch"


def feature_segmenter_of(generator: nn.Module) -> FeatureSegmenter | None:
    """What reads classes off features in a generator, if it has that."""
    classes = generator.classes if isinstance(generator, PaletteOutput) else None
    return classes if isinstance(classes, FeatureSegmenter) else None


def l1(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (x - y).abs().mean()


def _cat(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    return None if first is None or second is None else torch.cat([first, second])
