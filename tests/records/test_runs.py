"""A run folder is read as far as it is written."""

import json
from pathlib import Path

import pytest

from fake_run import CONFIG, evaluation, log_line, write_lines, write_run
from unpaired.core.errors import RunError
from unpaired.records.measurement import Measurement
from unpaired.records.runs import read_run
from unpaired.report.names import Names
from unpaired.report.run.facts import facts


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


def test_an_interrupted_run_has_come_as_far_as_its_checkpoint(tmp_path: Path) -> None:
    write_run(tmp_path / "run")
    (tmp_path / "run/evaluations.jsonl").unlink()
    write_lines(tmp_path / "run/metrics.jsonl", [log_line(208)])
    for name in ("000000000144", "000000000288", ".tmp-400"):
        (tmp_path / "run/checkpoints" / name).mkdir(parents=True)
    run = read_run(tmp_path / "run")
    assert (run.images, run.checkpoint_images) == (288, 288)
    text = dict(facts(run, Names()))["Images seen"]
    assert text.startswith("288 of 51,200")
    assert "newest checkpoint" not in text
    write_lines(tmp_path / "run/metrics.jsonl", [log_line(300)])  # killed before it could save
    text = dict(facts(read_run(tmp_path / "run"), Names()))["Images seen"]
    assert "300 of 51,200 per domain; the newest checkpoint has 288" in text


def test_a_finished_run_is_read_whole(run_folder: Path) -> None:
    run = read_run(run_folder)
    assert run.config == CONFIG
    assert run.command == "unpaired train --recipe digits -o runs/digits"
    assert run.environment["processor"] == "Xeon"
    assert [point.images for point in run.log] == [12800, 25600, 38400, 51200]
    assert run.log[-1].losses["discriminators/b"] == 1.2
    assert run.evaluations[-1].metrics["truth_psnr/b2a"] == Measurement(
        value=23.4, low=23.1, high=23.7, n=360
    )
    assert run.images == 51200
    assert run.best_images == 38400
    assert run.samples[-1].images == 51200
    assert run.samples[-1].a == run_folder / "samples" / "000051200-a.png"
    assert run.worst["a2b"].caption == "Surely misread."
    assert run.notes == ()


def test_a_run_that_has_just_begun_has_empty_parts(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    run = read_run(tmp_path)
    assert not any((run.command, run.environment, run.log, run.evaluations, run.samples))
    assert not any((run.worst, run.styles, run.notes))


@pytest.mark.parametrize("name", ["metrics.jsonl", "evaluations.jsonl"])
def test_a_torn_last_line_is_skipped_and_noted(run_folder: Path, name: str) -> None:
    whole = read_run(run_folder)
    append(run_folder / name, '{"images": 64000, "metr')
    torn = read_run(run_folder)
    assert (torn.log, torn.evaluations) == (whole.log, whole.evaluations)
    assert torn.notes == (f"1 unreadable line was skipped in {name}.",)


def test_a_line_torn_before_a_resume_costs_only_itself(run_folder: Path) -> None:
    append(run_folder / "metrics.jsonl", '{"ima\n' + json.dumps(log_line(64000)) + "\n")
    assert read_run(run_folder).log[-1].images == 64000


def test_bytes_that_are_no_text_are_skipped(run_folder: Path) -> None:
    path = run_folder / "metrics.jsonl"
    path.write_bytes(path.read_bytes() + b"\xff\xfe\x00{")
    assert len(read_run(run_folder).log) == 4


def test_what_was_logged_after_the_last_checkpoint_of_a_killed_run_is_void(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    lines = [log_line(i) for i in (100, 200, 300, 400)]
    resumed = [log_line(i, data_wait=0.5) for i in (300, 400, 500)]
    write_lines(tmp_path / "metrics.jsonl", [*lines, *resumed])
    log = read_run(tmp_path).log
    assert [point.images for point in log] == [100, 200, 300, 400, 500]
    assert [point.data_wait for point in log] == [0.01, 0.01, 0.5, 0.5, 0.5]


def test_a_repeated_evaluation_replaces_the_first(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    lines = [evaluation(100, "test", "f", accuracy) for accuracy in (0.4, 0.8)]
    write_lines(tmp_path / "evaluations.jsonl", [*lines, evaluation(100, "test", "g", 0.6)])
    found = read_run(tmp_path).evaluations
    accuracies = {e.fingerprint: e.metrics["translation_accuracy/a2b"].value for e in found}
    assert accuracies == {"f": 0.8, "g": 0.6}


def test_values_without_meaning_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    line = log_line(
        100, data_wait=None, losses={"generators/cycle_a": None, "discriminators/b": 1.0}
    )
    write_lines(tmp_path / "metrics.jsonl", [line])
    metrics = {"cycle_l1/a": {"value": None, "n": 3}, "cycle_l1/b": {"value": 0.1}, "x": 3}
    measured = evaluation(100, "test", "f", 0.5, metrics=metrics)
    write_lines(tmp_path / "evaluations.jsonl", [measured])
    run = read_run(tmp_path)
    assert run.log[0].losses == {"discriminators/b": 1.0}
    assert run.evaluations[0].metrics == {"cycle_l1/b": Measurement.without_interval(0.1)}


def test_other_files_among_the_samples_are_ignored(run_folder: Path) -> None:
    for name in ("000051200-c.png", ".000064000-a.png.tmp", "notes.png", "x-a.png"):
        (run_folder / "samples" / name).write_bytes(b"")
    assert len(read_run(run_folder).samples) == 4


def test_a_damaged_caption_is_noted_and_the_picture_stays(run_folder: Path) -> None:
    (run_folder / "samples" / "worst-a2b.json").write_text('{"capt')
    run = read_run(run_folder)
    assert run.worst["a2b"].caption == ""
    assert run.notes == ("worst-a2b.json could not be read as a JSON object.",)


def test_a_folder_that_is_no_run_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        read_run(tmp_path)
    assert caught.value.code == "no-run-folder"


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000])
def test_a_damaged_config_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError) as caught:
        read_run(tmp_path)
    assert caught.value.code == "run-damaged"
