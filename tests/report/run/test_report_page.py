"""The report says what happened, in words, in one file that asks nothing of the network."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fake_run import CONFIG, evaluation, log_line, number, stage_line, write_lines
from parsed_page import Page, report
from unpaired.core.errors import RunError
from unpaired.records.measurement import Measurement
from unpaired.report.metric_text import wording
from unpaired.report.names import Names
from unpaired.report.plots.image_grid import grid, save_png
from unpaired.report.run.page import write_report


def begun(folder: Path, **config: object) -> Path:
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    return folder


def test_the_verdict_gives_final_test_numbers_with_meaning_interval_and_comparison(
    run_folder: Path,
) -> None:
    text = report(run_folder).text
    verdict = text[text.index("Measured on test data") : text.index("Domain a")]
    assert "98.4 %" in verdict
    assert (
        "of translated ink images are read as the right class by a classifier trained on real "
        "sign images." in verdict
    )
    assert "(95 %: 97.1–99.2, n = 360)" in verdict
    assert "Unchanged input: 40.3 %" in verdict
    assert "23.4 dB" in verdict
    assert "Unchanged input: 11.4 dB" in verdict
    assert "after 51,200 images seen per domain" in verdict
    assert "99.1" not in verdict, "the best checkpoint is no verdict"


def test_a_number_that_the_unchanged_input_has_too_is_said_to_prove_nothing(
    run_folder: Path,
) -> None:
    assert "better than the unchanged input" not in report(run_folder).text
    line = evaluation(51_200, "test", "bbbb2222", 0.39)
    write_lines(run_folder / "evaluations.jsonl", [line])
    html = write_report(run_folder).read_text()
    card = re.findall(r"(?s)<article.*?</article>", html)[0]
    assert "Unchanged input: 40.3 % No better than the unchanged input." in Page(card).text
    row = next(row for row in re.findall(r"(?s)<tr>.*?</tr>", html) if "39.0 %" in row)
    assert "n = 360 · no better than the unchanged input" in Page(row).text


def test_the_page_says_what_was_trained_and_how_to_repeat_it(run_folder: Path) -> None:
    text = report(run_folder).text
    assert "32×32 grey, about 640 training images, source: ink (builtin)" in text
    assert "cyclegan: generator unet" in text
    assert "51,200 of 51,200 per domain" in text
    assert "1 min 42 s" in text
    assert "unpaired train --recipe digits -o runs/digits" in text
    assert "training.seed 7" in text
    assert "packages.torch 2.13.0" in text
    assert "Device Xeon" in text


def test_protocols_never_share_a_table_or_a_chart(run_folder: Path) -> None:
    html = write_report(run_folder).read_text()
    tables = re.findall(r"(?s)<table.*?</table>", html)
    assert len(tables) == 2
    test, validation = (Page(table).text for table in tables)
    assert "98.4 %" in test
    assert "99.1 %" in test
    assert "98.4 %" not in validation
    assert "96.5 %" in validation
    assert "96.5 %" not in test
    text = Page(html).text
    assert "must not be compared" in text
    assert "Test data, protocol bbbb2222" in text
    assert "Validation data, protocol aaaa1111" in text


def test_a_table_shows_final_best_floor_and_unchanged_input_beside_each_other(
    run_folder: Path,
) -> None:
    html = write_report(run_folder).read_text()
    table = re.findall(r"(?s)<table.*?</table>", html)[0]
    head, *rows = (Page(row).text for row in re.findall(r"(?s)<tr>.*?</tr>", table))
    for title in ("Final", "51,200", "Best", "38,400", "Unchanged input", "Real against real"):
        assert title in head
    kernel = next(row for row in rows if "Kernel distance" in row)
    assert "0.0123" in kernel
    assert "0.0102–0.0144 · n = 360" in kernel
    assert "−0.0004" in kernel
    assert "lower is better" in kernel
    assert not any("/floor" in row or "/input" in row for row in rows)


def test_a_column_says_the_precision_where_it_was_recorded(run_folder: Path) -> None:
    """Records from before it was kept have none."""
    lines = [
        evaluation(38400, "test", "f", 0.9),
        evaluation(51200, "test", "f", 0.9, precision="bfloat16", notes=["one is missing"]),
    ]
    write_lines(run_folder / "evaluations.jsonl", lines)
    text = report(run_folder).text
    assert "51,200 images seen, ema weights, in bfloat16" in text
    assert "38,400 images seen, ema weights" in text
    assert "38,400 images seen, ema weights, in" not in text
    assert "Note: one is missing" in text


def test_best_and_final_are_one_column_where_they_are_the_same(run_folder: Path) -> None:
    lines = [evaluation(51200, "test", "f", 0.9)]
    write_lines(run_folder / "evaluations.jsonl", lines)
    (run_folder / "best" / "config.json").write_text(json.dumps({"images": 51200}))
    text = report(run_folder).text
    assert "Final" in text
    assert "Best" not in text


def test_a_test_of_the_best_weights_is_not_called_final(run_folder: Path) -> None:
    lines = [evaluation(38400, "test", "f", 0.9)]
    write_lines(run_folder / "evaluations.jsonl", lines)
    text = report(run_folder).text
    assert "the best on validation data; training went on to 51,200." in text
    assert "Best" in text
    assert "Final" not in text


def test_pictures_are_inside_the_page_and_described(run_folder: Path) -> None:
    images = report(run_folder).all("img")
    assert len(images) == 2 + 4 * 2 + 1
    for image in images:
        assert image["src"] is not None
        assert image["src"].startswith("data:image/png;base64,")
        assert len(image["alt"] or "") > 20
        assert int(image["width"] or 0) > 64
    assert any("Surely misread." in (image["alt"] or "") for image in images)


def test_lines_of_no_domain_have_a_colour_each_and_their_companions_the_same(
    run_folder: Path,
) -> None:
    names = [f"segmentation/{of}{end}" for of in ("pixel", "class") for end in ("", "/input")]
    metrics = {name: number(0.5, 0.4, 0.6) for name in names}
    lines = [evaluation(i, "validation", "f", 0, metrics=metrics) for i in (1, 2, 3)]
    write_lines(run_folder / "evaluations.jsonl", lines)
    drawn = [line["class"] for line in report(run_folder).all("polyline")][:4]
    assert drawn == ["line tone-0", "line tone-0 dashed", "line tone-24", "line tone-24 dashed"]


def test_curves_are_drawn_and_summed_up_in_words(run_folder: Path) -> None:
    labels = [svg["aria-label"] or "" for svg in report(run_folder).all("svg")]
    assert any(label.startswith("Translation accuracy over images seen") for label in labels)
    assert any(label.startswith("generators: cycle") for label in labels)
    assert any("a: 0.0781" in label for label in labels)


def test_stages_before_the_training_have_a_curve_each(run_folder: Path) -> None:
    lines = [stage_line(images, stage) for stage in ("encoder", "cycle") for images in (0, 160)]
    write_lines(run_folder / "stages.jsonl", lines)
    labels = [svg["aria-label"] or "" for svg in report(run_folder).all("svg")]
    stages = [label for label in labels if label.startswith("Before the training: ")]
    assert [label.split(" over ")[0] for label in stages] == [
        "Before the training: encoder",
        "Before the training: cycle",
    ]
    assert all("loss: 0.0124" in label for label in stages)


def test_the_page_makes_no_request_and_runs_only_its_own_script(run_folder: Path) -> None:
    html = write_report(run_folder).read_text()
    page = Page(html)
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "@import" not in html
    loading = {"src", "srcset", "action", "data", "poster", "background"}
    for name, attributes in page.elements:
        assert name not in {"link", "iframe", "object", "embed", "base", "form"}
        assert not any(key.startswith("on") or key == "style" for key in attributes)
        assert (attributes.get("href") or "#").startswith("#")
        for key in loading & attributes.keys():
            assert (attributes[key] or "").startswith("data:")
    policies = [m["content"] or "" for m in page.all("meta") if m.get("http-equiv")]
    assert policies[0].startswith("default-src 'none'; img-src data:;")
    for element in ("script", "style"):
        (inline,) = re.findall(rf"<{element}>(.*?)</{element}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policies[0]


def test_names_and_values_from_outside_stay_text(run_folder: Path) -> None:
    evil = "\"><script>alert('x')</script>"
    sources = {
        domain: {"source": {"kind": "folder", "path": f"{domain}{evil.replace('/', '')}"}}
        for domain in "ab"
    }
    begun(run_folder, name=evil, **sources)
    (run_folder / "command.txt").write_text(f"unpaired train --a '{evil}'")
    (run_folder / "environment.json").write_text(json.dumps({evil: evil, "gpu": evil}))
    (run_folder / "samples" / "worst-a2b.json").write_text(json.dumps({"caption": evil}))
    log = [log_line(images, losses={evil: 1.0, f"{evil}_a": 2.0}) for images in (1, 2, 3)]
    write_lines(run_folder / "metrics.jsonl", log)
    metrics = {evil: number(1, 0, 2), f"kd/{evil.replace('/', '')}/b": number(1, 0, 2)}
    lines = [
        evaluation(i, evil, evil, 0.5, metrics=metrics, protocol={evil: evil}, weights=evil)
        for i in (1, 2, 3)
    ]
    write_lines(run_folder / "evaluations.jsonl", lines)
    page = report(run_folder)
    assert len(page.all("script")) == 1
    assert "<script>alert" not in write_report(run_folder).read_text()
    assert page.text.count("<script>alert('x')</script>") > 8


def test_a_run_that_has_just_begun_says_what_is_missing(tmp_path: Path) -> None:
    text = report(begun(tmp_path)).text
    for sentence in (
        "Nothing has been measured yet.",
        "No sample pictures have been written yet.",
        "No worst test images yet",
        "No evaluation has been written yet.",
        "A curve needs two moments in the log.",
        "The command was not recorded.",
        "The environment was not recorded.",
        "0 of 51,200 per domain",
    ):
        assert sentence in text


def test_without_test_data_the_verdict_says_that_it_is_none(tmp_path: Path) -> None:
    line = evaluation(100, "validation", "f", 0.9)
    write_lines(begun(tmp_path) / "evaluations.jsonl", [line])
    assert "Not the final verdict: no test data has been measured yet." in report(tmp_path).text


def test_unreadable_lines_and_pictures_are_told(run_folder: Path) -> None:
    with (run_folder / "metrics.jsonl").open("a") as file:
        file.write('{"images": 1')
    (run_folder / "samples" / "worst-a2b.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    text = report(run_folder).text
    assert "1 unreadable line was skipped in metrics.jsonl." in text
    assert "worst-a2b.png is no whole PNG" in text


def test_values_that_are_not_finite_do_not_break_the_page(tmp_path: Path) -> None:
    losses = [{"discriminators/b": value} for value in (1.0, float("nan"), float("inf"), 2.0)]
    log = [log_line(100 * i, losses=value) for i, value in enumerate(losses, 1)]
    write_lines(begun(tmp_path) / "metrics.jsonl", log)
    metrics = {"truth_psnr/b2a": {"value": float("inf"), "n": 3}}
    measured = evaluation(400, "test", "f", 0.5, metrics=metrics)
    write_lines(tmp_path / "evaluations.jsonl", [measured])
    page = report(tmp_path)
    assert "not finite dB" in page.text
    points = " ".join(line["points"] or "" for line in page.all("polyline"))
    assert "nan" not in points
    assert "inf" not in points


def test_many_large_pictures_stay_within_the_size_of_a_page(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (9, 128, 128, 3), np.uint8)
    picture = grid({title: list(noise[i : i + 3]) for i, title in enumerate("abc")})
    (begun(tmp_path) / "samples").mkdir()
    save_png(picture, tmp_path / "picture.png")
    for images in range(100, 7100, 100):
        shutil.copy(tmp_path / "picture.png", tmp_path / "samples" / f"{images:09d}-a.png")
    page = report(tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 8_000_000
    alternatives = [image["alt"] or "" for image in page.all("img")]
    assert any("after 100 images" in alternative for alternative in alternatives)
    assert any("after 7,000 images" in alternative for alternative in alternatives)
    assert re.search(r"\d+ of 70 moments are shown", page.text)


def test_a_large_picture_is_shown_compressed_and_says_so(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1, 512, 512, 3), np.uint8)
    path = begun(tmp_path) / "samples" / "000000100-a.png"
    path.parent.mkdir()
    save_png(grid({"a": list(noise)}), path)
    page = report(tmp_path)
    assert (page.all("img")[0]["src"] or "").startswith("data:image/webp;base64,")
    assert f"A compressed copy of samples/{path.name}." in page.text


def test_a_folder_that_is_no_run_gets_no_report(tmp_path: Path) -> None:
    with pytest.raises(RunError):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_folder_gets_no_report(run_folder: Path) -> None:
    """It is shared as it is, and its config.json is another."""
    (run_folder / "model").mkdir(exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        (run_folder / "model" / name).write_text("{}")
    with pytest.raises(RunError) as caught:
        write_report(run_folder / "model")
    assert caught.value.code == "run-is-model"
    assert not (run_folder / "model" / "report.html").exists()


def test_the_report_never_imports_torch() -> None:
    program = (
        "import sys; import unpaired.report.run.page, unpaired.report.plots.image_grid;"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'scipy')])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert answer.stdout == "[]\n"


@pytest.mark.parametrize(
    ("metric", "value", "shown"),
    [
        ("translation_accuracy/b2a", 0.98449, "98.4 %"),
        ("truth_psnr/b2a", 23.36, "23.4 dB"),
        ("diversity/a2b", 0.8249, "0.82"),
        ("fd/classifier/b", 1234.5, "1,234"),
        ("kd/classifier/b", -0.00041, "−0.0004"),
        ("something/new", 0.012345, "0.0123"),
        ("something/new", 0.0, "0.000"),
    ],
)
def test_values_are_written_with_their_unit_and_sensible_digits(
    metric: str, value: float, shown: str
) -> None:
    assert wording(metric, Names()).value(value) == shown


def test_an_interval_has_the_digits_of_its_value() -> None:
    words = wording("fd/x/b", Names())
    assert words.interval(Measurement(17.5, 9.041, 26, 0)) == "9.0–26.0"
    assert words.interval(Measurement.without_interval(17.5)) == ""


def test_a_folder_is_a_text_or_a_path(run_folder: Path) -> None:
    assert write_report(str(run_folder)) == run_folder / "report.html"
