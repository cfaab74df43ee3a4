"""Metrics of translations: accuracy, truth, segmentation, structure, cycle, embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from unpaired.metrics.catalogue.metric import Metric, Need

_THERE, _CYCLE = "{source} → {target}", "{source} → {target} → {source}"
_HIGHER: dict[str, Any] = {"better": "higher"}
_LOWER: dict[str, Any] = {"better": "lower"}
_SHARE: dict[str, Any] = {"better": "higher", "unit": "%", "scale": 100.0, "decimals": 1}
_BESIDE_INPUT: dict[str, Any] = {"companions": ("input",)}
_BESIDE_OTHERS: dict[str, Any] = {"companions": ("shuffled",), "decimals": 3}
_TRUTH: tuple[Need, ...] = ("translations_with_truth", "truth")
_SAMPLES: tuple[Need, ...] = ("sampled_source", "sampled_translations")
_CYCLED: tuple[Need, ...] = ("reconstructions", "source")

_SCORES = {
    "pixel": ("per pixel", "of all pixels of {images} have their true class, {read}"),
    "class": (
        "per class",
        "of a class's pixels have their true class, on average over the classes; a class that does "
        "not occur counts as 0",
    ),
    "iou": (
        "intersection over union",
        "of the union of predicted and true regions is shared, on average over the classes; a "
        "class that does not occur counts as 0",
    ),
    "class_present": (
        "per class that occurs",
        "of a class's pixels have their true class, on average over the classes that occur in the "
        "truth",
    ),
    "iou_present": (
        "intersection over union of classes that occur",
        "of the union of predicted and true regions is shared, on average over the classes that "
        "occur in either",
    ),
}


def _segmentation(
    name: str, title: str, predicted: Need, words: dict[str, str], **beside: Any
) -> Iterator[Metric]:
    """An entry for each segmentation score."""
    needs: tuple[Need, ...] = ("true_label_maps", predicted, "num_classes", "resamples", "seed")
    for part, (about, sentence) in _SCORES.items():
        text = sentence.format(**words)
        how = _SHARE | beside | {"part": part, "headline": part == "pixel"}
        yield Metric(f"{name}/{part}", "segmentation:measure", needs, title, about, text, **how)


def _touched(name: str, function: str, title: str, sentence: str) -> Iterator[Metric]:
    """An entry for each invisible change of a translation."""
    for part, words in (("noise", "noise"), ("jpeg", "JPEG")):
        yield Metric(
            f"{name}/{{source}}/{part}",
            function,
            ("hidden_signal",),
            f"{title} ({words})",
            _CYCLE,
            sentence.format(words=words),
            part=part,
            decimals=2 if name == "hidden_signal" else 4,
            **_LOWER,
        )


TRANSLATION_METRICS: tuple[Metric, ...] = (
    Metric(
        "translation_accuracy/{direction}",
        "accuracy:accuracy",
        ("predicted_labels", "labels"),
        "Translation accuracy",
        _THERE,
        "of translated {source} images are read as the right class by a classifier trained on "
        "real {target} images",
        headline=True,
        ranking=1,
        **_SHARE | _BESIDE_INPUT,
    ),
    Metric(
        "adaptation_accuracy/{direction}",
        "accuracy:accuracy",
        ("student_labels", "real_labels"),
        "Adaptation accuracy",
        _THERE,
        "of real {target} images are read as the right class by a classifier trained only on "
        "{source} images translated to {target}",
        **_SHARE | _BESIDE_INPUT,
    ),
    Metric(
        "truth_psnr/{direction}",
        "paired:psnr",
        _TRUTH,
        "PSNR against the truth",
        _THERE,
        "Peak signal-to-noise ratio of translated {source} images against their true {target} "
        "counterparts, which are not in the training set",
        unit="dB",
        decimals=1,
        headline=True,
        **_HIGHER | _BESIDE_INPUT,
    ),
    Metric(
        "truth_ssim/{direction}",
        "paired:ssim",
        _TRUTH,
        "SSIM against the truth",
        _THERE,
        "Structural similarity of translated {source} images to their true {target} counterparts "
        "(1: the same)",
        decimals=3,
        **_HIGHER | _BESIDE_INPUT,
    ),
    Metric(
        "truth_l1/{direction}",
        "paired:l1",
        _TRUTH,
        "Error against the truth",
        _THERE,
        "Mean absolute difference between translated {source} images and their true {target} "
        "counterparts, with black at 0 and white at 1",
        decimals=4,
        **_LOWER | _BESIDE_INPUT,
    ),
    Metric(
        "truth_lpips/{direction}",
        "paired:by_network",
        (*_TRUTH, "lpips"),
        "LPIPS against the truth",
        _THERE,
        "Perceptual distance of translated {source} images to their true {target} counterparts "
        "(0: the same)",
        decimals=3,
        **_LOWER | _BESIDE_INPUT,
    ),
    *_segmentation(
        "segmentation",
        "Segmentation",
        "label_maps",
        {
            "images": "the translated label maps",
            "read": "read as the nearest colour of the palette",
        },
        companions=("input",),
    ),
    *_segmentation(
        "fcn_score",
        "FCN-score",
        "segmented",
        {"images": "generated photos", "read": "to a segmenter of real photos"},
        companions=("real",),
    ),
    Metric(
        "structure/{direction}",
        "structure:structure",
        ("source_edges", "translation_edges"),
        "Structure distance",
        _THERE,
        "Distance between the edges of {source} images and of their translations: 0 where all are "
        "kept, 1 where they have nothing in common; a translation that must change shapes moves "
        "some",
        **_LOWER | _BESIDE_OTHERS,
    ),
    Metric(
        "dino_structure/{direction}",
        "paired:by_network",
        (*_SAMPLES, "dino"),
        "Structure distance (DINO)",
        _THERE,
        "Distance between the structure of {source} images and of their translations, in the "
        "features of a self-supervised transformer: 0 is the same",
        **_LOWER | _BESIDE_OTHERS | {"decimals": 4},
    ),
    Metric(
        "suspected/{direction}",
        "faithfulness:share_suspected",
        ("faithfulness",),
        "Suspected translations",
        _THERE,
        "of translations are further from the structure of their image than one in twenty "
        "translations of other images",
        **_SHARE | _LOWER,
    ),
    Metric(
        "cycle_l1/{source}",
        "paired:l1",
        _CYCLED,
        "Cycle error",
        _CYCLE,
        f"Mean absolute difference between {{source}} images and themselves after {_CYCLE}, "
        "with black at 0 and white at 1",
        decimals=4,
        **_LOWER,
    ),
    Metric(
        "cycle_lpips/{source}",
        "paired:by_network",
        (*_CYCLED, "lpips"),
        "Cycle error (LPIPS)",
        _CYCLE,
        f"Perceptual distance of {{source}} images to themselves after {_CYCLE} (0: the same)",
        decimals=3,
        **_LOWER,
    ),
    *_touched(
        "hidden_signal",
        "hidden_signal:growth",
        "Hidden signal",
        "Change of the reconstruction, over the invisible change ({words}) of the translation that "
        "it is made from: up to about 1 nothing is hidden in it, several times more says that the "
        "way back reads what is not in the picture: the input, where images are reconstructed "
        "well, and worse with the change",
    ),
    *_touched(
        "cycle_l1",
        "hidden_signal:error_after",
        "Cycle error",
        "The cycle error when the translation was changed ({words}) on the way",
    ),
    Metric(
        "encoder_accuracy/{source}",
        "accuracy:accuracy",
        ("encoder_labels", "labels"),
        "Encoder accuracy",
        "{source}",
        "of real {source} images are read as the right class by the method's own encoder",
        **_SHARE,
    ),
    Metric(
        "embedding_similarity/{direction}",
        "embeddings:cosines",
        ("source_codes", "translation_codes"),
        "Embedding similarity",
        _THERE,
        "Mean cosine between {source} images and their translations, in the features of the "
        "method's own encoder",
        **_HIGHER | _BESIDE_OTHERS,
    ),
    Metric(
        "embedding_similarity/{extractor}/{direction}",
        "embeddings:cosines",
        ("source_features", "translation_features"),
        "Embedding similarity ({extractor})",
        _THERE,
        "Mean cosine between {source} images and their translations (features: {extractor})",
        **_HIGHER | _BESIDE_OTHERS,
    ),
)
