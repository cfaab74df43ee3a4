"""Stored settings of any age are decoded, and everything else in them is taken strictly."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field, ValidationError

from unpaired.core.config import config, decode, decoding_problems, encode


@config
class Plain:
    kind: Literal["plain"] = "plain"


@config
class Steep:
    kind: Literal["steep"] = "steep"
    slope: float = 1.0


@config
class Part:
    colours: tuple[tuple[int, int, int], ...] = ()

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {"looks": "colours"}


@config
class Whole:
    shape: Annotated[Plain | Steep, Field(discriminator="kind")] = Steep()
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    size: int = 3

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {"side": "size", "slope": "shape.slope"}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ('{"side": 4}', Whole(size=4)),
        ('{"part": {"looks": [[1, 2, 3]]}}', Whole(part=Part(colours=((1, 2, 3),)))),
        ('{"parts": [{"looks": []}, {}]}', Whole(parts=(Part(), Part()))),
        ('{"shape": "plain"}', Whole(shape=Plain())),
        ('{"shape": "steep", "slope": 2.5}', Whole(shape=Steep(slope=2.5))),
        ('{"shape": "plain", "slope": 2.5}', Whole(shape=Plain())),
        ('{"slope": 2.5}', Whole(shape=Steep(slope=2.5))),
        ('{"shape": {"kind": "plain"}, "slope": 2.5}', Whole(shape=Plain())),
        ("{}", Whole()),
    ],
)
def test_former_names_are_read(stored: str, expected: Whole):
    assert decode(Whole, stored) == expected


def test_what_is_written_has_the_present_names_alone():
    written = encode(decode(Whole, '{"side": 4, "shape": "steep", "slope": 2.5}'))
    assert set(written) == {field.name for field in dataclasses.fields(Whole)}
    assert written["shape"] == {"kind": "steep", "slope": 2.5}


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        ('{"side": 4, "size": 5}', "side: unknown setting; did you mean 'size'?"),
        ('{"shape": "crooked"}', "shape: "),
        ('{"side": "4"}', "size: Input should be a valid integer"),
        ('{"part": {"look": 1}}', "part.look: unknown setting."),
        ("[", ""),
    ],
)
def test_everything_else_is_taken_strictly(stored: str, problem: str):
    (found,) = decoding_problems(Whole, stored)
    assert found.startswith(problem)
    with pytest.raises(ValidationError):
        decode(Whole, stored)
