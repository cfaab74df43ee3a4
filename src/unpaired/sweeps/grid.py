"""Parameter grid: every combination of the values of some settings, each with every seed."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unpaired.core.config import encode
from unpaired.core.errors import SettingError
from unpaired.core.setting_names import short_names, text_of
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment

SEED = "training.seed"
_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One run of a sweep."""

    name: str
    """Its folder below the sweep's: "cycle_weight=5,seed=0"."""
    settings: Mapping[str, Any]
    """What varies in the sweep, by path, as JSON holds it; the seed comes last."""
    experiment: Experiment
    command: tuple[str, ...] = ()
    """What trains this run alone, without `-o`; empty where no command line does."""


def grid(
    base: Experiment, settings: Mapping[str, Sequence[Any]], seeds: int | Sequence[int] = 1
) -> list[Cell]:
    """All cells, one seed after the other: a sweep that is stopped has tried every setting.

    `settings`: values by path, as in {"method.cycle_weight": [0.0, 5.0]}; an alternative is given
    by its configuration, as in {"method.adversarial": [Hinge(), LeastSquares()]}.
    `seeds`: how many, from 0 on; or which.

    Raises:
        SettingError: when a setting does not exist, or a value or seed is given twice.
    """
    settled = []
    for seed in seeds_of(seeds):
        for values in itertools.product(*settings.values()):
            experiment = base
            chosen: dict[str, Any] = {}
            for path, value in zip(settings, values, strict=True):
                experiment = _with_value(experiment, path.split("."), value, path)
                kind = getattr(value, "kind", None)
                chosen |= {path: encode(value)} if kind is None else {f"{path}.kind": kind}
            settled.append((chosen, with_seed(experiment, seed), ()))
    return cells_of(settled)


def cells_of(
    settled: Sequence[tuple[Mapping[str, Any], Experiment, tuple[str, ...]]],
) -> list[Cell]:
    """Cells from the settings that vary, without the seed, experiments and commands.

    Raises:
        SettingError: when two have the same name, or a name is too long for a folder.
    """
    cells = []
    for settings, experiment, command in settled:
        varied = {**settings, SEED: experiment.training.seed}
        name = _name(varied)
        cells.append(Cell(name=name, settings=varied, experiment=experiment, command=command))
    names = [cell.name for cell in cells]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SettingError(
            f"{twice[0]} is there twice: give every value and every seed once.",
            code="sweep-run-twice",
        )
    longest = max(names, key=len, default="")
    if len(longest.encode()) > _LONGEST_NAME:
        raise SettingError(
            f"{longest} is too long for the name of a folder: vary fewer settings.",
            code="sweep-name-too-long",
        )
    return cells


def seeds_of(seeds: int | Sequence[int]) -> list[int]:
    """A count as 0, 1, …; seeds as they are.

    Raises:
        SettingError: for fewer than one, or a seed that occurs twice.
    """
    numbers = list(range(seeds)) if isinstance(seeds, int) else list(seeds)
    if not numbers:
        raise SettingError(
            "a sweep needs one seed at least: --seeds 3 is 0, 1 and 2.",
            code="sweep-seeds-missing",
            setting="seeds",
        )
    if len(set(numbers)) < len(numbers):
        raise SettingError(
            f"seeds are {numbers}: give every seed once.", code="sweep-seed-twice", setting="seeds"
        )
    return numbers


def with_seed(experiment: Experiment, seed: int) -> Experiment:
    """The same experiment with another seed."""
    return replace(experiment, training=replace(experiment.training, seed=seed))


def value_at(settings: Any, path: str) -> Any:
    """The value of a setting as JSON holds it."""
    for name in path.split("."):
        settings = getattr(settings, name)
    return encode(settings)


def check_cells(cells: Sequence[Cell]) -> None:
    """Check every experiment, before the first is trained.

    Raises:
        SettingError: with all problems at once, each with the cells that have it.
    """
    problems: dict[str, list[str]] = defaultdict(list)
    for cell in cells:
        try:
            check(cell.experiment)
        except SettingError as error:
            problems[str(error)].append(cell.name)
    if problems:
        bad = sum(map(len, problems.values()))
        lines = [f"{bad} of {len(cells)} runs cannot be trained:"]
        for problem, names in problems.items():
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            lines.append(f"{'; '.join(names[:3])}{more}: {problem}")
        raise SettingError("\n".join(lines), code="sweep-runs-invalid")


def _name(settings: Mapping[str, Any]) -> str:
    names = short_names(list(settings))
    parts = (f"{names[path]}={text_of(value)}" for path, value in settings.items())
    return ",".join(re.sub(r"[^\w.+=-]", "_", part) for part in parts)


def _with_value(settings: Any, parts: Sequence[str], value: Any, path: str) -> Any:
    name, *deeper = parts
    fields = [f.name for f in dataclasses.fields(settings)] if _is_tree(settings) else []
    if name not in fields:
        near = difflib.get_close_matches(name, fields, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingError(
            f"{path}: there is no setting {name!r}.{hint}", code="unknown-setting", setting=path
        )
    if deeper:
        value = _with_value(getattr(settings, name), deeper, value, path)
    return replace(settings, **{name: value})


def _is_tree(settings: Any) -> bool:
    return dataclasses.is_dataclass(settings) and not isinstance(settings, type)
