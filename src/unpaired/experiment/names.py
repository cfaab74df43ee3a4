"""Run names: what tells the image sets of an experiment, such as "photos-paintings"."""

from __future__ import annotations

import re
from pathlib import Path

from unpaired.data.sources import BuiltIn, Folder, Source

_UNTELLING = re.compile(
    r"(train|test|val|validation|data|dataset|images?|imgs?|all)(ing)?[-_ ]?[AB]?",
    re.IGNORECASE,
)


def short_name(source: Source) -> str:
    """The last part of a source's name that tells it from others, of letters, digits and dashes:
    `photos/` is "photos", and so is `photos/train.parquet`."""
    if isinstance(source, BuiltIn):
        return source.name
    path = Path(source.path if isinstance(source, Folder) else source.name).absolute()
    parts = [path.stem, *(parent.name for parent in path.parents)]
    telling = (part for part in parts if part and not _UNTELLING.fullmatch(part))
    return re.sub(r"[^A-Za-z0-9]+", "-", next(telling, path.stem)).strip("-") or "images"


def name_of(*sources: Source | None) -> str:
    """What a run on these sources is called: "photos-paintings"."""
    names = [short_name(source) for source in sources if source is not None]
    return "-".join(dict.fromkeys(names))
