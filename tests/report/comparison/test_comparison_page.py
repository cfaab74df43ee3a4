"""The page of a comparison: self-contained, in words, honest about what is missing."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fake_run import evaluation, number, write_lines, write_records, write_run
from parsed_page import Page
from unpaired.core.errors import RunError, SettingError
from unpaired.report.comparison.page import compare
from unpaired.report.metric_text import wording
from unpaired.report.names import Names
from unpaired.report.plots.image_grid import first_row, grid, save_png


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Two settings of two seeds each; the last run has no test numbers."""
    folder = tmp_path / "sweep"
    for weight, seed, accuracy in ((5.0, 0, 0.8), (5.0, 1, 0.82), (10.0, 0, 0.9), (10.0, 1, 0.0)):
        changes = {"method.cycle_weight": weight, "evaluation.images": 100}
        write_records(folder / f"cycle_weight={weight:.0f},seed={seed}", changes, accuracy, seed)
    (folder / "cycle_weight=5,seed=0" / "report.html").write_text("a report")
    return folder


def html(*runs: Path, output: Path | None = None, metrics: tuple[str, ...] = ()) -> str:
    path = output or runs[0] / "compare.html"
    compare(runs, path, metrics=metrics)
    text = path.read_text("utf-8")
    assert Page(text).open == []
    return text


def part(text: str, anchor: str) -> str:
    """The words of one section."""
    return Page(re.findall(rf'<section id="{anchor}">.*?</section>', text, re.DOTALL)[0]).text


def test_rows_are_settings_with_mean_spread_and_seeds(sweep: Path) -> None:
    text = part(html(sweep), "numbers")
    assert "cycle_weight=5 2 300 81.0 ± 1.4 % 80.0, 82.0" in text
    assert "cycle_weight=10 1 of 2 300 90.0 % 88.7–90.8" in text
    assert "Unchanged input 40.3 %" in text
    assert "Real against real (floor)" in text
    assert "± is the standard deviation over the seeds" in text
    assert "Test data, protocol" not in text  # a heading only where there are several


def test_what_is_missing_stands_before_the_numbers(sweep: Path) -> None:
    text = part(html(sweep), "numbers")
    assert "1 of 4 runs have not come to their end" in text
    warning = "cycle_weight=10,seed=1: not finished: 300 of 51,200 images seen"
    assert text.index(warning) < text.index("81.0")


def test_final_and_best_stand_side_by_side(sweep: Path) -> None:
    text = part(html(sweep), "best")
    assert "Score: mean translation accuracy, on validation images" in text
    assert "0.7 ± 0 after 300 images seen 0.8 ± 0 after 200 images seen 3" in text


def test_plots_show_every_run_and_the_reference(sweep: Path) -> None:
    text = html(sweep)
    page = Page(text)
    labels = [svg["aria-label"] or "" for svg in page.all("svg")]
    assert any(
        label.startswith("Translation accuracy, ink → sign of each group. cycle_weight=5: 81.0")
        for label in labels
    )
    assert any(label.startswith("Score that decides what is best over im") for label in labels)
    assert len(page.all("circle")) % 3 == 0  # three measured runs in each plot
    assert "cycle_weight=5,seed=1: 82.0 % (80.7–82.8)" in page.text
    plots = part(text, "plots")
    assert "unchanged input 40.3 % (off the scale)" in plots
    assert "floor −0.0004" in plots


def test_protocols_stand_apart_with_what_differs(sweep: Path, tmp_path: Path) -> None:
    other = write_records(tmp_path / "other", {}, 0.99, fingerprint="cccc3333")
    text = html(sweep, other)
    tables = re.findall(r"(?s)<table.*?</table>", re.findall(r'<section id="numbers">.*', text)[0])
    assert not any("99.0 %" in table and "90.0 %" in table for table in tables)
    words = part(text, "numbers")
    assert "Numbers of 2 protocols must not share a column" in words
    assert "Test data, protocol cccc3333" in words


def test_runs_link_to_their_reports_and_nothing_is_loaded(sweep: Path, tmp_path: Path) -> None:
    output = tmp_path / "pages" / "c.html"
    text = html(sweep, output=output)
    page = Page(text)
    links = [str(a["href"]) for a in page.all("a") if not str(a["href"]).startswith("#")]
    assert links == ["../sweep/cycle_weight%3D5%2Cseed%3D0/report.html"]
    for word in ("http:", "https:", "url(", "@import", "<script", " style="):
        assert word not in text
    (policy,) = (m["content"] or "" for m in page.all("meta") if m.get("http-equiv"))
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script>"
    for fit in (evil, "pad"):
        folder = write_records(tmp_path / f"{len(fit)}", {"a.fit": fit, "name": evil})
        metrics = {evil: number(1, 0, 2), "fd/<b>/b": number(1, 0, 2)}
        lines = [
            evaluation(i, split, evil, 0, metrics=metrics, protocol={evil: evil})
            for i in (1, 2)
            for split in ("validation", "test")
        ]
        write_lines(folder / "evaluations.jsonl", lines)
    text = html(tmp_path)
    assert "<script" not in text
    assert "<b>/b" not in text
    assert Page(text).text.count(evil) > 5


def test_runs_without_any_number_still_make_a_page(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_records(tmp_path / f"{seed}", {}, accuracy=0, course=(), seed=seed)
    text = Page(html(tmp_path)).text
    for words in (
        "No run has been measured on test images yet.",
        "No run has been measured on validation images yet.",
        "Nothing has been measured yet.",
        "A curve needs two moments",
        "All runs have the same settings, but for the seed.",
        "not started",
    ):
        assert words in text


def test_values_that_are_not_finite_do_not_break_the_page(tmp_path: Path) -> None:
    for seed, value in ((0, float("inf")), (1, 20.0)):
        folder = write_records(tmp_path / f"{seed}", {}, seed=seed)
        metrics = {"truth_psnr/b2a": {"value": value, "low": 1.0, "high": value, "n": 3}}
        lines = [evaluation(i, "test", "f", 0, metrics=metrics) for i in (1, 2)]
        write_lines(folder / "evaluations.jsonl", lines)
    text = html(tmp_path)
    assert "not finite dB" in Page(text).text
    assert not re.search(r'="[^"]*\b(nan|inf)\b', text)


def test_metrics_in_the_foreground_can_be_chosen(sweep: Path) -> None:
    text = html(sweep, metrics=("cycle_l1",))
    first = re.findall(r"(?s)<table.*?</table>", text)[0]
    assert "Cycle error" in first
    assert "Translation accuracy" not in first
    assert "Translation accuracy" in text  # folded below
    with pytest.raises(SettingError) as caught:
        compare([sweep], metrics=["cycle_l1/x"])
    assert (caught.value.code, caught.value.setting) == ("unknown-metric", "metrics")


def test_without_a_path_nothing_is_written(sweep: Path) -> None:
    assert len(compare([sweep]).entries) == 4
    assert not (sweep / "compare.html").exists()


@pytest.mark.parametrize(
    ("output", "page"),
    [("cmp", "cmp/compare.html"), ("v1.2", "v1.2/compare.html"), ("Digits.HTML", "Digits.HTML")],
)
def test_the_page_goes_into_a_folder_unless_it_is_named(
    sweep: Path, tmp_path: Path, output: str, page: str
) -> None:
    for _ in range(2):  # a folder that is there already is no other thing
        compare([sweep], tmp_path / output)
        assert (tmp_path / page).is_file()


def test_a_run_shows_one_row_of_its_newest_samples(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    newest = tmp_path / "run/samples/000051200-a.png"
    columns = {title: [np.full((32, 32, 3), 99, np.uint8)] * 9 for title in ("a", "a→b")}
    save_png(grid(columns, width=200), newest)
    row = first_row(newest)
    assert row is not None
    with Image.open(newest) as whole:
        assert row.width == whole.width
        assert 64 < row.height < 100 < whole.height
    text = html(tmp_path / "run", write_records(tmp_path / "other", {}, seed=1))
    section = re.findall(r'<section id="pictures">.*?</section>', text, re.DOTALL)[0]
    assert section.count("<img") == 2
    assert "run after 51,200 images" in Page(section).text


def test_what_is_no_grid_has_no_first_row(tmp_path: Path) -> None:
    Image.new("RGB", (20, 20)).save(tmp_path / "plain.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "plain.png").read_bytes()[:40])
    assert first_row(tmp_path / "plain.png") is None
    assert first_row(tmp_path / "half.png") is None


def test_many_metrics_stand_in_tables_that_fit_the_page(tmp_path: Path) -> None:
    run = write_records(tmp_path / "run", {})
    metrics = {f"kd/x{i}/b": number(0.1, 0, 0.2) for i in range(12)}
    write_lines(run / "evaluations.jsonl", [evaluation(9, "test", "f", 0.9, metrics=metrics)])
    text = html(run, metrics=tuple(metrics))
    tables = re.findall(r"<thead>.*?</thead>", text, re.DOTALL)[:3]
    assert [table.count("<th") - table.count("<thead") for table in tables] == [7, 7, 7]


def test_references_differ_and_strike_through_no_label(tmp_path: Path) -> None:
    run = write_records(tmp_path / "run", {})
    values = {"kd/x/b": 0.1, "kd/x/b/input": 0.15, "kd/x/b/floor": 0.05}
    metrics = {name: number(value, 0.0, 0.2) for name, value in values.items()}
    write_lines(run / "evaluations.jsonl", [evaluation(9, "test", "f", 0.9, metrics=metrics)])
    text = html(run)
    assert "0.0000–0.2000 · not clearly better than the unchanged input" in Page(text).text
    assert 'class="reference dashed"' in text
    assert 'class="reference dotted"' in text
    starts = re.findall(r'd="([^"]*)" class="reference', text)
    tops = {int(top) % 38 for path in starts for top in re.findall(r"M[\d.]+ (\d+)V", path)}
    assert tops == {22}  # below the text of each row


def test_a_page_that_cannot_be_written(sweep: Path) -> None:
    with pytest.raises(RunError) as caught:
        compare([sweep], sweep / "cycle_weight=5,seed=0" / "config.json" / "page.html")
    assert caught.value.code == "output-unwritable"


def test_every_differing_setting_is_listed_in_full(sweep: Path) -> None:
    path = sweep / "cycle_weight=10,seed=1" / "config.json"
    config = json.loads(path.read_text())
    config["method"]["generator"]["kind"] = "resnet"
    path.write_text(json.dumps(config))
    text = part(html(sweep), "settings")
    assert "method.cycle_weight 5 10 10" in text
    assert "method.generator.kind unet unet resnet" in text


@pytest.mark.parametrize(
    ("metric", "mean", "deviation", "shown"),
    [
        ("translation_accuracy/a2b", 0.976, 0.002, "97.6 ± 0.2 %"),
        ("translation_accuracy/a2b", 0.97601, 0.00021, "97.60 ± 0.02 %"),
        ("diversity/a2b", 0.93, 0.0, "0.93 ± 0.00"),
        ("kd/x/b", -0.0277, 0.0011, "−0.0277 ± 0.0011"),
        ("truth_psnr/b2a", 24.04, None, "24.0 dB"),
    ],
)
def test_a_spread_has_digits_enough_to_show(
    metric: str, mean: float, deviation: float | None, shown: str
) -> None:
    assert wording(metric, Names()).with_deviation(mean, deviation) == shown


def test_one_run_and_one_metric_need_no_list(sweep: Path) -> None:
    alone = compare(str(sweep), metrics="kd")
    assert alone.entries == compare(sweep).entries == compare([sweep], metrics=["kd"]).entries
