"""Facades: photos of buildings and their label maps."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from unpaired.data.domain import Augmentation, Domain
from unpaired.engine.settings import Optimiser, Training
from unpaired.experiment.experiment import Evaluation, Experiment
from unpaired.methods import CycleGAN, FeatureSegmentation
from unpaired.methods.feature_cycle import FeatureCycle
from unpaired.networks import FeatureMaps, PatchGAN, ResNet, UNet
from unpaired.objectives import LeastSquares, WassersteinGP
from unpaired.recipes.data import locate, parquet

PALETTE = (
    (0, 0, 170),
    (0, 0, 255),
    (0, 85, 255),
    (0, 170, 255),
    (0, 255, 255),
    (85, 255, 170),
    (170, 255, 85),
    (255, 255, 0),
    (255, 170, 0),
    (255, 85, 0),
    (255, 0, 0),
    (170, 0, 0),
)
"""The colours of the twelve classes in the label maps of the CMP Facade Database."""

CLASS_COLOURS = (
    (120, 115, 110),  # outlines, which compression has darkened
    (150, 155, 160),  # what is not the building
    (180, 160, 135),  # wall
    (70, 75, 80),  # window, door
    (190, 180, 165),  # ornament over a window
    (175, 165, 150),  # sill
    (110, 105, 100),  # balcony
    (110, 80, 65),  # shutter
    (185, 165, 140),  # decoration
    (165, 150, 130),  # moulding
    (185, 170, 150),  # pillar
    (75, 70, 70),  # shop
)
"""The colour of each class in photos, as a person would say it: windows and shops are dark."""


def facades_cyclegan() -> Experiment:
    """Photos of facades ↔ their label maps at 256×256: CycleGAN as the report trained it.

    The pairing by id measures, and never trains: photo→labels by the class of each pixel.

    Paper: CycleGAN (Zhu et al. 2017), as in Toulemont & Sevestre 2019: 9 residual blocks, patches
    of 70 pixels, least squares, λ 10, Adam at 2e-4, batch 1, 200 epochs of which the second 100
    decay. The decoder's kernels are 4×4 and not 3×3, which draw a checkerboard at stride 2.
    Command: unpaired train --recipe facades-cyclegan
    Cost: about 35 hours on two processor cores with bfloat16, by the 0.64 images/s of the benchmark
    of this size.
    Score: 0.216 per pixel, 0.080 per class, 0.044 intersection over union after 1,250 of the 80,000
    images; at 64×64, two seeds, 0.224, 0.098 and 0.053 after 3,000 (--a.size 64 --b.size 64
    --images 3000: 28 to 40 minutes on a core). Toulemont & Sevestre 2019, photo→labels: 0.29, 0.15
    and 0.09.
    """
    return as_reported(
        "facades", _domain("photo", 256), _domain("labels", 256, "colours"), train_images=400
    )


def facades_sn() -> Experiment:
    """Photos of facades ↔ their label maps at 256×256 with spectral norm in the discriminators.

    Paper: SN-CycleGAN (Toulemont & Sevestre 2019, section 2.1.1): `facades-cyclegan`, with every
    convolution of the discriminators divided by its spectral norm (Miyato et al. 2018).
    Command: unpaired train --recipe facades-sn
    Cost: that of facades-cyclegan, about 35 hours on two processor cores with bfloat16.
    Score: 0.256 per pixel, 0.116 per class, 0.066 intersection over union at 64×64 after 3,000
    images, two seeds (--a.size 64 --b.size 64 --images 3000: 35 to 41 minutes on a core); at
    256×256 0.240, 0.082 and 0.045 after 1,000 of the 80,000.
    Toulemont & Sevestre 2019, photo→labels: 0.21, 0.11 and 0.06.
    """
    return with_spectral_norm(facades_cyclegan())


def facades_wgan_gp() -> Experiment:
    """Photos of facades ↔ their label maps at 256×256 with Wasserstein critics.

    Paper: CycleWGAN-GP (Toulemont & Sevestre 2019, section 2.1.2): `facades-cyclegan` with the
    Wasserstein objective and a gradient penalty of λ 10 (Gulrajani et al. 2017).
    Command: unpaired train --recipe facades-wgan-gp
    Cost: more than facades-cyclegan's, as the penalty is differentiated twice.
    Score: 0.222 per pixel, 0.101 per class, 0.051 intersection over union at 64×64 after 3,000
    images, two seeds (--a.size 64 --b.size 64 --images 3000), one map for all; at 256×256
    0.272, 0.108 and 0.062 after 1,000 of the 80,000.
    Toulemont & Sevestre 2019, photo→labels: 0.24, 0.14 and 0.07.
    """
    return with_gradient_penalty(facades_cyclegan())


def facades_ours() -> Experiment:
    """Photos of facades ↔ their label maps at 32×32, for a processor: photo→labels first.

    Not the report's size: 256×256 takes days without a GPU. Label maps are brought to 32×32 by
    nearest neighbour, and the scores are those of that size. Against the report's CycleGAN: no
    photo→labels→photo cycle, which makes label maps carry the brightness of the photo (the other
    cycle stays, with noise against hiding); networks see a channel per class; each output of a
    discriminator sees the whole layout; and labels→photo learns the typical colour of each class
    (`CLASS_COLOURS`), without which two seeds of three exchange bright and dark.

    Paper: CycleGAN (Zhu et al. 2017); Toulemont & Sevestre 2019 have scores at 256×256.
    Command: unpaired train --recipe facades-ours
    Cost: 5 minutes on one core, evaluation included; 100 seconds on an H100 shared by 22 runs.
    Score: photo→labels on the 106 test photos, three seeds: 0.339 ± 0.013 per pixel, 0.151 ± 0.012
    per class, 0.090 ± 0.007 intersection over union. The label map of another building scores
    0.283, 0.118 and 0.069; the most frequent class of each pixel, whatever the photo, 0.449, 0.110
    and 0.059. labels→photo has some variety (diversity 0.43).
    """
    optimiser = Optimiser(learning_rate=5e-4, beta1=0.5, beta2=0.99)
    augmentation = Augmentation(zoom=1.2, crop_probability=0.5, flip=True)
    return Experiment(
        name="facades-ours",
        a=replace(_domain("photo", 32), augmentation=augmentation),
        b=replace(_domain("labels", 32), augmentation=augmentation),
        method=CycleGAN(
            generator=UNet(width=32, blocks=2, norm="instance", upsampling="resize"),
            discriminator=PatchGAN(width=32, layers=2, norm="instance"),
            adversarial=LeastSquares(),
            cycle_weight=0.0,
            cycle_weight_b=15.0,
            cycle_noise=0.1,
            class_colours=CLASS_COLOURS,
            class_colours_weight=5.0,
        ),
        training=Training(
            images=30_000,
            batch_size=16,
            generators=optimiser,
            discriminators=optimiser,
            ema_images=2_000,
            log_images=400,
            sample_images=2_000,
            checkpoint_images=4_000,
        ),
        evaluation=Evaluation(images=4_000),
    )


def facades_features_ours() -> Experiment:
    """Photos of facades ↔ their label maps at 256×256: labels read off features of ImageNet.

    Photo→labels reads the stages of a classifier that has seen a million photos (`FeatureMaps`). It
    begins with a guess from where classes lie in the label maps, which need no counterparts, so
    that nobody has to say what classes look like, and learns from features (`FeatureCycle`) before
    the first photo is made. The program is written by benchmarks/feature_maps.py.

    Paper: CycleGAN (Zhu et al. 2017); hypercolumns (Hariharan et al. 2015); Toulemont & Sevestre
    2019.
    Command: unpaired train --recipe facades-features-ours
    Cost: 54 minutes on one core beside other programs, of which 36 before the first photo.
    Score: photo→labels on the 106 test photos, three seeds: 0.493 ± 0.002 per pixel, 0.278 ± 0.006
    per class, 0.179 ± 0.004 intersection over union; Toulemont & Sevestre 2019 0.29, 0.15 and
    0.09. The photos that labels→photo makes are of one style (diversity 0.08).
    """
    optimiser = Optimiser(learning_rate=2e-4, beta1=0.5, beta2=0.99)
    # Not enlarged at random, as `facades-ours` does: where things are is what the guess is made of.
    augmentation = Augmentation(zoom=1.0, crop_probability=0.0, flip=True)
    return Experiment(
        name="facades-features-ours",
        a=replace(_domain("photo", 256), augmentation=augmentation),
        b=replace(_domain("labels", 256), augmentation=augmentation),
        method=FeatureSegmentation(
            generator=UNet(
                width=32, downsamplings=4, blocks=2, norm="instance", upsampling="resize"
            ),
            discriminator=PatchGAN(width=32, layers=3, norm="instance"),
            adversarial=LeastSquares(),
            cycle_weight=0.0,
            cycle_weight_b=15.0,
            cycle_noise=0.1,
            encoder=FeatureMaps(path=str(locate("encoders/efficientnet-lite0.pt2"))),
            feature_cycle=FeatureCycle(images=20_000),
            encoder_weight=10.0,
        ),
        training=Training(
            images=2_000,
            batch_size=4,
            generators=optimiser,
            discriminators=optimiser,
            ema_images=400,
            log_images=100,
            sample_images=500,
            checkpoint_images=500,
        ),
        evaluation=Evaluation(images=1_000),
    )


def as_reported(name: str, a: Domain, b: Domain, *, train_images: int) -> Experiment:
    """CycleGAN as Toulemont & Sevestre 2019 have it, for any two domains (section 2.2): 200 epochs.

    `train_images`: how many images each side trains on, of those that the authors give.
    """
    optimiser = Optimiser(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Experiment(
        name=f"{name}-cyclegan",
        a=a,
        b=b,
        method=CycleGAN(
            generator=ResNet(width=64, blocks=9, norm="instance", upsampling="transposed"),
            discriminator=PatchGAN(width=64, layers=3, norm="instance"),
            adversarial=LeastSquares(),
            cycle_weight=10.0,
        ),
        training=Training(
            images=200 * train_images,
            batch_size=1,
            generators=optimiser,
            discriminators=optimiser,
            log_images=400,
            sample_images=4_000,
            checkpoint_images=8_000,
        ),
        evaluation=Evaluation(images=8_000),
    )


def with_spectral_norm(base: Experiment) -> Experiment:
    """SN-CycleGAN: every convolution of the discriminators divided by its spectral norm."""
    assert isinstance(base.method, CycleGAN)
    discriminator = replace(base.method.discriminator, spectral_norm=True)
    method = replace(base.method, discriminator=discriminator)
    return replace(base, name=base.name.replace("cyclegan", "sn"), method=method)


def with_gradient_penalty(base: Experiment) -> Experiment:
    """CycleWGAN-GP: Wasserstein critics with gradient penalty."""
    assert isinstance(base.method, CycleGAN)
    method = replace(base.method, adversarial=WassersteinGP())
    return replace(base, name=base.name.replace("cyclegan", "wgan-gp"), method=method)


def _domain(
    name: str, size: int, label_channels: Literal["classes", "colours"] = "classes"
) -> Domain:
    return Domain(
        source=parquet(f"facades/{name}", "train"),
        test_source=parquet(f"facades/{name}", "test"),
        size=size,
        fit="resize",
        # CycleGAN's own: resized to 286 and cropped to 256, always, and half of them mirrored.
        augmentation=Augmentation(zoom=286 / 256, crop_probability=1.0, flip=True),
        palette=PALETTE if name == "labels" else (),
        label_channels=label_channels,
    )


RECIPES = (
    facades_cyclegan,
    facades_sn,
    facades_wgan_gp,
    facades_ours,
    facades_features_ours,
)
