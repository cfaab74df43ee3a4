"""`unpaired train`: from two piles, a recipe, or both, to a run folder."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unpaired.cli.flags.arguments import Parser, count, print_json, seconds
from unpaired.core.errors import DataError, SettingError

if TYPE_CHECKING:
    from unpaired.data.domain import Domain
    from unpaired.experiment.experiment import Experiment

EPILOG = """\
examples:
  unpaired train --a photos/ --b paintings/
  unpaired train --a photos/ --b hf:owner/paintings:train --time 8h -o runs/paintings
  unpaired train --recipe demo --method.cycle-weight 5 --dry-run

The same command again continues the run. Every setting below is a flag; where a part has
alternatives, --….kind chooses one (--method.discriminator.kind cnn).
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
    add("-o", "--output", type=Path, metavar="DIR", help="run folder (default: runs/<name>)")
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


def run(arguments: list[str], recipe: str | None = None, prog: str = "unpaired train") -> int:
    """The verb."""
    flags = parser(prog)
    given, rest = flags.parse_with_settings(arguments)
    if recipe is not None:
        given.recipe = recipe
    if given.help:
        flags.print_help()
    from unpaired.core.config import encode
    from unpaired.core.console import say
    from unpaired.experiment.checks import check
    from unpaired.experiment.smoke import smoke
    from unpaired.recipes import require
    from unpaired.training.estimate import estimate

    if given.help:
        rest = [*rest, "--help"]
    experiment, reasons = resolve(given, rest, flags.prog)
    if given.smoke:
        experiment = smoke(experiment)
        reasons.append("smoke: of all this, a few steps of small networks at 32×32 are trained")
    check(experiment)
    folder = given.output or Path("runs") / experiment.name

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

    from unpaired.training.train import train

    train(experiment, folder, track=given.track, quiet=given.json)
    finish(folder, experiment, as_json=given.json)
    return 0


def resolve(
    given: Namespace, rest: list[str], prog: str = "unpaired train"
) -> tuple[Experiment, list[str]]:
    """The experiment that all flags stand for, those of `parser` and `rest`, its settings; and a
    reason for each choice that was not theirs.

    Raises:
        SettingError, DataError: when flags are missing or have no meaning, or piles no images.
        SystemExit: 2, after tyro has said what is wrong with a setting; 0 after its help.
    """
    from unpaired.cli.flags.settings import override, paths_set
    from unpaired.experiment.auto import choose

    settings = paths_set(rest) | {
        path for name, path in _SETTINGS.items() if _is_given(given, name)
    }
    base, origin = _start(given)
    base = _with_test_images(base, given)
    if "--help" in rest and not given.recipe and given.b:
        base, _ = choose(base)
    experiment = _with_flags(override(base, rest, prog, origin), given, settings)
    if given.recipe:
        if experiment.method.latent_channels and not base.method.latent_channels:
            experiment = _without_a(experiment, given, settings)
        return _of_one_size(experiment, settings), []
    if experiment.a is None and not experiment.method.latent_channels:
        raise SettingError(_NO_PILES)
    if given.time is not None:
        settings.add("training.images")  # the budget says how long
    return choose(experiment, settings)


_SETTINGS = {
    "images": "training.images",
    "time": "training.seconds",
    "seed": "training.seed",
    "device": "training.device",
}
"""Flags of their own for settings."""

_NO_PILES = (
    "give two piles of images, --a photos/ --b paintings/; or one to make images like it from "
    "noise, --b photos/ --method.kind gan; or a recipe, --recipe demo. `unpaired train --help` "
    "lists all settings."
)


def _is_given(given: Namespace, name: str) -> bool:
    return getattr(given, name) is not None


def _start(given: Namespace) -> tuple[Experiment, str]:
    """What a recipe or piles stand for, before any other flag, and how it is called."""
    from unpaired.data.sources import parse_source
    from unpaired.experiment.auto import undescribed
    from unpaired.recipes import recipe

    if given.recipe:
        return _with_piles(recipe(given.recipe), given), f"the recipe {given.recipe}"
    if given.b:
        a = parse_source(given.a) if given.a else None
        return undescribed(a, parse_source(given.b)), "these piles"
    if given.help:
        other = "of others: unpaired train --recipe NAME --help"
        return recipe("demo"), f"the recipe demo ({other})"
    raise SettingError(_NO_PILES)


def _with_piles(experiment: Experiment, given: Namespace) -> Experiment:
    """A recipe with other piles, named after both."""
    from unpaired.data.sources import parse_source
    from unpaired.experiment.auto import name_of

    own = []
    for name in ("a", "b"):
        if getattr(given, name):
            # Splits of the recipe's pile say nothing about another pile.
            changes: dict[str, Any] = dict.fromkeys(_SPLITS)
            changes["source"] = parse_source(getattr(given, name))
            own.append(changes["source"])
            like = experiment.a or experiment.b if name == "a" else experiment.b
            experiment = _with_domain(experiment, name, replace(like, **changes))
    name = f"{experiment.name}-{name_of(*own)}" if own else experiment.name
    return replace(experiment, name=name)


_SPLITS = ("validation_source", "test_source", "labelled_source")


def _with_domain(experiment: Experiment, name: str, domain: Domain) -> Experiment:
    changes: dict[str, Any] = {name: domain}
    return replace(experiment, **changes)


def _with_test_images(experiment: Experiment, given: Namespace) -> Experiment:
    from unpaired.data.sources import parse_source

    for name in ("a", "b"):
        text, domain = getattr(given, f"{name}_test"), getattr(experiment, name)
        if text and domain is None:
            raise SettingError(f"--{name}-test: there is no pile {name}. Give --{name} as well.")
        if text:
            domain = replace(domain, test_source=parse_source(text))
            experiment = _with_domain(experiment, name, domain)
    return experiment


def _with_flags(experiment: Experiment, given: Namespace, settings: set[str]) -> Experiment:
    """`experiment` with what flags other than settings say of it."""
    training = experiment.training
    for name in ("images", "seed", "device"):
        if _is_given(given, name):
            training = replace(training, **{name: getattr(given, name)})
    if given.time is not None:
        # A budget without a length ends the training: the length is what cannot be reached.
        images = training.images if "training.images" in settings or given.recipe else 10**9
        training = replace(training, seconds=given.time, images=images)
    return replace(experiment, training=training, name=given.name or experiment.name)


def _without_a(experiment: Experiment, given: Namespace, settings: set[str]) -> Experiment:
    """Leave the recipe's a out, of which images from noise have no use; if it was asked for, what
    checks the experiment says so."""
    asked = given.a or given.a_test or any(path.startswith("a.") for path in settings)
    return experiment if asked else replace(experiment, a=None)


def _of_one_size(experiment: Experiment, settings: set[str]) -> Experiment:
    """Where the size of one domain was given, the other has it too: networks see both alike."""
    typed = [name for name in experiment.domains if f"{name}.size" in settings]
    if len(typed) != 1:
        return experiment
    size = experiment.domain(typed[0]).size
    for name, domain in experiment.domains.items():
        experiment = _with_domain(experiment, name, replace(domain, size=size))
    return experiment


def finish(folder: Path, experiment: Experiment, *, as_json: bool) -> None:
    """Say what a finished run came to, where it lies, and what to do with it."""
    from unpaired.core.console import say
    from unpaired.records.evaluation import read_evaluations

    records = read_evaluations(folder / "evaluations.jsonl")
    tested = [r for r in records if r.split == "test" and not r.added_extractor][-1]
    record = tested.as_json()
    if as_json:
        print_json({"folder": str(folder), "model": str(folder / "model"), "evaluation": record})
        return
    from unpaired.cli.tables.table import print_metrics

    print_metrics(record)
    for note in tested.notes:
        say(f"note: {note}")
    say(f"report: {folder / 'report.html'}\nmodel:  {folder / 'model'}")
    from_noise = experiment.method.latent_channels > 0
    verb, rest = ("generate", "-o OUT") if from_noise else ("translate", "IMAGES -o OUT --to b")
    say(f"next:   unpaired {verb} {folder / 'model'} {rest}")
