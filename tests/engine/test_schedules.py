"""Schedules: their curves, their rule for continuing, and how stored files name them."""

from __future__ import annotations

import typing
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from unpaired.core.config import decode, decoding_errors, encode, is_out_of_bounds
from unpaired.core.errors import RunError
from unpaired.engine.schedules import Constant, Cosine, Linear, Schedule
from unpaired.engine.settings import Training
from unpaired.experiment.experiment import Experiment, load
from unpaired.training.run_folder import hindrances, open_run

KINDS = typing.get_args(typing.get_args(Schedule)[0])
RESULTS = Path(__file__).parents[2] / "research" / "records"


@pytest.mark.parametrize(
    ("images", "seconds", "expected"),
    [(0, 0, 1.0), (50, 0, 1.0), (75, 0, 0.5), (100, 0, 0.0), (0, 7.5, 0.5), (75, 9.0, 0.2)],
)
def test_linear_follows_images_or_seconds_whichever_are_further(images, seconds, expected):
    training = Training(images=100, seconds=10.0, schedule=Linear(decay_from=0.5))
    assert training.learning_rate_factor(images, seconds) == pytest.approx(expected)


@pytest.mark.parametrize(("progress", "expected"), [(0, 1.0), (0.5, 0.55), (1, 0.1)])
def test_cosine_falls_to_its_floor(progress, expected):
    assert Cosine(floor=0.1).factor(progress) == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_each_begins_at_the_learning_rate_and_never_rises(kind):
    factors = [kind().factor(step / 50) for step in range(51)]
    assert factors[0] == 1.0
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] >= 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_depends_on_the_length_says_so(kind):
    short, long = (Training(images=n, schedule=kind()) for n in (100, 200))
    rates = [[t.learning_rate_factor(at, 0) for at in range(0, 100, 5)] for t in (short, long)]
    assert (rates[0] != rates[1]) == kind().depends_on_length


@pytest.mark.parametrize("schedule", [Linear(decay_from=1.0), Cosine(floor=1.0)])
def test_one_that_never_falls_does_not_depend_on_the_length(schedule):
    assert not schedule.depends_on_length
    assert {schedule.factor(step / 10) for step in range(11)} == {1.0}


@pytest.mark.parametrize("kind", KINDS)
def test_a_warm_up_rises_to_the_schedule_and_does_not_hinder_lengthening(kind):
    warm = Training(images=1_000, batch_size=10, schedule=kind(), warm_up_images=100)
    plain = replace(warm, warm_up_images=0)
    shares = [
        warm.learning_rate_factor(at, 0) / plain.learning_rate_factor(at, 0)
        for at in (0, 40, 90, 500)
    ]
    assert shares == pytest.approx([0.1, 0.5, 1.0, 1.0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes", [{"images": 40}, {"seconds": 60.0}, {"images": 40, "seconds": None}]
)
def test_a_run_is_continued_with_another_length_if_its_schedule_allows(
    tiny: Experiment, tmp_path: Path, kind, changes
):
    experiment = replace(tiny, training=replace(tiny.training, schedule=kind()))
    with open_run(tmp_path / "run", experiment):
        pass
    longer = replace(experiment, training=replace(experiment.training, **changes))
    allowed = pytest.raises(RunError) if kind().depends_on_length else nullcontext()
    with allowed, open_run(tmp_path / "run", longer):
        pass


def test_another_schedule_never_continues_a_run(tiny: Experiment):
    other = replace(tiny, training=replace(tiny.training, schedule=Constant()))
    assert "training.schedule.kind" in hindrances(tiny, other)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ('{"schedule": "linear", "decay_from": 0.25}', Linear(decay_from=0.25)),
        ('{"schedule": "constant", "decay_from": 0.5}', Constant()),
        ('{"decay_from": 0.25}', Linear(decay_from=0.25)),
        ('{"schedule": {"kind": "cosine", "floor": 0.1}}', Cosine(floor=0.1)),
        ("{}", Linear(decay_from=0.5)),
    ],
)
def test_stored_settings_of_any_age_are_read(stored, expected):
    training = decode(Training, stored)
    assert training == Training(schedule=expected)
    assert "decay_from" not in encode(training)


@pytest.mark.parametrize(
    ("run", "expected"), [("demo", Linear(decay_from=0.5)), ("dcgan-mnist-0", Constant())]
)
def test_runs_of_the_first_schema_are_read(run, expected):
    assert '"schedule": "' in (RESULTS / run / "config.json").read_text()
    assert load(RESULTS / run / "config.json").training.schedule == expected


def test_bounds_are_those_of_the_fields():
    (problem,) = decoding_errors(Training, '{"schedule": {"kind": "linear", "decay_from": 1.5}}')
    assert is_out_of_bounds(problem)
    assert problem["loc"] == ("schedule", "linear", "decay_from")
    assert problem["ctx"] == {"le": 1}
