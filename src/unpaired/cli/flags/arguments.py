"""Flags that several verbs share."""

from __future__ import annotations

import argparse
import difflib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from unpaired.core.errors import SettingError
from unpaired.core.files import at_home


class Parser(argparse.ArgumentParser):
    """argparse without guessed abbreviations, whose errors are the package's own."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As usual, but ~ is the user's folder in every path: no shell expands --output=~/runs."""
        options, rest = super().parse_known_args(args, namespace)
        for name, value in vars(options).items():
            if isinstance(value, Path):
                setattr(options, name, at_home(value))
        return options, rest

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As usual, but an unknown flag is answered with the most similar one."""
        options, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self.error(unknown_argument(unknown[0], self.options))
        return options

    def parse_with_settings(self, arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
        """The flags, and all that belongs to settings, which have a dot in their names: other
        flags that are unknown are answered with the most similar one."""
        options, rest = self.parse_known_args(arguments)
        for word in rest:
            name = word.partition("=")[0]
            if is_flag(word) and "." not in name:
                self.error(unknown_argument(name, self.options))
        return options, rest

    @property
    def options(self) -> list[str]:
        """All flags."""
        return [flag for action in self._actions for flag in action.option_strings]

    def error(self, message: str) -> Any:
        """Exit code 2, one paragraph."""
        end = "" if message.endswith("?") else "."
        raise SettingError(
            f"{message}{end} `{self.prog} --help` lists what there is.", code="bad-arguments"
        )


def is_flag(word: str) -> bool:
    """Whether a word begins a flag; -1 is a value."""
    return word.startswith("-") and not re.match(r"-[\d.]", word)


def unknown_argument(word: str, options: Iterable[str]) -> str:
    """What is wrong, with the most similar flag."""
    near = difflib.get_close_matches(word.partition("=")[0], list(options), 1)
    return f"unknown argument {word!r}" + (f"; did you mean {near[0]}?" if near else "")


def seconds(text: str) -> float:
    """A time such as 90s, 10m, 1.5h, 2d or 1h30m, in seconds.

    Raises:
        argparse.ArgumentTypeError: when it is none.
    """
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "": 1}
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd]?)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 90s, 10m, 1.5h or 1h30m")
    return sum(float(number) * units[unit] for number, unit in parts)


def count(text: str) -> int:
    """A number such as 20000, 20k or 1.5M."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text.replace("_", ""))
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number; write 20000, 20k or 1.5M")
    return round(float(match[1]) * {"": 1, "k": 1000, "m": 1_000_000}[match[2].lower()])


def print_json(content: Any) -> None:
    """The one object that --json promises on standard output."""
    print(json.dumps(content, indent=2))
