"""`unpaired generate`: images from noise, with a model that was trained to make them."""

from __future__ import annotations

from pathlib import Path

from unpaired.cli.flags.arguments import Parser, device, print_json
from unpaired.core.errors import SettingError

EPILOG = """\
examples:
  unpaired generate runs/dcgan-mnist/model -o digits/ --count 100
  unpaired generate runs/dcgan-mnist/model -o between/ --between 3 17 --count 10
  unpaired generate runs/dcgan-mnist/model -o sum/ --arithmetic "0,4,7 - 1,2,3 + 8,9,10"
"""


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired generate", description=__doc__, epilog=EPILOG)
    add = flags.add_argument
    add("model", type=Path, help="model folder of a method that makes images from noise")
    add("-o", "--output", type=Path, metavar="DIR", required=True, help="folder of the images")
    add("--count", type=int, default=64, metavar="N", help="images (default: 64)")
    add("--seed", type=int, default=0, metavar="S", help="which noise (default: 0)")
    kind = flags.add_mutually_exclusive_group()
    kind.add_argument(
        "--between", type=int, nargs=2, metavar="K", help="steps from image K to another"
    )
    kind.add_argument(
        "--arithmetic", metavar="SUM", help="terms of means of images, and what they come to"
    )
    add("--overwrite", action="store_true", help="replace images that are there already")
    add("--device", type=device, choices=["auto", "cpu", "cuda"], default="auto")
    add("--json", action="store_true", help="one JSON object on standard output")
    options = flags.parse_args(arguments)
    if options.count < 1 or options.seed < 0:
        raise SettingError(
            f"--count is {options.count} and --seed {options.seed}: the least are 1 and 0.",
            code="count-or-seed-too-small",
        )
    from unpaired.core.console import say
    from unpaired.inference.noise import Noise, free_paths, save, terms_of

    if options.between and min(options.between) < 0:
        raise SettingError(
            "--between names images by their numbers, from 0 on.",
            code="negative-image-number",
            setting="between",
        )
    # A sum's terms are shown beside what they come to.
    count = (
        len(terms_of(options.arithmetic)) + 1 if options.arithmetic is not None else options.count
    )
    paths = free_paths(options.output, count, overwrite=options.overwrite)
    model = Noise(options.model, options.device)
    if options.between:
        first, last = options.between
        noise = model.between(first, last, options.count, options.seed)
    elif options.arithmetic is not None:
        noise = model.arithmetic(options.arithmetic, options.seed)
    else:
        noise = model.latents(options.count, options.seed)
    save(model.images(noise), paths)
    if options.json:
        print_json({"output": str(options.output), "images": [path.name for path in paths]})
    else:
        say(f"{len(paths)} image{'s' * (count != 1)} in {options.output}")
    return 0
