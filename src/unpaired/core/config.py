"""Configuration classes: frozen, keyword-only dataclasses with strict JSON.

A configuration sits beside the code that it configures. Alternatives (networks, sources, methods)
carry a `kind` literal, so that a union of them is decoded by name and never by guessing.

The smallest and largest value of a number stand in its type (`Natural`, `Share`, or `Annotated`
with `Ge` and `Le`), where help, schemas and forms find them.

A setting that is renamed stays readable in stored files: its class lists the former name in
`FORMER_NAMES: ClassVar[Mapping[str, str]]`, which maps it to the present one. Either may be a place
in a part: `{"decay_from": "schedule.decay_from"}` has moved into one, `{"decoding.float_range":
"range"}` out of one. A setting that has become a union of kinds is decoded from the bare name of a
kind too.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import json
import re
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, dataclass_transform

from annotated_types import Ge, Le

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

Natural = Annotated[int, Ge(0)]
"""0, 1, 2, …"""
Positive = Annotated[int, Ge(1)]
"""1, 2, 3, …"""
NonNegative = Annotated[float, Ge(0)]
"""0 or more."""
Share = Annotated[float, Ge(0), Le(1)]
"""A share of a whole, or a probability: 0 to 1."""

ValueRange = Literal["signed", "unit"]
"""Values of images inside networks: [-1, 1] or [0, 1]. Here, as data and networks both speak it."""

Values = ValueRange | Literal["classes"]
"""Values of a domain inside networks: of images, or the class channels of label maps."""


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
def config(cls: type[T]) -> type[T]:
    """Make `cls` a configuration: frozen, keyword-only, unknown keys refused when decoded."""
    cls.__pydantic_config__ = {"extra": "forbid", "allow_inf_nan": False}  # type: ignore[attr-defined]
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def encode(value: Any) -> Any:
    """A configuration as plain JSON values (dicts, lists, numbers, strings)."""
    if dataclasses.is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value


def decode(form: type[T], text: str) -> T:
    """The configuration that JSON stands for, taken strictly, but for former names of settings.

    Raises:
        pydantic.ValidationError: see `decoding_problems`.
    """
    present = _with_present_names(form, text)
    decoded: T = _adapter(typing.cast(Any, form)).validate_json(present, strict=True)
    return decoded


def decoding_problems(form: type[Any], text: str) -> list[str]:
    """One line for each unknown key, unknown kind, wrong type and number out of bounds in JSON,
    with its path."""
    return [describe(form, error) for error in decoding_errors(form, text)]


def decoding_errors(form: type[Any], text: str) -> list[dict[str, Any]]:
    """What pydantic says of each problem; see `describe` and `is_out_of_bounds`."""
    from pydantic import ValidationError

    try:
        decode(form, text)
    except ValidationError as error:
        return [dict(problem) for problem in error.errors()]
    return []


def is_out_of_bounds(error: dict[str, Any]) -> bool:
    """Whether a value has its type, and is too small, too large or not finite."""
    return error["type"] == "finite_number" or error["type"] in _BOUNDS


def _with_present_names(form: Any, text: str) -> str:
    """JSON of any age => JSON as it would be written now; what is no JSON, as it is."""
    try:
        stored = json.loads(text)
    except json.JSONDecodeError:
        return text  # whose decoding says what is wrong with it
    return json.dumps(_renamed(form, stored))


def _renamed(form: Any, stored: Any) -> Any:
    """`stored` with the present names of settings, in all of its parts."""
    if isinstance(stored, list) and typing.get_origin(form) is tuple:
        return [_renamed(typing.get_args(form)[0], item) for item in stored]
    if isinstance(stored, str) and any(getattr(m, "kind", None) == stored for m in _members(form)):
        stored = {"kind": stored}
    settings = _alternative(form, stored) if isinstance(stored, dict) else None
    if settings is None:
        return stored
    hints = typing.get_type_hints(settings)
    present = dict(stored)
    for former, place in getattr(settings, "FORMER_NAMES", {}).items():
        part, dot, name = former.rpartition(".")
        holder = present.get(part) if dot else present
        if not isinstance(holder, dict) or name not in holder:
            continue
        if former not in hints and place not in present:
            if dot:
                holder = present[part] = dict(holder)
            _put(present, settings, place, holder.pop(name))
    return {name: _renamed(hints.get(name), value) for name, value in present.items()}


def _put(stored: dict[str, Any], settings: Any, place: str, value: Any) -> None:
    """Set `name` or `part.name` in the stored form of `settings`; a part of a kind that has no such
    setting never used it, and does not get it."""
    part_name, dot, name = place.partition(".")
    if not dot:
        stored[place] = value
        return
    part = stored.get(part_name, {})
    kind = part if isinstance(part, str) else getattr(getattr(settings, part_name), "kind", None)
    if isinstance(part, str):
        part = {}
    if kind is not None:
        part = {"kind": kind, **part}
    chosen = _alternative(typing.get_type_hints(settings)[part_name], part)
    has_it = chosen is None or name in typing.get_type_hints(chosen)
    stored[part_name] = {name: value, **part} if has_it else part


def _alternative(form: Any, stored: dict[str, Any]) -> Any:
    """The configuration class that a stored one is of: the only one, or that of its kind."""
    classes = [member for member in _members(form) if dataclasses.is_dataclass(member)]
    of_kind = [c for c in classes if getattr(c, "kind", None) == stored.get("kind")]
    candidates = classes if len(classes) == 1 else of_kind
    return candidates[0] if candidates else None


def _members(form: Any) -> list[Any]:
    """The types that a union joins; of any other type, itself."""
    if typing.get_origin(form) is Annotated:
        return _members(typing.get_args(form)[0])
    if typing.get_origin(form) in (typing.Union, types.UnionType):
        return [member for part in typing.get_args(form) for member in _members(part)]
    return [form]


@functools.cache
def _adapter(form: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # slow to import

    return TypeAdapter(form)


def describe(form: Any, problem: dict[str, Any]) -> str:
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
    if is_out_of_bounds(problem):
        number, whole = problem["input"], re.sub(r"(\.\d+)+$", "", path)
        if problem["type"] == "finite_number":
            return f"{whole} is {number}: give a finite number."
        bound, words = _BOUNDS[problem["type"]]
        return f"{whole} is {_short(number)}: it must be {words} {_short(problem['ctx'][bound])}."
    value = repr(problem["input"])
    return f"{path}: {problem['msg']} (got {value if len(value) < 60 else value[:57] + '...'})."


_BOUNDS = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
"""Numbers out of bounds as pydantic calls them, with its name of the limit, and in words."""


def _short(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"


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
