"""What images give no number for is left out with a note; all other numbers are taken."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from unpaired.core.errors import DataError, NonFiniteLoss
from unpaired.evaluation import measure as measuring
from unpaired.evaluation import split
from unpaired.evaluation.measure import Gathered, measure
from unpaired.evaluation.missing import Missing
from unpaired.experiment.experiment import Experiment
from unpaired.metrics.structure import edges_of, others

SLOTS = {"direction": "a2b", "source": "a", "target": "b", "extractor": "pixels"}


def image_sets(real: torch.Tensor, generated: torch.Tensor) -> Gathered:
    flat = [x.double().mean((2, 3)).numpy() for x in (generated, real)]
    values: dict[Any, Any] = {
        "translations": generated,
        "source_edges": edges_of(generated),
        "translation_edges": edges_of(generated),
        "real": real,
        "generated_features": flat[0],
        "real_features": flat[1],
        "resamples": 10,
        "seed": 0,
    }
    return Gathered(SLOTS, values)


def pictures(count: int, seed: int = 0) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=random)


def test_blank_pages_have_no_diversity_and_all_other_numbers():
    notes: list[str] = []
    measured = measure(image_sets(torch.full((8, 3, 32, 32), 255).byte(), pictures(8)), notes)
    (note,) = notes
    assert note.startswith("diversity/a2b is missing: The 8 real images are all alike")
    assert "diversity/a2b" not in measured
    assert {"fd/pixels/b", "fd/pixels/b/floor", "kd/pixels/b", "structure/a2b"} <= measured.keys()
    with pytest.raises(DataError) as error:
        measure(image_sets(torch.zeros(8, 3, 32, 32).byte(), pictures(8)))
    assert error.value.code == "real-images-alike"


def test_constant_translations_have_a_diversity_of_0():
    notes: list[str] = []
    measured = measure(image_sets(pictures(8), torch.zeros(8, 3, 32, 32).byte()), notes)
    assert notes == []
    assert measured["diversity/a2b"].value == 0


@pytest.mark.parametrize("count", [1, 3])
def test_few_images_lack_the_numbers_that_need_more(count: int):
    notes: list[str] = []
    measured = measure(image_sets(pictures(count), pictures(count, 1)), notes)
    assert "structure/a2b" in measured
    assert all(np.isfinite(m.value) for m in measured.values())
    text = " ".join(notes)
    assert "fd/pixels/b/floor" in text
    assert ("structure/a2b/shuffled" in text) == (count == 1)
    assert ("structure/a2b/shuffled" in measured) == (count == 3)


def test_another_image_needs_two():
    with pytest.raises(DataError) as error:
        others(1)
    assert error.value.code == "no-other-image"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (np.linalg.LinAlgError("SVD did not converge"), "LinAlgError: SVD did not converge."),
        (torch.linalg.LinAlgError("not definite"), "not definite."),
        (ValueError("n_neighbors"), "ValueError: n_neighbors."),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero."),
        (NonFiniteLoss("It diverged."), "It diverged."),
    ],
)
def test_what_degenerate_images_raise_is_noted_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
):
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(measuring, "_call", fail)
    notes: list[str] = []
    assert measure(image_sets(pictures(4), pictures(4)), notes) == {}
    (note,) = notes  # one for all that lack a value for this reason
    assert note.startswith(("diversity", "structure", "fd", "kd"))
    assert note.endswith(reason)


def test_a_defect_is_not_taken_for_images_without_a_value(monkeypatch: pytest.MonkeyPatch):
    def defect(*_: Any) -> None:
        raise AttributeError("no such thing")

    monkeypatch.setattr(measuring, "_call", defect)
    with pytest.raises(AttributeError):
        measure(image_sets(pictures(4), pictures(4)), [])


def test_names_with_one_reason_share_a_sentence():
    missing = Missing()
    for names in (("x",), ("y", "z")):
        with missing.noting(*names):
            raise DataError("Too few.")
    with missing.noting("w"):
        pass
    assert missing.sentences == ["x, y and z are missing: Too few."]


def test_a_classifier_that_cannot_be_trained_leaves_distances_in_pixels(
    tiny: Experiment, monkeypatch: pytest.MonkeyPatch
):
    def diverge(*_: Any) -> None:
        raise NonFiniteLoss("It diverged.")

    monkeypatch.setattr(split, "task_classifiers", diverge)
    wanted = replace(tiny, evaluation=replace(tiny.evaluation, classifier=True))
    evaluated = split.EvaluatedSplit(wanted, "test", torch.device("cpu"))
    assert evaluated.missing.sentences == ["the task classifier is missing: It diverged."]
    assert evaluated.protocol.extractor == "pixels"
