"""What a person sees while something runs."""

from __future__ import annotations

import pytest

from unpaired.core import console as progress
from unpaired.core.console import TrainingProgress, counting, duration
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


def test_quiet_is_silent(capsys: pytest.CaptureFixture[str]):
    with TrainingProgress(10, quiet=True) as shown:
        shown.update(point(10))
    with counting("translated", quiet=True) as tell:
        tell(1, 2)
    assert lines(capsys) == []


def test_a_terminal_gets_a_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "160")
    with TrainingProgress(10_000) as shown:
        shown.update(point(5000))
    text = "\n".join(lines(capsys))
    assert "━" in text
    assert "5,000/10,000 images" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (45, "45 s"), (90, "2 min"), (720, "12 min"), (12_000, "3 h 20 min")],
)
def test_durations(seconds: float, text: str):
    assert duration(seconds) == text
