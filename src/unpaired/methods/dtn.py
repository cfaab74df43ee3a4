"""Domain Transfer Network: G = g∘f, where f describes an image of either domain.

Taigman, Polyak & Wolf, "Unsupervised cross-domain image generation", 2017; Chandar et al. 2019.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from unpaired.core.config import NonNegative, Positive, config
from unpaired.data.domain import Direction, Domain, DomainName
from unpaired.data.jitter import STILL, Jitter
from unpaired.methods.adversarial import augment_input, coupling_problems
from unpaired.methods.networks import Networks
from unpaired.methods.pretraining import Pretraining
from unpaired.methods.protocols import Batch, Classifies, Encodes, Learns, Losses, Translates
from unpaired.methods.shared_encoder import SharedEncoder
from unpaired.methods.stages import Stage
from unpaired.networks import CNN, ClassEncoder, Decoder, Encoder
from unpaired.objectives import ternary
from unpaired.objectives.content import Constancy, constancy, total_variation
from unpaired.objectives.penalties import zero_centred


@config
class DTN(Learns, Translates, Classifies, Encodes):
    """Translates a to b so that an encoder sees the same in both (Taigman et al. 2017, eq. 2)."""

    kind: Literal["dtn"] = "dtn"
    encoder: Encoder = ClassEncoder()
    """f: describes images of both domains. It learns a's classes first, and then stays as it is."""
    generator: Decoder = Decoder()
    """g: makes an image of b from such a description."""
    discriminator: CNN = CNN(width=64, spectral_norm=True)
    """D: tells apart translations of a, translations of b, and real images of b."""
    adversarial_weight: NonNegative = 1.0
    """Weight of L_GANG (equation 4)."""
    constancy: Constancy = "cosine"
    """d in L_CONST: "squared" difference, or "cosine"."""
    constancy_weight: NonNegative = 15.0
    """α, of L_CONST: f(G(a)) as f(a)."""
    identity_weight: NonNegative = 15.0
    """β, of L_TID: the squared difference between G(b) and b."""
    smoothness_weight: NonNegative = 0.0
    """γ, of L_TV: squared differences between neighbouring pixels of all that G makes."""
    class_weight: NonNegative = 0.0
    """Weight of f's classes of G(a) being those of a (cross entropy against what f says of a, not
    against labels): features may move where no class changes."""
    constancy_noise: NonNegative = 0.0
    """Standard deviation of noise added to G(a) before f sees it, in the units of the value range:
    what only f can see in an image is drowned."""
    standardise: bool = False
    """Bring f's features to mean 0 and variance 1, in a and in b by their own statistics: what f
    sees of the domain is taken away, and what tells images of one domain apart is left."""
    discriminator_jitter: Jitter = STILL
    """Random changes through which D sees all images, real and fake: of few images of b it knows
    each one otherwise, and not what they have in common (DiffAugment; Zhao et al. 2020)."""
    critic_steps: Positive = 1
    """Batches that the discriminator learns from for each that the generator learns from."""
    r1_weight: NonNegative = 0.0
    """γ of the zero-centred gradient penalty on real images (R1; Mescheder et al. 2018)."""
    r1_every: Positive = 16
    """Steps from one R1 to the next (lazy regularisation, StyleGAN2)."""
    encoder_training: Pretraining = Pretraining()
    """How f learns the labels of a."""

    directions: ClassVar[tuple[Direction, ...]] = ("a2b",)

    @property
    def fixed_size(self) -> bool:
        """See `Translates`."""
        return True

    @property
    def penalty_every(self) -> int:
        """See `Learns`."""
        return self.r1_every if self.r1_weight else 0

    @property
    def num_classes(self) -> int:
        """See `Classifies`."""
        return self.encoder.num_classes

    def stages(self) -> tuple[Stage, ...]:
        """See `Learns`."""
        return (self.encoder_training,) if self.encoder.learns_labels else ()

    def problems(self, a: Domain | None, b: Domain, batch_size: int) -> list[str]:
        """See `Learns`."""
        if a is None:
            return ["a is missing: DTN translates one set of images to another. Give --a."]
        penalty = "R1" if self.r1_weight else None
        problems = coupling_problems(self.discriminator, penalty, batch_size)
        problems += self._pretraining_problems()
        if type(a.representation) is not type(b.representation):
            problems.append(
                "one encoder sees both domains, but one of them as class channels and the other as "
                "images. Set --a.label-channels colours or --b.label-channels colours."
            )
        if self.class_weight and self.standardise:
            problems.append(
                "method.class_weight asks for classes of features as f makes them, and "
                "method.standardise changes them. Set --method.class-weight 0, or "
                "--method.no-standardise."
            )
        if self.class_weight and not self.encoder.learns_labels:
            problems.append(
                f"method.class_weight is {self.class_weight:g}, but an encoder trained "
                "elsewhere knows no classes. Set --method.class-weight 0, or "
                "--method.encoder.kind class-encoder."
            )
        return problems

    def _pretraining_problems(self) -> list[str]:
        learning, problems = self.encoder_training, []
        if not self.encoder.learns_labels:
            return []
        if learning.images < learning.batch_size:
            problems.append(
                f"method.encoder_training.images is {learning.images}, less than one batch. Set "
                f"--method.encoder-training.images {100 * learning.batch_size} or more."
            )
        normed = isinstance(self.encoder, ClassEncoder) and self.encoder.norm == "batch"
        if learning.batch_size == 1 and normed:
            problems.append(
                "method.encoder_training.batch_size is 1, but the encoder's batch norm compares "
                "the images of a batch. Set --method.encoder-training.batch-size 32, or "
                "--method.encoder.norm none."
            )
        return problems

    def build(self, a: Domain | None, b: Domain) -> Networks:
        """See `Learns`."""
        assert a is not None
        standardised = self.encoder.features if self.standardise else 0
        encoder = SharedEncoder(
            self.encoder.build(a.representation.channels, a.size), a, b, standardised
        )
        channels, values = b.representation.channels, b.representation.values
        generator = self.generator.build(self.encoder.features, channels, b.size, values)
        discriminator = self.discriminator.build(channels, b.size, ternary.NUM_CLASSES)
        augment_input(discriminator, self.discriminator_jitter, values)
        return Networks({"a2b": generator}, {"b": discriminator}, {"a": encoder})

    def generator_losses(self, nets: Networks, batch: Batch) -> tuple[Losses, dict[str, Tensor]]:
        """See `Learns`. `fakes` holds G(a) as "a" and G(b) as "b"."""
        a, b = batch["a"], batch["b"]
        encode = nets.encoders["a"]
        described = encode(a, "a", learn=True)
        fakes = self._translate_both(nets, described, encode(b, "b", learn=True))
        discriminator = nets.discriminators["b"]
        noisy = fakes["a"]
        if self.constancy_noise:
            noisy = noisy + self.constancy_noise * torch.randn_like(noisy)
        kept = encode(noisy, "b")
        adversarial = ternary.generator(discriminator(fakes["a"]), discriminator(fakes["b"]))
        moved = constancy(described, kept, self.constancy)
        losses = {
            "adversarial_b": self.adversarial_weight * adversarial,
            "constancy_a": self.constancy_weight * moved,
            "identity_b": self.identity_weight * (fakes["b"] - b).square().mean(),
        }
        if self.class_weight:
            before, after = encode.head(described), encode.head(kept)  # type: ignore[operator]
            losses["class_a"] = self.class_weight * F.cross_entropy(after, before.softmax(1))
        if self.smoothness_weight:
            both = torch.cat([fakes["a"], fakes["b"]])
            losses["smoothness_b"] = self.smoothness_weight * total_variation(both)
        return losses, {name: fake.detach() for name, fake in fakes.items()}

    def fakes(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """See `Learns`."""
        described = (nets.encoders["a"](batch[name], name) for name in ("a", "b"))
        return self._translate_both(nets, *described)

    def discriminator_losses(
        self, nets: Networks, batch: Batch, fakes: dict[str, Tensor]
    ) -> Losses:
        """L_D (equation 3)."""
        discriminator = nets.discriminators["b"]
        image_sets = (fakes["a"], fakes["b"], batch["b"])
        if self.discriminator.couples_images:
            logits = [discriminator(images) for images in image_sets]
        else:
            sizes = [len(images) for images in image_sets]
            logits = list(discriminator(torch.cat(image_sets)).split(sizes))
        return {"b": ternary.discriminator(*logits)}

    def discriminator_penalties(
        self, nets: Networks, batch: Batch, fakes: dict[str, Tensor]
    ) -> Losses:
        """R1 on the logit of "real", against the two others'."""
        del fakes
        discriminator = nets.discriminators["b"]

        def realness(images: Tensor) -> Tensor:
            logits: Tensor = discriminator(images)
            return logits.log_softmax(1)[:, ternary.REAL]

        return {"r1_b": self.r1_weight * self.r1_every * zero_centred(realness, batch["b"])}

    def translate(
        self, nets: Networks, images: Tensor, to: DomainName, style: Tensor | None = None
    ) -> Tensor:
        """See `Translates`; only a→b. A translation of b's own images is what G makes of them."""
        del style
        assert to == "b", "DTN translates a to b only"
        output: Tensor = nets.generators["a2b"](nets.encoders["a"](images, "a"))
        return output

    def classify(self, nets: Networks, images: Tensor) -> Tensor:
        """See `Classifies`."""
        logits: Tensor = nets.encoders["a"].classify(images)  # type: ignore[operator]
        return logits

    def encode(self, nets: Networks, images: Tensor, domain: DomainName) -> Tensor:
        """See `Encodes`."""
        described: Tensor = nets.encoders["a"](images, domain)
        return described

    def _translate_both(self, nets: Networks, of_a: Tensor, of_b: Tensor) -> dict[str, Tensor]:
        """G of both domains in one batch: batch norm in g sees the mixture, as it must later."""
        both = nets.generators["a2b"](torch.cat([of_a, of_b]))
        return dict(zip(("a", "b"), both.split([len(of_a), len(of_b)]), strict=True))
