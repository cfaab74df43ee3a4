"""`unpaired train`: from two piles, a recipe, or both, to a run folder."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unpaired.cli.arguments import Parser, count, print_json, seconds
from unpaired.errors import DataError, SettingError

if TYPE_CHECKING:
    from unpaired.experiment import Experiment

EPILOG = """\
examples:
  unpaired train --a photos/ --b paintings/
  unpaired train --a photos/ --b hf:owner/paintings:train --time 8h -o runs/paintings
  unpaired train --recipe demo --method.cycle-weight 5 --dry-run

The same command again continues the run. Every setting below can be given as a flag; where a part
has alternatives, --….kind chooses one (--method.discriminator.kind cnn).
"""


def parser(prog: str = "unpaired train") -> Parser:
    """The flags of training; all other flags are settings of the experiment."""
    flags = Parser(prog=prog, epilog=EPILOG, add_help=False)
    add = flags.add_argument
    add("--recipe", metavar="NAME", help="complete settings to start from (`unpaired recipes`)")
    add(
        "--a",
        metavar="SOURCE",
        help="first pile: folder, .parquet, hf:owner/name:split, builtin:ink",
    )
    add("--b", metavar="SOURCE", help="second pile")
    add(
        "--a-test", metavar="SOURCE", help="images of a kept for the test (default: a share of --a)"
    )
    add("--b-test", metavar="SOURCE", help="images of b kept for the test")
    add("-o", "--output", metavar="DIR", help="run folder (default: runs/<name>)")
    add("--name", help="name of the run, shown in the report and the model card")
    add("--images", type=count, metavar="N", help="length in images seen per domain, e.g. 200k")
    add("--time", type=seconds, metavar="T", help="time budget, e.g. 10m or 8h")
    add("--seed", type=int, metavar="S", help="everything random derives from it (default: 0)")
    add("--device", choices=["auto", "cpu", "cuda"], help="default: a GPU where there is one")
    add("--track", choices=["tensorboard", "wandb"], help="send the curves there as well")
    add("--dry-run", action="store_true", help="print the resolved settings and stop")
    add(
        "--smoke",
        action="store_true",
        help="the entire path in under a minute, to see that it works",
    )
    add("--json", action="store_true", help="one JSON object on standard output, nothing else")
    add("-h", "--help", action="store_true", help="show this help")
    return flags


def run(arguments: list[str], recipe: str | None = None) -> int:
    """The verb."""
    flags = parser()
    given, rest = flags.parse_known_args(arguments)
    if recipe is not None:
        given.recipe = recipe
    if given.help:
        flags.print_help()
    from unpaired.auto import smoke
    from unpaired.config import encode
    from unpaired.estimate import estimate
    from unpaired.experiment import check
    from unpaired.progress import say
    from unpaired.recipes import require

    experiment, reasons = start(given)
    experiment = with_flags(experiment, given, ["--help"] if given.help else rest)
    if given.smoke:
        experiment = smoke(experiment)
    check(experiment)
    folder = Path(given.output or f"runs/{experiment.name}")

    if given.dry_run:
        try:
            require(experiment, hub=False)
        except DataError as error:  # settings can be looked at without the data
            say(f"training would stop here: {error}")
        print_json({"folder": str(folder), "reasons": reasons, "experiment": encode(experiment)})
        return 0
    if given.recipe:
        require(experiment)
    for reason in reasons:
        say(reason)
    say(estimate(experiment).sentence)
    say(f"writing to {folder}; the same command again continues the run")

    from unpaired.training import train

    train(experiment, folder, track=given.track, quiet=given.json)
    finish(folder, experiment, as_json=given.json)
    return 0


def start(given: Namespace) -> tuple[Experiment, list[str]]:
    """What a recipe or two piles stand for, before any other flag; and a reason for each choice."""
    from unpaired.auto import choose
    from unpaired.data.sources import parse_source
    from unpaired.recipes import recipe

    if given.recipe:
        return recipe(given.recipe), []
    if given.a and given.b:
        return choose(parse_source(given.a), parse_source(given.b), given.device)
    if given.help:
        return recipe("demo"), []
    raise SettingError(
        "give two piles of images, --a photos/ --b paintings/, or a recipe, --recipe demo. "
        "`unpaired train --help` lists all settings."
    )


def with_flags(
    experiment: Experiment, given: Namespace, rest: list[str], prog: str = "unpaired train"
) -> Experiment:
    """`experiment` with all that flags say of it: those of `parser`, and `rest`, its settings."""
    from unpaired.cli.settings import override
    from unpaired.data.sources import parse_source

    for name in ("a", "b"):
        changes = {}
        if given.recipe and getattr(given, name):
            if name not in experiment.domains:
                raise SettingError(f"--{name}: the recipe {given.recipe} has no domain {name}.")
            # Splits of the recipe's pile say nothing about another pile.
            changes = dict.fromkeys(("validation_source", "test_source", "labelled_source"))
            changes["source"] = parse_source(getattr(given, name))
        if getattr(given, f"{name}_test"):
            changes["test_source"] = parse_source(getattr(given, f"{name}_test"))
        if changes:
            domain = replace(getattr(experiment, name), **changes)
            experiment = replace(experiment, **{name: domain})
    experiment = override(experiment, rest, prog)
    training = experiment.training
    for name in ("images", "seed", "device"):
        if getattr(given, name) is not None:
            training = replace(training, **{name: getattr(given, name)})
    if given.time is not None:
        # A budget without a length ends the training: the length is what cannot be reached.
        images = training.images if given.images or given.recipe else 10**9
        training = replace(training, seconds=given.time, images=images)
    return replace(experiment, training=training, name=given.name or experiment.name)


def finish(folder: Path, experiment: Experiment, *, as_json: bool) -> None:
    """Say what a finished run came to, where it lies, and what to do with it."""
    from unpaired.engine.run_folder import read_evaluations
    from unpaired.progress import say

    record = [line for line in read_evaluations(folder) if line["split"] == "test"][-1]
    if as_json:
        print_json({"folder": str(folder), "model": str(folder / "model"), "evaluation": record})
        return
    from unpaired.cli.tables import print_metrics

    print_metrics(record)
    for note in record.get("notes", ()):
        say(f"note: {note}")
    say(f"report: {folder / 'report.html'}\nmodel:  {folder / 'model'}")
    from_noise = experiment.method.latent_channels > 0
    verb, rest = ("generate", "-o OUT") if from_noise else ("translate", "IMAGES -o OUT --to b")
    say(f"next:   unpaired {verb} {folder / 'model'} {rest}")
