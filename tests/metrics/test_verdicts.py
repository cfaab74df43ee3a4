"""Verdicts: a number that the unchanged input has too proves nothing, and that is said."""

from __future__ import annotations

import math

import pytest

from unpaired.metrics.catalogue.metric import Better
from unpaired.metrics.catalogue.verdicts import verdict
from unpaired.records.measurement import Measurement

NAN = math.nan


def number(value: float, half_width: float = 0.0) -> Measurement:
    return Measurement(value, value - half_width, value + half_width, 100)


@pytest.mark.parametrize(
    ("ours", "unchanged", "better", "words"),
    [
        (number(36.8, 1), number(34.1, 1), "lower", "no better than the unchanged input"),
        (number(31.4, 1), number(34.1, 1), "lower", ""),
        (number(33.4, 1), number(34.1, 1), "lower", "not clearly better than the unchanged input"),
        (number(34.1), number(34.1), "lower", "no better than the unchanged input"),
        (number(0.99, 0.01), number(0.24, 0.04), "higher", ""),
        (number(0.99, 0.01), number(0.985, 0.01), "higher", "not clearly better than"),
        (number(0.2, 0.01), number(0.24, 0.04), "higher", "no better than the unchanged input"),
        (number(0.2), number(0.24), "unknown", ""),
        (Measurement(2, NAN, NAN, 0), Measurement(1, NAN, NAN, 0), "higher", ""),
        (Measurement(1, NAN, NAN, 0), Measurement(1, NAN, NAN, 0), "higher", "no better than"),
        (Measurement(NAN, NAN, NAN, 0), number(1), "higher", "no better than"),
    ],
)
def test_a_number_is_read_against_the_unchanged_input(
    ours: Measurement, unchanged: Measurement, better: Better, words: str
):
    said = verdict("m", better, {"m": ours, "m/input": unchanged})
    assert said.startswith(words)
    assert bool(said) == bool(words)


def test_the_interval_of_a_difference_takes_the_sides_that_face_each_other():
    ours, unchanged = Measurement(1.0, 0.9, 9.0, 100), Measurement(0.8, -9.0, 0.9, 100)
    metrics = {"m": ours, "m/input": unchanged}
    assert verdict("m", "higher", metrics) == ""  # 0.2 is more than √(0.1² + 0.1²)
    mirrored = {name: Measurement(-m.value, -m.high, -m.low, 100) for name, m in metrics.items()}
    assert verdict("m", "lower", mirrored) == ""


def test_what_stands_beside_a_number_for_orientation_need_not_be_surpassed():
    metrics = {"m": number(5), "m/floor": number(1), "m/real": number(1)}
    assert verdict("m", "lower", metrics) == ""
    metrics = {"m": number(5), "m/shuffled": number(4), "m/input": number(6)}
    assert verdict("m", "lower", metrics) == "no better than another image's translation"
