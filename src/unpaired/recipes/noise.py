"""Images from noise: DCGAN and WGAN, which Grignon & Joly 2020 review."""

from __future__ import annotations

from dataclasses import replace

from unpaired.engine.schedules import Constant
from unpaired.engine.settings import Optimiser, Training
from unpaired.experiment.experiment import Evaluation, Experiment
from unpaired.methods import GAN
from unpaired.networks import CNN, Decoder
from unpaired.objectives import NonSaturating, WassersteinClip, WassersteinGP
from unpaired.recipes.digits import at_32


def dcgan_mnist() -> Experiment:
    """Digits from noise by DCGAN's five rules, MNIST at 32×32.

    No pooling but strides; batch norm in all layers but the generator's last and the
    discriminator's first; no dense hidden layer; ReLU and tanh in the generator; LeakyReLU 0.2 in
    the discriminator. N(0, 0.02) at the start, Adam 2e-4 with β₁ 0.5, batch 128.

    Paper: Radford et al. 2016; Grignon & Joly 2020, section 1.1.
    Command: unpaired train --recipe dcgan-mnist
    Cost: 12 minutes on a core of a busy machine.
    Score: Fréchet distance in classifier features 29 ± 2 (two seeds; real against real: 0.1),
    diversity 0.92; a linear classifier on the discriminator's features reads 0.977 of the test
    digits.
    """
    optimiser = Optimiser(learning_rate=2e-4, beta1=0.5)
    return Experiment(
        name="dcgan-mnist",
        b=at_32("mnist"),
        method=GAN(
            generator=Decoder(width=64, max_width=256),
            discriminator=CNN(width=64, norm="batch"),
            adversarial=NonSaturating(),
        ),
        training=replace(_TRAINING, batch_size=128, generators=optimiser, discriminators=optimiser),
        evaluation=Evaluation(images=12_800),
    )


def wgan_mnist() -> Experiment:
    """Digits from noise by a Wasserstein critic whose weights are clipped, MNIST at 32×32.

    Clipping to ±0.01, five batches for the critic for each of the generator's, RMSprop 5e-5, batch
    64.

    Paper: Arjovsky et al. 2017, algorithm 1; Grignon & Joly 2020, section 1.2.
    Command: unpaired train --recipe wgan-mnist
    Cost: 24 minutes on a core, more than half of them evaluations.
    Score: Fréchet distance in classifier features 45 ± 1.5 (two seeds; real against real: 0.1),
    diversity 0.85; a linear classifier on the critic's features reads 0.977 of the test digits.
    """
    optimiser = Optimiser(algorithm="rmsprop", learning_rate=5e-5, beta2=0.99)
    return Experiment(
        name="wgan-mnist",
        b=at_32("mnist"),
        method=GAN(
            generator=Decoder(width=64, max_width=256),
            discriminator=CNN(width=64, norm="batch"),
            adversarial=WassersteinClip(),
            critic_steps=5,
        ),
        # The critic's images: the generator sees a fifth of them.
        training=replace(_TRAINING, images=384_000, generators=optimiser, discriminators=optimiser),
        evaluation=Evaluation(images=12_800),
    )


def wgan_gp_mnist() -> Experiment:
    """Digits from noise by a Wasserstein critic with gradient penalty, MNIST at 32×32.

    Paper: Gulrajani et al. 2017, algorithm 1: λ = 10, Adam 1e-4 with β 0 and 0.9, no batch norm in
    the critic, five batches for it for each of the generator's.
    Command: unpaired train --recipe wgan-gp-mnist
    Cost: 26 minutes on a core of a busy machine, with --evaluation.images 64000.
    Score: Fréchet distance in classifier features 21.5 ± 0.6 (two seeds; real against real: 0.1),
    diversity 0.90; a linear classifier on the critic's features reads 0.981 of the test digits.
    """
    optimiser = Optimiser(learning_rate=1e-4, beta1=0.0, beta2=0.9)
    base = wgan_mnist()
    return replace(
        base,
        name="wgan-gp-mnist",
        method=GAN(
            generator=Decoder(width=64, max_width=256),
            discriminator=CNN(width=64),
            adversarial=WassersteinGP(),
            critic_steps=5,
        ),
        training=replace(base.training, generators=optimiser, discriminators=optimiser),
    )


_TRAINING = Training(
    images=128_000,
    batch_size=64,
    schedule=Constant(),
    pool_size=0,
    ema_images=2_000,
    log_images=1_280,
    sample_images=12_800,
    checkpoint_images=25_600,
)


RECIPES = (
    dcgan_mnist,
    wgan_mnist,
    wgan_gp_mnist,
)
