"""Facades: photos of buildings and their label maps. Data: see `facade_source`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from unpaired.data.domain import Augmentation, Domain
from unpaired.data.sources import HuggingFace
from unpaired.errors import SettingError
from unpaired.experiment import Evaluation, Experiment, Optimiser, Training
from unpaired.methods import CycleGAN
from unpaired.networks import PatchGAN, ResNet
from unpaired.objectives import LeastSquares

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


def facade_source(name: str, split: str) -> HuggingFace:
    """`facades/<name>/<split>.parquet` below $UNPAIRED_DATA or ../shared/data.

    Raises:
        SettingError: when there is no such file; the data set has no id on the hub in this form.
    """
    roots = [root for root in (os.environ.get("UNPAIRED_DATA"), "../shared/data") if root]
    paths = [Path(root) / "facades" / name / f"{split}.parquet" for root in roots]
    for path in paths:
        if path.is_file():
            return HuggingFace(name=str(path), split=split)
    raise SettingError(
        f"the recipe needs {' or '.join(map(str, paths))}, which does not exist. Get the CMP "
        "Facade Database (https://cmp.felk.cvut.cz/~tylecr1/facade/), write photos and label maps "
        "as parquet files with the columns image and id to facades/photo and facades/labels, each "
        "train.parquet and test.parquet, and set UNPAIRED_DATA to the folder that holds facades/."
    )


def facades_cyclegan() -> Experiment:
    """Photos of facades ↔ their label maps at 256×256: CycleGAN as the report trained it.

    The pairing by id measures, and never trains: photo→labels by the class of each pixel.

    Paper: CycleGAN (Zhu et al. 2017), as in report 004: 9 residual blocks, patches of 70 pixels,
    least squares, λ 10, Adam at 2e-4, batch 1, 200 epochs of which the second 100 decay.
    Command: unpaired train --recipe facades-cyclegan
    Cost: about 57 hours on two processor cores, by the 0.39 images/s of the benchmark of this size.
    Score: not measured here. Report 004, photo→labels: 0.29 per pixel, 0.15 per class, 0.09
    intersection over union.
    """
    optimiser = Optimiser(learning_rate=2e-4, beta1=0.5, beta2=0.999)
    return Experiment(
        name="facades-cyclegan",
        a=_domain("photo", 256),
        b=_domain("labels", 256),
        method=CycleGAN(
            generator=ResNet(width=64, blocks=9, norm="instance", upsampling="transposed"),
            discriminator=PatchGAN(width=64, layers=3, norm="instance"),
            adversarial=LeastSquares(),
            cycle_weight=10.0,
        ),
        training=Training(
            images=80_000,
            batch_size=1,
            generators=optimiser,
            discriminators=optimiser,
            log_images=400,
            sample_images=4_000,
            checkpoint_images=8_000,
        ),
        evaluation=Evaluation(images=8_000),
    )


def facades_sn() -> Experiment:
    """Photos of facades ↔ their label maps at 256×256 with spectral norm in the discriminators.

    Paper: SN-CycleGAN (report 004, section 2.1.1): `facades-cyclegan`, with every convolution of
    the discriminators divided by its spectral norm (Miyato et al. 2018).
    Command: unpaired train --recipe facades-sn
    Cost: that of facades-cyclegan, about 57 hours on two processor cores.
    Score: not measured here. Report 004, photo→labels: 0.21 per pixel, 0.11 per class, 0.06
    intersection over union.
    """
    base = facades_cyclegan()
    discriminator = PatchGAN(width=64, layers=3, norm="instance", spectral_norm=True)
    return replace(
        base, name="facades-sn", method=replace(base.method, discriminator=discriminator)
    )


def _domain(name: str, size: int) -> Domain:
    return Domain(
        source=facade_source(name, "train"),
        test_source=facade_source(name, "test"),
        size=size,
        fit="resize",
        # CycleGAN's own: resized to 286 and cropped to 256, always, and half of them mirrored.
        augmentation=Augmentation(zoom=286 / 256, crop_probability=1.0, flip=True),
        palette=PALETTE if name == "labels" else (),
    )
