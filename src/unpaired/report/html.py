"""The report of a run: one page that needs no network, for a reader who was not there."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from unpaired.files import write_atomically
from unpaired.report.embed import Album
from unpaired.report.gallery import failures, final_pictures, pictures_over_time
from unpaired.report.markup import Html, join, tag
from unpaired.report.numbers import tables, verdict
from unpaired.report.runs import Run, read_run
from unpaired.report.sections import curves, facts, repeat
from unpaired.report.theme import SCRIPT, STYLE
from unpaired.report.wording import Names, names_of


def write_report(run: Path) -> Path:
    """Write `report.html` into the run folder `run` and return its path.

    The page may be written again at any time, also while the run trains.

    Raises:
        RunError: `run` is no run folder.
    """
    path = run / "report.html"
    write_atomically(path, page(read_run(run)))
    return path


def page(run: Run) -> str:
    """The whole page. It holds its pictures, makes no request, and runs no script but its own."""
    names = names_of(run.config)
    album = Album()
    # Pictures over time come last here: they take whatever room the others leave.
    samples, worst = final_pictures(run, names, album), failures(run, names, album)
    over_time = pictures_over_time(run, names, album)
    title = str(run.config.get("name") or run.folder.resolve().name)
    sections = [
        ("verdict", "Verdict", verdict(run, names)),
        ("training", "What was trained", facts(run, names)),
        ("samples", "Samples", samples),
        ("time", "Samples over time", over_time),
        ("curves", "Curves", curves(run, names)),
        ("numbers", "All numbers", tables(run, names)),
        ("failures", "Failures", worst),
        ("repeat", "How to repeat it", repeat(run)),
    ]
    return join(
        Html("<!doctype html>\n"),
        tag("html", _head(title), _body(run, names, title, sections), lang="en"),
        Html("\n"),
    )


def _head(title: str) -> Html:
    policy = f"default-src 'none'; img-src data:; style-src {_hash(STYLE)}; "
    policy += f"script-src {_hash(SCRIPT)}; base-uri 'none'; form-action 'none'"
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content="unpaired"),
        tag("title", f"{title} · unpaired"),
        tag("style", Html(STYLE)),
    )


def _body(run: Run, names: Names, title: str, sections: list[tuple[str, str, Html]]) -> Html:
    links = [tag("a", heading, href=f"#{anchor}") for anchor, heading, _ in sections]
    header = tag(
        "header",
        tag("p", f"{names.a} ⇄ {names.b}", class_="domains"),
        tag("h1", title),
        tag("nav", *links, aria_label="Sections"),
    )
    blocks = [
        tag("section", tag("h2", heading), content, id=anchor)
        for anchor, heading, content in sections
    ]
    notes = [tag("p", note) for note in run.notes]
    footer = tag("footer", *notes, tag("p", "Written by unpaired report."))
    return tag("body", header, tag("main", *blocks), footer, tag("script", Html(SCRIPT)))


def _hash(content: str) -> str:
    """The content-security source that allows exactly this inline script or style."""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
