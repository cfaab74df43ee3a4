"""Segmentation scores against numbers counted by hand, and what a domain of label maps gets."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from unpaired.core.errors import DataError
from unpaired.data.domain import Domain
from unpaired.data.sources import HuggingFace
from unpaired.evaluation.model import Evaluator
from unpaired.experiment.experiment import Experiment
from unpaired.methods.networks import Networks
from unpaired.metrics.segmentation import confusion, confusions, measure, nearest_colour, scores

# Four classes, of which the last does not occur; 9 is no class.
TRUTH = np.array([[[0, 0, 1], [1, 1, 2]], [[0, 0, 0], [1, 1, 9]]])
PREDICTED = np.array([[[0, 1, 1], [1, 0, 2]], [[0, 0, 2], [1, 2, 2]]])
HISTOGRAM = [[3, 1, 1, 0], [1, 3, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]

PALETTE = ((0, 0, 170), (255, 255, 0), (170, 0, 0))


def test_one_histogram_over_all_images_rows_truth():
    assert confusion(TRUTH, PREDICTED, 4).tolist() == HISTOGRAM
    assert confusions(TRUTH, PREDICTED, 4).sum(0).tolist() == HISTOGRAM
    assert confusions(TRUTH, PREDICTED, 4)[1].tolist()[0] == [2, 0, 1, 0]


def test_scores_counted_by_hand():
    """Per class 3/5, 3/5, 1/1; over union 3/(5+4−3), 3/(5+4−3), 1/(1+3−1)."""
    zero, skip = scores(np.array(HISTOGRAM)), scores(np.array(HISTOGRAM), "skip")
    assert zero["pixel"] == skip["pixel"] == pytest.approx(7 / 11)
    assert zero["class"] == pytest.approx(2.2 / 4)
    assert skip["class"] == pytest.approx(2.2 / 3)
    assert zero["iou"] == pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 4)
    assert skip["iou"] == pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 3)


def test_a_class_that_is_only_predicted_has_a_union_but_no_accuracy():
    histogram = np.array([[2, 2], [0, 0]])
    assert scores(histogram, "skip")["class"] == 0.5
    assert scores(histogram, "skip")["iou"] == (2 / 4 + 0) / 2


def test_many_histograms_at_once_and_one_without_pixels():
    several = np.stack([HISTOGRAM, np.zeros((4, 4), int), np.eye(4, dtype=int)])
    for absent in ("zero", "skip"):
        found = scores(several, absent)
        for name, values in found.items():
            assert values[0] == scores(several[0], absent)[name]
            assert np.isnan(values[1])
            assert values[2] == 1


def test_the_first_rule_is_the_references():
    """pix2pix's own lines, which add 1e-12 to the denominators."""
    random = np.random.default_rng(0)
    for _ in range(20):
        histogram = random.integers(0, 50, (6, 6)) * (random.random((6, 1)) < 0.7)
        histogram[:, 2] *= histogram[2].any()
        right = np.diag(histogram)
        rows, columns = histogram.sum(1), histogram.sum(0)
        found = scores(histogram)
        assert found["pixel"] == pytest.approx(right.sum() / (histogram.sum() + 1e-12))
        assert found["class"] == pytest.approx(np.mean(right / (rows + 1e-12)))
        assert found["iou"] == pytest.approx(np.mean(right / (rows + columns - right + 1e-12)))


def test_the_truth_against_itself_is_perfect():
    truth = np.random.default_rng(0).integers(0, 4, (5, 8, 8))
    for found in measure(truth, truth, 4).values():
        assert (found.value, found.low, found.high, found.n) == (1, 1, 1, 5)
    without_the_last = measure(truth, truth, 5)
    assert without_the_last["class"].value == without_the_last["iou"].value == 4 / 5
    assert without_the_last["class_present"].value == without_the_last["iou_present"].value == 1


def test_intervals_hold_the_value_and_shrink_with_the_images():
    random = np.random.default_rng(1)
    truth = random.integers(0, 3, (200, 6, 6))
    right = random.random((200, 1, 1)) < random.random((200, 1, 1))
    predicted = np.where(right, truth, (truth + 1) % 3)
    widths = {}
    for n in (20, 200):
        found = measure(truth[:n], predicted[:n], 3)
        for score in found.values():
            assert score.low < score.value < score.high
            assert score.n == n
        widths[n] = found["pixel"].high - found["pixel"].low
        share = right[:n].mean()
        assert found["pixel"].value == pytest.approx(share)
        assert widths[n] == pytest.approx(3.92 * (share * (1 - share) / n) ** 0.5, rel=0.25)
    assert measure(truth, predicted, 3) == measure(truth, predicted, 3)


@pytest.mark.parametrize("wrong", [-1, 4])
def test_a_prediction_that_is_no_class_is_an_error_and_not_a_dropped_image(wrong: int):
    predicted = PREDICTED.copy()
    predicted[1, 0, 0] = wrong
    with pytest.raises(DataError, match=rf"from .*{wrong}.*there are 4") as error:
        confusion(TRUTH, predicted, 4)
    assert error.value.code == "predicted-class-out-of-range"


def test_maps_of_other_shapes_and_without_a_known_pixel_are_refused():
    with pytest.raises(DataError) as error:
        confusion(TRUTH, PREDICTED[:, :1], 4)
    assert error.value.code == "label-maps-of-other-form"
    with pytest.raises(DataError) as error:
        measure(np.full((2, 2, 2), -1), np.zeros((2, 2, 2), int), 4)
    assert error.value.code == "no-true-class-known"


def test_the_nearest_colour_by_hand():
    # To (0, 0, 170): 20² + 100² + 0 = 10,400. To (170, 0, 0): 150² + 100² + 170².
    near_blue = (20, 100, 170)
    # Halfway between blue and red: 85² + 0 + 85² to each, of which the first wins.
    halfway = (85, 0, 85)
    image = torch.tensor([[near_blue, halfway, (255, 255, 0), (171, 90, 0)]], dtype=torch.uint8)
    found = nearest_colour(image.permute(2, 0, 1)[None], PALETTE)
    assert found.tolist() == [[[0, 0, 1, 2]]]


def test_colours_of_the_palette_are_their_own_class_in_any_number_of_images():
    classes = np.random.default_rng(0).integers(0, 3, (70, 5, 4))
    images = torch.tensor(np.array(PALETTE, np.uint8)[classes]).permute(0, 3, 1, 2)
    assert np.array_equal(nearest_colour(images, PALETTE), classes)


def test_grey_images_have_no_classes():
    with pytest.raises(DataError) as error:
        nearest_colour(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), PALETTE)
    assert error.value.code == "images-unfit-for-palette"


# A domain with a palette


class Constant(nn.Module):
    """Every pixel in one colour, whatever the image."""

    def __init__(self, colour: tuple[int, int, int]) -> None:
        super().__init__()
        values = torch.tensor(colour).float() / 127.5 - 1
        self.colour = nn.Parameter(values.view(1, 3, 1, 1), requires_grad=False)

    def forward(self, images: torch.Tensor, style: None = None) -> torch.Tensor:
        return self.colour.expand(len(images), 3, *images.shape[2:])


def image_set(path: Path, classes: np.ndarray, shade: int) -> HuggingFace:
    """A parquet file of label maps, `shade` darker than the palette."""
    arrow = pytest.importorskip("pyarrow")
    rows = []
    for image in np.array(PALETTE, np.int64)[classes]:
        file = io.BytesIO()
        Image.fromarray(np.maximum(image - shade, 0).astype(np.uint8)).save(file, "PNG")
        rows.append({"bytes": file.getvalue(), "path": None})
    table = arrow.table({"image": rows, "id": [str(i) for i in range(len(rows))]})
    pytest.importorskip("pyarrow.parquet").write_table(table, path)
    return HuggingFace(name=str(path))


def test_a_domain_with_a_palette_gets_segmentation_scores(tiny: Experiment, tmp_path: Path):
    random = np.random.default_rng(0)
    train, test = (random.integers(0, 3, (n, 8, 8)).repeat(2, 1).repeat(2, 2) for n in (6, 5))
    photo, labels = (
        Domain(
            source=image_set(tmp_path / f"{name}-train.parquet", train, shade),
            test_source=image_set(tmp_path / f"{name}-test.parquet", test, shade),
            size=8,
            fit="resize",
            palette=palette,
            label_channels="colours" if palette else "classes",
        )
        for name, shade, palette in (("photo", 30, ()), ("labels", 0, PALETTE))
    )
    experiment = replace(tiny, a=photo, b=labels, method=replace(tiny.method, style_channels=0))
    networks = Networks({"a2b": Constant(PALETTE[1]), "b2a": Constant((9, 9, 9))}, {}, {})
    evaluator = Evaluator(experiment, "test", torch.device("cpu"))
    record = evaluator.measure(networks.eval(), 1).record
    found = {n: m for n, m in record.metrics.items() if n.startswith("segmentation/")}
    names = ("pixel", "class", "iou", "class_present", "iou_present")
    assert set(found) == {f"segmentation/{n}{of}" for n in names for of in ("", "/input")}

    share = (test[:, ::2, ::2] == 1).mean()
    assert found["segmentation/pixel"].value == pytest.approx(share)
    assert found["segmentation/class"].value == pytest.approx(1 / 3)
    assert found["segmentation/iou"].value == pytest.approx(share / 3)
    for name in names:  # a shade darker is still nearest to its own colour, once resized by nearest
        assert found[f"segmentation/{name}"].n == 5
    assert found["segmentation/pixel/input"].value > 0.5
    assert record.protocol.palette == PALETTE
    assert "label maps (b): nearest neighbour" in record.protocol.resize

    plain = replace(experiment, b=replace(labels, palette=(), label_channels="classes"))
    unlabelled = Evaluator(plain, "test", torch.device("cpu")).measure(networks, 1).record
    assert not [name for name in unlabelled.metrics if name.startswith("segmentation/")]
    assert unlabelled.fingerprint != record.fingerprint
