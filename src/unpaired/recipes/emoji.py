"""Emoji: Apple and Windows. Data: see `emoji_source`."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from unpaired.data.domain import Augmentation, Domain
from unpaired.data.sources import HuggingFace
from unpaired.errors import SettingError
from unpaired.experiment import Evaluation, Experiment, Optimiser, Training
from unpaired.methods import CycleGAN
from unpaired.networks import CNN, PatchGAN, ResNet, UNet
from unpaired.objectives import LeastSquares, NonSaturating
from unpaired.recipes.digits import local_source


def emoji_source(style: str, split: str) -> HuggingFace:
    """`emoji/<style>/<split>.parquet` where `local_source` looks; there is none on the hub.

    Raises:
        SettingError: when the file is not there; says where emoji are to be had.
    """
    source = local_source("emoji", style, split)
    if source is None:
        raise SettingError(
            f"emoji/{style}/{split}.parquet is neither in the folder that UNPAIRED_DATA names "
            f"({os.environ.get('UNPAIRED_DATA') or 'not set'}) nor in "
            f"{Path('../shared/data').resolve()}. It is a table with a column image (PNG, 72×72) "
            "and a column id (code points, equal in both styles). Apple's pictures are in the npm "
            "package emoji-datasource-apple, those of Windows with black outlines in Windows 10's "
            "font Segoe UI Emoji. Folders will do: unpaired train --a apple/ --b windows/"
        )
    return source


def emoji_residual_cnn() -> Experiment:
    """As reported"""
    method = CycleGAN(generator=RESIDUAL, discriminator=CNN(width=32))
    return _as_reported("emoji-residual-cnn", method, batch_size=32)


def emoji_residual_patch() -> Experiment:
    """As reported"""
    method = CycleGAN(generator=RESIDUAL, discriminator=PATCH)
    return _as_reported("emoji-residual-patch", method, batch_size=1)


def emoji_unet_patch() -> Experiment:
    """As reported"""
    method = CycleGAN(generator=UNET, discriminator=PATCH)
    return _as_reported("emoji-unet-patch", method, batch_size=1)


def emoji_no_cycle() -> Experiment:
    """As reported"""
    method = CycleGAN(generator=UNET, discriminator=PATCH, cycle_weight=0.0)
    return _as_reported("emoji-no-cycle", method, batch_size=1)


def emoji_ours() -> Experiment:
    """X"""
    optimiser = Optimiser(learning_rate=3e-4, beta1=0.5, beta2=0.99)
    return Experiment(
        name="emoji-ours",
        a=_domain("apple"),
        b=_domain("windows", (4, 4, 68, 68)),
        method=CycleGAN(
            generator=UNet(
                width=32,
                downsamplings=3,
                norm="instance",
                upsampling="resize",
                full_size_skip=True,
            ),
            discriminator=PatchGAN(width=64, layers=2, norm="none"),
            adversarial=LeastSquares(),
            cycle_weight=10.0,
            identity_weight=2.0,
            cycle_noise=0.02,
        ),
        training=Training(
            images=8_000,
            batch_size=4,
            generators=optimiser,
            discriminators=optimiser,
            ema_images=1_000,
            log_images=400,
            sample_images=2_000,
            checkpoint_images=4_000,
        ),
        evaluation=Evaluation(images=2_000, classifier=False),
    )


RESIDUAL = ResNet(width=16, blocks=6, norm="batch", upsampling="transposed")
UNET = UNet(width=16, downsamplings=4, norm="batch")
PATCH = PatchGAN(width=32)


def _as_reported(name: str, method: CycleGAN, *, batch_size: int) -> Experiment:
    """Report 001: binary cross entropy, λ 10, identity 1, Adam at 2e-4, 40 epochs; nothing else."""
    return Experiment(
        name=name,
        a=_domain("apple"),
        b=_domain("windows"),
        method=replace(method, adversarial=NonSaturating(), identity_weight=1.0),
        training=Training(
            images=83_000,
            batch_size=batch_size,
            schedule="constant",
            ema_images=0,
            pool_size=0,
            log_images=1_000,
            sample_images=4_000,
            checkpoint_images=20_000,
        ),
        evaluation=Evaluation(images=4_000, classifier=False),
    )


def _domain(style: str, crop: tuple[int, int, int, int] | None = None) -> Domain:
    return Domain(
        source=emoji_source(style, "train"),
        test_source=emoji_source(style, "test"),
        size=64,
        crop=crop,
        fit="resize",
        augmentation=Augmentation(),
    )
