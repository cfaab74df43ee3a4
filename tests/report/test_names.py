"""The words of a page are true of the method: it translates both ways, one way, or makes images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from fake_run import CONFIG, evaluation, log_line, number, write_lines, write_run
from parsed_page import Page, report
from unpaired.methods import Method
from unpaired.records.directions import FILE, directions_of_kind, write_directions
from unpaired.report.comparison.page import compare
from unpaired.report.metric_text import wording
from unpaired.report.names import Names, names_of


def config_of(kind: str) -> dict[str, Any]:
    domains = {"a": None} if kind == "gan" else {}
    return CONFIG | domains | {"method": {"kind": kind}}


def run_of(kind: str, folder: Path) -> Path:
    """A finished run of a method, with what the training writes for it and nothing else."""
    write_run(folder)
    (folder / "config.json").write_text(json.dumps(config_of(kind)))
    (folder / FILE).unlink()  # as before runs recorded their directions
    absent = {"cyclegan": [], "dtn": ["*-b.png"], "gan": ["*-a.png", "worst-*"]}[kind]
    for pattern in absent:
        for path in (folder / "samples").glob(pattern):
            path.unlink()
    measured, protocol = evaluation(51200, "test", "f", 0.9)["metrics"], {"images_b": "5678"}
    if kind == "dtn":
        measured = {name: m for name, m in measured.items() if "b2a" not in name}
        del measured["cycle_l1/a"]
    if kind == "gan":
        names = ("diversity/b", "kd/pixels/b", "kd/pixels/b/floor", "feature_accuracy/b")
        measured = {name: number(0.5, 0.4, 0.6) for name in names}
        protocol["images_a"] = ""
        line = log_line(51200, losses={"generators/adversarial_b": 1.0})
        del line["epochs_a"]
        write_lines(folder / "metrics.jsonl", [line])
    line = evaluation(51200, "test", "f", 0.9, metrics=measured, protocol=protocol)
    write_lines(folder / "evaluations.jsonl", [line])
    return folder


def descriptions(page: Page) -> list[str]:
    """What pictures show, in words."""
    return [image["alt"] or "" for image in page.all("img")]


def test_older_runs_have_the_directions_that_their_methods_declare() -> None:
    methods = get_args(get_args(Method)[0])
    for kind in ("cyclegan", "dtn", "gan"):
        (method,) = [method for method in methods if method.kind == kind]
        # One that does not translate declares none.
        assert directions_of_kind(config_of(kind)) == getattr(method, "directions", ())


def test_what_a_run_has_recorded_goes_before_its_kind(tmp_path: Path) -> None:
    folder = run_of("cyclegan", tmp_path / "run")
    write_directions(folder, ("a2b",))
    assert "ink → sign" in report(folder).text


def test_a_cyclegan_goes_both_ways_and_back(tmp_path: Path) -> None:
    page = report(run_of("cyclegan", tmp_path / "run"))
    assert "ink ⇄ sign" in page.text
    assert "51,200 of 51,200 per domain (80.0 times all of a, 160.0 times all of b)" in page.text
    assert "Kernel distance between translated and real sign images" in page.text
    shown = " ".join(descriptions(page))
    assert "ink → sign → ink, after 51,200 images" in shown
    assert "sign → ink → sign, after 51,200 images" in shown


def test_a_transfer_network_goes_one_way(tmp_path: Path) -> None:
    page = report(run_of("dtn", tmp_path / "run"))
    assert page.text.count("ink → sign") > 2
    assert "⇄" not in page.text
    assert "Domain a: ink" in page.text
    shown = descriptions(page)
    assert "ink → sign, after 51,200 images." in shown
    assert "Sample grid ink → sign after 12,800 images seen" in shown
    assert not any("sign → ink" in text for text in shown)
    assert "Kernel distance between translated and real sign images" in page.text


def test_images_from_noise_are_generated_and_come_from_no_domain(tmp_path: Path) -> None:
    page = report(run_of("gan", tmp_path / "run"))
    assert "noise → sign" in page.text
    assert "Domain b: sign" in page.text
    assert "51,200 of 51,200 (160.0 times all of b)" in page.text
    assert "after 51,200 images seen." in page.text
    assert "Kernel distance between generated and real sign images" in page.text
    assert "images_a none images_b 5678" in page.text
    assert "Images generated from noise have no originals to be measured against." in page.text
    shown = descriptions(page)
    assert (
        "noise → sign, after 51,200 images. Each row leads from one draw of the noise to another."
        in shown
    )
    assert "Sample grid noise → sign after 12,800 images seen" in shown
    everything = " ".join([page.text, *shown])
    for wrong in ("⇄", "translat", "Domain a", "all of a", "per domain", "sign →", "worst test"):
        assert wrong not in everything, wrong


@pytest.mark.parametrize("metric", ["kd/pixels/b", "fd/pixels/b"])
def test_distances_say_what_they_compare_with_real_images(metric: str) -> None:
    made = {
        kind: wording(metric, names_of(config_of(kind), directions)).sentence
        for kind, directions in (("cyclegan", ("a2b", "b2a")), ("dtn", ("a2b",)), ("gan", ()))
    }
    assert "between translated and real sign images" in made["cyclegan"]
    assert "between translated and real sign images" in made["dtn"]
    assert "between generated and real sign images" in made["gan"]


@pytest.mark.parametrize(
    ("kinds", "heading"),
    [
        (("cyclegan", "cyclegan"), "ink ⇄ sign: 2 runs"),
        (("dtn", "dtn"), "ink → sign: 2 runs"),
        (("gan", "gan"), "noise → sign: 2 runs"),
        (("dtn", "cyclegan"), "ink ⇄ sign: 2 runs"),
    ],
)
def test_a_comparison_is_headed_by_the_ways_of_its_runs(
    kinds: tuple[str, str], heading: str, tmp_path: Path
) -> None:
    runs = [run_of(kind, tmp_path / f"{i}") for i, kind in enumerate(kinds)]
    compare(runs, tmp_path / "compare.html")
    text = Page((tmp_path / "compare.html").read_text("utf-8")).text
    assert heading in text


def test_a_comparison_of_images_from_noise_speaks_of_no_translation(tmp_path: Path) -> None:
    runs = [run_of("gan", tmp_path / name) for name in ("x", "y")]
    compare(runs, tmp_path / "compare.html")
    text = Page((tmp_path / "compare.html").read_text("utf-8")).text
    for wrong in ("⇄", "translat", "unchanged", "sign →"):
        assert wrong not in text.lower(), wrong


def test_a_comparison_of_unlike_domains_names_none(tmp_path: Path) -> None:
    runs = [run_of(kind, tmp_path / kind) for kind in ("gan", "cyclegan")]
    assert compare(runs).names == Names()


@pytest.mark.parametrize(
    ("config", "ways"),
    [
        ({}, "a ⇄ b"),
        ({"method": {"kind": "dtn"}}, "a → b"),
        ({"method": {"kind": "gan"}, "a": None, "b": {"source": {"path": "x/train"}}}, "noise → x"),
        ({"method": {"kind": "gan"}}, "noise → b"),
    ],
)
def test_ways_between_domains_without_names(config: dict[str, Any], ways: str) -> None:
    assert names_of(config, directions_of_kind(config)).title == ways
