"""Value ranges: whether the numbers in image files fill what is black and white, and what would.

Networks see black and white where a file's numbers end, not where its images do: 12-bit values in
16 bits are nearly black to them, and class ids or masks of 0 and 1 in 8 bits are too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from unpaired.data.codecs.decoded import EIGHT_BITS_IN_SIXTEEN, Values

DARK_OF_8_BITS = 63
"""Images are dark whose numbers all end here, or with more bits at half of what they can be: of 8
bits, photographs of the night may end there."""

SHARE_OF_NARROW = 0.25
"""Images are without contrast whose numbers all lie within this share of black to white."""

OUTLIERS = 0.05
"""Share of a set's images, one of ten at least, that may be far brighter than all others."""


@dataclass(frozen=True)
class RangeAdvice:
    """What is to be known of a set's numbers, and the range that suits them."""

    text: str
    """Such as "values 0…4095 of 65535"."""
    proposal: tuple[float, float] | None
    """The range to set; None where none suits all images, or the one that is set had better go."""

    def sentence(self, domain: str) -> str:
        """With the setting of a domain, a or b: "values 0…4095 of 65535: --a.range 0 4095"."""
        if self.proposal is None:
            return self.text
        return f"{self.text}: --{domain}.range {_shown(*self.proposal, ' ')}"


def advise(
    values: Mapping[str, Values], range: tuple[float, float] | None = None
) -> RangeAdvice | None:
    """What to do about the numbers of a set's images, by their names; None where they are fine.

    `range`: the one that is set. Blank images say nothing.
    """
    values = {name: v for name, v in values.items() if v.smallest < v.largest}
    if not values:
        return None
    limits = Counter(v.limit for v in values.values())
    if range is not None:
        return _of_range_set(values, limits, range)
    if None in limits and limits[None] < len(values):
        return None  # refused: each of them says so
    if None in limits:
        return _of_numbers(list(values.values()))
    for limit, count in limits.most_common():
        assert limit is not None
        advice = _of_integers({n: v for n, v in values.items() if v.limit == limit}, limit)
        if advice is not None and count < len(values):
            text = (
                f"{advice.text} in {count:,} images, beside {len(values) - count:,} of other bits: "
                "no range suits both. Store them alike"
            )
            return RangeAdvice(text, None)
        if advice is not None:
            return advice
    return None


def _of_range_set(
    values: Mapping[str, Values], limits: Counter[int | None], range: tuple[float, float]
) -> RangeAdvice | None:
    low, high = range
    smallest, largest = _extremes(list(values.values()))
    better = advise(values)
    proposal = None if better is None else better.proposal
    whole = {(0.0, float(limit or 0)) for limit in limits}
    if whole == {(low, high)}:
        range_ = _shown(low, high)
        text = f"values {_shown(smallest, largest)}: setting the range {range_} changes nothing"
        return RangeAdvice(text, None)
    inside = max(0.0, min(largest, high) - max(smallest, low))
    if inside >= SHARE_OF_NARROW * (high - low):
        return None
    text = (
        f"values {_shown(smallest, largest)} use {inside / (high - low):.0%} of the range "
        f"{_shown(low, high)} that is set"
    )
    if proposal is None:
        text += ": leave it out, or set one that holds them"
    return RangeAdvice(text, proposal if proposal != range else None)


def _of_numbers(values: list[Values]) -> RangeAdvice:
    """Floating-point numbers, and integers with a sign or of 32 bits."""
    smallest, largest = _extremes(values)
    text = f"values {_shown(smallest, largest)}, of which the files do not say what is white"
    for low, high in ((0.0, 1.0), (-1.0, 1.0)):
        if low <= smallest and largest <= high:
            return RangeAdvice(text, (low, high))
    if largest - smallest >= 10:
        smallest, largest = math.floor(smallest), math.ceil(largest)
    return RangeAdvice(text, (smallest, largest))


def _of_integers(values: Mapping[str, Values], limit: int) -> RangeAdvice | None:
    dark = DARK_OF_8_BITS if limit == 255 else limit // 2
    # 8 bits that were stretched over 16 are as dark as 8 bits.
    step = min(v.step for v in values.values())
    if step == EIGHT_BITS_IN_SIXTEEN:
        dark = DARK_OF_8_BITS * step
    usual, brighter = _without_outliers(values, dark)
    smallest, largest = _extremes(usual)
    is_narrow = largest - smallest < SHARE_OF_NARROW * limit
    if largest > dark and not is_narrow:
        return None
    if smallest > largest / 4 and is_narrow:
        proposal = (smallest, largest)
    else:
        levels = 2 ** math.ceil(math.log2(largest / step + 1)) - 1
        proposal = (0.0, float(levels * step))
    text = f"values {_shown(smallest, largest)} of {limit}"
    if brighter:
        name = max(brighter, key=lambda n: brighter[n].largest)
        text += (
            f" in {len(usual):,} of {len(values):,} images ({name} has up to "
            f"{brighter[name].largest:g})"
        )
    return RangeAdvice(text, proposal)


def _without_outliers(
    values: Mapping[str, Values], dark: int
) -> tuple[list[Values], dict[str, Values]]:
    """The images that are alike, and a few far brighter ones if all others are very dark."""
    at_most = max(1, int(OUTLIERS * len(values))) if len(values) >= 10 else 0
    brightest = sorted(values, key=lambda name: values[name].largest)
    usual = [values[name] for name in brightest[: len(values) - at_most]]
    very_dark = 2 ** math.ceil(math.log2(usual[-1].largest + 1)) - 1
    brighter = {n: v for n, v in values.items() if v.largest > very_dark}
    if not brighter or very_dark > dark // 2:
        return list(values.values()), {}
    return [v for n, v in values.items() if n not in brighter], brighter


def _extremes(values: list[Values]) -> tuple[float, float]:
    return min(v.smallest for v in values), max(v.largest for v in values)


def _shown(low: float, high: float, between: str = "…") -> str:
    """Two numbers, whole ones with all their digits."""
    return between.join(f"{n:.0f}" if n == int(n) else f"{n:.4g}" for n in (low, high))
