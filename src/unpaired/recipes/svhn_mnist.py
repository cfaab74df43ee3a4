"""SVHN ↔ MNIST: the three CycleGANs of Cardace."""

from __future__ import annotations

from dataclasses import replace

from unpaired.engine.schedules import Constant
from unpaired.engine.settings import Optimiser, Training
from unpaired.experiment.experiment import Evaluation, Experiment
from unpaired.methods import CycleGAN
from unpaired.networks import CNN, Generator, ResNet, UNet
from unpaired.objectives import Adversarial, LeastSquares, NonSaturating
from unpaired.recipes.digits import at_32


def svhn_mnist_unet_ls() -> Experiment:
    """SVHN ↔ MNIST, U-Net 32→16→8 and back, LSGAN, λ = 5, values in [0, 1].

    Paper: Cardace, section 3.2. It trains on all of SVHN for hundreds of epochs.
    Command: unpaired train --recipe svhn-mnist-unet-ls
    Cost: 130 seconds for 174,208 images on an H100 shared by 22 runs; 2 minutes for 12,800 on a
    core.
    Score: report: FID 10.91 (MNIST) and 37.47 (SVHN). Ours: one black image for all (Fréchet
    distance in classifier features 365 and 64); with values in [-1, 1] it does not collapse (63
    and 34), and reads 0.37 (SVHN→MNIST) and 0.75.
    """
    return svhn_mnist("unet-ls", UNet(width=32), LeastSquares())


def svhn_mnist_unet_ns() -> Experiment:
    """SVHN ↔ MNIST, U-Net, non-saturating loss, λ = 5, values in [0, 1].

    Paper: Cardace, section 3.3.
    Command: unpaired train --recipe svhn-mnist-unet-ns
    Cost: as svhn-mnist-unet-ls.
    Score: report: FID 9.28 (MNIST) and 32.63 (SVHN). Ours: black for all (Fréchet distance in
    classifier features 392 and 246, 180,800 images).
    """
    return svhn_mnist("unet-ns", UNet(width=32), NonSaturating())


def svhn_mnist_resnet_ns() -> Experiment:
    """SVHN ↔ MNIST, encoder, 3 residual blocks, decoder, instance norm, non-saturating, λ = 5.

    With 6 blocks the report saw SVHN→MNIST collapse (--method.generator.blocks 6). Here it does
    with 3 too, and neither with values in [-1, 1] (--a.value-range signed --b.value-range signed).

    Paper: Cardace, section 3.4.
    Command: unpaired train --recipe svhn-mnist-resnet-ns
    Cost: 130 seconds for 91,904 images on an H100 shared by 22 runs; 5 minutes for 12,800 on a
    core.
    Score: report: FID 14.33 (MNIST) and 30.59 (SVHN). Ours: SVHN→MNIST is one blob (Fréchet
    distance in classifier features 237 and 59); with values in [-1, 1] 23 and 49, diversity 0.98
    and 0.75, but only 0.26 and 0.25 of the digits survive.
    """
    generator = ResNet(width=32, blocks=3, kernel=3, upsampling="transposed")
    return svhn_mnist("resnet-ns", generator, NonSaturating())


def svhn_mnist_ours() -> Experiment:
    """SVHN ↔ MNIST: `svhn-mnist-resnet-ns` with values in [-1, 1], which does not collapse.

    MNIST is nine tenths black. There a sigmoid, the output of values in [0, 1], has no gradient,
    and SVHN→MNIST ends in one image for all in each reported setting; tanh has black at its end and
    grey in its middle. Noise in the cycle keeps it from writing a house number's colours into that
    black. Looks are translated, classes seldom. Where labels of one side are at hand,
    `dtn-svhn-mnist-ours` keeps the classes.

    Paper: Cardace, section 3.4; its conclusion would have values in [-1, 1] tried.
    Command: unpaired train --recipe svhn-mnist-ours
    Cost: 41 minutes on a core of a busy machine.
    Score: Fréchet distance in classifier features, two seeds, 24 (MNIST) and 37 (SVHN), as reported
    237 and 59; diversity 0.96 and 0.80; 0.30 and 0.36 of the digits survive. Without noise 28 and
    46; 0.98 and 0.73; 0.30 and 0.22.
    """
    reported = svhn_mnist_resnet_ns()
    assert isinstance(reported.method, CycleGAN)
    return replace(
        reported,
        name="svhn-mnist-ours",
        a=replace(reported.domain("a"), value_range="signed"),
        b=replace(reported.b, value_range="signed"),
        method=replace(reported.method, cycle_noise=0.05),
        training=replace(reported.training, images=90_000),
    )


def svhn_mnist(name: str, generator: Generator, adversarial: Adversarial) -> Experiment:
    """What the three have in common (Cardace, section 3.5).

    Widths, kernels and the size of a batch are not reported: ours are small. 1,000 images are held
    out for validation, not 10,000, as there are fewer.
    """
    return Experiment(
        name=f"svhn-mnist-{name}",
        a=at_32("svhn", "unit"),
        b=at_32("mnist", "unit"),
        method=CycleGAN(
            generator=generator,
            discriminator=CNN(width=32),
            adversarial=adversarial,
            cycle_weight=5.0,
        ),
        training=Training(
            images=200_000,
            batch_size=64,
            generators=Optimiser(algorithm="rmsprop", learning_rate=1e-4, beta2=0.99),
            discriminators=Optimiser(algorithm="rmsprop", learning_rate=2e-4, beta2=0.99),
            schedule=Constant(),
            pool_size=0,
            ema_images=2_000,
            log_images=1_280,
            sample_images=10_000,
            checkpoint_images=10_000,
        ),
        evaluation=Evaluation(images=10_000),
    )


RECIPES = (
    svhn_mnist_unet_ls,
    svhn_mnist_unet_ns,
    svhn_mnist_resnet_ns,
    svhn_mnist_ours,
)
