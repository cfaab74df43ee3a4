"""Flags with several values: `--method.cycle-weight 0,5,10` stands for three trainings.

A comma separates values where the type of a setting leaves no doubt: numbers, switches (true,false)
and choices. In settings that are text, such as paths, it belongs to the value, as in `train`.
"""

from __future__ import annotations

import dataclasses
import itertools
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from unpaired.cli.flags.arguments import is_flag
from unpaired.core.errors import SettingError
from unpaired.experiment.experiment import Experiment

_PLAIN = {"--images": "training.images", "--time": "training.seconds"}
"""Flags of `train` other than settings that may have several values, and what they set."""


@dataclass(frozen=True)
class Flag:
    """A flag as given, with the words of each of its alternatives."""

    path: str
    """The setting, "method.cycle_weight"; empty for a flag that is none."""
    alternatives: list[list[str]]


def alternatives(arguments: Sequence[str]) -> list[Flag]:
    """The flags of a command line, one after the other.

    Raises:
        SettingError: for a word that belongs to no flag, or values that cannot be told apart.
    """
    flags: list[Flag] = []
    for words in _words_by_flag(arguments):
        name, equals, value = words[0].partition("=")
        values = [value, *words[1:]] if equals else words[1:]
        path = _PLAIN.get(name) or name.removeprefix("--").replace("-", "_")
        types_of_setting = _types(path)
        spaced = any(len(part.split()) > 1 for part in " ".join(values).split(","))
        if spaced and types_of_setting and not _takes_several(types_of_setting):
            raise SettingError(
                f"{name} {' '.join(values)}: values that a sweep compares are given with commas "
                f"and no spaces, as in {name} {values[0]},{values[-1]}",
                code="values-without-commas",
            )
        several = "," in " ".join(values) and types_of_setting and str not in types_of_setting
        choices = _split(name, " ".join(values), types_of_setting) if several else [list(words)]
        flags.append(Flag(path if types_of_setting else "", choices))
    varied = [flag.path for flag in flags if len(flag.alternatives) > 1]
    for path in varied:
        if [flag.path for flag in flags].count(path) > 1:
            raise SettingError(
                f"{path} is given twice: give all its values in one flag.", code="flag-given-twice"
            )
    return flags


def combinations(flags: Sequence[Flag]) -> list[list[str]]:
    """The command line of each combination of alternatives; the last flag changes fastest."""
    return [
        [word for words in chosen for word in words]
        for chosen in itertools.product(*(flag.alternatives for flag in flags))
    ]


def _words_by_flag(arguments: Sequence[str]) -> list[list[str]]:
    """Each flag with the words that follow it."""
    groups: list[list[str]] = []
    for word in arguments:
        if is_flag(word):
            groups.append([word])
        elif groups:
            groups[-1].append(word)
        else:
            raise SettingError(
                f"{word!r} belongs to no flag. A recipe comes first, and settings after it: "
                "unpaired sweep demo --method.cycle-weight 0,5,10 --seeds 3",
                code="word-without-flag",
            )
    return groups


def _split(flag: str, text: str, setting_types: set[Any]) -> list[list[str]]:
    """The words of each alternative: "0,5" => [[flag, "0"], [flag, "5"]]."""
    parts = [part.split() for part in text.split(",")]
    if not all(parts):
        raise SettingError(
            f"{flag} {text}: a value is missing beside a comma.", code="value-missing-at-comma"
        )
    tuples = [t for t in setting_types if typing.get_origin(t) is tuple]
    if tuples:
        items = typing.get_args(tuples[0])
        length = len(items)
        is_fixed = Ellipsis not in items
        if is_fixed and any(len(part) != length and part != ["None"] for part in parts):
            example = " ".join(map(str, range(1, length + 1)))
            raise SettingError(
                f"{flag} {text}: one value is {length} numbers with spaces between them, {flag} "
                f"{example}; a comma separates values that a sweep compares.",
                code="tuple-of-other-length",
            )
        return [[flag, *part] for part in parts]
    if bool in setting_types:
        return [_switch(flag, part[0]) for part in parts]
    return [[flag, part[0]] for part in parts]


def _switch(flag: str, value: str) -> list[str]:
    """A boolean as `train` takes it: --training.compile, or --training.no-compile."""
    if value.lower() not in ("true", "false"):
        raise SettingError(f"{flag} {value}: choose from true, false.", code="not-a-boolean")
    before, dot, last = flag.rpartition(".")
    return [flag if value.lower() == "true" else f"{before}{dot}no-{last}"]


def exists(path: str) -> bool:
    """Whether some alternative has a setting, or can turn it off: "a.augmentation.no_flip"."""
    before, dot, last = path.rpartition(".")
    return bool(_types(path) or _types(before + dot + last.removeprefix("no_")))


def _types(path: str) -> set[Any]:
    """The types that a setting has, over all alternatives that have it; empty: there is none."""
    places: list[Any] = [Experiment]
    for name in path.split("."):
        hints = [typing.get_type_hints(p) for p in places if dataclasses.is_dataclass(p)]
        places = [member for hint in hints if name in hint for member in _members(hint[name])]
    return {p for p in places if not dataclasses.is_dataclass(p) and p is not type(None)}


def _takes_several(setting_types: set[Any]) -> bool:
    """Whether one value of the setting is several words."""
    return str in setting_types or any(typing.get_origin(t) is tuple for t in setting_types)


def _members(hint: Any) -> list[Any]:
    """The alternatives of a union; anything else is its own."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [member for part in typing.get_args(hint) for member in _members(part)]
    return [hint]
