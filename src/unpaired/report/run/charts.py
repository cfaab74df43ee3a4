"""Charts of a report: losses, metrics over time, and the health of the training."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from markupsafe import Markup

from unpaired.metrics import catalogue
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.log import LogPoint, StagePoint
from unpaired.report.metric_text import Wording, in_order, wording
from unpaired.report.names import Names
from unpaired.report.plots.axes import tone
from unpaired.report.plots.lines import Line, Point, chart

_DOMAIN_AT_END = re.compile(r"(?:^|[_/])(a2b|b2a|a|b)$")


def loss_charts(log: Sequence[LogPoint]) -> list[Markup]:
    """One chart per kind of loss, with a line per domain."""
    return _series_charts(log, lambda point: point.losses)


def stage_charts(points: Sequence[StagePoint]) -> list[Markup]:
    """The loss of each stage before the main training, over the images seen in it."""
    charts = []
    for stage in dict.fromkeys(point.stage for point in points):
        losses = [Point(images=p.images, value=p.loss) for p in points if p.stage == stage]
        last = Wording(kind="loss").value(losses[-1].value)
        line = Line(label="loss", role="other", points=losses, last=last)
        charts.append(chart(f"Before the training: {stage}", [line]))
    return [drawn for drawn in charts if drawn]


def training_charts(log: Sequence[LogPoint]) -> list[Markup]:
    """Speed, waiting, learning rates and everything that the engine logs about its health."""
    speed = [
        _single("Images per second", log, lambda point: point.images_per_second),
        _single("Waiting for data", log, lambda point: 100 * point.data_wait, unit="%"),
    ]
    rates = _series_charts(
        log, lambda p: {f"learning rate/{name}": rate for name, rate in p.learning_rate.items()}
    )
    return [*filter(None, speed), *rates, *_series_charts(log, lambda point: point.health)]


def metric_charts(evaluations: Sequence[EvaluationRecord], names: Names) -> list[Markup]:
    """One chart per kind of metric, over evaluations that share one protocol.

    Empty for fewer than three moments: a table tells more than a line between two points.
    """
    evaluations = [e for e in evaluations if e.weights == evaluations[-1].weights]
    if len({e.images for e in evaluations}) < 3:
        return []
    latest = evaluations[-1].metrics
    groups: dict[str, list[list[Line]]] = {}
    units: dict[str, str] = {}
    for metric in in_order(latest, names):
        words = wording(metric, names)
        title, role = words.kind, _split(metric)[2]
        lines = [_metric_line(evaluations, metric, words.about, role, words)]
        for suffix in catalogue.companions(metric, latest):
            name, beside = f"{metric}/{suffix}", catalogue.COMPANIONS[suffix].label
            lines.append(_metric_line(evaluations, name, beside, role, words, dashed=True))
        groups.setdefault(title, []).append(lines)
        units[title] = words.unit
    charts = [chart(title, _in_colours(metrics), units[title]) for title, metrics in groups.items()]
    return [drawn for drawn in charts if drawn]


def _in_colours(metrics: Sequence[Sequence[Line]]) -> list[Line]:
    """The lines of a chart; where they are of no domain, a colour for each metric."""
    if len(metrics) > 1 and all(lines[0].role == "other" for lines in metrics):
        tones = [tone(place, len(metrics)) for place in range(len(metrics))]
        return [
            replace(line, role=role)
            for lines, role in zip(metrics, tones, strict=True)
            for line in lines
        ]
    return [line for lines in metrics for line in lines]


def _metric_line(
    evaluations: Iterable[EvaluationRecord],
    metric: str,
    label: str,
    role: str,
    words: Wording,
    *,
    dashed: bool = False,
) -> Line:
    numbers = [(e.images, e.metrics[metric]) for e in evaluations if metric in e.metrics]
    points = [
        Point(
            images=images,
            value=number.value * words.scale,
            # The intervals of a companion would hide the line that it accompanies.
            low=number.low * words.scale if number.has_interval and not dashed else None,
            high=number.high * words.scale if number.has_interval and not dashed else None,
        )
        for images, number in numbers
    ]
    last = words.value(numbers[-1][1].value)
    return Line(label=label, role=role, points=points, last=last, dashed=dashed)


def _series_charts(
    log: Sequence[LogPoint], read: Callable[[LogPoint], Mapping[str, float]]
) -> list[Markup]:
    """Charts of named values; names that differ only in their domain share one."""
    groups: dict[str, dict[str, Line]] = {}
    for name in dict.fromkeys(name for point in log for name in read(point)):
        title, label, role = _split(name)
        points = [Point(images=p.images, value=read(p)[name]) for p in log if name in read(p)]
        last = Wording(kind=name).value(points[-1].value)
        line = Line(label=label, role=role, points=points, last=last)
        groups.setdefault(title, {})[name] = line
    charts = [chart(title, list(lines.values())) for title, lines in groups.items()]
    return [drawn for drawn in charts if drawn]


def _single(
    title: str, log: Sequence[LogPoint], read: Callable[[LogPoint], float], unit: str = ""
) -> Markup:
    if not log:
        return Markup()
    points = [Point(images=point.images, value=read(point)) for point in log]
    last = Wording(kind=title, unit=unit).value(points[-1].value)
    return chart(title, [Line(label="now", role="other", points=points, last=last)], unit)


def _split(name: str) -> tuple[str, str, str]:
    """A logged name as the title of its chart, the label of its line, and its role.

    "generator/cycle_a" belongs to the chart "generator: cycle" as line "a" in the colour of a;
    the colour of a direction is that of the domain it leads to.
    """
    title, label, role = name, "", "other"
    if match := _DOMAIN_AT_END.search(name):
        label = match[1]
        role = label[-1]
        title = name[: match.start()]
    return title.replace("_", " ").replace("/", ": "), label, role
