"""Which commas separate values, and which belong to one."""

from __future__ import annotations

import pytest

from unpaired.cli.flags.alternatives import alternatives, combinations
from unpaired.core.errors import SettingError


def lines(text: str) -> list[str]:
    return [" ".join(words) for words in combinations(alternatives(text.split()))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [""]),
        ("--method.cycle-weight 5", ["--method.cycle-weight 5"]),
        ("--method.cycle-weight 0,5", ["--method.cycle-weight 0", "--method.cycle-weight 5"]),
        ("--method.cycle-weight=0,5", ["--method.cycle-weight 0", "--method.cycle-weight 5"]),
        ("--method.cycle_weight 0,5", ["--method.cycle_weight 0", "--method.cycle_weight 5"]),
        ("--images 4k,8k", ["--images 4k", "--images 8k"]),
        ("--time 5m,1h30m", ["--time 5m", "--time 1h30m"]),
        (
            "--method.cycle-weight-b None,5",
            ["--method.cycle-weight-b None", "--method.cycle-weight-b 5"],
        ),
        ("--a.decoding.min-side -1,4", ["--a.decoding.min-side -1", "--a.decoding.min-side 4"]),
        ("--a.fit pad,cover", ["--a.fit pad", "--a.fit cover"]),
        (
            "--method.adversarial.kind hinge,least-squares",
            ["--method.adversarial.kind hinge", "--method.adversarial.kind least-squares"],
        ),
        ("--training.compile true,False", ["--training.compile", "--training.no-compile"]),
        ("--a.crop 1 2 30 31", ["--a.crop 1 2 30 31"]),
        ("--a.crop 1 2 30 31,None", ["--a.crop 1 2 30 31", "--a.crop None"]),
        ("--b.palette 0 0 0 9 9 9,1 1 1", ["--b.palette 0 0 0 9 9 9", "--b.palette 1 1 1"]),
        ("--a.crop 1 2 3 4,5 6 7 8", ["--a.crop 1 2 3 4", "--a.crop 5 6 7 8"]),
    ],
)
def test_commas_separate_where_the_type_leaves_no_doubt(text: str, expected: list[str]):
    assert lines(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "--a photos,2020/",
        "--b-test a,b",
        "--name one,two",
        "--recipe demo,demo",
        "--a.source.path photos,2020/",
        "--a.source.split train[:5],x",
        "--device cpu,cuda",  # argparse knows what is wrong here, and tyro in the next
        "--method.cycle-wieght 0,5",
        "--method.adversarial hinge,least-squares",
    ],
)
def test_commas_belong_to_texts_and_to_what_is_no_setting(text: str):
    assert lines(text) == [text]


def test_the_last_flag_changes_fastest():
    found = lines("--method.cycle-weight 0,5 --a.fit pad --images 4k,8k")
    assert found == [
        f"--method.cycle-weight {weight} --a.fit pad --images {images}"
        for weight in (0, 5)
        for images in ("4k", "8k")
    ]


def test_a_setting_of_one_alternative_only_is_still_known_by_its_type():
    layers = "--method.discriminator.layers 1,2"  # patchgan's
    assert lines(layers) == [f"--method.discriminator.layers {n}" for n in (1, 2)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "--a.crop 4,4,24,24",
            "4 numbers with spaces between them, --a.crop 1 2 3 4;",
        ),
        ("--method.cycle-weight 0,,5", "a value is missing beside a comma"),
        ("--method.cycle-weight 0,5,", "a value is missing beside a comma"),
        ("--method.cycle-weight 0, 5", None),
        ("--method.cycle-weight 0 5,10", "with commas and no spaces"),
        ("--training.compile yes,no", "--training.compile yes: choose from true, false"),
        ("demo --images 4k", "'demo' belongs to no flag. A recipe comes first"),
        (
            "--images 4k,8k --training.images 9,10",
            "training.images is given twice: give all its values in one flag",
        ),
        ("--images 4k,8k --images 9k", "training.images is given twice"),
    ],
)
def test_values_that_cannot_be_told_apart(text: str, words: str | None):
    if words is None:
        assert len(lines(text)) == 2
        return
    with pytest.raises(SettingError, match=words):
        alternatives(text.split())
