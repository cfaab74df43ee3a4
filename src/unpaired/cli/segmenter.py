"""`unpaired segmenter`: the FCN-score, the measure of translations from label maps to photos.

`train` teaches a network the classes of your photos' pixels, from photos and their label maps in
pairs. `score` applies it to generated photos: does it find in them the classes of the label maps
that they were made from? Real photos' score stands beside it, as the upper bound.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unpaired.cli.flags.arguments import Parser, count, device, print_json, seconds
from unpaired.core.errors import DataError, SettingError

if TYPE_CHECKING:
    from unpaired.data.palettes import Palette
    from unpaired.segmenter.label_maps import Pairs

EPILOG = """\
examples:
  unpaired segmenter train --photos photos/ --labels labels/ -o segmenter/
  unpaired translate runs/facades/model labels-test/ -o generated/ --to a
  unpaired segmenter score segmenter/ --generated generated/ --labels labels-test/ \\
      --real photos-test/

Photos and label maps are paired by file name, whatever the ending, or by the column `id`.
The networks are those of the package transformers: pip install "unpaired[metrics]".
"""


class _Parser(Parser):
    """Answers an unknown flag with the most similar one of its parts."""

    parts: dict[str, Parser]

    @property
    def options(self) -> list[str]:
        return [flag for part in self.parts.values() for flag in part.options]


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = _Parser(prog="unpaired segmenter", description=__doc__, epilog=EPILOG)
    parts = flags.add_subparsers(dest="part", metavar="train|score", parser_class=Parser)
    flags.parts = {
        "train": _flags_of_train(parts.add_parser("train", help="train a segmenter")),
        "score": _flags_of_score(parts.add_parser("score", help="score generated photos")),
    }
    options = flags.parse_args(arguments)
    if options.part is None:
        flags.error("say what to do: `unpaired segmenter train` or `unpaired segmenter score`")
    return _train(options) if options.part == "train" else _score(options)


def _flags_of_train(flags: Parser) -> Parser:
    add = flags.add_argument
    add("--photos", metavar="SOURCE", required=True, help="folder, .parquet, hf:owner/name:split")
    add("--labels", metavar="SOURCE", required=True, help="their label maps, one colour a class")
    add("--photos-test", metavar="SOURCE", help="photos kept for the test (default: a tenth)")
    add("--labels-test", metavar="SOURCE", help="their label maps")
    add(
        "--palette",
        metavar="FILE|facades",
        help="colours of the classes, one R G B a line, or those of the CMP facades "
        "(default: all colours of the label maps, which must then be lossless)",
    )
    add("--size", type=int, default=128, metavar="N", help="side of what it sees (default: 128)")
    add("--network", choices=["upernet", "segformer"], default="upernet", help="default: upernet")
    add("--pretrained", default="", metavar="ID", help="a SegFormer's weights: folder, or hub id")
    length = flags.add_mutually_exclusive_group()
    length.add_argument("--images", type=count, metavar="N", help="length in photos seen")
    length.add_argument("--time", type=seconds, metavar="T", help="about how long, e.g. 10m")
    add("--seed", type=int, default=0, metavar="S", help="default: 0")
    add("--device", type=device, choices=["auto", "cpu", "cuda"], default="auto")
    add("-o", "--output", type=Path, default=Path("segmenter"), metavar="DIR")
    add("--json", action="store_true", help="one JSON object on standard output")
    return flags


def _flags_of_score(flags: Parser) -> Parser:
    add = flags.add_argument
    add("segmenter", type=Path, help="folder that `unpaired segmenter train` has written")
    add("--generated", metavar="SOURCE", required=True, help="photos made from label maps")
    add("--labels", metavar="SOURCE", required=True, help="these label maps")
    add("--real", metavar="SOURCE", help="real photos of them, not seen in training: the bound")
    add("--device", type=device, choices=["auto", "cpu", "cuda"], default="auto")
    add("--json", action="store_true", help="one JSON object on standard output")
    return flags


def _train(options: Any) -> int:
    from unpaired.cli.tables.segmentation_scores import print_scores
    from unpaired.core.console import counting, duration, say
    from unpaired.core.devices import choose_device
    from unpaired.core.weights import LARGEST_SETTING, hash_of_weights
    from unpaired.segmenter.fcn_score import scores_of
    from unpaired.segmenter.folder import Trained, check_can_be_written, save_segmenter
    from unpaired.segmenter.label_maps import hashes_of
    from unpaired.segmenter.networks import SegFormer, UperNet
    from unpaired.segmenter.segmenter import (
        BATCH_IMAGES,
        SMALLEST,
        check_length,
        default_images_seen,
        images_within,
        train_segmenter,
    )

    check_can_be_written(options.output)
    if not SMALLEST <= options.size <= LARGEST_SETTING:
        raise SettingError(
            f"--size {options.size}: it must be within {SMALLEST} to {LARGEST_SETTING}.",
            code="segmenter-size-out-of-range",
            setting="size",
        )
    if options.images is not None:
        check_length(options.images)
    device = choose_device(options.device)
    train, test, palette = _read(options)
    network = {"upernet": UperNet, "segformer": SegFormer}[options.network]()
    settings: dict[str, Any] = {"weights": options.pretrained, "device": device}
    data = (train.photos, train.classes, len(palette), network)
    images = options.images or default_images_seen(len(train))
    if options.time is not None:
        images = images_within(options.time, *data, **settings)
    images -= images % BATCH_IMAGES  # whole batches are seen
    say(f"{len(train)} training pairs, {len(test)} held out; {images:,} photos seen in training")
    started = time.monotonic()
    with counting("photos seen", quiet=options.json) as progress:
        segmenter, form = train_segmenter(
            *data,
            **settings,
            seed=options.seed,
            images_seen=images,
            progress=lambda done, total, loss: progress(done, total),
        )
    took = time.monotonic() - started
    trained = Trained(
        network=form,
        # An id of the hub as it is; of a folder, no more than its name.
        pretrained=Path(options.pretrained).name
        if Path(options.pretrained).exists()
        else options.pretrained,
        palette=palette,
        size=options.size,
        images=images,
        seed=options.seed,
        seconds=round(took, 1),
        photos=tuple(hashes_of(train.photos)),
        scores=scores_of(segmenter, test, len(palette)),
        weights_hash=hash_of_weights(segmenter),
    )
    save_segmenter(options.output, segmenter, trained)
    metrics = {name: m.as_json() for name, m in trained.scores.items()}
    if options.json:
        print_json(
            {
                "folder": str(options.output),
                "palette": palette,
                "images": images,
                "seconds": trained.seconds,
                "weights_hash": trained.weights_hash,
                "metrics": metrics,
            }
        )
        return 0
    print_scores(f"{len(test)} real photos kept from the training", {"real photos": metrics})
    say(f"trained in {duration(took)}: {options.output}")
    say(f"next: unpaired segmenter score {options.output} --generated GENERATED --labels LABELS")
    return 0


def _read(options: Any) -> tuple[Pairs, Pairs, Palette]:
    """The pairs that train, those that test, and the colours of the classes."""
    from unpaired.core.console import say
    from unpaired.data.palettes import read_palette
    from unpaired.data.sources import parse_source
    from unpaired.recipes.facades import PALETTE
    from unpaired.segmenter.label_maps import (
        hashes_of,
        hold_out,
        match,
        read_label_maps,
        read_photos,
    )

    if (options.photos_test is None) != (options.labels_test is None):
        raise SettingError(
            "give --photos-test and --labels-test together, or neither.",
            code="test-images-incomplete",
            setting="photos_test",
        )
    palette: Palette | None = None
    if options.palette is not None:
        palette = PALETTE if options.palette == "facades" else read_palette(Path(options.palette))

    def pairs(photos: str, labels: str, palette: Palette | None) -> tuple[Pairs, Palette]:
        classes, maps, palette = read_label_maps(parse_source(labels), options.size, palette)
        images = read_photos(parse_source(photos), options.size)
        matched = match(images, classes, maps)
        _say_what_is_left_out(
            [*images.left_out, *maps.left_out], labels, len(maps.ids), len(matched)
        )
        return matched, palette

    train, classes = pairs(options.photos, options.labels, palette)
    if palette is None:
        colours = ", ".join(str(colour) for colour in classes)
        say(f"{len(classes)} classes, by the colours of the label maps: {colours}")
    if options.photos_test is None:
        train, test = hold_out(train)
    else:
        test, _ = pairs(options.photos_test, options.labels_test, classes)
    if len(train) < 2:
        raise DataError(
            f"{options.photos} and {options.labels} leave {len(train)} pairs to train on and "
            f"{len(test)} to test with. Give more pairs: hundreds are the least that works well.",
            code="too-few-pairs",
        )
    both = set(hashes_of(train.photos)) & set(hashes_of(test.photos))
    if both:
        raise DataError(
            f"{len(both)} photos are in {options.photos} and in {options.photos_test}: a segmenter "
            "is tested on photos that it has not seen. Remove them from one of the two.",
            code="test-photos-in-training",
            setting="photos_test",
        )
    return train, test, classes


def _score(options: Any) -> int:
    from unpaired.cli.tables.segmentation_scores import print_scores
    from unpaired.core.console import say
    from unpaired.core.devices import choose_device
    from unpaired.data.sources import parse_source
    from unpaired.segmenter.fcn_score import NAME, fcn_score
    from unpaired.segmenter.folder import load_segmenter

    segmenter, trained = load_segmenter(options.segmenter)
    segmenter.to(choose_device(options.device))
    record = fcn_score(
        segmenter,
        trained,
        parse_source(options.generated),
        parse_source(options.labels),
        parse_source(options.real) if options.real else None,
    )
    bound = record["real"]
    if record["photos_without_label_map"]:
        say(f"left out: {record['photos_without_label_map']} generated photos without a label map")
    if record["label_maps_without_photo"]:
        say(f"{record['label_maps_without_photo']} label maps have no generated photo")
    for line in record["left_out"]:
        say(f"left out: {line}")
    if bound["seen_in_training"]:
        say(
            f"{bound['seen_in_training']} of the {bound['photos']} real photos were seen in the "
            "segmenter's training: their score is higher than that of photos kept from it"
        )
    if options.json:
        print_json(record)
        return 0
    metrics = record["metrics"]
    names = [name.removeprefix(f"{NAME}/") for name in metrics if not name.endswith("/real")]
    columns = {
        "generated": {name: metrics[f"{NAME}/{name}"] for name in names},
        "real": {name: metrics[f"{NAME}/{name}/real"] for name in names},
    }
    print_scores(f"FCN-score of {record['pairs']} generated photos", columns)
    say(f"real photos: {bound['from']}; protocol {record['fingerprint']}")
    return 0


def _say_what_is_left_out(lines: Iterable[str], labels: str, num_maps: int, num_pairs: int) -> None:
    from unpaired.core.console import say

    for line in lines:
        say(f"left out: {line}")
    if num_pairs < num_maps:
        say(f"{num_maps - num_pairs} of {num_maps} label maps in {labels} have no photo: left out")
