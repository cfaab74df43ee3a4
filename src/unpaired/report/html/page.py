"""The frame of every page: one file that makes no request and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from unpaired.report.html.markup import Html, join, tag
from unpaired.report.html.theme import STYLE


@dataclass(frozen=True)
class Section:
    """A part of a page with a heading and a link at the top."""

    anchor: str
    heading: str
    content: Html


def document(
    title: str,
    above: str,
    sections: Sequence[Section],
    notes: Sequence[str],
    *,
    style: str = "",
    script: str = "",
) -> str:
    """The whole page. `above` stands small over the title, `notes` at the foot; `style` comes after
    the common one."""
    links = [tag("a", section.heading, href=f"#{section.anchor}") for section in sections]
    header = tag(
        "header",
        tag("p", above, class_="domains"),
        tag("h1", title),
        tag("nav", *links, aria_label="Sections"),
    )
    blocks = [
        tag("section", tag("h2", section.heading), section.content, id=section.anchor)
        for section in sections
    ]
    footer = tag("footer", *(tag("p", note) for note in notes))
    scripts = [tag("script", Html(script))] if script else []
    body = tag("body", header, tag("main", *blocks), footer, *scripts)
    head = _head(title, STYLE + style, script)
    return join(Html("<!doctype html>\n"), tag("html", head, body, lang="en"), Html("\n"))


def _head(title: str, style: str, script: str) -> Html:
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
    policy += f"script-src {_hash(script)}; " if script else ""
    policy += "base-uri 'none'; form-action 'none'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="unpaired"),
        tag("title", f"{title} · unpaired"),
        tag("style", Html(style)),
    )


def _hash(content: str) -> str:
    """The content-security source that allows exactly this inline script or style."""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
