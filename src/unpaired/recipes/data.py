"""Recipe data: below $UNPAIRED_DATA or ../shared/data, else on the hub.

A recipe can always be looked at and changed; only its training asks for the data (`require`).
"""

from __future__ import annotations

import os
from pathlib import Path

from unpaired.core.console import say
from unpaired.core.errors import DataError, MissingExtra
from unpaired.core.files import at_home
from unpaired.data.index import open_index
from unpaired.data.sources import Folder, HuggingFace, Source
from unpaired.experiment.experiment import Experiment

HUB = {
    "mnist": "ylecun/mnist",
    "usps": "flwrlabs/usps",
    "svhn": "ufldl-stanford/svhn",
    "fashion_mnist": "zalando-datasets/fashion_mnist",
}
"""Ids on the hub, used where there are no local files."""

SUBSET = {"svhn": "cropped_digits"}
"""Parts of those of which there are several."""

WHERE = {
    "emoji": "Apple's glyphs are in the npm package emoji-datasource-apple, those of Windows with "
    "black outlines in Windows 10's font Segoe UI Emoji: one row per emoji, columns `image` (72×72 "
    "pixels) and `id` (code points). Folders will do: --a apple/ --b windows/.",
    "facades": "The CMP Facade Database is published by the Center for Machine Perception, Prague: "
    "one row per facade, columns `image` and `id`.",
    "faces": "UTKFace and the Anime Face Dataset are published by their authors: a column `image`.",
    "weights": "Any torch.export program from faces [N, 3, 112, 112] in 0…255 to embeddings will "
    "do: --method.encoder.path FILE.",
    "encoders": "benchmarks/feature_maps.py of the repository writes it, from weights that are "
    "published as a package. Any torch.export program from photos [N, 3, 128, 128] in 0…255 to "
    "maps [N, C, H, W] will do: --method.encoder.path FILE.",
    "maps": "CycleGAN's authors publish it as maps.zip, with the folders trainA, trainB, testA and "
    "testB (aerial photographs are A, maps are B).",
    "cityscapes": "Registered users get it from cityscapes-dataset.com; CycleGAN's "
    "prepare_cityscapes_dataset.py makes trainA (photographs), trainB (label maps), testA, testB.",
}
"""Where users get what is on no hub, by the first part of its path."""


def roots() -> list[Path]:
    """Folders that are searched, in this order."""
    given = os.environ.get("UNPAIRED_DATA")
    return [*([Path(given)] if given else []), Path("../shared/data")]


def locate(name: str) -> Path:
    """`name` below the first root that has it; below the first root where none has."""
    found = [root / name for root in roots() if (root / name).exists()]
    return found[0] if found else roots()[0] / name


def parquet(name: str, split: str) -> HuggingFace:
    """`<name>/<split>.parquet`, or the hub's data set of that name."""
    path = locate(f"{name}/{split}.parquet")
    if name in HUB and not path.exists():
        return HuggingFace(name=HUB[name], subset=SUBSET.get(name, ""), split=split)
    return HuggingFace(name=str(path), split=split)


def folder(name: str, *, pairs: bool = False) -> Folder:
    """A folder of images, such as "maps/trainA"; for `pairs` see `Folder`."""
    return Folder(path=str(locate(name)), pairs=pairs)


def require(experiment: Experiment, *, hub: bool = True) -> None:
    """Make sure that a recipe's local files are there, and with `hub` what it takes from the hub.

    Raises:
        DataError: naming every file that is missing, where it was looked for, and where users get
            such data.
    """
    sources: list[Source | None] = []
    for domain in experiment.domains.values():
        sources += [domain.source, domain.validation_source, domain.test_source]
    names = [s.path for s in sources if isinstance(s, Folder)]
    names += [s.name for s in sources if isinstance(s, HuggingFace) and s.name.endswith(".parquet")]
    encoder = getattr(experiment.method, "encoder", None)
    names += [path for path in [getattr(encoder, "path", "")] if path]
    missing = [name for name in names if not at_home(name).exists()]
    if not missing:
        if hub:
            _fetch(experiment.name, [s for s in sources if isinstance(s, HuggingFace)])
        return
    hints = [text for key, text in WHERE.items() if any(f"{key}/" in name for name in missing)]
    searched = " and ".join(str(root) for root in roots())
    raise DataError(
        f"{experiment.name} needs files that are not there: {', '.join(missing)}. Recipes look "
        f"below {searched}; set UNPAIRED_DATA to another folder. {' '.join(hints)}".rstrip(),
        code="recipe-data-missing",
    )


def _fetch(recipe: str, sources: list[HuggingFace]) -> None:
    """Open what a recipe takes from the hub because there are no local files.

    Raises:
        DataError: naming the files that would do as well, and the flags for other images.
    """
    names = {hub_id: name for name, hub_id in HUB.items()}
    wanted = {s: f"{names[s.name]}/{s.split}.parquet" for s in sources if s.name in names}
    searched = " and ".join(str(root) for root in roots())
    for source, path in wanted.items():
        say(f"{path} is not below {searched}: asking the Hugging Face hub for {source.name}")
        try:
            open_index(source)
        except (DataError, MissingExtra) as error:
            raise DataError(
                f"{recipe} needs data that are not here. {error} Or bring the files "
                f"{', '.join(wanted.values())}: recipes look below {searched}; set UNPAIRED_DATA "
                "to another folder. Or give images of your own: --a SOURCE --b SOURCE.",
                code="recipe-data-missing",
            ) from error
