"""`unpaired translate`: files, folders and tables through a model; names and sizes stay."""

from __future__ import annotations

from pathlib import Path

from unpaired.cli.flags.arguments import Parser, device, print_json
from unpaired.cli.tables.findings import summed_up

EPILOG = """\
examples:
  unpaired translate runs/demo/model digits/ -o signs/ --to b
  unpaired translate runs/demo/model digits/3.png -o signs/ --to b --samples 4
  unpaired translate runs/demo/model builtin:ink:test -o signs/ --to b
  unpaired translate runs/demo/model 'scans/**/*.tif' -o signs/ --to b --skip-existing
"""


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired translate", description=__doc__, epilog=EPILOG)
    add = flags.add_argument
    add("model", type=Path, help="model folder")
    add(
        "inputs",
        nargs="+",
        help="files, folders, patterns such as 'photos/*.jpg', or tables: "
        ".parquet files, hf:owner/name:split, builtin:ink:test",
    )
    add(
        "-o", "--output", type=Path, metavar="DIR", required=True, help="folder of the translations"
    )
    add("--to", choices=["a", "b"], required=True, help="domain to translate to")
    add(
        "--samples",
        type=int,
        default=1,
        metavar="K",
        help="translations of each image (default: 1)",
    )
    add("--style-seed", type=int, default=0, metavar="S", help="which styles (default: 0)")
    add(
        "--resolution",
        choices=["auto", "native", "trained"],
        default="auto",
        help="native: at the image's own size; trained: at the size of training, enlarged back; "
        "auto: native up to twice the trained size (default)",
    )
    add(
        "--range",
        "--float-range",
        type=float,
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="values in files that are black and white (default: as trained)",
    )
    add(
        "--alpha",
        choices=["keep", "composite"],
        default="keep",
        help="transparent images: keep their transparency where the format holds it (default), or "
        "composite them on the background",
    )
    add("--max-megapixels", type=float, metavar="N", help="refuse larger images")
    add("--format", choices=["png", "jpeg", "webp", "tiff"], help="default: as the input")
    add("--batch-size", type=int, metavar="N", help="default: what suits size and machine")
    add("--device", type=device, choices=["auto", "cpu", "cuda"], default="auto")
    existing = flags.add_mutually_exclusive_group()
    existing.add_argument(
        "--overwrite", action="store_true", help="replace translations that are there already"
    )
    existing.add_argument(
        "--skip-existing",
        action="store_true",
        help="keep translations that are there already, and make those that are missing: the same "
        "command goes on after an interruption",
    )
    add("--strict", action="store_true", help="stop at the first file that cannot be used")
    add("--json", action="store_true", help="one JSON object on standard output")
    options = flags.parse_args(arguments)
    from unpaired.core.console import counting, say
    from unpaired.core.errors import DataError, SettingError
    from unpaired.data.codecs.settings import flags_for
    from unpaired.data.domain import OTHER
    from unpaired.data.missing import not_named_like_images
    from unpaired.inference.files import translate_files
    from unpaired.inference.translator import load

    translator = load(options.model, options.device)
    if options.range:
        low, high = options.range
        if not low < high:
            raise SettingError(
                f"--range {low:g} {high:g}: black must be below white.",
                code="empty-range",
                setting="range",
            )
        translator.read_as(OTHER[options.to], range=(low, high))
    if options.max_megapixels:
        translator.read_as(max_megapixels=options.max_megapixels)
    with counting("translated", quiet=options.json) as progress:
        report = translate_files(
            translator,
            options.inputs,
            options.output,
            options.to,
            style_seed=options.style_seed,
            samples=options.samples,
            resolution=options.resolution,
            alpha=options.alpha,
            batch_size=options.batch_size,
            image_format=options.format,
            overwrite=options.overwrite,
            skip_existing=options.skip_existing,
            strict=options.strict,
            progress=progress,
        )
    if options.json:
        print_json(
            {
                "output": str(options.output),
                "translated": report.num_translated,
                "skipped": report.num_skipped,
                "refused": [{"name": e.name, "reason": e.reason} for e in report.refused],
                "ignored": dict(report.ignored),
                "notes": report.notes,
                "seconds": report.seconds,
                "network_seconds": report.network_seconds,
            }
        )
    passes = flags_for(report.refused)
    if not report.num_translated and not report.num_skipped:
        raise DataError(
            f"none of {len(report.refused)} images can be translated (first: {report.refused[0]})."
            + (f" What lets them pass: {', '.join(passes)}." if passes else ""),
            code="nothing-translated",
        )
    if options.json:
        return 0
    for line in summed_up([str(error) for error in report.refused]):
        say(f"left out {line}")
    for line in not_named_like_images(report.ignored):
        say(f"left out {line}")
    for flag in passes:
        say(f"{flag} lets such files pass")
    for note in summed_up(report.notes):
        say(note)
    if report.num_skipped:
        say(f"{_images(report.num_skipped)} skipped: translated to {options.output} already")
        if not report.num_translated:
            say("nothing was left to translate" if not report.refused else "no other can be used")
            return 0
    speed = report.num_translated / max(report.seconds, 1e-9)
    say(
        f"{_images(report.num_translated)} translated to {options.output} in "
        f"{report.seconds:.1f} s ({speed:.1f} images/s)"
    )
    return 0


def _images(count: int) -> str:
    return f"{count:,} image{'s' * (count != 1)}"
