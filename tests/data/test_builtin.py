"""The built-in digits: disjoint halves to train on, the same digits in both styles to test on."""

from __future__ import annotations

import numpy as np
import pytest

from unpaired.data.builtin import NUM_TEST, NUM_VALIDATION, render
from unpaired.data.sources import BuiltIn, Part, Style

STYLES: tuple[Style, ...] = ("ink", "sign")


@pytest.fixture(scope="module")
def parts() -> dict[tuple[Style, Part], tuple[np.ndarray, np.ndarray, list[str]]]:
    return {
        (style, part): render(style, part)
        for style in STYLES
        for part in ("train", "validation", "test")
    }


def test_every_digit_is_used_once(parts):
    ids = {key: set(found[2]) for key, found in parts.items()}
    assert not ids["ink", "train"] & ids["sign", "train"]
    training = ids["ink", "train"] | ids["sign", "train"]
    for part, count in (("validation", NUM_VALIDATION), ("test", NUM_TEST)):
        assert parts["ink", part][2] == parts["sign", part][2]
        assert len(ids["ink", part]) == count
        assert not ids["ink", part] & training
    assert not ids["ink", "validation"] & ids["ink", "test"]
    assert len(training | ids["ink", "validation"] | ids["ink", "test"]) == 1797
    assert abs(len(ids["ink", "train"]) - len(ids["sign", "train"])) <= 1


def test_no_ink_digit_of_training_is_drawn_like_one_of_the_test(parts):
    train = {image.tobytes() for image in parts["ink", "train"][0]}
    assert not train & {image.tobytes() for image in parts["ink", "test"][0]}


def test_ids_mark_the_same_digit_in_both_styles(parts):
    (ink, ink_labels, _), (sign, sign_labels, _) = parts["ink", "test"], parts["sign", "test"]
    assert np.array_equal(ink_labels, sign_labels)
    assert set(ink_labels) == set(range(10))
    # Of all ink digits, the most alike to a sign's brightness is the one of the same id.
    grey, strokes = sign.mean(axis=3).reshape(len(sign), -1), ink.reshape(len(ink), -1)
    correlations = np.corrcoef(strokes, grey)[: len(ink), len(ink) :]
    assert correlations.argmax(0).tolist() == list(range(len(ink)))
    assert np.diag(correlations).mean() > 0.9


def test_ink_is_white_on_black(parts):
    pixels = parts["ink", "train"][0]
    assert pixels.shape[1:] == (32, 32, 1)
    assert pixels.dtype == np.uint8
    assert not pixels[:, 0].any()
    assert (pixels.reshape(len(pixels), -1).max(1) > 200).all()
    assert 0.05 < (pixels > 128).mean() < 0.3


def test_signs_have_many_hues_and_both_halves_the_same(parts):
    pixels = parts["sign", "train"][0]
    assert pixels.shape[1:] == (32, 32, 3)
    plate = pixels[:, :3, :3].reshape(len(pixels), -1, 3).mean(1)
    strongest = np.bincount(plate.argmax(1), minlength=3) / len(plate)
    assert (strongest > 0.25).all()
    assert plate.std(0).min() > 30
    assert (np.ptp(plate, axis=1) > 20).mean() > 0.95  # coloured, not grey


@pytest.mark.parametrize("style", STYLES)
def test_drawing_is_deterministic(style: Style):
    again = render.__wrapped__(style, "validation")  # and not what is kept
    for first, second in zip(render(style, "validation"), again, strict=True):
        assert np.array_equal(first, second)


def test_an_image_does_not_depend_on_the_part_that_is_drawn(parts):
    again, _, _ = render.__wrapped__("sign", "test")
    assert np.array_equal(BuiltIn(name="sign", part="test").open().read(5), again[5])
