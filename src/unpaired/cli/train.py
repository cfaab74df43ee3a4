"""`unpaired train`: from two image sets, a recipe, or both, to a run folder."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unpaired.cli.flags.arguments import Parser, count, device, print_json, refuse_stray, seconds
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
        help="first image set: folder, .parquet, hf:owner/name:split, builtin:ink",
    )
    add("--b", metavar="SOURCE", help="second image set")
    add(
        "--a-test", metavar="SOURCE", help="images of a kept for the test (default: a share of --a)"
    )
    add("--b-test", metavar="SOURCE", help="images of b kept for the test")
    add("-o", "--output", type=Path, metavar="DIR", help="run folder (default: runs/<name>)")
    add("--name", help="name of the run, shown in the report and the model card")
    add("--images", type=count, metavar="N", help="length in images seen per domain, e.g. 200k")
    add(
        "--time",
        type=seconds,
        metavar="T",
        help="time budget of the training, e.g. 10m or 8h; what is measured when it ends comes "
        "after, and how long that takes is said before",
    )
    add("--seed", type=int, metavar="S", help="everything random derives from it (default: 0)")
    add(
        "--device",
        type=device,
        choices=["auto", "cpu", "cuda"],
        help="default: a GPU where there is one",
    )
    add("--track", choices=["tensorboard", "wandb"], help="send the curves there as well")
    add("--dry-run", action="store_true", help="print the resolved settings and stop")
    add("--estimate", action="store_true", help="measure memory and time on a few steps and stop")
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
    options, rest = flags.parse_with_settings(arguments)
    refuse_stray(rest, options, prog)
    if recipe is not None:
        options.recipe = recipe
    if options.help:
        flags.print_help()
        rest = [*rest, "--help"]
    from unpaired.data.index import opened_once

    with opened_once():
        return _train(flags, options, rest)


def _train(flags: Parser, options: Namespace, rest: list[str]) -> int:
    """Settings from flags and images, then the training."""
    from unpaired.core.config import encode
    from unpaired.core.console import say
    from unpaired.experiment.checks import check
    from unpaired.experiment.smoke import smoke
    from unpaired.recipes import require
    from unpaired.training.estimate import estimate, size_in_words

    experiment, reasons = resolve(options, rest, flags.prog)
    if options.smoke:
        experiment = smoke(experiment)
        reasons.append("smoke: of all this, a few steps of small networks at 32×32 are trained")
    check(experiment)
    folder = options.output or Path("runs") / experiment.name

    if options.dry_run:
        try:
            require(experiment, hub=False)
        except DataError as error:  # settings can be looked at without the data
            say(f"training would stop here: {error}")
        print_json({"folder": str(folder), "reasons": reasons, "experiment": encode(experiment)})
        return 0
    if options.recipe:
        require(experiment)
    for reason in reasons:
        say(reason)
    if options.estimate:
        measured = estimate(experiment)
        if options.json:
            print_json(asdict(measured))
        else:
            print(measured.sentence)
        return 0
    say(size_in_words(experiment))
    say(f"writing to {folder}; the same command again continues the run")

    from unpaired.training.train import train_checked

    train_checked(experiment, folder, track=options.track, quiet=options.json)
    finish(folder, experiment, as_json=options.json)
    return 0


def resolve(
    options: Namespace, rest: list[str], prog: str = "unpaired train"
) -> tuple[Experiment, list[str]]:
    """The experiment that all flags stand for, those of `parser` and `rest`, its settings; and a
    reason for each choice that was not theirs.

    Raises:
        SettingError, DataError: when flags are missing or have no meaning, or image sets no images.
        SystemExit: 2, after tyro has said what is wrong with a setting; 0 after its help.
    """
    from unpaired.cli.flags.settings import override, paths_set, with_present_names
    from unpaired.experiment.auto import choose

    base, origin = _start(options)
    base = _with_test_images(base, options)
    rest = with_present_names(base, rest)
    settings = paths_set(rest) | {
        path for name, path in _SETTINGS.items() if _is_set(options, name)
    }
    if "--help" in rest and not options.recipe and options.b:
        base, _ = choose(base)
    experiment = _with_flags(override(base, rest, prog, origin), options, settings)
    if options.recipe:
        if base.directions and not experiment.directions:
            experiment = _without_a(experiment, options, settings)
        return _of_one_size(experiment, settings), []
    if experiment.a is None and experiment.directions:
        raise SettingError(_NO_IMAGES, code="no-image-sets")
    if options.time is not None:
        settings.add("training.images")  # the budget says how long
    return choose(experiment, settings)


_SETTINGS = {
    "images": "training.images",
    "time": "training.seconds",
    "seed": "training.seed",
    "device": "training.device",
}
"""Flags of their own for settings."""

_NO_IMAGES = (
    "give two image sets, --a photos/ --b paintings/; or one to make images like it from "
    "noise, --b photos/ --method.kind gan; or a recipe, --recipe demo. `unpaired train --help` "
    "lists all settings."
)


def _is_set(options: Namespace, name: str) -> bool:
    return getattr(options, name) is not None


def _start(options: Namespace) -> tuple[Experiment, str]:
    """What a recipe or image sets stand for, before any other flag, and how it is called."""
    from unpaired.data.sources import parse_source
    from unpaired.experiment.auto import undescribed
    from unpaired.recipes import recipe

    if options.recipe:
        return _with_sources(recipe(options.recipe), options), f"the recipe {options.recipe}"
    if options.b:
        a = parse_source(options.a) if options.a else None
        return undescribed(a, parse_source(options.b)), "these images"
    if options.help:
        other = "of others: unpaired train --recipe NAME --help"
        return recipe("demo"), f"the recipe demo ({other})"
    raise SettingError(_NO_IMAGES, code="no-image-sets")


def _with_sources(experiment: Experiment, options: Namespace) -> Experiment:
    """A recipe with other image sets, named after both."""
    from unpaired.data.sources import parse_source
    from unpaired.experiment.names import name_of

    own = []
    for name in ("a", "b"):
        if getattr(options, name):
            # Splits of the images of the recipe say nothing about others.
            changes: dict[str, Any] = dict.fromkeys(_SPLITS)
            changes["source"] = parse_source(getattr(options, name))
            own.append(changes["source"])
            like = experiment.a or experiment.b if name == "a" else experiment.b
            experiment = _with_domain(experiment, name, replace(like, **changes))
    name = f"{experiment.name}-{name_of(*own)}" if own else experiment.name
    return replace(experiment, name=name)


_SPLITS = ("validation_source", "test_source", "labelled_source")


def _with_domain(experiment: Experiment, name: str, domain: Domain) -> Experiment:
    changes: dict[str, Any] = {name: domain}
    return replace(experiment, **changes)


def _with_test_images(experiment: Experiment, options: Namespace) -> Experiment:
    from unpaired.data.sources import parse_source

    for name in ("a", "b"):
        text, domain = getattr(options, f"{name}_test"), getattr(experiment, name)
        if text and domain is None:
            raise SettingError(
                f"--{name}-test: there is no image set {name}. Give --{name} as well.",
                code="test-without-domain",
            )
        if text:
            domain = replace(domain, test_source=parse_source(text))
            experiment = _with_domain(experiment, name, domain)
    return experiment


def _with_flags(experiment: Experiment, options: Namespace, settings: set[str]) -> Experiment:
    """`experiment` with what flags other than settings say of it."""
    training = experiment.training
    for name in ("images", "seed", "device"):
        if _is_set(options, name):
            training = replace(training, **{name: getattr(options, name)})
    if options.time is not None:
        # A budget without a length ends the training: the length is what cannot be reached.
        images = training.images if "training.images" in settings or options.recipe else 10**9
        training = replace(training, seconds=options.time, images=images)
    return replace(experiment, training=training, name=options.name or experiment.name)


def _without_a(experiment: Experiment, options: Namespace, settings: set[str]) -> Experiment:
    """Leave the recipe's a out, of which images from noise have no use; if it was asked for, what
    checks the experiment says so."""
    asked = options.a or options.a_test or any(path.startswith("a.") for path in settings)
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
    tested = [r for r in records if r.split == "test" and not r.added_extractor]
    record = tested[-1].as_json() if tested else None
    if as_json:
        print_json({"folder": str(folder), "model": str(folder / "model"), "evaluation": record})
        return
    from unpaired.cli.tables.table import print_metrics

    if record is None:
        say("the model was not measured on test images; the same command tries again")
    else:
        print_metrics(record)
        for note in tested[-1].notes:
            say(f"note: {note}")
    say(f"report: {folder / 'report.html'}\nmodel:  {folder / 'model'}")
    translates = bool(experiment.directions)
    verb, rest = ("translate", "IMAGES -o OUT --to b") if translates else ("generate", "-o OUT")
    say(f"next:   unpaired {verb} {folder / 'model'} {rest}")
