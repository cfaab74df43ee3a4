"""A metric of the catalogue is computed, shown and explained everywhere by its one entry."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import Tensor

from unpaired.cli.main import main
from unpaired.evaluation.measure import Gathered, measure
from unpaired.experiment.experiment import Experiment
from unpaired.metrics import catalogue
from unpaired.metrics.catalogue import COMPANIONS, METRICS, Metric, find
from unpaired.metrics.catalogue.table import BEGIN, END, markdown_table
from unpaired.report.metric_text import wording
from unpaired.report.names import Names
from unpaired.training.train import train


def brightness(translations: Tensor) -> NDArray[np.float64]:
    """Mean value of each translation; (N,)."""
    means: NDArray[np.float64] = translations.double().mean((1, 2, 3)).numpy()
    return means


ENTRY = Metric(
    "brightness/{direction}",
    "brightness:brightness",
    ("translations",),
    "Brightness",
    "{source} → {target}",
    "Mean value of translated {source} images",
    better="higher",
    decimals=1,
    companions=("input",),
)


@pytest.mark.usefixtures("quick_evaluation")
def test_an_entry_is_all_that_a_metric_needs(
    tiny: Experiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(catalogue, "METRICS", (*METRICS, ENTRY))
    monkeypatch.setitem(sys.modules, "unpaired.metrics.brightness", sys.modules[__name__])
    runs = [
        train(replace(tiny, training=replace(tiny.training, seed=s)), tmp_path / f"{s}", quiet=True)
        for s in (0, 1)
    ]
    lines = (runs[0] / "evaluations.jsonl").read_text().splitlines()
    for line in map(json.loads, lines):
        number = line["metrics"]["brightness/a2b"]
        assert 0 <= number["low"] <= number["value"] <= number["high"] <= 255
    capsys.readouterr()
    assert main(["evaluate", str(runs[0] / "model"), "--split", "validation"]) == 0
    assert "brightness/b2a" in capsys.readouterr().out
    assert "Brightness" in (runs[0] / "report.html").read_text()
    assert "Brightness" in (runs[0] / "model" / "README.md").read_text()
    page = tmp_path / "compare.html"
    paths = [*map(str, runs), "-o", str(page), "--metric", "brightness"]
    assert main(["compare", *paths]) == 0
    assert "brightness/" in capsys.readouterr().out.replace("\n", "")
    assert "Brightness" in page.read_text()
    with pytest.raises(SystemExit):
        main(["evaluate", "--help"])
    assert "brightness" in capsys.readouterr().out


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.pattern)
def test_every_entry_can_be_computed_found_and_read(metric: Metric):
    module, _, function = metric.function.partition(":")
    assert callable(getattr(pytest.importorskip(f"unpaired.metrics.{module}"), function))
    slots = {"direction": "b2a", "source": "b", "target": "a", "extractor": "face"}
    name = metric.name(slots)
    known, filled = find(name) or pytest.fail(f"{name} is not found")
    assert known is metric
    assert filled.items() <= slots.items()
    assert metric.better != "unknown"
    words = wording(name, Names(a="ink", b="sign"))
    assert words.kind
    assert words.sentence
    assert not set("{}") & set(words.kind + words.about + words.sentence)
    for suffix in metric.companions:
        assert suffix in COMPANIONS
        assert find(f"{name}/{suffix}") is None


def test_names_are_no_two_metrics():
    slots = {"direction": "a2b", "source": "a", "target": "b", "extractor": "face"}
    names = [metric.name(slots) for metric in METRICS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("pattern", "slots", "name"),
    [
        ("fd/{extractor}/{target}/infinity", {"extractor": "x"}, "fd/x/infinity"),
        ("fd/{extractor}/{target}", {"extractor": "x", "target": "a"}, "fd/x/a"),
        ("truth_l1/{direction}", {}, "truth_l1"),
    ],
)
def test_files_have_no_domains(pattern: str, slots: dict[str, str], name: str):
    metric = next(m for m in METRICS if m.pattern == pattern)
    assert metric.name(slots) == name
    assert metric.match(name) == slots


def test_without_its_needs_a_metric_is_left_out(monkeypatch: pytest.MonkeyPatch):
    values: dict[Any, Any] = {"labels": np.arange(3), "seed": 0}
    assert measure(Gathered({"direction": "a2b"}, values)) == {}
    values["predicted_labels"] = np.array([0, 1, 1])
    measured = measure(Gathered({"direction": "a2b"}, values))
    assert measured.keys() == {"translation_accuracy/a2b"}
    assert measured["translation_accuracy/a2b"].value == pytest.approx(2 / 3)


def test_the_documentation_has_todays_table():
    text = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text("utf-8")
    assert f"{BEGIN}\n\n{markdown_table()}\n\n{END}" in text, (
        "write it: python -m unpaired.metrics.catalogue.table docs/evaluation.md"
    )
