"""Names of settings where there is little room."""

import pytest

from unpaired.core.setting_names import short_names, text_of


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["method.cycle_weight", "training.seed"], ["cycle_weight", "seed"]),
        (["method.adversarial.kind"], ["adversarial"]),
        (["method.kind", "method.generator.kind"], ["method", "generator"]),
        (
            ["method.generator.width", "method.discriminator.width", "training.images"],
            ["generator.width", "discriminator.width", "images"],
        ),
        (["a.source.kind", "b.source.kind"], ["a.source", "b.source"]),
        (["size", "a.size"], ["size", "a.size"]),
        (["m.generator", "m.generator.kind"], ["m.generator", "m.generator.kind"]),
        (["a.size", "a.size"], ["size"]),
        ([], []),
    ],
)
def test_a_name_is_as_short_as_it_can_be(paths: list[str], names: list[str]):
    assert list(short_names(paths).values()) == names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (5.0, "5"),
        (0.5, "0.5"),
        (2e-4, "0.0002"),
        (1e-7, "1e-07"),
        (-3.0, "-3"),
        (1e30, "1e+30"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (True, "true"),
        (None, "none"),
        ([4, 4, 24, 24], "4-4-24-24"),
        ("least_squares", "least_squares"),
        (16_000, "16000"),
    ],
)
def test_values_are_written_short(value: object, text: str):
    assert text_of(value) == text
