"""Verbs of the command line, as their own parsers describe them."""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from typing import Any
from unittest import mock

from unpaired.cli.flags.arguments import Parser
from unpaired.cli.main import VERBS


class Asked(Exception):
    """A verb was asked for its help."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self.parser = parser


def verbs() -> str:
    """A section for each verb: what it does, its flags, and its examples."""
    return "\n\n".join(_section(verb) for verb in VERBS)


def parser_of(verb: str, *words: str) -> argparse.ArgumentParser:
    """The parser whose help `unpaired VERB [WORD …] --help` prints."""

    def print_help(self: argparse.ArgumentParser, file: Any = None) -> None:
        raise Asked(self)

    with mock.patch.object(Parser, "print_help", print_help):
        try:
            import_module(f"unpaired.cli.{verb}").run([*words, "--help"])
        except Asked as asked:
            return asked.parser
    raise AssertionError(f"{verb} has no help")


def options_of(verb: str) -> list[str]:
    """Every flag of a verb and of its parts."""
    parser = parser_of(verb)
    parsers = [parser, *(parser_of(verb, name) for name in parts_of(parser))]
    return [flag for each in parsers for a in each._actions for flag in a.option_strings]


def parts_of(parser: argparse.ArgumentParser) -> list[str]:
    """The parts of a verb that has some, such as `segmenter train`."""
    return [
        name
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name in action.choices
    ]


def _section(verb: str) -> str:
    summary = VERBS[verb]
    lines = [f"### {verb}", "", f"{summary[0].upper()}{summary[1:]}.", ""]
    parser = parser_of(verb)
    if verb == "demo":
        return "\n".join(
            [*lines, "`unpaired train --recipe demo`, with the flags of [train](#train)."]
        )
    lines += _description(parser)
    parts = parts_of(parser)
    for name in parts:
        part = parser_of(verb, name)
        lines += [f"`{part.prog}`:", "", *_flags(part), ""]
    if not parts:
        lines += [*_flags(parser), ""]
    return "\n".join([*lines, *_epilog(parser)]).rstrip()


def _description(parser: argparse.ArgumentParser) -> list[str]:
    """What the parser says of itself after its first sentence, which the title has said."""
    paragraphs = (parser.description or "").strip().split("\n\n")[1:]
    return [line for each in paragraphs for line in (_markdown(" ".join(each.split())), "")]


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    rows = ["| flag | |", "|---|---|"]
    for action in parser._actions:
        if "--help" in action.option_strings:
            continue
        names = ", ".join(action.option_strings) or (action.metavar or action.dest)
        cell = f"`{names}{_value(action)}`"
        rows.append(f"| {cell} | {_markdown(_help(action))} |")
    return rows


def _value(action: argparse.Action) -> str:
    """What follows the flag: " DIR", " a/b", nothing."""
    if action.nargs == 0 or not action.option_strings:
        return ""
    names = action.metavar or ("/".join(map(str, action.choices or ())) or action.dest.upper())
    return " " + (" ".join(names) if isinstance(names, tuple) else names)


def _help(action: argparse.Action) -> str:
    text = " ".join((action.help or "").split()).replace("%%", "%")
    if action.choices and action.metavar is None and not action.option_strings:
        text = f"{' or '.join(map(str, action.choices))}: {text}"
    return text + (" (needed)" if action.required and action.option_strings else "")


def _epilog(parser: argparse.ArgumentParser) -> list[str]:
    """Examples and tables, as they are printed."""
    text = (parser.epilog or "").strip()
    return ["```text", text, "```"] if text else []


def _markdown(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", text).replace("<", "&lt;")
