"""The form that every configuration class has: a frozen, keyword-only dataclass with strict JSON.

A configuration sits beside the code that it configures. Alternatives (networks, sources, methods)
carry a `kind` literal, so that a union of them is decoded by name and never by guessing.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import typing
from typing import TYPE_CHECKING, Any, Literal, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

ValueRange = Literal["signed", "unit"]
"""Values of images inside networks: [-1, 1] or [0, 1]. Here, as data and networks both speak it."""


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
def config(cls: type[T]) -> type[T]:
    """Make `cls` a configuration: frozen, keyword-only, unknown keys refused when decoded."""
    cls.__pydantic_config__ = {"extra": "forbid"}  # type: ignore[attr-defined]
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def encode(value: Any) -> Any:
    """A configuration as plain JSON values (dicts, lists, numbers, strings)."""
    if dataclasses.is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(form: type[T], text: str) -> T:
    """The configuration that JSON stands for, taken strictly; see `decoding_problems`."""
    decoded: T = _adapter(typing.cast(Any, form)).validate_json(text, strict=True)
    return decoded


def decoding_problems(form: type[Any], text: str) -> list[str]:
    """One line for each unknown key, unknown kind and wrong type in JSON, with its path."""
    from pydantic import ValidationError

    try:
        decode(form, text)
    except ValidationError as error:
        return [_describe(form, dict(problem)) for problem in error.errors()]
    return []


@functools.cache
def _adapter(form: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # slow to import

    return TypeAdapter(form)


def _describe(form: Any, problem: dict[str, Any]) -> str:
    """One line for a pydantic problem, with the nearest valid name for an unknown key or kind."""
    path, settings = _locate(form, problem["loc"])
    if problem["type"] == "unexpected_keyword_argument":
        return f"{path}: unknown setting{_nearest(str(problem['loc'][-1]), settings)}"
    if problem["type"] == "union_tag_invalid":
        tag, expected = problem["ctx"]["tag"], problem["ctx"]["expected_tags"]
        kinds = [kind.strip("'") for kind in expected.split(", ")]
        return f"{path}.kind: {tag!r} is none of {expected}{_nearest(tag, kinds)}"
    if problem["type"] in ("missing", "union_tag_not_found"):
        return f"{path}: {problem['msg']}."
    given = repr(problem["input"])
    return f"{path}: {problem['msg']} (got {given if len(given) < 60 else given[:57] + '...'})."


def _locate(form: Any, location: tuple[Any, ...]) -> tuple[str, list[str]]:
    """A place in the tree as users write it, and the settings that exist beside it."""
    shown: list[str] = []
    beside: list[str] = []
    here = form
    for part in location:
        kinds = {m.kind: m for m in typing.get_args(here) if hasattr(m, "kind")}
        if part in kinds:  # pydantic's own step into an alternative
            here = kinds[part]
            continue
        hints = typing.get_type_hints(here) if dataclasses.is_dataclass(here) else {}
        shown.append(str(part))
        beside, here = list(hints), _required(hints.get(part))
    return ".".join(shown), beside


def _required(hint: Any) -> Any:
    """`X | None` => X; anything else as it is."""
    members = [member for member in typing.get_args(hint) if member is not type(None)]
    return members[0] if len(members) == 1 and dataclasses.is_dataclass(members[0]) else hint


def _nearest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, 1)
    return f"; did you mean {close[0]!r}?" if close else "."
