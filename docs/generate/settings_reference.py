"""Settings of an experiment, as the configuration classes declare them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
import types
import typing
from typing import Annotated, Any, Literal

from unpaired.experiment.experiment import Experiment


def settings() -> str:
    """A section for each configuration class, from the root down; where it stands in the tree, its
    fields, their defaults and what they mean."""
    places: dict[type[Any], list[str]] = {}
    _walk(Experiment, "", places)
    return "\n\n".join(_section(form, where) for form, where in places.items())


def paths() -> list[str]:
    """The path of every setting as flags have it, whatever kind the parts are of."""
    return _paths(Experiment, "")


def _paths(form: type[Any], path: str) -> list[str]:
    every = []
    hints = typing.get_type_hints(form, include_extras=True)
    for field in dataclasses.fields(form):
        here = _flag(f"{path}.{field.name}".lstrip("."))
        every.append(here)
        for part in parts(hints[field.name]):
            every += [f"{here}.kind", *_paths(part, here)]
    return every


def _walk(form: type[Any], path: str, places: dict[type[Any], list[str]]) -> None:
    """Note where each class stands, parents before children."""
    known = form in places
    places.setdefault(form, []).append(path)
    if known:
        return
    hints = typing.get_type_hints(form, include_extras=True)
    for field in dataclasses.fields(form):
        for part in parts(hints[field.name]):
            _walk(part, f"{path}.{field.name}".lstrip("."), places)


def parts(hint: Any) -> list[type[Any]]:
    """The configuration classes that a field may hold."""
    return [member for member in members(hint) if dataclasses.is_dataclass(member)]


def members(hint: Any) -> list[Any]:
    """The types that a union joins; of any other type, itself."""
    if typing.get_origin(hint) is Annotated:
        return members(typing.get_args(hint)[0])
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [m for part in typing.get_args(hint) for m in members(part)]
    return [hint]


def _section(form: type[Any], where: list[str]) -> str:
    kind = getattr(form, "kind", None)
    title = f"{form.__name__}"
    flags = ", ".join(f"`--{_flag(path)}.…`" for path in dict.fromkeys(where) if path)
    chosen = f", chosen by `kind {kind.replace('_', '-')}`" if kind else ""
    place = f" At {flags}{chosen}." if flags else ""
    lines = [f"### {title}", "", f"{_paragraph(form)}{place}", ""]
    hints = typing.get_type_hints(form, include_extras=True)
    texts = field_texts(form)
    rows = [
        f"| `{_flag(field.name)}` | {_values(hints[field.name])} | {_default(field)} | "
        f"{_cell(texts.get(field.name, ''))} |"
        for field in dataclasses.fields(form)
        if field.name not in ("kind", "schema_version")
    ]
    if rows:
        lines += ["| setting | values | default | |", "|---|---|---|---|", *rows]
    return "\n".join(lines).rstrip()


def field_texts(form: type[Any]) -> dict[str, str]:
    """The docstring below each field of a class and of those that it is derived from."""
    texts: dict[str, str] = {}
    for base in reversed(form.__mro__):
        if not dataclasses.is_dataclass(base):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(base))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for field, text in zip(tree.body, tree.body[1:], strict=False):
            is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            if isinstance(field, ast.AnnAssign) and is_text:
                assert isinstance(field.target, ast.Name)
                texts[field.target.id] = str(text.value.value)  # type: ignore[attr-defined]
    return texts


def _values(hint: Any) -> str:
    """What a setting may be, with its bounds."""
    if forms := parts(hint):
        links = ", ".join(f"[{f.__name__}](#{f.__name__.lower()})" for f in forms)
        return f"{links}{' or none' if type(None) in members(hint) else ''}"
    bounds = _bounds(hint)
    names = [_name(member) for member in members(hint)]
    return _cell(" or ".join(names) + (f", {bounds}" if bounds else ""))


def _bounds(hint: Any) -> str:
    """Such as "≥ 0", "0 to 1"."""
    limits: dict[str, Any] = {}
    stack = [hint]
    while stack:
        each = stack.pop()
        if typing.get_origin(each) is Annotated:
            inner, *notes = typing.get_args(each)
            for note in notes:
                limits |= {k: getattr(note, k) for k in ("ge", "le", "gt") if hasattr(note, k)}
            stack.append(inner)
        elif typing.get_origin(each) in (typing.Union, types.UnionType):
            stack += typing.get_args(each)
    low, high = limits.get("ge"), limits.get("le")
    if low is not None and high is not None:
        return f"{low:g} to {high:g}" if high < 2**62 else f"≥ {low:g}"
    if low is not None:
        return f"≥ {low:g}"
    return f"> {limits['gt']:g}" if "gt" in limits else ""


def _name(hint: Any) -> str:
    if hint is type(None):
        return "none"
    if typing.get_origin(hint) is Literal:
        return ", ".join(f"`{str(v).replace('_', '-')}`" for v in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        inner = [a for a in typing.get_args(hint) if a is not ...]
        many = " …" if ... in typing.get_args(hint) else ""
        name = _name(members(inner[0])[0])
        return (f"{len(inner)} {name}s" if len(inner) > 1 else name) + many
    names = {int: "whole number", float: "number", str: "text", bool: "`True` or `False`"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))


def _default(field: dataclasses.Field[Any]) -> str:
    value = field.default
    if value is dataclasses.MISSING:
        return "needed"
    if dataclasses.is_dataclass(value):
        name = type(value).__name__
        return f"[{name}](#{name.lower()})"
    if value is None or value == () or value == "":
        return "none"
    if isinstance(value, tuple):
        return f"`{' '.join(map(str, value))}`"
    return f"`{str(value).replace('_', '-') if isinstance(value, str) else value}`"


def _flag(path: str) -> str:
    return path.replace("_", "-")


def _paragraph(form: type[Any]) -> str:
    """The first paragraph of a class's docstring."""
    return _cell((inspect.getdoc(form) or "").split("\n\n")[0])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
