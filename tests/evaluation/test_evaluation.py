"""What is measured of a translator beside what tests of whole trainings meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from unpaired.core import devices
from unpaired.evaluation import encoders as learned
from unpaired.evaluation import extractor_records as any_extractor
from unpaired.evaluation import gather
from unpaired.evaluation.content import Pretrained
from unpaired.evaluation.measure import Gathered, measure
from unpaired.evaluation.model import Evaluator
from unpaired.evaluation.samples import Translated, translate
from unpaired.experiment.experiment import Experiment
from unpaired.features import Pixels
from unpaired.inference.applied import AppliedModel
from unpaired.methods.networks import Networks

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def experiment(tiny: Experiment, quick_evaluation: None) -> Experiment:
    evaluation = replace(tiny.evaluation, classifier=False, adaptation=True)
    return replace(tiny, evaluation=evaluation)


def adaptation(evaluator: Evaluator, networks: Networks, domain: Any) -> dict[str, Any]:
    """The metrics of adaptation, by name."""
    model = AppliedModel(evaluator.experiment, networks, CPU)
    values, unchanged = gather.adaptation(evaluator, model, domain)
    return measure(Gathered(evaluator.slots(domain), values, unchanged))


@pytest.fixture(scope="module")
def networks(tiny: Experiment) -> Networks:
    torch.manual_seed(0)
    return tiny.method.build(tiny.a, tiny.b).eval()


def test_distances_of_pretrained_networks_are_taken_where_they_are_given(
    experiment: Experiment, networks: Networks
):
    def of_red(x: Tensor, y: Tensor) -> Any:
        return (x[:, :1].double() - y[:, :1].double()).abs().mean((1, 2, 3)).numpy()

    settings = replace(experiment, evaluation=replace(experiment.evaluation, adaptation=False))
    pretrained = Pretrained(lpips=of_red, dino=of_red)
    found = Evaluator(settings, "test", CPU, pretrained).measure(networks, 1).record.metrics
    plain = Evaluator(settings, "test", CPU).measure(networks, 1).record
    added = {f"cycle_lpips/{d}" for d in "ab"}
    for way in ("a2b", "b2a"):
        added |= {f"truth_lpips/{way}", f"truth_lpips/{way}/input"}
        added |= {f"dino_structure/{way}", f"dino_structure/{way}/shuffled"}
    assert found.keys() - plain.metrics.keys() == added
    assert all(found[name].value > 0 for name in added)


def test_a_record_says_in_which_precision_translations_were_made(
    experiment: Experiment, networks: Networks, monkeypatch: pytest.MonkeyPatch
):
    """It is the machine's: the fingerprint is that of the measurement, on whatever machine."""
    evaluation = replace(experiment.evaluation, adaptation=False)
    evaluating = Evaluator(replace(experiment, evaluation=evaluation), "validation", CPU)
    seen: list[bool] = []
    original = type(experiment.method).translate

    def look(*given: Any) -> Tensor:
        seen.append(torch.is_autocast_enabled("cpu"))
        return original(*given)

    monkeypatch.setattr(type(experiment.method), "translate", look)
    found = {}
    for lower, name in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(devices, "has_bfloat16", lambda device, lower=lower: lower)
        result = evaluating.measure(networks, 0)
        (other,) = any_extractor.records(evaluating, result, [Pixels().load(CPU)])
        assert result.record.precision == other.precision == name
        assert set(seen) == {lower}
        seen.clear()
        found[name] = result.record.fingerprint
    assert found["bfloat16"] == found["float32"]


def test_one_image_a_class_is_a_diverse_set_and_none_within_its_classes():
    random = torch.Generator().manual_seed(0)
    labels = np.arange(60) % 3
    bases = torch.randint(0, 200, (3, 1, 16, 16), generator=random)
    noise = torch.randint(0, 55, (60, 1, 16, 16), generator=random)
    real = (bases[labels] + noise).to(torch.uint8)
    again = torch.randint(0, 55, (60, 1, 16, 16), generator=random)

    def diversity(images: Tensor, classes: Any) -> dict[str, Any]:
        values = {
            "translations": images,
            "classes_of_translations": classes,
            "real": real,
            "real_classes": labels,
        }
        measured = measure(Gathered({"direction": "a2b"}, values))
        assert measured.pop("diversity/a2b").value > 0.5
        return measured

    varied = diversity((bases[labels] + again).to(torch.uint8), labels)
    assert varied["diversity_within_classes/a2b"].value == pytest.approx(1, abs=0.4)
    alike = diversity(bases[labels].to(torch.uint8), labels)
    assert alike["diversity_within_classes/a2b"].value == 0
    assert alike["diversity_within_classes/a2b"].n == 3
    assert diversity(real, np.zeros(60, int)) == {}


@pytest.mark.parametrize("count", range(2, 9))
def test_beside_the_similarity_stands_that_of_another_image(
    experiment: Experiment, networks: Networks, count: int
):
    """Features of different images have nothing in common: no image may meet itself."""

    class Apart(AppliedModel):
        def encode(self, pixels: Tensor, domain: str) -> Tensor:
            return torch.eye(len(pixels))

    pixels = torch.zeros(count, 1, 4, 4, dtype=torch.uint8)
    model = Apart(experiment, networks, CPU)
    values = learned.codes(model, "a", Translated(pixels, pixels, None), None)
    found = measure(Gathered({"direction": "a2b"}, values))
    assert found["embedding_similarity/a2b"].value == 1
    assert found["embedding_similarity/a2b/shuffled"].value == 0


class Student:
    """A classifier that remembers what it was trained on and says one class always."""

    def __init__(self, images: Tensor, labels: Tensor, num_classes: int) -> None:
        self.images, self.labels, self.num_classes = images, labels, num_classes

    def predict(self, images: Tensor) -> Tensor:
        self.asked = images
        return torch.full((len(images),), 7)


class Nearest:
    """A classifier that takes the class whose mean image is nearest: right in 9 of 10 digits."""

    def __init__(self, images: Tensor, labels: Tensor, num_classes: int, **_: Any) -> None:
        flat = images.flatten(1).float()
        self.means = torch.stack([flat[labels == c].mean(0) for c in range(num_classes)])

    def predict(self, images: Tensor) -> Tensor:
        return torch.cdist(images.flatten(1).float(), self.means).argmin(1)


@pytest.fixture
def students(monkeypatch: pytest.MonkeyPatch) -> list[Student]:
    found: list[Student] = []

    def train(images: Tensor, labels: Tensor, num_classes: int, **_: Any) -> Student:
        found.append(Student(images, labels, num_classes))
        return found[-1]

    monkeypatch.setattr(learned, "train_classifier", train)
    return found


def test_students_learn_from_translations_and_read_real_images(
    experiment: Experiment, networks: Networks, students: list[Student]
):
    """Train on G(a) with a's labels and, to compare, on a itself; test on b's test images."""
    evaluating = Evaluator(experiment, "test", CPU)
    metrics = {d: adaptation(evaluating, networks, d) for d in ("a", "b")}
    for domain, other, channels in (("a", "b", 3), ("b", "a", 1)):
        way = {"a": "a2b", "b": "b2a"}[domain]
        assert metrics[domain].keys() == {
            f"adaptation_accuracy/{way}",
            f"adaptation_accuracy/{way}/input",
        }
        translated, unchanged = students[:2] if domain == "a" else students[2:]
        seen, real = evaluating.training[domain], evaluating.images[other]
        for student in (translated, unchanged):
            assert student.images.shape == (len(seen.pixels), channels, 32, 32)
            assert student.images.dtype == torch.uint8
            assert np.array_equal(student.labels.numpy(), seen.labels)
            assert student.num_classes == 10
            assert torch.equal(student.asked, real.pixels)
        model = AppliedModel(experiment, networks, CPU)
        expected = translate(model, seen.pixels, domain, evaluating.protocol.style_seed)
        assert torch.equal(translated.images, expected.translations)
        assert torch.equal(unchanged.images, evaluating.unchanged(domain, seen.pixels))
        share = float((real.labels == 7).mean())
        for measurement in metrics[domain].values():
            assert measurement.value == pytest.approx(share)
            assert measurement.n == len(real.labels)


def test_what_students_learn_from_is_not_translated_back(
    experiment: Experiment,
    networks: Networks,
    students: list[Student],
    monkeypatch: pytest.MonkeyPatch,
):
    def refuse(*_: Any) -> Tensor:
        raise AssertionError("ten thousand images were translated back, and thrown away")

    monkeypatch.setattr(type(experiment.method), "translate_back", refuse)
    assert adaptation(Evaluator(experiment, "test", CPU), networks, "a")
    assert len(students) == 2


@pytest.mark.parametrize(("split", "wanted"), [("validation", True), ("test", False)])
def test_adaptation_is_measured_on_test_images_and_if_asked_for(
    experiment: Experiment,
    networks: Networks,
    students: list[Student],
    split: Any,
    wanted: bool,
):
    evaluation = replace(experiment.evaluation, adaptation=wanted)
    evaluating = Evaluator(replace(experiment, evaluation=evaluation), split, CPU)
    metrics = evaluating.measure(networks, 0).record.metrics
    assert not [name for name in metrics if name.startswith("adaptation")]
    assert not students


def test_adaptation_is_part_of_the_record(
    experiment: Experiment, networks: Networks, students: list[Student]
):
    evaluating = Evaluator(experiment, "test", CPU)
    metrics = evaluating.measure(networks, 0).record.metrics
    names = {f"adaptation_accuracy/{way}" for way in ("a2b", "b2a")}
    assert names | {f"{name}/input" for name in names} <= metrics.keys()
    assert len(students) == 4


def test_without_labels_there_is_nothing_to_adapt(
    experiment: Experiment, networks: Networks, students: list[Student]
):
    evaluating = Evaluator(experiment, "test", CPU)
    evaluating.training["a"].labels = None
    assert adaptation(evaluating, networks, "a") == {}
    assert adaptation(evaluating, networks, "b").keys()
    evaluating.images["a"].labels = None
    assert adaptation(evaluating, networks, "b") == {}
    assert len(students) == 2


def test_a_translation_that_keeps_the_class_teaches_it(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
):
    """Ink to ink, unchanged: a student of translations reads real ink; one of wrong labels not."""
    monkeypatch.setattr(
        type(experiment.method), "translate", lambda self, nets, images, to, style=None: images
    )
    settings = replace(
        experiment,
        b=experiment.a,
        method=replace(experiment.method, style_channels=0),
    )
    monkeypatch.setattr(learned, "train_classifier", Nearest)
    evaluating = Evaluator(settings, "test", CPU)
    nets = Networks({}, {}, {})
    found = adaptation(evaluating, nets, "a")["adaptation_accuracy/a2b"]
    assert found.value > 0.8
    labels = evaluating.training["a"].labels
    assert labels is not None
    evaluating.training["a"].labels = (labels + 1) % 10
    assert adaptation(evaluating, nets, "a")["adaptation_accuracy/a2b"].value < 0.1
