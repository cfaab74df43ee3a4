"""What a person sees while something runs."""

from __future__ import annotations

import pytest

from unpaired.core import console as progress
from unpaired.core.console import MeasuringText, TrainingProgress, counting, duration
from unpaired.core.progress import report
from unpaired.records.log import LogPoint


def point(images: int, seconds: float = 10.0) -> LogPoint:
    return LogPoint(
        images=images,
        seconds=seconds,
        images_per_second=50.0,
        data_wait=0.25,
        losses={"generators/cycle_a": 1.23456, "discriminators/b": 0.5},
        health={"memory_mb": 1234.5},
    )


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""  # standard output is for results
    return captured.err.splitlines()


def test_plain_lines_say_all_that_the_bar_does(capsys: pytest.CaptureFixture[str]):
    with TrainingProgress(10_000) as shown:
        shown.update(point(1000))
    assert lines(capsys) == [
        "1,000/10,000 images  3 min left  50 images/s  data wait 25%  1,234 MB  "
        "G cycle_a 1.235  D b 0.500"
    ]


def test_plain_lines_come_now_and_then_and_at_the_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with TrainingProgress(500) as shown:
        for images in range(100, 600, 100):
            now += 3
            shown.update(point(images))
    assert [line.split()[0] for line in lines(capsys)] == ["100/500", "500/500"]


def test_a_time_budget_rules_the_time_left(capsys: pytest.CaptureFixture[str]):
    with TrainingProgress(10**9, 600.0) as shown:
        shown.update(point(1000, seconds=540.0))
    (line,) = lines(capsys)
    assert line.startswith("1,000 images  60 s left  ")


def test_what_is_left_is_never_less_than_nothing(capsys: pytest.CaptureFixture[str]):
    for seconds in (None, 60.0):
        with TrainingProgress(32, seconds) as shown:
            shown.update(point(500, seconds=59.9))
            shown.update(point(40, seconds=61.0))
    assert all("  0 s left" in line for line in lines(capsys))


class Clock:
    """Stands in for the module `time`."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_measuring_shows_its_step_and_the_time_left_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    with TrainingProgress(500) as shown, shown.measuring(expected_seconds=150):
        for done in range(0, 300, 16):
            report("translating a to b", done, 300)
            clock.now += 2
    assert lines(capsys) == [
        "measuring: translating a to b, 80 of 300; about 2 min left",
        "measuring: translating a to b, 160 of 300; about 2 min left",
        "measuring: translating a to b, 240 of 300; about 2 min left",
    ]
    report("translating a to b", 300, 300)  # nobody listens any more
    assert lines(capsys) == []


def test_time_left_of_a_measurement_is_that_of_its_step_where_no_more_is_known(
    monkeypatch: pytest.MonkeyPatch,
):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    text = MeasuringText()
    assert text.at("features of out", 0, 1000) == (0.0, "measuring: features of out, 0 of 1,000")
    clock.now += 30
    first = text.at("features of out", 32, 1000)  # too early to tell
    assert first == (0.032, "measuring: features of out, 32 of 1,000")
    clock.now += 30
    assert text.at("features of out", 500, 1000)[1].endswith("500 of 1,000; about 60 s left")
    assert text.at("metrics", 0, 4)[1] == "measuring: metrics, 0 of 4"


def test_a_measurement_that_takes_longer_than_expected_says_how_long_its_step_takes(
    monkeypatch: pytest.MonkeyPatch,
):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    text = MeasuringText(expected_seconds=10)
    text.at("translating a to b", 0, 100)
    clock.now += 40
    share, line = text.at("translating a to b", 50, 100)
    assert share == pytest.approx(0.5)
    assert line.endswith("about 40 s left")


def test_quiet_is_silent(capsys: pytest.CaptureFixture[str]):
    with TrainingProgress(10, quiet=True) as shown, shown.measuring(1.0):
        shown.update(point(10))
        report("metrics", 1, 2)
    with counting("translated", quiet=True) as tell:
        tell(1, 2)
    assert lines(capsys) == []


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    with TrainingProgress(10_000) as shown:
        shown.update(point(5000))
        with shown.measuring():
            report("hidden signal", 1, 3)
    text = "\n".join(lines(capsys))
    assert "━" in text
    assert "5,000/10,000 images" in text or "hidden signal, 1 of 3" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (45, "45 s"), (90, "2 min"), (720, "12 min"), (12_000, "3 h 20 min")],
)
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text
