"""Numbers beside each other: those of one protocol, final and best, with their spread."""

import math
from pathlib import Path

import pytest

from fake_run import evaluation, number, write_lines, write_records
from unpaired.core.errors import SettingError
from unpaired.records.measurement import Measurement
from unpaired.report.comparison.compare import choose_metrics, compare_runs
from unpaired.report.comparison.numbers import Spread, images_text, leaders
from unpaired.report.comparison.protocols import division
from unpaired.report.names import Names

ACCURACY = "translation_accuracy/a2b"


def seeds(root: Path, weight: float, *accuracies: float) -> list[Path]:
    return [
        write_records(root / f"w{weight}-{s}", {"method.cycle_weight": weight}, accuracy, seed=s)
        for s, accuracy in enumerate(accuracies)
    ]


def test_final_test_numbers_with_mean_and_spread_over_seeds(tmp_path: Path) -> None:
    runs = [*seeds(tmp_path, 5.0, 0.8, 0.9), *seeds(tmp_path, 10.0, 0.7)]
    (table,) = compare_runs(runs).tables
    two, one = (row.spread(ACCURACY) for row in table.rows)
    assert two is not None
    assert two.mean == pytest.approx(0.85)
    assert two.deviation == pytest.approx(0.0707, abs=1e-4)
    assert two.bounds == pytest.approx((0.7793, 0.9207), abs=1e-4)
    assert one is not None
    assert one.deviation is None
    assert one.bounds == pytest.approx((0.687, 0.708))  # the interval of the only run
    assert table.rows[0].spread("no/such") is None


def test_best_and_final_are_both_told_by_the_rule_of_training(tmp_path: Path) -> None:
    run = write_records(tmp_path / "run", {}, course=(0.5, 0.8, 0.8, 0.7))
    (table,) = compare_runs([run]).courses
    (row,) = table.rows
    assert row.final[0].images == 400
    assert row.best[0].images == 200  # of equal ones the first, as `best/` keeps it


def test_numbers_of_two_protocols_never_share_a_table(tmp_path: Path) -> None:
    one = seeds(tmp_path, 5.0, 0.8, 0.9)
    other = write_records(tmp_path / "other", {}, 0.99, fingerprint="cccc3333")
    comparison = compare_runs([*one, other])
    assert comparison.divided == comparison.tables
    assert [table.fingerprint for table in comparison.tables] == ["bbbb2222", "cccc3333"]
    values = [[row.spread(ACCURACY) for row in table.rows] for table in comparison.tables]
    assert [len(spreads) for spreads in values] == [1, 1]
    text = division(comparison.tables)
    assert "protocol bbbb2222: w5.0-0, w5.0-1" in text
    assert "protocol cccc3333: other" in text


def test_the_parts_in_which_protocols_differ_are_named(tmp_path: Path) -> None:
    for name, evaluators in (("x", ["1", "2"]), ("y", ["1", "3"])):
        folder = write_records(tmp_path / name, {})
        line = evaluation(
            300, "test", name, 0.9, protocol={"judges": evaluators, "resize": "bicubic"}
        )
        write_lines(folder / "evaluations.jsonl", [line])
    text = division(compare_runs([tmp_path]).tables)
    assert "differ in the networks that measure." in text
    assert "brought to size" not in text
    assert "give machines one $UNPAIRED_CACHE" in text


def test_a_part_that_a_protocol_does_not_have_is_told_in_words(tmp_path: Path) -> None:
    for name, resize in (("x", "bicubic"), ("y", "")):
        folder = write_records(tmp_path / name, {})
        line = evaluation(300, "test", name, 0.9, protocol={"resize": resize, "images_a": name})
        write_lines(folder / "evaluations.jsonl", [line])
    text = division(compare_runs([tmp_path]).tables)
    # Hashes of images tell nobody which of the runs they belong to.
    assert "differ in the images of a; how images are brought to size (bicubic, then none)." in text


def test_runs_measured_anew_under_a_second_protocol_can_all_be_compared(tmp_path: Path) -> None:
    for name in ("x", "y"):
        folder = write_records(tmp_path / name, {"method.cycle_weight": len(name)})
        lines = [
            evaluation(300, "test", fingerprint, accuracy)
            for fingerprint, accuracy in (("old", 0.5), ("new", 0.6))
        ]
        write_lines(folder / "evaluations.jsonl", lines)
    comparison = compare_runs([tmp_path])
    assert not comparison.divided
    assert [table.fingerprint for table in comparison.tables] == ["new"]
    assert [table.fingerprint for table in comparison.others] == ["old"]


def test_what_extractors_add_stands_in_tables_of_its_own(tmp_path: Path) -> None:
    for name in ("x", "y"):
        folder = write_records(tmp_path / name, {"method.cycle_weight": len(name)})
        lines = [
            evaluation(300, split, name, 0.5, protocol={"name": kind, "extractor": extractor})
            for split in ("validation", "test")
            for name, kind, extractor in (
                ("1", "extractor", "dinov2"),
                ("2", "extractor", "inception"),
                ("3", "standard", "classifier"),
            )
        ]
        write_lines(folder / "evaluations.jsonl", lines)
    comparison = compare_runs([tmp_path])
    assert [table.extractor for table in comparison.tables] == ["", "dinov2", "inception"]
    assert [table.extractor for table in comparison.courses] == [""]
    assert not comparison.divided
    assert not comparison.others


def test_a_late_measurement_does_not_replace_the_course_of_a_training(tmp_path: Path) -> None:
    folder = write_records(tmp_path / "x", {})
    lines = [evaluation(100 * i, "validation", "old", 0.5) for i in (1, 2, 3)]
    write_lines(folder / "evaluations.jsonl", [*lines, evaluation(300, "validation", "new", 0.6)])
    comparison = compare_runs([folder], "validation")
    assert [table.fingerprint for table in comparison.courses] == ["old"]
    assert [table.fingerprint for table in comparison.tables] == ["new"]


def test_of_unfinished_runs_only_those_with_numbers_count(tmp_path: Path) -> None:
    runs = seeds(tmp_path, 5.0, 0.8, 0.0)
    comparison = compare_runs(runs)
    (row,) = comparison.tables[0].rows
    assert (len(row.series), len(row.group.entries)) == (1, 2)
    assert [entry.state for entry in comparison.entries] == [
        "",
        "not finished: 300 of 51,200 images seen",
    ]


def test_metrics_are_chosen_by_name_or_kind(tmp_path: Path) -> None:
    comparison = compare_runs(seeds(tmp_path, 5.0, 0.8))
    headline = choose_metrics(comparison, [])
    assert headline[0] == ACCURACY
    assert "cycle_l1/a" not in headline
    chosen = choose_metrics(comparison, ["cycle_l1/a", "translation_accuracy"])
    assert chosen == ["cycle_l1/a", ACCURACY]
    with pytest.raises(SettingError) as caught:
        choose_metrics(comparison, ["divrsity/a2b"])
    assert (caught.value.code, caught.value.setting) == ("unknown-metric", "metrics")
    assert "Did you mean diversity/a2b?" in str(caught.value)
    with pytest.raises(SettingError) as caught:
        choose_metrics(comparison, ["truth"])
    assert (caught.value.code, caught.value.setting) == ("unknown-metric", "metrics")
    assert "Metrics: translation_accuracy/a2b, truth_psnr/b2a" in str(caught.value)


def test_leaders_are_the_best_and_what_cannot_be_told_from_it(tmp_path: Path) -> None:
    groups = {5.0: (0.80, 0.84), 10.0: (0.83, 0.85), 20.0: (0.5, 0.52)}
    runs = [run for weight, values in groups.items() for run in seeds(tmp_path, weight, *values)]
    (table,) = compare_runs(runs).tables
    found = leaders(table, ACCURACY, Names())
    assert [group.label for group in found] == ["cycle_weight=5", "cycle_weight=10"]
    assert leaders(table, "something/new", Names()) == []


def test_of_distances_the_lowest_leads(tmp_path: Path) -> None:
    for name, value in (("x", 3.0), ("y", 1.0)):
        folder = write_records(tmp_path / name, {"method.cycle_weight": value})
        metrics = {"fd/pixels/b": number(value, value - 0.1, value + 0.1)}
        write_lines(
            folder / "evaluations.jsonl", [evaluation(300, "test", "f", 0, metrics=metrics)]
        )
    (table,) = compare_runs([tmp_path]).tables
    assert [g.label for g in leaders(table, "fd/pixels/b", Names())] == ["cycle_weight=1"]


def test_values_that_are_not_finite_have_no_spread() -> None:
    spread = Spread(tuple(map(Measurement.without_interval, (1.0, math.inf))))
    assert spread.mean == math.inf
    assert spread.deviation is None


def test_images_of_several_runs() -> None:
    assert images_text([16_000, 16_000]) == "16,000"
    assert images_text(iter([16_000, 8_000])) == "8,000–16,000"
