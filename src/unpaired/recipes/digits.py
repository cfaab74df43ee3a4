"""Digits: MNIST and USPS, and the 128×128 setting of Grignon & Joly 2020."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from unpaired.core.config import ValueRange
from unpaired.data.domain import Augmentation, Domain
from unpaired.engine.schedules import Constant
from unpaired.engine.settings import Optimiser, Training
from unpaired.experiment.experiment import Evaluation, Experiment
from unpaired.methods import CycleGAN
from unpaired.networks import PatchGAN, ResNet, UNet
from unpaired.objectives import LeastSquares
from unpaired.recipes.data import parquet

PLAIN = Augmentation(zoom=1.0, flip=False)
"""No augmentation: a mirrored digit is none, a cropped one may be another."""


def mnist_usps() -> Experiment:
    """MNIST ↔ USPS at 32×32 in grey; labels are used to measure, never to train.

    Both are cut to the box that the digit fills: MNIST's middle 20×20, all of USPS's 16×16. The
    discriminator sees patches of 16 pixels: one that sees whole digits also learns how often each
    digit occurs and how it leans, and the generator answers by turning digits into others.

    Paper: CycleGAN (Zhu et al. 2017); Grignon & Joly 2020 have the pair of data sets at 128×128.
    Command: unpaired train --recipe mnist-usps
    Cost: 12 minutes on one core of a busy machine.
    Score: translation accuracy 0.976 and 0.971 over three seeds; of the unchanged input, 0.975 and
    0.970: the boxes alone make the two alike. Adaptation accuracy 0.974 and 0.976 (0.974, 0.973).
    """
    optimiser = Optimiser(learning_rate=5e-4, beta1=0.5, beta2=0.99)
    return Experiment(
        name="mnist-usps",
        a=_domain("mnist", (4, 4, 24, 24)),
        b=_domain("usps", None),
        method=CycleGAN(
            generator=UNet(width=32, blocks=2, norm="instance", upsampling="resize"),
            discriminator=PatchGAN(width=32, layers=1, norm="none"),
            adversarial=LeastSquares(),
            cycle_weight=10.0,
            identity_weight=5.0,
        ),
        training=Training(
            images=40_000,
            batch_size=32,
            generators=optimiser,
            discriminators=optimiser,
            log_images=1_600,
            sample_images=10_000,
            checkpoint_images=25_000,
        ),
        evaluation=Evaluation(images=8_000),
    )


def mnist_usps_128() -> Experiment:
    """MNIST ↔ USPS as Grignon & Joly 2020 have it: stretched to 128×128×3, batch 1, Adam 2e-4.

    MNIST's digits have a margin, USPS's touch the border: the translators smear ends to it and cut
    them off, as no residual network can scale a digit. `mnist-usps` cuts both to the digit's box.

    Paper: Grignon & Joly 2020, section 2.2; 10 epochs of MNIST's 60,000 images. Its networks are
    those of a tutorial, CycleGAN's with 6 residual blocks; widths are not reported, ours are small.
    Images are enlarged bicubically, there bilinearly.
    Command: unpaired train --recipe mnist-usps-128
    Cost: about 66 hours on a core, by the 10 minutes of 1,500 images.
    Score: after 1,500 images, two seeds, 400 test images: a classifier reads 0.889 and 0.768
    (unchanged input 0.935 and 0.948); cycle L1 0.015 and 0.041; smears from the 250th image on.
    """
    return Experiment(
        name="mnist-usps-128",
        a=replace(_domain("mnist", None), size=128, channels=3),
        b=replace(_domain("usps", None), size=128, channels=3),
        method=CycleGAN(
            generator=ResNet(width=32, blocks=6, upsampling="transposed"),
            discriminator=PatchGAN(width=64, layers=3),
            adversarial=LeastSquares(),
            cycle_weight=10.0,
        ),
        training=Training(
            images=600_000, schedule=Constant(), pool_size=0, log_images=500, sample_images=5_000
        ),
        evaluation=Evaluation(images=30_000),
    )


def mnist_usps_128_no_cycle() -> Experiment:
    """Grignon & Joly 2020's ablation of mnist-usps-128: λ = 0, 5 epochs.

    Paper: Grignon & Joly 2020, section 2.2, tests A and B.
    Command: unpaired train --recipe mnist-usps-128-no-cycle
    Cost: half of mnist-usps-128's: about 33 hours on a core.
    Score: after 500 images (--images 500), two seeds, 400 test images: 0.31 and 0.45 are read right
    (unchanged input 0.935 and 0.948); cycle L1 0.135 and 0.231.
    """
    return _variant("no-cycle", cycle_weight=0.0)


def mnist_usps_128_cycle_30() -> Experiment:
    """Grignon & Joly 2020's ablation of mnist-usps-128: λ = 30, 5 epochs.

    Paper: Grignon & Joly 2020, section 2.2, tests A and B.
    Command: unpaired train --recipe mnist-usps-128-cycle-30
    Cost: half of mnist-usps-128's: about 33 hours on a core.
    Score: after 500 images (--images 500), two seeds, 400 test images: 0.810 and 0.890 are read
    right (unchanged input 0.935 and 0.948); cycle L1 0.013 and 0.020.
    """
    return _variant("cycle-30", cycle_weight=30.0)


def mnist_usps_128_fast() -> Experiment:
    """Grignon & Joly 2020's ablation of mnist-usps-128: learning rate 1e-3, 5 epochs.

    Paper: Grignon & Joly 2020, section 2.2, tests A and B.
    Command: unpaired train --recipe mnist-usps-128-fast
    Cost: half of mnist-usps-128's: about 33 hours on a core.
    Score: after 500 images (--images 500), two seeds, 400 test images: 0.890 and 0.886 are read
    right (unchanged input 0.935 and 0.948); cycle L1 0.016 and 0.026.
    """
    return _variant("fast", learning_rate=1e-3)


def mnist_usps_128_fastest() -> Experiment:
    """Grignon & Joly 2020's ablation of mnist-usps-128: learning rate 1e-2, 5 epochs.

    Paper: Grignon & Joly 2020, section 2.2, tests A and B.
    Command: unpaired train --recipe mnist-usps-128-fastest
    Cost: half of mnist-usps-128's: about 33 hours on a core.
    Score: collapses: one black image for all after 500 images (--images 500), diversity 0, in both
    of two seeds.
    """
    return _variant("fastest", learning_rate=1e-2)


def _variant(name: str, *, cycle_weight: float = 10.0, learning_rate: float = 2e-4) -> Experiment:
    base = mnist_usps_128()
    assert isinstance(base.method, CycleGAN)
    optimiser = Optimiser(learning_rate=learning_rate)
    training = replace(
        base.training, images=300_000, generators=optimiser, discriminators=optimiser
    )
    method = replace(base.method, cycle_weight=cycle_weight)
    return replace(base, name=f"{base.name}-{name}", method=method, training=training)


def at_32(name: Literal["mnist", "svhn"], value_range: ValueRange = "signed") -> Domain:
    """MNIST with a black border around it, or SVHN, at 32×32."""
    return Domain(
        source=parquet(name, "train"),
        test_source=parquet(name, "test"),
        channels=3 if name == "svhn" else 1,
        size=32,
        fit="pad",
        value_range=value_range,
        augmentation=PLAIN,
    )


def _domain(name: str, crop: tuple[int, int, int, int] | None) -> Domain:
    return Domain(
        source=parquet(name, "train"),
        test_source=parquet(name, "test"),
        channels=1,
        size=32,
        crop=crop,
        fit="resize",
        augmentation=PLAIN,
    )


RECIPES = (
    mnist_usps,
    mnist_usps_128,
    mnist_usps_128_no_cycle,
    mnist_usps_128_cycle_30,
    mnist_usps_128_fast,
    mnist_usps_128_fastest,
)
