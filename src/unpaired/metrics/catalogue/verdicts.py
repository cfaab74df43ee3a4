"""Verdict on a measured number: in words, where it proves nothing.

A translator that does nothing has numbers too: those of the unchanged input. One that is no better
says nothing for the translator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from unpaired.metrics.catalogue.metric import COMPANIONS, Better
from unpaired.records.measurement import Measurement


def verdict(name: str, better: Better, metrics: Mapping[str, Measurement]) -> str:
    """What metric `name` does not prove, such as "no better than the unchanged input".

    Empty where it is clearly better than all that it must surpass, or nothing such stands beside
    it in `metrics`, or where neither direction is `better`.
    """
    number = metrics[name]
    doubts = []
    for suffix, companion in COMPANIONS.items():
        rival = metrics.get(f"{name}/{suffix}")
        if rival is None or not companion.rival or better == "unknown":
            continue
        if better == "higher":
            doubt = _doubt(number, rival)
        else:
            doubt = _doubt(_negative(number), _negative(rival))
        doubts += [f"{doubt} {companion.rival}"] if doubt else []
    return " and ".join(doubts)


def _doubt(number: Measurement, rival: Measurement) -> str:
    """Whether a number is higher than its rival; "" where it is by more than chance.

    The 95 % interval of a difference of two numbers, from the intervals of both (Zou and Donner
    2008, equation 7; as of independent numbers, which errs on the side of doubt for these).
    """
    gain = number.value - rival.value
    if not gain > 0:
        return "no better than"
    chance = 0.0
    if number.has_interval and rival.has_interval:
        chance = math.hypot(number.value - number.low, rival.high - rival.value)
    return "not clearly better than" if gain <= chance else ""


def _negative(number: Measurement) -> Measurement:
    return Measurement(-number.value, -number.high, -number.low, number.n)
