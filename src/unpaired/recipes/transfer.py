"""Domain transfer networks: digits and faces (report 002)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from unpaired.data.domain import Domain
from unpaired.experiment import Evaluation, Experiment, Optimiser, Training
from unpaired.methods import DTN
from unpaired.networks import CNN, ClassEncoder, Decoder, ExportedEncoder
from unpaired.recipes.data import locate, parquet
from unpaired.recipes.digits import PLAIN

Digits = Literal["svhn", "mnist"]


def dtn_svhn_mnist() -> Experiment:
    """SVHN → MNIST by a domain transfer network, as report 002 has it.

    Paper: report 002, section 5.1: α = 0.001, β = 1000, γ = 0, squared constancy, batch norm in g
    and in the ternary discriminator.
    Command: unpaired train --recipe dtn-svhn-mnist
    Cost: see docs/results.md.
    Score: report: 77.6 % (Taigman et al. 2017: 90.66 %). Ours: see docs/results.md.
    """
    return _digits("dtn-svhn-mnist", "svhn", "mnist")


def dtn_mnist_svhn() -> Experiment:
    """MNIST → SVHN by a domain transfer network, as report 002 has it.

    Paper: report 002, section 6.1.2.
    Command: unpaired train --recipe dtn-mnist-svhn
    Cost: see docs/results.md.
    Score: the report shows pictures only. Ours: see docs/results.md.
    """
    return _digits("dtn-mnist-svhn", "mnist", "svhn")


def dtn_faces() -> Experiment:
    """Photographs of faces → drawn faces, by a domain transfer network on a given face encoder.

    Paper: report 002, section 5.2: α = 0.01, β = 100, γ = 0.0001, cosine constancy; g makes 64×64,
    enlarged to 96×96. The report's encoder is SphereFace-20: --method.encoder.kind sphereface.
    Command: unpaired train --recipe dtn-faces
    Cost: see docs/results.md.
    Score: the report shows pictures only. Ours: see docs/results.md.
    """
    return Experiment(
        name="dtn-faces",
        a=_faces("photo"),
        b=_faces("anime"),
        method=DTN(
            encoder=ExportedEncoder(path=str(locate("weights/mobilefacenet.pt2"))),
            generator=Decoder(width=32, base=2, pointwise=True, resolution=64),
            discriminator=CNN(width=32, kernel=3, norm="batch", norm_first=True),
            constancy="cosine",
            constancy_weight=0.01,
            identity_weight=100.0,
            smoothness_weight=1e-4,
        ),
        training=replace(_TRAINING, images=60_000, batch_size=32, sample_images=5_000),
        evaluation=Evaluation(images=10_000),
    )


_OPTIMISER = Optimiser(learning_rate=2e-4)
_TRAINING = Training(
    images=100_000,
    batch_size=64,
    generators=_OPTIMISER,
    discriminators=_OPTIMISER,
    schedule="constant",
    pool_size=0,
    ema_images=2_000,
    log_images=1_280,
    sample_images=10_000,
    checkpoint_images=10_000,
)


def _digits(name: str, a: Digits, b: Digits) -> Experiment:
    return Experiment(
        name=name,
        a=_domain(a),
        b=_domain(b),
        method=DTN(
            encoder=ClassEncoder(),
            generator=Decoder(width=128),
            discriminator=CNN(width=128, kernel=3, norm="batch", norm_first=True),
            constancy="squared",
            constancy_weight=0.001,
            identity_weight=1000.0,
        ),
        training=_TRAINING,
        evaluation=Evaluation(images=10_000),
    )


def _domain(name: Digits) -> Domain:
    return Domain(
        source=parquet(name, "train"),
        test_source=parquet(name, "test"),
        channels=3 if name == "svhn" else 1,
        size=32,
        fit="pad",
        augmentation=PLAIN,
    )


def _faces(name: Literal["photo", "anime"]) -> Domain:
    return Domain(
        source=parquet(f"faces/{name}", "train"),
        test_source=parquet(f"faces/{name}", "test"),
        size=96,
    )


RECIPES = (
    dtn_svhn_mnist,
    dtn_mnist_svhn,
    dtn_faces,
)
