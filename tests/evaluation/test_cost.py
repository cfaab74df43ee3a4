"""What measuring will cost is told before a training, and is of the right size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from unpaired.core.progress import listening
from unpaired.data.dataset import Images, load_images
from unpaired.data.domain import DomainName
from unpaired.evaluation import cost as module
from unpaired.evaluation.cost import Cost, estimate_cost
from unpaired.evaluation.model import Evaluator
from unpaired.evaluation.task_classifiers import images_to_learn
from unpaired.experiment.experiment import Experiment
from unpaired.methods import GAN
from unpaired.training.estimate import cost_of_measuring, time_in_words

CPU = torch.device("cpu")


def few(experiment: Experiment) -> dict[DomainName, Images]:
    """Twenty images of each domain."""
    images = {d: load_images(domain, "validation") for d, domain in experiment.domains.items()}
    return {
        d: replace(
            each,
            names=each.names[:20],
            labels=None if each.labels is None else each.labels[:20],
            ids=None if each.ids is None else each.ids[:20],
            pixels=each.gather(range(20)),
        )
        for d, each in images.items()
    }


@pytest.fixture
def labelled(tiny: Experiment) -> Experiment:
    return replace(tiny, evaluation=replace(tiny.evaluation, classifier=True))


def test_the_cost_grows_with_the_images_of_each_split(tiny: Experiment, monkeypatch):
    """A second for each image that is translated, there and back; a tenth to describe it."""
    monkeypatch.setattr(module, "_per_image", lambda work, count: 1.0 if _translates(work) else 0.1)
    monkeypatch.setattr(module.content, "MOST_IMAGES", 100)
    images = few(tiny)
    networks = tiny.method.build(tiny.a, tiny.b).eval()
    counts = {"a": 50, "b": 40}, {"a": 200, "b": 100}
    cost = estimate_cost(tiny, networks, CPU, images, *counts, learned=[])
    assert cost.validation == pytest.approx(90 * 1.2)
    # The hidden signal goes back three times from at most a hundred images of each.
    assert cost.test == pytest.approx(300 + 0.2 * 200 + 1.5 * 200)
    assert cost.classifiers == 0
    assert cost.total == cost.validation + cost.test


def _translates(work: object) -> bool:
    return "translate" in work.__code__.co_names  # type: ignore[attr-defined]


def test_an_evaluation_that_was_timed_corrects_the_other():
    cost = Cost(validation=10, test=40, classifiers=60).corrected(20)
    assert (cost.validation, cost.test, cost.classifiers) == (20, 80, 0)


def test_classifiers_cost_what_they_will_learn_and_nothing_once_they_are_kept(
    labelled: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("UNPAIRED_CACHE", str(tmp_path))
    training = few(labelled)
    counts = [len(images) for images in training.values()]
    assert images_to_learn(labelled, training) == counts
    monkeypatch.setattr("unpaired.features.classifier.default_images_seen", lambda n: 64)
    monkeypatch.setattr("unpaired.features.classifier_cache.default_images_seen", lambda n: 64)
    steps: list[str] = []
    with listening(lambda step, done, total: steps.append(step)):
        Evaluator(labelled, "validation", CPU, training=training, images=training)
    assert set(steps) == {"task classifier"}
    assert images_to_learn(labelled, training) == []
    without = replace(labelled, evaluation=replace(labelled.evaluation, classifier=False))
    assert images_to_learn(without, training) == []


def test_what_is_told_before_a_training(tiny: Experiment):
    cost = Cost(validation=30, test=120)
    budget = replace(tiny, training=replace(tiny.training, seconds=900.0))
    assert time_in_words(budget, cost) == (
        "time: 15 min of training, and about 2 min of measuring after it"
    )
    assert time_in_words(tiny, cost).startswith("time: about 2 min of measuring after the training")


def test_images_from_noise_cost_something_too(tiny: Experiment):
    noise = replace(tiny, a=None, method=GAN())
    images = few(noise)
    cost = cost_of_measuring(noise, images, CPU, images)
    assert cost.test > 0
    assert cost.validation > 0


def test_measuring_reports_each_of_its_steps(tiny: Experiment):
    networks = tiny.method.build(tiny.a, tiny.b).eval().requires_grad_(False)
    steps: dict[str, list[tuple[int, int]]] = {}
    evaluator = Evaluator(tiny, "test", CPU, training=few(tiny), images=few(tiny))
    with listening(lambda step, *place: steps.setdefault(step, []).append(place)):
        evaluator.measure(networks, 20)
    assert list(steps) == [
        "translating a to b",
        "edges of images",
        "hidden signal",
        "metrics and their intervals",
        "translating b to a",
    ]
    for places in steps.values():
        assert all(0 <= done <= total for done, total in places)
    count = len(evaluator.images["a"].pixels)
    assert steps["translating a to b"][-1] == (count, count)
