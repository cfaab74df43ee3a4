"""CycleGAN: two translators that undo each other (Zhu et al. 2017)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from unpaired.core.config import Natural, NonNegative, config
from unpaired.data.domain import DIRECTION, OTHER, Domain, DomainName
from unpaired.methods.adversarial import AdversarialMethod
from unpaired.methods.networks import Networks
from unpaired.methods.protocols import Batch, Losses, Translates
from unpaired.networks import Generator, ResNet
from unpaired.networks.style_encoder import StyleEncoder
from unpaired.objectives.class_colours import class_colour_problems, class_colours
from unpaired.objectives.content import l1


@config
class CycleGAN(AdversarialMethod, Translates):
    """Adversarial loss in both domains and L1 cycle consistency (Zhu et al. 2017, equation 3)."""

    kind: Literal["cyclegan"] = "cyclegan"
    generator: Generator = ResNet()
    """The network that translates; both directions have one each."""
    cycle_weight: NonNegative = 10.0
    """λ of a→b→a (equation 2), and of b→a→b where it has no weight of its own; 0: without it."""
    cycle_weight_b: NonNegative | None = None
    """λ of b→a→b; none: as `cycle_weight`."""
    identity_weight: NonNegative = 0.0
    """Weight of |G_a2b(b) − b| and |G_b2a(a) − a| (section 5.2: half of λ); needs like channels."""
    cycle_noise: NonNegative = 0.0
    """Standard deviation of noise added to a translation before it is translated back, in the units
    of the value range. Without it generators hide what the cycle needs in invisible patterns (Chu
    et al. 2017; the defence is Bashkirova et al. 2019's, section 4.1)."""
    class_colours: tuple[tuple[int, int, int], ...] = ()
    """Typical colour of each class in photos, in the order of the palette, where one domain holds
    label maps; see `objectives.class_colours`."""
    class_colours_weight: NonNegative = 0.0
    """Weight of |G(labels) − the colours of their classes|."""
    style_channels: Natural = 0
    """Numbers of the style that a→b takes beside the image, so that one image of a can have many
    translations; 0: one. A style is read from a real image of b by an encoder, which b→a→b uses
    too: without it, the reconstruction would have to guess what a does not show."""
    style_weight: NonNegative = 1.0
    """Weight of reading the style back from the translation (Zhu et al. 2017b, BicycleGAN,
    equation 6): keeps the generator from ignoring it."""

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {
        "class_looks": "class_colours",
        "looks_weight": "class_colours_weight",
    }

    @property
    def size_multiple(self) -> int:
        """See `Translates`."""
        return self.generator.size_multiple

    def problems(self, a: Domain | None, b: Domain, batch_size: int) -> list[str]:
        """See `Learns`."""
        if a is None:
            return ["a is missing: CycleGAN translates between two sets of images. Give --a."]
        seen = {"a": a.representation, "b": b.representation}
        problems = self.discriminator_problems(batch_size)
        problems += class_colour_problems(self.class_colours, self.class_colours_weight, seen)
        forms = [f"{each.channels} {each.values} channel(s)" for each in seen.values()]
        if self.identity_weight and forms[0] != forms[1]:
            problems.append(
                f"method.identity_weight is {self.identity_weight:g}, but networks see {forms[0]} "
                f"of a and {forms[1]} of b: a generator cannot take its own output. Set "
                "--method.identity-weight 0, or give both the same channels and value_range."
            )
        return problems

    def build(self, a: Domain | None, b: Domain) -> Networks:
        """See `Learns`."""
        assert a is not None
        style = self.style_channels
        generators = {"a2b": self.build_generator(a, b, style), "b2a": self.build_generator(b, a)}
        seen = {"a": a.representation, "b": b.representation}
        discriminators = {
            name: self.discriminator.build(each.channels, b.size) for name, each in seen.items()
        }
        encoders = {"b": StyleEncoder(seen["b"].channels, b.size, style)} if style else {}
        terms = class_colours(self.class_colours, seen)
        return Networks(generators, discriminators, encoders, terms)

    def build_generator(self, source: Domain, target: Domain, style_channels: int = 0) -> nn.Module:
        """The generator of one direction."""
        before, after = source.representation, target.representation
        return self.generator.build(before.channels, after.channels, after.values, style_channels)

    def generator_losses(self, nets: Networks, batch: Batch) -> tuple[Losses, dict[str, Tensor]]:
        """See `Learns`."""
        a, b = batch["a"], batch["b"]
        style = style_of_b = None
        if self.style_channels:
            style_of_b = nets.encoders["b"](b)
            # Each image of a takes the style of another real image, as in translation.
            style = style_of_b.detach().roll(1, 0)
            nets.encoders["b"].remember(style)  # type: ignore[operator]
        a2b, b2a = nets.generators["a2b"], nets.generators["b2a"]
        cycle_weight_b = self.cycle_weight if self.cycle_weight_b is None else self.cycle_weight_b
        losses: Losses = {}
        # Batch norm must not see images of several roles in one batch.
        if self.identity_weight and self.cycle_weight and self.generator.norm != "batch":
            styles = None if style is None else torch.cat([style, style_of_b])  # type: ignore[list-item]
            fake_b, same_b = a2b(torch.cat([a, b]), styles).chunk(2)
            fake_a, same_a, cycled_a = b2a(torch.cat([b, a, self.noisy(fake_b)])).chunk(3)
        else:
            fake_b = self.translation(a2b, a, style, losses)
            fake_a = self.translation(b2a, b, None, losses)
            if self.cycle_weight:
                cycled_a = b2a(self.noisy(fake_b))
            if self.identity_weight:
                same_b, same_a = a2b(b, style_of_b), b2a(a)
        if cycle_weight_b:
            cycled_b = a2b(self.noisy(fake_a), style_of_b)

        fakes = {"a": fake_a, "b": fake_b}
        for name, fake in fakes.items():
            logits = nets.discriminators[name](fake)
            losses[f"adversarial_{name}"] = self.adversarial.generator(logits)
        if self.cycle_weight:
            losses["cycle_a"] = self.cycle_weight * l1(cycled_a, a)
        if cycle_weight_b:
            losses["cycle_b"] = cycle_weight_b * l1(cycled_b, b)
        for target, term in nets.training_only.items():
            distance = term(b if target == "a" else a, fakes[target])
            losses[f"class_colours_{target}"] = self.class_colours_weight * distance
        if self.identity_weight:
            losses["identity_a"] = self.identity_weight * l1(same_a, a)
            losses["identity_b"] = self.identity_weight * l1(same_b, b)
        if style is not None:
            losses["style"] = self.style_weight * l1(nets.encoders["b"](fake_b), style)
        return losses, {name: fake.detach() for name, fake in fakes.items()}

    def translation(
        self, generator: nn.Module, images: Tensor, style: Tensor | None, losses: Losses
    ) -> Tensor:
        """A translation of real images; methods that extend this one add to `losses` here."""
        del losses
        output: Tensor = generator(images, style)
        return output

    def fakes(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """See `Learns`."""
        style = nets.encoders["b"](batch["b"]).roll(1, 0) if self.style_channels else None
        fake_b = nets.generators["a2b"](batch["a"], style)
        return {"a": nets.generators["b2a"](batch["b"]), "b": fake_b}

    def draw_styles(self, nets: Networks, count: int, random: torch.Generator) -> Tensor | None:
        """See `Translates`."""
        if not self.style_channels:
            return None
        styles: Tensor = nets.encoders["b"].draw(count, random)  # type: ignore[operator]
        return styles

    def translate(
        self, nets: Networks, images: Tensor, to: DomainName, style: Tensor | None = None
    ) -> Tensor:
        """See `Translates`."""
        generator = nets.generators[DIRECTION[OTHER[to]]]
        output: Tensor = generator(images, style if to == "b" else None)
        return output

    def translate_back(
        self, nets: Networks, translated: Tensor, original: Tensor, to: DomainName
    ) -> Tensor:
        """See `Translates`."""
        style = nets.encoders["b"](original) if self.style_channels and to == "b" else None
        return self.translate(nets, translated, to, style)

    def noisy(self, fake: Tensor) -> Tensor:
        """A translation as the other generator gets it to reconstruct the original."""
        return fake + self.cycle_noise * torch.randn_like(fake) if self.cycle_noise else fake
