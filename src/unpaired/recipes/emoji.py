"""Emoji: Apple and Windows (Daputo)."""

from __future__ import annotations

from dataclasses import replace

from unpaired.data.domain import Augmentation, Domain
from unpaired.engine.schedules import Constant
from unpaired.engine.settings import Optimiser, Training
from unpaired.experiment.experiment import Evaluation, Experiment
from unpaired.methods import CycleGAN
from unpaired.networks import CNN, PatchGAN, ResNet, UNet
from unpaired.objectives import NonSaturating
from unpaired.recipes.data import parquet


def emoji_residual_cnn() -> Experiment:
    """Apple ↔ Windows as reported, first experiment: ResNet, CNN discriminator, batches of 32.

    Paper: Daputo, 2.1. Widths, Adam's β1 and the size are not reported; ours are small.
    Command: unpaired train --recipe emoji-residual-cnn
    Cost: 130 seconds for 39,456 images, 19 epochs, on an H100 shared by 22 runs; about 1.5 hours
    for 40 epochs on one idle core (estimated).
    Score: cycle L1 0.097 and 0.056 after 19 epochs; reported: 0.15 after 40. Against the true
    counterparts L1 0.247 and 0.200 (unchanged input: 0.249), SSIM 0.221 and 0.227 (0.193). Grainy.
    """
    method = CycleGAN(generator=RESIDUAL, discriminator=CNN(width=32))
    return _as_reported("emoji-residual-cnn", method, batch_size=32)


def emoji_residual_patch() -> Experiment:
    """Apple ↔ Windows as reported, second experiment: ResNet, PatchGAN, one image a batch.

    Reported to learn nothing: cycle L1 0.36 from the first epoch on, and rising. That is what a
    constant grey scores on Apple's emoji (0.364). Here it learns. At one image a batch, instance
    norm in the discriminator is batch norm, but for the learned scale.

    Paper: Daputo, 2.2.
    Command: unpaired train --recipe emoji-residual-patch
    Cost: about 5 hours on one idle core for the 40 epochs (estimated; not trained to the end).
    Score: cycle L1 0.084 and 0.078 after 800 images (--images 800: 7 minutes on a busy machine).
    """
    method = CycleGAN(generator=RESIDUAL, discriminator=PATCH)
    return _as_reported("emoji-residual-patch", method, batch_size=1)


def emoji_unet_patch() -> Experiment:
    """Apple ↔ Windows as reported, third experiment: U-Net, PatchGAN, one image a batch.

    Paper: Daputo, 2.3.
    Command: unpaired train --recipe emoji-unet-patch
    Cost: about 3 hours on one idle core for the 40 epochs (estimated; not trained to the end).
    Score: cycle L1 0.073 and 0.072 after 800 images (--images 800: 5 minutes on a busy machine);
    reported: 0.11 after 40 epochs.
    """
    method = CycleGAN(generator=UNET, discriminator=PATCH)
    return _as_reported("emoji-unet-patch", method, batch_size=1)


def emoji_no_cycle() -> Experiment:
    """Apple ↔ Windows as reported, without the cycle: what λ 0 does.

    Paper: Daputo, 2.4.
    Command: unpaired train --recipe emoji-no-cycle
    Cost: about 3 hours on one idle core for the 40 epochs (estimated; not trained to the end).
    Score: cycle L1 0.179 and 0.192 after 400 images (--images 400: 2 minutes on a busy machine);
    reported: 0.15 and 0.27 after 40 epochs. Shapes survive by the identity loss, colours do not.
    """
    method = CycleGAN(generator=UNET, discriminator=PATCH, cycle_weight=0.0)
    return _as_reported("emoji-no-cycle", method, batch_size=1)


def emoji_ours() -> Experiment:
    """Apple ↔ Windows at 64×64: a small U-Net that keeps the full size, a CNN discriminator.

    Apple's pictures fill their 72 pixels, those of Windows keep a margin of 4 around theirs: it is
    cut off, so that drawings of the two styles have one size and a translation need not scale. The
    cycle and the identity loss weigh much and grow together: the cycle alone loses the likeness.

    Paper: CycleGAN (Zhu et al. 2017); Daputo has the data.
    Command: unpaired train --recipe emoji-ours
    Cost: 23 to 31 minutes on a core of a busy machine.
    Score: cycle L1 0.029 and 0.023; against the true counterparts of the 200 test emoji, L1 0.294
    and 0.199 (unchanged input: 0.298), SSIM 0.187 and 0.241 (0.171). Three seeds.
    """
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
            discriminator=CNN(width=32, spectral_norm=True),
            adversarial=NonSaturating(),
            cycle_weight=100.0,
            identity_weight=50.0,
            cycle_noise=0.005,
        ),
        training=Training(
            images=24_000,
            batch_size=8,
            generators=optimiser,
            discriminators=optimiser,
            ema_images=1_000,
            log_images=400,
            sample_images=2_000,
            checkpoint_images=4_000,
        ),
        evaluation=Evaluation(images=2_000, classifier=False),
    )


# Widths and depths are not in the report: what a processor can train in an afternoon.
RESIDUAL = ResNet(width=16, blocks=6, norm="batch", upsampling="transposed")
UNET = UNet(width=16, downsamplings=4, norm="batch")
PATCH = PatchGAN(width=32)


def _as_reported(name: str, method: CycleGAN, *, batch_size: int) -> Experiment:
    """Daputo: binary cross entropy, λ 10, identity 1, Adam at 2e-4, 40 epochs; nothing else."""
    return Experiment(
        name=name,
        a=_domain("apple"),
        b=_domain("windows"),
        method=replace(method, adversarial=NonSaturating(), identity_weight=1.0),
        training=Training(
            images=83_000,
            batch_size=batch_size,
            schedule=Constant(),
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
        source=parquet(f"emoji/{style}", "train"),
        test_source=parquet(f"emoji/{style}", "test"),
        size=64,
        crop=crop,
        fit="resize",
        augmentation=Augmentation(),
    )


RECIPES = (emoji_residual_cnn, emoji_residual_patch, emoji_unet_patch, emoji_no_cycle, emoji_ours)
