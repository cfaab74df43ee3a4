"""Flags that several verbs share."""

from __future__ import annotations

import argparse
import itertools
import json
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from unpaired.cli.flags.advice import unknown_flag
from unpaired.cli.flags.epochs import images_of_an_epoch
from unpaired.core.errors import SettingError
from unpaired.core.files import at_home


class Parser(argparse.ArgumentParser):
    """argparse without guessed abbreviations, whose errors are the package's own."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **settings
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As usual, but underscores are dashes in flags, and ~ is the user's folder in every path:
        no shell expands --output=~/runs."""
        args = None if args is None else [self._with_dashes(word) for word in args]
        options, rest = super().parse_known_args(args, namespace)
        for name, value in vars(options).items():
            if isinstance(value, Path):
                setattr(options, name, at_home(value))
        return options, rest

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As usual, but an unknown flag is answered with what does it here."""
        options, unknown = self.parse_known_args(args, namespace)
        self._refuse(unknown, options, lambda word: True)
        return options

    def parse_with_settings(self, arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
        """The flags, and all that belongs to settings, which have a dot in their names: other
        flags that are unknown are answered with what does it here."""
        options, rest = self.parse_known_args(arguments)
        self._refuse(rest, options, is_no_setting)
        return options, rest

    def _with_dashes(self, word: str) -> str:
        name, equals, value = word.partition("=")
        dashed = name.replace("_", "-")
        return dashed + equals + value if dashed in self.options else word

    def _refuse(
        self, words: list[str], options: argparse.Namespace, unknown: Callable[[str], bool]
    ) -> None:
        """Answer the first of the words that nobody understands, with those that follow it."""
        place = next((i for i, word in enumerate(words) if unknown(word)), None)
        if place is None:
            return
        values = list(itertools.takewhile(lambda word: not is_flag(word), words[place + 1 :]))
        epoch_images = partial(images_of_an_epoch, options)
        verb = self.prog.split()[1]
        self.error(unknown_flag(words[place], values, self.options, verb, epoch_images))

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


def is_no_setting(word: str) -> bool:
    """Whether a word begins a flag without a dot, as flags of settings have."""
    return is_flag(word) and "." not in word.partition("=")[0]


def refuse_stray(words: Sequence[str], options: argparse.Namespace, prog: str) -> None:
    """Refuse words that belong to no flag at the beginning of what settings are made of.

    Raises:
        SettingError: with what was most likely meant.
    """
    stray = list(itertools.takewhile(lambda word: not is_flag(word), words))
    if not stray:
        return
    a, b = (getattr(options, name, None) for name in ("a", "b"))
    time = getattr(options, "time", None)
    hint = (
        "Image sets are given as folders, --a photos/ --b paintings/, settings as "
        "--training.batch-size 8."
    )
    if len(stray) == 2 and not a and not b:
        hint = f"Image sets have flags: --a {stray[0]} --b {stray[1]}"
    elif time is not None and re.fullmatch("[smhd]|sec|min|hours?", stray[0]):
        hint = f"Write a time in one word: --time {time:g}{stray[0][0]}"
    elif re.fullmatch("[a-z0-9-]+", stray[0]) and not a and not b:
        hint = f"A recipe is named by --recipe {stray[0]}, image sets by --a photos/ --b paintings/"
    raise SettingError(
        f"{stray[0]!r} belongs to no flag. {hint.rstrip('.')}. `{prog} --help` lists them.",
        code="word-without-setting",
    )


def seconds(text: str) -> float:
    """A time such as 90s, 10m, 1.5h, 2d, 1h30m or 15 min, in seconds.

    Raises:
        argparse.ArgumentTypeError: when it is none.
    """
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    form = r"(\d+(?:\.\d+)?)(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)"
    typed = text.lower().replace(" ", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", typed):
        return float(typed)
    if not re.fullmatch(f"(?:{form})+", typed):
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 90s, 10m, 1.5h or 1h30m")
    return sum(float(number) * units[unit[0]] for number, unit in re.findall(form, typed))


def count(text: str) -> int:
    """A number such as 20000, 20k or 1.5M."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text.replace("_", ""))
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number; write 20000, 20k or 1.5M")
    return round(float(match[1]) * {"": 1, "k": 1000, "m": 1_000_000}[match[2].lower()])


def print_json(content: Any) -> None:
    """The one object that --json promises on standard output."""
    print(json.dumps(content, indent=2))


def device(text: str) -> str:
    """A device as settings have it: "0" and "cuda:0" name a GPU, as people do elsewhere.

    Raises:
        argparse.ArgumentTypeError: when it is none, with what chooses a GPU.
    """
    if text in ("auto", "cpu", "cuda"):
        return text
    if number := re.fullmatch(r"(?:cuda|gpu)?:?(\d(?:,\d)*)", text.lower()):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no device: write --device cuda, with the environment variable "
            f"CUDA_VISIBLE_DEVICES={number[1]} before the command"
        )
    near = {
        "gpu": "; a GPU is --device cuda",
        "-1": "; without a GPU, --device cpu",
        "mps": "; Apple's GPUs are not used, --device cpu",
    }
    raise argparse.ArgumentTypeError(
        f"{text!r} is no device: auto, cpu or cuda{near.get(text.lower(), '')}"
    )
