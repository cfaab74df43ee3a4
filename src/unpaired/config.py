"""The form that every configuration class has: a frozen, keyword-only dataclass with strict JSON.

A configuration sits beside the code that it configures. Alternatives (networks, sources, methods)
carry a `kind` literal, so that a union of them is decoded by name and never by guessing.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
def config(cls: type[T]) -> type[T]:
    """Make `cls` a configuration: frozen, keyword-only, unknown keys refused when decoded."""
    cls.__pydantic_config__ = {"extra": "forbid", "strict": False}  # type: ignore[attr-defined]
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


def encode(value: Any) -> Any:
    """A configuration as plain JSON values (dicts, lists, numbers, strings)."""
    if dataclasses.is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    return value
