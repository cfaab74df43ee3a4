"""The score that chooses the best weights."""

import math

import pytest

from unpaired.metrics.ranking import meaning_of_score, validation_score


def test_accuracies_of_translations_where_there_are_labels():
    values = {
        "translation_accuracy/a2b": 0.9,
        "translation_accuracy/b2a": 0.7,
        "translation_accuracy/a2b/input": 0.1,
        "kd/classifier/a": 9.0,
    }
    assert validation_score(values) == pytest.approx(0.8)
    assert meaning_of_score(values) == "mean translation accuracy"


def test_else_small_kernel_distances_of_translations_alone():
    distances = {"kd/pixels/a": 0.2, "kd/pixels/b": 0.4}
    companions = {"kd/pixels/a/floor": 7.0, "kd/pixels/b/input": 7.0, "fd/pixels/a": 7.0}
    assert validation_score(distances | companions) == pytest.approx(-0.3)
    assert meaning_of_score(distances) == "minus the mean kernel distance"


def test_nothing_that_could_rank():
    assert math.isnan(validation_score({"cycle_l1/a": 0.1}))
