"""CycleGAN: two translators that undo each other (Zhu et al. 2017)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from unpaired.config import config
from unpaired.data.domain import Domain
from unpaired.methods.method import Batch, Losses, Networks
from unpaired.networks import Discriminator, Generator, PatchGAN, ResNet
from unpaired.networks.palette import PaletteInput, PaletteOutput
from unpaired.networks.style import StyleEncoder
from unpaired.objectives import Adversarial, LeastSquares


@config
class CycleGAN:
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
    style_channels: int = 0
    """Numbers of the style that a→b takes beside the image, so that one image of a can have many
    translations; 0: one. A style is read from a real image of b by an encoder, which b→a→b uses
    too: without it, the way back would have to guess what a does not show."""
    style_weight: float = 1.0
    """Weight of reading the style back from the translation (Zhu et al. 2017b, BicycleGAN,
    equation 6): keeps the generator from ignoring it."""

    def build(self, a: Domain, b: Domain) -> Networks:
        """Networks for two domains, freshly initialised from torch's global generator."""
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
        value_range = "signed" if chooses else target.value_range
        network = self._seeing(source, self.generator.build(inputs, outputs, value_range, style))
        if chooses:
            return PaletteOutput(network, target.palette, target.value_range)
        return network

    def _seeing(self, domain: Domain, network: nn.Module) -> nn.Module:
        """A network whose input is images of `domain`."""
        if self.class_channels and domain.holds_labels:
            return PaletteInput(network, domain.palette, domain.value_range)
        return network

    def generator_losses(self, nets: Networks, batch: Batch) -> tuple[Losses, dict[str, Tensor]]:
        """Weighted losses of generators and encoders, and the fakes that discriminators will judge.

        `batch` holds `a` and `b`, NCHW in the domains' value ranges. Random numbers come from
        torch's global generators, which the engine seeds for each step.
        """
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
            fake_b = a2b(a, style)
            fake_a = b2a(b)
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
        if self.identity_weight:
            losses["identity_a"] = self.identity_weight * l1(same_a, a)
            losses["identity_b"] = self.identity_weight * l1(same_b, b)
        if style is not None:
            losses["style"] = self.style_weight * l1(nets.encoders["b"](fake_b), style)
        return losses, {"a": fake_a.detach(), "b": fake_b.detach()}

    def discriminator_losses(
        self, nets: Networks, batch: Batch, fakes: dict[str, Tensor]
    ) -> Losses:
        """The adversarial loss of each discriminator, on real images and (pooled) fakes."""
        losses: Losses = {}
        for domain in ("a", "b"):
            judge, real, fake = nets.discriminators[domain], batch[domain], fakes[domain]
            if self.discriminator.couples_images:
                judged_real, judged_fake = judge(real), judge(fake)
            else:
                judged_real, judged_fake = judge(torch.cat([real, fake])).chunk(2)
            losses[domain] = self.adversarial.discriminator(judged_real, judged_fake)
        return losses

    def draw_styles(self, nets: Networks, count: int, random: torch.Generator) -> Tensor | None:
        """`count` random styles for a→b, [count, style_channels]; none where it has no style."""
        if not self.style_channels:
            return None
        styles: Tensor = nets.encoders["b"].draw(count, random)  # type: ignore[operator]
        return styles

    def translate(
        self, nets: Networks, images: Tensor, to: Literal["a", "b"], style: Tensor | None = None
    ) -> Tensor:
        """NCHW of one domain => NCHW of the other, `style` [N, style_channels] for a→b."""
        output: Tensor = (
            nets.generators["a2b"](images, style) if to == "b" else nets.generators["b2a"](images)
        )
        return output

    def translate_back(
        self, nets: Networks, translated: Tensor, original: Tensor, to: Literal["a", "b"]
    ) -> Tensor:
        """The second half of a cycle: back `to` the domain of `original`, in its own style."""
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


def l1(x: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (x - y).abs().mean()


def _cat(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    return None if first is None or second is None else torch.cat([first, second])
