"""Every page has one style and one script: inside it, or linked; both come with the package."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from pathlib import Path

import pytest
from markupsafe import Markup

from parsed_page import Page
from unpaired.records.runs import read_run
from unpaired.report.html.assets import SCRIPT, STYLE, Assets, asset
from unpaired.report.html.render import render
from unpaired.report.run.page import page


def test_a_page_is_one_file_whose_policy_allows_its_own_style_and_script(run_folder: Path) -> None:
    html = page(read_run(run_folder))
    assert not re.findall(r'(?:href|src)="(?!#|data:)', html)
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{directive} &#39;sha256-{digest}&#39;" in html


def test_one_switch_links_them_instead_and_changes_nothing_else(run_folder: Path) -> None:
    run = read_run(run_folder)
    inline, linked = page(run), page(run, Assets(at="/assets/"))
    found = Page(linked)
    assert [link["href"] for link in found.all("link")] == ["/assets/style.css"]
    assert [script["src"] for script in found.all("script")] == ["/assets/script.js"]
    assert "<style" not in linked
    assert "style-src &#39;self&#39;; script-src &#39;self&#39;" in linked
    assert found.text == Page(inline).text
    assert (
        linked[linked.index("<body") : linked.index("<script")]
        == (inline[inline.index("<body") : inline.index("<script")])
    )


@pytest.mark.parametrize("name", [STYLE, SCRIPT])
def test_assets_can_stand_in_a_page(name: str) -> None:
    assert "</" not in asset(name)
    assert name == SCRIPT or "url(" not in asset(name)


def test_text_is_escaped_everywhere_but_in_markup() -> None:
    content = {"title": "<b>", "width": 1, "height": 1, "description": '"<i>', "left": 0}
    content |= {"right": 1, "x_ticks": [], "y_ticks": []}
    line = {"role": "a", "dashed": False, "label": "<u>", "band": "", "path": ""}
    html = render("charts/lines.html", content | {"lines": [{**line, "last": Markup("<s>")}]})
    assert "&lt;b&gt;" in html
    assert "&#34;&lt;i&gt;" in html
    assert "&lt;u&gt;" in html
    assert "<s>" in html


def test_templates_fonts_and_assets_are_declared_as_data_of_the_package() -> None:
    """A file that the declaration forgets is there from a checkout and absent from a wheel."""
    root = Path(__file__).parents[2]
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]
    source = root / "src" / "unpaired"
    shipped = {p for glob in settings["package-data"]["unpaired"] for p in source.glob(glob)}
    report = source / "report"
    folders = (report / "templates", report / "fonts")
    data = {p for folder in folders for p in folder.rglob("*") if p.is_file()}
    data |= {report / STYLE, report / SCRIPT}
    assert data <= shipped
