"""Study wording: numbers in words, the same on the terminal, on the page and in JSON."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations
from typing import Any

from unpaired.study.analysis import Analysis, Difference, MethodResult
from unpaired.study.crossed import Interval
from unpaired.study.judgements import LeftOut

FEW_RATERS = 5


def measure(analysis: Analysis) -> str:
    """What the mean of a method is."""
    return "mean opinion score" if analysis.study.kind == "rating" else "share fooled"


def number(analysis: Analysis, value: float, *, sign: bool = False) -> str:
    """A mean, or with its sign a difference: two decimals of a score; per cent, or points of it."""
    if analysis.study.kind == "rating":
        text = f"{value:+.2f}" if sign else f"{value:.2f}"
    else:
        text = f"{100 * value:+.1f} points" if sign else f"{100 * value:.1f} %"
    return text.replace("-", "−")


def interval(analysis: Analysis, low: float, high: float, *, sign: bool = False) -> str:
    """The ends of an interval."""
    first, second = (number(analysis, end, sign=sign) for end in (low, high))
    return f"{first.partition(' ')[0]} … {second}"


def p_text(p_value: float) -> str:
    """A p-value with as many digits as it deserves."""
    return f"{p_value:.3f}" if p_value >= 0.001 else "< 0.001"


def alpha_text(alpha: float | None) -> str:
    """Krippendorff's alpha, or a dash where it is not defined."""
    return "–" if alpha is None else f"{alpha:.3f}".replace("-", "−")


def verdict(difference: Difference) -> str:
    """What a corrected p-value allows to say at the 5 % level."""
    if difference.p_holm >= 0.05:
        return "not told apart"
    better = difference.first if difference.interval.value > 0 else difference.second
    return f"{better} is better"


def counted(n: int, noun: str) -> str:
    """A number of things: "1 rater", "2,280 judgements"."""
    return f"{n:,} {noun}" + ("s" if n != 1 else "")


def size(analysis: Analysis) -> str:
    """How much was asked."""
    study = analysis.study
    return ", ".join(
        counted(len(things), noun)
        for things, noun in (
            (study.value, "judgement"),
            (study.raters, "rater"),
            (study.images, "image"),
            (study.methods, "method"),
        )
    )


def warnings(analysis: Analysis) -> list[str]:
    """What a reader must know before the numbers."""
    study = analysis.study
    sentences = []
    num_raters = len(study.raters)
    if num_raters == 1:
        sentences.append(
            f"There is one rater, {study.raters[0]}: a bootstrap over raters is not defined. The "
            "intervals are over images only. They tell how this rater would judge other images, "
            "and nothing about other people."
        )
    elif num_raters < FEW_RATERS:
        sentences.append(
            f"There are only {num_raters} raters. How much people differ can hardly be told from "
            "so few: the intervals are wide, and rough. Ask more raters rather than show more "
            "images."
        )
    if study.kind == "2afc" and not analysis.is_independent:
        sentences.append(
            "Judgements share raters or images, so they are not independent: Wilson's interval is "
            "too narrow for them. The interval over raters and images is the one to report."
        )
    images = [set(study.image[study.method == place]) for place in range(len(study.methods))]
    if len(images) > 1 and not any(a & b for a, b in combinations(images, 2)):
        sentences.append(
            "No image was judged under two methods, so that differences are between different "
            "images as well. Where the images are the same, give each one name under all methods."
        )
    return sentences


def left_out(left: LeftOut) -> list[str]:
    """What does not count, in sentences; raters are excluded by name."""
    sentences = []
    if left.num_practice:
        sentences.append(f"{counted(left.num_practice, 'practice trial')} left out.")
    if left.num_unanswered:
        sentences.append(f"{counted(left.num_unanswered, 'trial')} without an answer left out.")
    if left.catch and not left.excluded:
        sentences.append(
            f"Catch trials: none of {counted(len(left.catch), 'rater')} failed more than "
            f"{100 * left.catch_threshold:.0f} % of theirs; nobody is excluded."
        )
    if left.excluded:
        names = ", ".join(
            f"{name} ({left.catch[name].failed} of {left.catch[name].shown})"
            for name in left.excluded
        )
        sentences.append(
            f"Catch trials: {len(left.excluded)} of {counted(len(left.catch), 'rater')} failed "
            f"more than {100 * left.catch_threshold:.0f} % of theirs and are excluded with their "
            f"{counted(left.num_of_excluded, 'judgement')}: {names}."
        )
    return sentences


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Everything as one object; null where a number is not defined."""
    study, left = analysis.study, analysis.study.left_out
    return {
        "kind": study.kind,
        "judgements": len(study.value),
        "raters": len(study.raters),
        "images": len(study.images),
        "resamples": analysis.resamples,
        "seed": analysis.seed,
        "methods": {m.method: _method_as_json(m) for m in analysis.methods},
        "differences": [
            {"first": d.first, "second": d.second}
            | _interval_as_json(d.interval)
            | {"p_value": d.p_value, "p_holm": d.p_holm}
            for d in analysis.differences
        ],
        "krippendorff_alpha": analysis.alpha,
        "left_out": {
            "practice": left.num_practice,
            "unanswered": left.num_unanswered,
            "catch_threshold": left.catch_threshold,
            "catch": {name: asdict(record) for name, record in left.catch.items()},
            "excluded_raters": list(left.excluded),
            "judgements_of_excluded": left.num_of_excluded,
        },
        "warnings": warnings(analysis),
    }


def _method_as_json(result: MethodResult) -> dict[str, Any]:
    content: dict[str, Any] = {
        "judgements": result.num_judgements,
        "raters": result.num_raters,
        "images": result.num_images,
        "mean": _interval_as_json(result.mean),
        "krippendorff_alpha": result.alpha,
        "rater_means": {rater.rater: rater.mean for rater in result.raters},
    }
    if result.pooled is not None:
        content["pooled_wilson"] = result.pooled.as_json()
    if result.steps is not None:
        content["steps"] = {str(step): n for step, n in enumerate(result.steps, 1)}
    return content


def _interval_as_json(mean: Interval) -> dict[str, Any]:
    return {"value": mean.value, "low": mean.low, "high": mean.high, "interval": mean.basis}
