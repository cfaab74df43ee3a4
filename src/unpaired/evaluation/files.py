"""Two piles of images compared in one call, as `unpaired evaluate --generated … --real …` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unpaired.core.devices import Device, choose_device
from unpaired.core.torch_state import plain_torch
from unpaired.data.sources import parse_source
from unpaired.evaluation.image_sets import compare
from unpaired.features import parse_extractor
from unpaired.features.extract import open_image_set


@plain_torch()
def evaluate_images(
    generated: str | Path,
    real: str | Path,
    *,
    extractor: str = "inception",
    more_real: str | Path | None = None,
    device: Device = "auto",
) -> dict[str, Any]:
    """How far images that anything has made are from real ones: `metrics`, `protocol`, `notes`.

    `generated`, `real` and `more_real` (others, for a floor at a larger n) are sources as on the
    command line: a folder, a .parquet file, "hf:owner/name:split". So is `extractor`: "inception"
    for FID and KID, "pixels", which needs nothing, "dinov2", "encoder.pt2", ….

    Raises:
        DataError: when a pile cannot be used.
        SettingError, MissingExtra: for an extractor that cannot be loaded.
    """
    loaded = parse_extractor(extractor).load(choose_device(device))
    generated_images, beside = (
        open_image_set(parse_source(str(source))) for source in (generated, real)
    )
    more = None if more_real is None else open_image_set(parse_source(str(more_real)))
    compared = compare(generated_images, beside, loaded, more_real=more)
    return compared.protocol.record(compared.metrics) | {"notes": list(compared.notes)}
