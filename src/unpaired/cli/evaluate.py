"""`unpaired evaluate`: measure a model on images kept from training, or any image files."""

from __future__ import annotations

import json
from argparse import BooleanOptionalAction, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unpaired.cli.flags.arguments import Parser, device, print_json
from unpaired.core.console import TrainingProgress, say
from unpaired.core.errors import BrokenPackage, MissingExtra, ModelError, SettingError
from unpaired.core.files import write_atomically
from unpaired.metrics.catalogue.table import lines_for_help

if TYPE_CHECKING:
    import torch

    from unpaired.evaluation.content import Pretrained
    from unpaired.features import Extractor, Loaded
    from unpaired.records.protocol import Split

EPILOG = """\
examples:
  unpaired evaluate runs/photos-paintings
  unpaired evaluate runs/photos-paintings --extractor inception,dinov2 -o evidence/
  unpaired evaluate --generated out/ --real photos/
  unpaired evaluate --generated out/ --real photos/ --extractor dinov2,clip,encoder.pt2
  unpaired evaluate --generated out/ --real photos/ --inputs sketches/ -o evidence/

Extractors: inception (FID and KID; used for image files if none is named),
inception-legacy (with the resize of the first FID), dinov2 (FD-DINOv2), clip (CMMD), pixels (8x8
averages, needs nothing), classifier:SOURCE (a task classifier that learns from labelled real
images, for digits and the like), or a program of torch.export that takes colour images of 0 to 255
(encoder.pt2; encoder.pt2:unit of 0 to 1, :signed of -1 to 1). With weights of your own:
inception:weights.pth, dinov2:folder/, clip:folder/. Without, those in the cache of torch or of the
Hugging Face hub are used, and fetched where they are absent. Inception, dinov2 and clip need
pip install "unpaired[metrics]".
"""


EVALUATORS = {
    "classifier": "of a model: measure with a task classifier, which learns from labels (default: "
    "as it was trained)",
    "adaptation": "of a model: train a classifier on translated images, test it on real ones",
}


_IMAGE_SETS = ("generated", "real", "more_real", "inputs", "truth")


def run(arguments: list[str]) -> int:
    """The verb."""
    from unpaired.cli.tables.table import print_metrics

    metrics = "\n".join(
        ["\nMetrics, where images, labels and method allow them:", *lines_for_help()]
    )
    flags = Parser(prog="unpaired evaluate", description=__doc__, epilog=EPILOG + metrics)
    add = flags.add_argument
    add("model", nargs="?", type=Path, help="run folder or model folder")
    add("--split", choices=["test", "validation"], help="images of a model (default: test)")
    add("--generated", metavar="SOURCE", help="generated images: a folder, .parquet, hf:…")
    add("--real", metavar="SOURCE", help="real images to compare them with")
    add("--more-real", metavar="SOURCE", help="other real images, for a floor at a larger n")
    add(
        "--inputs",
        metavar="SOURCE",
        help="what the images were generated from, under the same names",
    )
    add("--truth", metavar="SOURCE", help="what they should have become, under the same names")
    add(
        "--extractor",
        metavar="NAMES",
        help="one or several, with commas (of images: inception); pixels needs nothing",
    )
    add("-o", "--output", type=Path, metavar="DIR", help="write the page of faithfulness there")
    add("--lpips", action="store_true", help="compare cycle and truth by LPIPS as well")
    add("--dino", metavar="WEIGHTS", help="structure distance of a DINO: facebook/dino-vitb8")
    for setting, help in EVALUATORS.items():
        add(f"--{setting}", action=BooleanOptionalAction, help=help)
    add(
        "--device",
        type=device,
        choices=["auto", "cpu", "cuda"],
        help="default: of a run, its own; else auto",
    )
    add("--json", action="store_true", help="one JSON object on standard output")
    options = flags.parse_args(arguments)
    _check(options)
    with TrainingProgress(1, quiet=options.json) as progress, progress.measuring():
        records = _of_images(options) if options.model is None else _of_model(options)
    kept = _keep(records, options.output) if options.output else None
    if options.json:
        print_json({"evaluations": records})
        return 0
    for record in records:
        print_metrics(record)
    for note in dict.fromkeys(note for record in records for note in record.get("notes", ())):
        say(f"note: {note}")
    if kept is not None:
        say(f"page: {options.output / 'faithfulness.html'}, numbers: {kept}")
    return 0


def _keep(records: list[dict[str, Any]], folder: Path) -> Path:
    """Write the numbers beside the page."""
    path = folder / "numbers.jsonl"  # a run's evaluations.jsonl must not be written over
    write_atomically(path, "".join(json.dumps(record) + "\n" for record in records))
    return path


def _check(options: Namespace) -> None:
    """Refuse flags that contradict each other."""
    named = [f"--{name.replace('_', '-')}" for name in _IMAGE_SETS if getattr(options, name)]
    if options.model is not None and named:
        raise SettingError(
            f"{named[0]} goes with images (--generated out/ --real photos/), not with the model "
            f"{str(options.model)!r}, which knows its own. Leave one of them out.",
            code="images-beside-model",
        )
    others = options.real or options.inputs or options.truth
    if options.model is None and not (options.generated and others):
        raise SettingError(
            "give a run or model folder, or images and what to compare them with: --generated out/ "
            "--real photos/ (or --inputs, --truth). `unpaired evaluate --help` has examples.",
            code="nothing-to-evaluate",
        )
    if options.model is None and options.extractor and not (options.real or options.inputs):
        raise SettingError(
            "--extractor compares with real images or inputs: name them, --real photos/.",
            code="extractor-without-images",
            setting="extractor",
        )
    if options.model is None and options.lpips and not options.truth:
        raise SettingError(
            "--lpips compares with the truth: name it, --truth photos/.",
            code="lpips-without-truth",
            setting="lpips",
        )
    if options.model is None and options.dino and not options.inputs:
        raise SettingError(
            "--dino compares with the inputs: name them, --inputs sketches/.",
            code="dino-without-inputs",
            setting="dino",
        )
    if options.model is None and options.output and not options.inputs:
        raise SettingError(
            "-o writes how faithful translations are to what they were generated from: name that, "
            "--inputs sketches/.",
            code="page-without-inputs",
            setting="output",
        )
    evaluators = [f"--{name}" for name in EVALUATORS if getattr(options, name) is not None]
    if options.model is None and evaluators:
        raise SettingError(
            f"{evaluators[0]} goes with a model, which knows its labelled images. For image files: "
            "--extractor classifier:labelled/.",
            code="classifier-without-model",
        )
    folders = {name: Path(getattr(options, name)) for name in _IMAGE_SETS if getattr(options, name)}
    for name, opened in folders.items() if options.output else ():
        if opened.is_dir() and options.output.resolve().is_relative_to(opened.resolve()):
            raise SettingError(
                f"the page and its pictures would go to {options.output}, into the images of "
                f"--{name.replace('_', '-')}, and be measured next time. Choose a folder outside "
                "with -o.",
                code="page-among-images",
                setting="output",
            )
    if options.model is None and options.split:
        raise SettingError(
            "--split goes with a model: image files have no splits. Leave it out.",
            code="split-without-model",
            setting="split",
        )


def _of_model(options: Namespace) -> list[dict[str, Any]]:
    from unpaired.evaluation.evaluate import evaluate

    split: Split = options.split or "test"
    try:
        return evaluate(
            options.model,
            split,
            options.output,
            _pretrained(options),
            _extractors(options),
            classifier=options.classifier,
            adaptation=options.adaptation,
            device=options.device,
        )
    except ModelError as error:
        if (options.model / "config.json").exists():
            raise
        raise ModelError(
            f"{error} A run's folder will do as well; for images: --generated {options.model} "
            "--real photos/.",
            code="not-a-model-folder",
        ) from error


def _of_images(options: Namespace) -> list[dict[str, Any]]:
    from unpaired.core.devices import choose_device
    from unpaired.data.sources import parse_source
    from unpaired.evaluation.files import ImageFiles, evaluate_files
    from unpaired.features.extract import open_image_set
    from unpaired.report.faithfulness import write_faithfulness

    wanted = _extractors(options)  # a typo is reported before many files are read
    named = {name: getattr(options, name) for name in _IMAGE_SETS if getattr(options, name)}
    sets = {name: open_image_set(parse_source(source)) for name, source in named.items()}
    device = choose_device(options.device or "auto")
    pretrained = _pretrained(options)(device)
    extractors, absent = _loaded(wanted, device, options)
    records, faithful = evaluate_files(
        ImageFiles(**sets), extractors, pretrained, embeddings=bool(options.extractor)
    )
    if options.output and faithful is not None:
        direction = f"{options.inputs} → {options.generated}"
        write_faithfulness({direction: faithful}, options.output, "Image files")
    if absent:
        records[0]["notes"].insert(0, absent)
    return records


def _loaded(
    wanted: list[Extractor], device: torch.device, options: Namespace
) -> tuple[list[Loaded], str]:
    """The extractors, ready; none and why, where one that nobody named cannot be had and pairs of
    images can be measured all the same."""
    try:
        return [extractor.load(device) for extractor in wanted], ""
    except (MissingExtra, BrokenPackage) as error:
        problem = f"{error} What needs nothing is --extractor pixels."
        if options.extractor or not (options.inputs or options.truth):
            raise SettingError(
                problem, code="extractor-unavailable", setting="extractor"
            ) from error
    except SettingError as error:  # such as weights that cannot be fetched, which names pixels
        if options.extractor or not (options.inputs or options.truth):
            raise
        problem = str(error)
    return [], f"the images were not compared with --real. {problem}"


def _extractors(options: Namespace) -> list[Extractor]:
    """Those that were named; of images against real ones Inception without."""
    from unpaired.features import parse_extractor

    if options.extractor is None:
        return [parse_extractor("inception")] if options.real else []
    return [parse_extractor(name) for name in dict.fromkeys(options.extractor.split(","))]


def _pretrained(options: Namespace) -> Callable[[torch.device], Pretrained]:
    """The distances that were asked for by name."""
    from unpaired.evaluation.content import Pretrained
    from unpaired.features.dino import load_dino
    from unpaired.features.lpips import load_lpips

    def load(device: torch.device) -> Pretrained:
        return Pretrained(
            lpips=load_lpips(device) if options.lpips else None,
            dino=load_dino(options.dino, device) if options.dino else None,
        )

    return load
