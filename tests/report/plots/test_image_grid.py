"""Grids and contact sheets show every pixel as it is, labelled."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unpaired.report.plots.image_grid import Pixels, _font, contact_sheet, grid, save_png


def plain(value: int | tuple[int, int, int], size: int = 32) -> Pixels:
    channels = 1 if isinstance(value, int) else 3
    return np.broadcast_to(np.uint8(value), (size, size, channels)).copy()


def colours(picture: Image.Image) -> set[tuple[int, ...]]:
    """The opaque colours that fill at least a quarter of a smallest cell."""
    counted = picture.getcolors(picture.width * picture.height)
    assert counted is not None
    return {pixel[:3] for count, pixel in counted if count >= 1024 and pixel[3] == 255}  # type: ignore[index,misc]


def test_a_grid_shows_grey_as_grey_and_colour_as_colour() -> None:
    picture = grid({"a": [plain(90)], "a→b": [plain((200, 30, 10))], "a→b→a": [plain(91)]})
    assert colours(picture) == {(90, 90, 90), (200, 30, 10), (91, 91, 91)}


def test_small_images_grow_by_whole_factors_without_blur() -> None:
    checkers = (np.indices((32, 32)).sum(axis=0) % 2 * 255).astype(np.uint8)[:, :, None]
    picture = grid({"a": [checkers]})
    pixels = np.asarray(picture)
    opaque = pixels[pixels[:, :, 3] == 255]
    inside = opaque[np.all(opaque[:, :3] != 125, axis=1)]
    assert set(np.unique(inside[:, :3])) == {0, 255}
    rows = np.flatnonzero((pixels[:, :, :3] == 255).all(axis=2).any(axis=1))
    assert rows[-1] - rows[0] + 1 == 64


@pytest.mark.parametrize(("size", "cell"), [(8, 64), (28, 84), (64, 64), (256, 256), (2000, 500)])
def test_cells_are_large_enough_to_see_and_never_huge(size: int, cell: int) -> None:
    picture = grid({"a": [plain(255, size)]})
    left, _, right, _ = picture.getchannel("A").point(lambda alpha: 255 * (alpha == 255)).getbbox()  # type: ignore[misc]
    assert right - left == cell


def test_small_triples_stand_side_by_side_and_large_ones_do_not() -> None:
    def columns(size: int) -> dict[str, list[Pixels]]:
        return {title: [plain(9, size)] * 6 for title in ("a", "b", "c")}

    small, large = grid(columns(32)), grid(columns(256))
    assert small.width > 2 * 3 * 64
    assert small.height < 4 * 70
    assert large.width < 4 * 256
    assert large.height > 6 * 256


def test_titles_are_drawn_above_their_columns_and_shortened_to_fit() -> None:
    short, long = grid({"": [plain(0)]}), grid({"a" * 200: [plain(0)]})
    assert long.width == short.width
    header = np.asarray(long)[:15, :, 3]
    assert header.max() > 100
    assert np.asarray(short)[:15, :, 3].max() == 0


def test_columns_of_different_sizes_share_one_cell_size() -> None:
    picture = grid({"a": [plain(10, 28)], "b": [plain((1, 2, 3), 32)]})
    assert colours(picture) == {(10, 10, 10), (1, 2, 3)}


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4, 1)), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 2), np.uint8)]
)
def test_what_is_no_image_is_refused(wrong: Pixels) -> None:
    with pytest.raises(AssertionError):
        grid({"a": [wrong]})


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        grid({"a": [plain(1), plain(2)], "b": [plain(3)]})


def test_a_contact_sheet_holds_all_images_with_captions_of_any_characters() -> None:
    images = [plain(level) for level in range(10, 40)]
    captions = ["plain", "two\nlines\t", "👀 <script>", "a" * 250, "", *["x"] * 25]
    sheet = contact_sheet(images, captions, width=500)
    assert sheet.width <= 500
    assert colours(sheet) == {(level, level, level) for level in range(10, 40)}


def test_a_thin_strip_is_not_enlarged_without_limit() -> None:
    sheet = contact_sheet([np.zeros((1, 5000, 1), np.uint8)], ["strip"])
    assert max(sheet.size) < 1100


def test_a_picture_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "000012800-a.png"
    save_png(grid({"a": [plain(90)]}), path)
    save_png(grid({"a": [plain(91)]}), path)
    with Image.open(path) as picture:
        assert colours(picture.convert("RGBA")) == {(91, 91, 91)}
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "picture.png"
    save_png(grid({"a": [plain(90)]}), path)
    before = path.read_bytes()

    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        save_png(grid({"a": [plain(91)]}), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("character", "→⇄…±éñßčЖΩ")
def test_the_font_has_what_captions_are_written_with(character: str) -> None:
    font = _font(20)
    assert bytes(font.getmask(character)) != bytes(font.getmask("\U0010ffff"))
