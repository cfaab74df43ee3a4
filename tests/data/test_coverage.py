"""Image coverage: what is said of images of which training would see a part only."""

from __future__ import annotations

from typing import Any

import pytest

from unpaired.data.coverage import cover_notes, crop_notes, mean_never_seen, sizes_in_box
from unpaired.data.domain import Domain
from unpaired.data.sources import BuiltIn

WIDE = {(1080, 1920): 60}


def domain(**settings: Any) -> Domain:
    return Domain(source=BuiltIn(name="ink"), **settings)


def test_what_cover_never_sees_of_wide_photos_is_told_with_what_shows_it():
    assert mean_never_seen(WIDE, domain()) == 0.4375
    (note,) = cover_notes("a", domain(), WIDE)
    assert note.startswith("44% of each image lies outside the middle square and is never seen")
    for way in ("--a.fit crop with --a.short-side", "--a.fit crop alone", "--a.fit resize or pad"):
        assert way in note


@pytest.mark.parametrize("fit", ["resize", "pad", "crop"])
def test_other_fits_leave_nothing_out(fit: str):
    assert cover_notes("a", domain(fit=fit), WIDE) == []
    assert mean_never_seen(WIDE, domain(fit=fit)) == 0


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({(100, 100): 9, (100, 124): 9}, None),  # 19 %
        ({(100, 126): 9}, "21% of each image"),
        ({(126, 100): 9}, "21% of each image"),
        ({(480, 640): 5, (640, 480): 5}, "25% of each image"),  # landscapes and portraits
        ({(100, 200): 5, (100, 400): 5}, "on average 62% of each image"),
        ({(100, 100): 89, (100, 1000): 11}, "90% of 11 of the 100 images"),
        ({(100, 100): 99, (100, 1000): 1}, None),  # a panorama among many
        ({}, None),
    ],
)
def test_what_is_worth_a_word(sizes: dict[tuple[int, int], int], said: str | None):
    notes = cover_notes("b", domain(), sizes)
    assert len(notes) == (said is not None)
    if said is not None:
        assert notes[0].startswith(f"{said} lies outside")


def test_the_crop_box_counts_not_what_lies_around_it():
    box = domain(crop=(100, 0, 1180, 1080))
    assert sizes_in_box(WIDE, box) == {(1080, 1080): 60}
    assert cover_notes("a", box, sizes_in_box(WIDE, box)) == []
    partly = domain(crop=(10, 10, 100, 50))
    mixed = {(200, 200): 3, (40, 300): 2, (30, 90): 1, (9, 9): 4}
    assert sizes_in_box(mixed, partly) == {(40, 90): 3, (30, 90): 2, (20, 80): 1}


def test_images_smaller_than_the_square_are_said_to_be_enlarged():
    sizes = {(100, 300): 2, (256, 256): 3, (255, 600): 1}
    (note,) = crop_notes("b", domain(fit="crop", size=256), sizes)
    assert note.startswith("3 of the 6 images are smaller than 256×256 pixels at scale 1")
    (note,) = crop_notes("b", domain(fit="crop", size=128, scale=0.5), sizes)
    assert note.startswith("2 of the 6 images")  # 255 × 0.5 rounds to 128
    for settings in ({"fit": "crop", "size": 64}, {"fit": "crop", "short_side": 300}, {}):
        assert crop_notes("b", domain(**settings), sizes) == []
