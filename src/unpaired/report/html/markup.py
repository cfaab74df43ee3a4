"""HTML in which text is escaped unless it was built here, so that no name can become markup."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

Attribute = str | int | float | bool | None

_WITHOUT_CONTENT = frozenset({"img", "input", "meta"})


class Html(str):
    """Markup that is already safe. Everything else is text and gets escaped."""

    __slots__ = ()


def join(*children: str) -> Html:
    """The children one after the other; those that are not `Html` are escaped."""
    return Html("".join(c if isinstance(c, Html) else html.escape(c) for c in children))


def tag(element: str, /, *children: str, **attributes: Attribute) -> Html:
    """One element. `class_` means class and `data_x` means data-x; None and False are left out."""
    opening = element
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        opening += f" {key}" if value is True else f' {key}="{html.escape(str(value))}"'
    if element in _WITHOUT_CONTENT:
        return Html(f"<{opening}>")
    return Html(f"<{opening}>{join(*children)}</{element}>")


def definitions(pairs: Sequence[tuple[str, str]]) -> Html:
    """A list of names with their values."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs))


def flatten(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as ("a.source.kind", "folder") pairs."""
    pairs: list[tuple[str, str]] = []
    for key, value in content.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            pairs += flatten(value, f"{name}.")
        elif isinstance(value, list):
            pairs.append((name, ", ".join(str(item) for item in value) or "none"))
        else:
            pairs.append((name, "none" if value is None else str(value) or "none"))
    return pairs


def absent(text: str) -> Html:
    """A sentence in the place of something that a run does not have, or not yet."""
    return tag("p", text, class_="absent")
