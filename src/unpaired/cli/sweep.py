"""`unpaired sweep`: train every combination of some settings' values, each with several seeds.

Give settings several values, with commas between them. All other flags are those of
`unpaired train`, and its --help lists them. Each run is a run folder below the sweep's, named by
what varies; `unpaired compare` makes one table and one page of them, as this verb does at its end.

The same command again continues: what is finished is skipped, what was interrupted goes on, values
and seeds may be added. In several processes, on one machine or on several that share the folder
(and $UNPAIRED_CACHE, lest each trains classifiers of its own), the same command shares the runs. A
run that fails is recorded and stops no other; one that met a non-finite value is not tried again
without --retry.

Exit codes: those of `train`; 3, 2 or 1 when a run failed so.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from unpaired.cli.flags.advice import unknown_flag
from unpaired.cli.flags.arguments import Parser, is_no_setting, print_json
from unpaired.cli.flags.epochs import images_of_an_epoch
from unpaired.core.errors import SettingError

if TYPE_CHECKING:
    from unpaired.cli.flags.alternatives import Flag
    from unpaired.sweeps.grid import Cell

EPILOG = """\
examples:
  unpaired sweep demo --method.cycle-weight 0,5,10,30 --seeds 3
  unpaired sweep --a photos/ --b paintings/ --time 1h --method.adversarial.kind hinge,least-squares
  unpaired sweep demo --method.discriminator.spectral-norm true,false --images 4k,16k --dry-run
"""


def parser() -> Parser:
    """The flags of a sweep alone."""
    flags = Parser(
        prog="unpaired sweep",
        usage="unpaired sweep [RECIPE] [--SETTING VALUE,VALUE …] [--seeds N] [flags of train]",
        description=__doc__,
        epilog=EPILOG,
    )
    add = flags.add_argument
    add("-o", "--output", type=Path, metavar="DIR", help="sweep folder (default: runs/sweep-NAME)")
    add(
        "--seeds",
        type=seeds,
        nargs="+",
        default=[1],
        metavar="N",
        help="how many seeds, from 0 on (default: 1), or which: 3,4,5",
    )
    add("--worker", type=share, default=(1, 1), metavar="K/N", help="train the K-th of N shares")
    add("--retry", action="store_true", help="try runs again that met a non-finite value")
    add("--track", choices=["tensorboard", "wandb"], help="send the curves there as well")
    add("--dry-run", action="store_true", help="print the runs and stop")
    add("--smoke", action="store_true", help="each run in under a minute, to see that it works")
    add("--json", action="store_true", help="one JSON object on standard output, nothing else")
    return flags


def run(arguments: list[str]) -> int:
    """The verb."""
    recipe = [] if not arguments or arguments[0].startswith("-") else arguments[:1]
    options, rest = parser().parse_known_args(arguments[len(recipe) :])
    from unpaired.data.index import opened_once
    from unpaired.sweeps.folder import failure_of, state_of
    from unpaired.sweeps.grid import check_cells
    from unpaired.sweeps.sweep import train_cells

    if len(options.seeds) > 1:
        raise SettingError(
            "--seeds takes a count, 3, or seeds with commas and no spaces: 0,3,10.",
            code="sweep-seeds-apart",
            setting="seeds",
        )
    with opened_once():
        cells, reasons = cells_from(recipe, rest, options.seeds[0], smoke=options.smoke)
    folder = options.output or Path("runs") / f"sweep-{cells[0].experiment.name}"
    if options.dry_run:
        check_cells(cells)
        runs = [
            {
                "name": cell.name,
                "settings": dict(cell.settings),
                "state": state_of(folder, cell),
                "command": [*cell.command, "-o", str(folder / cell.name)],
            }
            for cell in cells
        ]
        print_json({"folder": str(folder), "reasons": reasons, "runs": runs})
        return 0
    from unpaired.cli.compare import show
    from unpaired.core.console import say
    from unpaired.recipes import require
    from unpaired.report.comparison.compare import choose_metrics, compare_runs
    from unpaired.report.comparison.page import PAGE, write_comparison

    if not reasons:  # a recipe's own images, which may be absent here
        require(cells[0].experiment)
    if not options.json:
        for reason in reasons:
            say(reason)
        say(f"{len(cells)} runs in {folder}; the same command again continues the sweep")
    states = train_cells(
        cells,
        folder,
        worker=options.worker,
        retry=options.retry,
        track=options.track,
        quiet=options.json,
    )
    comparison = compare_runs([folder])
    metrics = choose_metrics(comparison, [])
    page = write_comparison(comparison, folder / PAGE, metrics)
    failures = {c.name: failure_of(folder, c) for c in cells if states[c.name] == "failed"}
    if options.json:
        from unpaired.cli.tables.comparison import comparison_as_json

        print_json(
            {
                "folder": str(folder),
                "runs": states,
                "failures": failures,
                "comparison": comparison_as_json(comparison, metrics),
                "page": str(page),
            }
        )
    else:
        show(comparison, metrics, page, as_json=False)
    return max((int(failure.get("exit_code", 1)) for failure in failures.values()), default=0)


def cells_from(
    recipe: list[str], arguments: list[str], chosen_seeds: int | list[int], *, smoke: bool
) -> tuple[list[Cell], list[str]]:
    """The runs that a command line stands for, and the reasons for what `train` would choose.

    Raises:
        SettingError: for flags that a sweep cannot take, or when there is only one run.
        SystemExit: 2, after tyro has said what is wrong with a setting.
    """
    from unpaired.cli import train
    from unpaired.cli.flags.alternatives import alternatives, combinations
    from unpaired.core.console import say
    from unpaired.experiment.smoke import smoke as shrunk
    from unpaired.sweeps.grid import cells_of, seeds_of, value_at, with_seed

    flags = alternatives([*(["--recipe", *recipe] if recipe else []), *arguments])
    names = [flag.alternatives[0][0].partition("=")[0] for flag in flags]
    if {"--seed", "--training.seed"} & set(names):
        raise SettingError(
            "the seeds of a sweep are set with --seeds: a count, or 3,4,5.",
            code="sweep-seed-flag",
            setting="training.seed",
        )
    if names.count("--recipe") > 1:
        raise SettingError(
            "give one recipe: unpaired sweep demo, or --recipe demo.",
            code="sweep-recipe-twice",
            setting="recipe",
        )
    varied = [flag.path for flag in flags if len(flag.alternatives) > 1]
    flags_of_train = train.parser("unpaired sweep")
    _require_known(flags, flags_of_train)
    settled = []
    reasons: list[list[str]] = []
    for words in combinations(flags):
        options, rest = flags_of_train.parse_known_args(words)
        try:
            experiment, why = train.resolve(options, rest, "unpaired sweep")
        except SystemExit as stop:
            if stop.code and varied:
                say(f"in: {' '.join(words)}")
            raise
        settings = {path: value_at(experiment, path) for path in varied}
        settled.append((settings, shrunk(experiment) if smoke else experiment, words))
        reasons.append(why)
    extra = ["--smoke"] if smoke else []
    cells = cells_of(
        [
            (
                settings,
                with_seed(experiment, seed),
                ("unpaired", "train", *words, *extra, "--seed", str(seed)),
            )
            for seed in seeds_of(chosen_seeds)
            for settings, experiment, words in settled
        ]
    )
    if len(cells) == 1:
        raise SettingError(
            "that is a single run. Give a setting several values, --method.cycle-weight 0,5,10, or "
            "several seeds, --seeds 3; one run is trained with `unpaired train`.",
            code="sweep-single-run",
        )
    return cells, _of_all(reasons)


def _of_all(reasons: list[list[str]]) -> list[str]:
    """The reasons of all runs, and of those that some have alone, how many."""
    every = [reason for of_run in reasons for reason in of_run]
    return [
        reason
        if every.count(reason) == len(reasons)
        else f"{reason} ({every.count(reason)} of {len(reasons)} settings)"
        for reason in dict.fromkeys(every)
    ]


def _require_known(flags: Sequence[Flag], of_train: Parser) -> None:
    """Refuse a flag that neither verb has; those with a dot are settings, which tyro knows."""
    options = [*of_train.options, *parser().options]
    for flag in flags:
        name, *values = flag.alternatives[0]
        if is_no_setting(name) and name.partition("=")[0] not in options:
            words = [word for each in flags for word in each.alternatives[0]]
            image_sets, _ = of_train.parse_known_args(words)
            epoch_images = partial(images_of_an_epoch, image_sets)
            message = unknown_flag(name, values, options, "sweep", epoch_images)
            raise SettingError(
                f"{message}{'' if message.endswith('?') else '.'} `unpaired sweep --help` and "
                "`unpaired train --help` list what there is.",
                code="unknown-flag",
            )


def seeds(text: str) -> int | list[int]:
    """A count, or seeds with commas between them."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = [-1]
    if min(numbers) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} are no seeds; write a count, 3, or 3,4,5")
    return numbers[0] if len(numbers) == 1 else numbers


def share(text: str) -> tuple[int, int]:
    """K/N, as in 1/4."""
    parts: Sequence[str] = text.split("/")
    if len(parts) == 2 and all(part.isdecimal() for part in parts):
        k, n = map(int, parts)
        if 1 <= k <= n:
            return k, n
    raise argparse.ArgumentTypeError(f"{text!r} is no share; write 1/4, 2/4, …")
