"""Metrics of image sets against real ones: diversity, KID, FID, CMMD, precision and recall."""

from __future__ import annotations

from typing import Any

from unpaired.metrics.catalogue.metric import Metric, Need

_SETS: tuple[Need, ...] = ("generated_features", "real_features")
_HIGHER: dict[str, Any] = {"better": "higher"}
_LOWER: dict[str, Any] = {"better": "lower"}
_PERCENT: dict[str, Any] = {"unit": "%", "scale": 100.0, "decimals": 1}
_NEIGHBOURS: dict[str, Any] = {
    "function": "precision_recall:neighbours",
    "needs": ("real_features", "generated_features", "seed"),
    "better": "higher",
    "companions": ("floor",),
    "floor_splits": 1,
    "fewest_images": 6,
    "on_demand": True,
}

IMAGE_SET_METRICS: tuple[Metric, ...] = (
    Metric(
        "diversity/{direction}",
        "diversity:diversity",
        ("translations", "real"),
        "Diversity",
        "{source} → {target}",
        "Variety of translated {source} images: 1 is as varied as real {target} images are, "
        "0 is all alike",
        decimals=2,
        headline=True,
        **_HIGHER,
    ),
    Metric(
        "diversity_within_classes/{direction}",
        "diversity:diversity_within_classes",
        ("translations", "classes_of_translations", "real", "real_classes"),
        "Diversity within classes",
        "{source} → {target}",
        "Variety of the translated {source} images of one class: 1 is as varied as real {target} "
        "images of that class are, 0 is one image a class",
        decimals=2,
        **_HIGHER,
    ),
    Metric(
        "diversity/{target}",
        "diversity:diversity",
        ("from_noise", "real"),
        "Diversity",
        "{target}",
        "Variety of {target} images generated from noise: 1 is as varied as real ones are, "
        "0 is all alike",
        decimals=2,
        headline=True,
        **_HIGHER,
    ),
    Metric(
        "feature_accuracy/{target}",
        "accuracy:accuracy",
        ("probe_labels", "real_labels"),
        "Feature accuracy",
        "{target}",
        "of real {target} images are read as the right class by a linear classifier on the "
        "discriminator's features",
        **_HIGHER | _PERCENT,
    ),
    Metric(
        "kd/{extractor}/{target}",
        "kernel_distance:kernel",
        (*_SETS, "resamples", "seed"),
        "Kernel distance ({extractor})",
        "to real {target}",
        "Kernel distance between {generated} and real {target} images (features: {extractor}; "
        "0: no difference)",
        decimals=4,
        headline=True,
        companions=("input", "floor"),
        ranking=2,
        **_LOWER,
    ),
    Metric(
        "fd/{extractor}/{target}",
        "frechet:frechet",
        (*_SETS, "resamples", "seed"),
        "Fréchet distance ({extractor})",
        "to real {target}",
        "Fréchet distance between {generated} and real {target} images (features: {extractor}); "
        "it shrinks as n grows, so compare at the same n only",
        companions=("input", "floor"),
        **_LOWER,
    ),
    Metric(
        "fd/{extractor}/{target}/infinity",
        "floor:frechet_limit",
        (*_SETS, "seed"),
        "Fréchet distance ({extractor}), limit",
        "to real {target}",
        "What the Fréchet distance would be with any number of images, where a line in 1/n ends "
        "(features: {extractor})",
        fewest_images=60,
        on_demand=True,
        **_LOWER,
    ),
    Metric(
        "cmmd/{extractor}/{target}",
        "kernel_distance:cmmd_measured",
        _SETS,
        "CMMD",
        "to real {target}",
        "Distance between {generated} and real {target} images in CLIP's features "
        "(0: no difference)",
        decimals=3,
        companions=("floor",),
        floor_splits=1,
        extractors=("clip",),
        on_demand=True,
        **_LOWER,
    ),
    Metric(
        "precision/{extractor}/{target}",
        title="Precision ({extractor})",
        about="of {generated} {target}",
        sentence="of the {generated} images lie among real {target} images (features: {extractor})",
        part="precision",
        **_NEIGHBOURS | _PERCENT,
    ),
    Metric(
        "recall/{extractor}/{target}",
        title="Recall ({extractor})",
        about="of real {target}",
        sentence="of real {target} images lie among the {generated} ones (features: {extractor})",
        part="recall",
        **_NEIGHBOURS | _PERCENT,
    ),
    Metric(
        "density/{extractor}/{target}",
        title="Density ({extractor})",
        about="of {generated} {target}",
        sentence="How many real {target} images the {generated} ones lie among, to how many they "
        "would if they were real: about 1 (features: {extractor})",
        part="density",
        decimals=2,
        **_NEIGHBOURS,
    ),
    Metric(
        "coverage/{extractor}/{target}",
        title="Coverage ({extractor})",
        about="of real {target}",
        sentence="of real {target} images have a {generated} one near (features: {extractor})",
        part="coverage",
        **_NEIGHBOURS | _PERCENT,
    ),
)
