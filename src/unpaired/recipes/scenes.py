"""Maps and street scenes: aerial photographs ↔ maps, street scenes ↔ label maps, for who has them.

The data sets and tables are those of Toulemont & Sevestre 2019.

Both are read from the folders trainA, trainB, testA and testB of CycleGAN's authors.
"""

from __future__ import annotations

from unpaired.data.domain import Augmentation, Domain
from unpaired.experiment.experiment import Experiment
from unpaired.recipes.data import folder
from unpaired.recipes.facades import as_reported, with_gradient_penalty, with_spectral_norm

CITYSCAPES = (
    (128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153),
    (153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152),
    (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100),
    (0, 80, 100), (0, 0, 230), (119, 11, 32),
)  # fmt: skip
"""The colours of the nineteen classes that Cityscapes evaluates."""


def maps_cyclegan() -> Experiment:
    """Aerial photographs ↔ maps at 256×256: CycleGAN as Toulemont & Sevestre 2019 trained it.

    Paper: Toulemont & Sevestre 2019, table 3 (Zhu et al. 2017, section 5.1).
    Command: unpaired train --recipe maps-cyclegan
    Cost: 2.7 times that of facades-cyclegan, with as many more images.
    Score: not measured here, for want of the data. Toulemont & Sevestre 2019, photo→map: 0.66 per
    pixel.
    """
    return as_reported("maps", _domain("maps", "A"), _domain("maps", "B"), train_images=1_096)


def maps_sn() -> Experiment:
    """Aerial photographs ↔ maps at 256×256 with spectral norm in the discriminators.

    Paper: Toulemont & Sevestre 2019, table 3.
    Command: unpaired train --recipe maps-sn
    Cost: 2.7 times that of facades-cyclegan, with as many more images.
    Score: not measured here, for want of the data. Toulemont & Sevestre 2019, photo→map: 0.64 per
    pixel.
    """
    return with_spectral_norm(maps_cyclegan())


def maps_wgan_gp() -> Experiment:
    """Aerial photographs ↔ maps at 256×256 with Wasserstein critics and gradient penalty.

    Paper: Toulemont & Sevestre 2019, table 3.
    Command: unpaired train --recipe maps-wgan-gp
    Cost: more than maps-cyclegan's.
    Score: not measured here, for want of the data. Toulemont & Sevestre 2019, photo→map: 0.48 per
    pixel.
    """
    return with_gradient_penalty(maps_cyclegan())


def cityscapes_cyclegan() -> Experiment:
    """Street scenes ↔ their label maps at 256×256: CycleGAN as in Toulemont & Sevestre 2019.

    Paper: Toulemont & Sevestre 2019, tables 1 and 2 (Zhu et al. 2017, section 5.1).
    Command: unpaired train --recipe cityscapes-cyclegan
    Cost: 7.4 times that of facades-cyclegan, with as many more images.
    Score: not measured here, for want of the data. Toulemont & Sevestre 2019, photo→labels: 0.55
    per pixel, 0.19 per class, 0.13 intersection over union (Zhu et al. 2017: 0.58, 0.22, 0.16).
    """
    return as_reported("cityscapes", _domain("cityscapes", "A"), _labels(), train_images=2_975)


def cityscapes_sn() -> Experiment:
    """Street scenes ↔ their label maps at 256×256 with spectral norm in the discriminators.

    Paper: Toulemont & Sevestre 2019, tables 1 and 2.
    Command: unpaired train --recipe cityscapes-sn
    Cost: 7.4 times that of facades-cyclegan, with as many more images.
    Score: not measured here, for want of the data. Toulemont & Sevestre 2019, photo→labels: 0.53,
    0.18, 0.12.
    """
    return with_spectral_norm(cityscapes_cyclegan())


def cityscapes_wgan_gp() -> Experiment:
    """Street scenes ↔ their label maps at 256×256 with Wasserstein critics and gradient penalty.

    Paper: Toulemont & Sevestre 2019, tables 1 and 2.
    Command: unpaired train --recipe cityscapes-wgan-gp
    Cost: more than cityscapes-cyclegan's.
    Score: not measured here, for want of the data. Toulemont & Sevestre 2019, photo→labels: 0.49,
    0.13, 0.09.
    """
    return with_gradient_penalty(cityscapes_cyclegan())


def _labels() -> Domain:
    return _domain("cityscapes", "B", palette=CITYSCAPES)


def _domain(name: str, side: str, palette: tuple[tuple[int, int, int], ...] = ()) -> Domain:
    return Domain(
        source=folder(f"{name}/train{side}"),
        test_source=folder(f"{name}/test{side}", pairs=True),
        size=256,
        fit="resize",
        augmentation=Augmentation(zoom=286 / 256, crop_probability=1.0, flip=True),
        palette=palette,
        label_channels="colours" if palette else "classes",
    )


RECIPES = (
    maps_cyclegan,
    maps_sn,
    maps_wgan_gp,
    cityscapes_cyclegan,
    cityscapes_sn,
    cityscapes_wgan_gp,
)
