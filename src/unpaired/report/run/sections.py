"""The sections of a report that are neither numbers nor pictures: facts, curves, how to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unpaired.records.runs import Run
from unpaired.report.html.markup import Html, absent, definitions, flatten, join, tag
from unpaired.report.names import Names
from unpaired.report.run.charts import loss_charts, metric_charts, training_charts
from unpaired.report.run.numbers import protocols, title_of


def facts(run: Run, names: Names) -> Html:
    """What was trained, on what, for how long; all settings folded below."""
    pairs = [
        *((f"Domain {d}: {names.path(d)}", _domain(run, d)) for d in names.domains),
        ("Method", _method(run.config)),
        ("Images seen", _images_seen(run, names)),
        ("Time", duration(run.log[-1].seconds) if run.log else ""),
        ("Device", _device(run)),
        ("Seed", _setting(run.config, "training", "seed")),
    ]
    settings = definitions(flatten(run.config))
    return join(
        definitions([(name, value) for name, value in pairs if value]),
        tag("details", tag("summary", "All settings"), settings),
    )


def curves(run: Run, names: Names) -> Html:
    """Metrics first: the losses of two adversaries say little about quality."""
    parts: list[Html] = []
    for group in protocols(run):
        if charts := metric_charts(group, names):
            parts += [tag("h3", title_of(group[0])), tag("div", *charts, class_="charts")]
    if losses := loss_charts(run.log):
        parts += [tag("h3", "Losses"), tag("div", *losses, class_="charts")]
    if rest := training_charts(run.log):
        summary = tag("summary", "Speed, learning rates and health")
        parts.append(tag("details", summary, tag("div", *rest, class_="charts")))
    return join(*parts) if parts else absent("A curve needs two moments in the log.")


def repeat(run: Run) -> Html:
    """The command, the fingerprints of what was measured, and the machine it ran on."""
    measured = [group[0] for group in protocols(run)]
    prints = [(f"{e.split or 'unnamed'} data", e.fingerprint or "not recorded") for e in measured]
    environment = flatten(run.environment)
    return join(
        tag("pre", run.command) if run.command else absent("The command was not recorded."),
        tag("h3", "Fingerprints of the protocols"),
        definitions(prints) if prints else absent("Nothing has been measured yet."),
        tag("h3", "Environment"),
        definitions(environment) if environment else absent("The environment was not recorded."),
    )


def duration(seconds: float) -> str:
    """A time for people: 178 is "2 min 58 s"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _domain(run: Run, domain: str) -> str:
    """Size, channels, number of training images and source of a domain, as far as known."""
    settings = run.config.get(domain)
    if not isinstance(settings, dict):
        return ""
    parts = []
    if "size" in settings:
        colours = {1: " grey", 3: " RGB"}.get(settings.get("channels", 0), "")
        parts.append(f"{settings['size']}×{settings['size']}{colours}")
    if run.log:
        epochs = run.log[-1].epochs.get(domain, 0.0)
        if epochs > 0:
            # The log tells how often the images were seen, hence how many there are.
            parts.append(f"about {round(run.log[-1].images / epochs):,} training images")
    if kind := _setting(settings, "source", "kind"):
        place = _setting(settings, "source", "name") or _setting(settings, "source", "path")
        parts.append(f"source: {place} ({kind})")
    return ", ".join(parts)


def _method(config: Mapping[str, Any]) -> str:
    """The method and the kinds of its parts: "cyclegan: generator unet, discriminator cnn"."""
    method = config.get("method")
    kinds = flatten(method) if isinstance(method, dict) else []
    parts = [f"{name.removesuffix('.kind')} {kind}" for name, kind in kinds if ".kind" in name]
    return ": ".join(filter(None, [_setting(config, "method", "kind"), ", ".join(parts)]))


def _images_seen(run: Run, names: Names) -> str:
    planned = _setting(run.config, "training", "images")
    seen = f"{run.images:,} of {int(planned):,}" if planned.isdecimal() else f"{run.images:,}"
    seen += names.per_domain
    if run.checkpoint_images not in (None, run.images):
        seen += f"; the newest checkpoint has {run.checkpoint_images:,}"
    if not run.log:
        return seen
    epochs = run.log[-1].epochs
    times = ", ".join(
        f"{epochs.get(domain, 0.0):.1f} times all of {domain}" for domain in names.domains
    )
    return f"{seen} ({times})"


def _device(run: Run) -> str:
    """What computed: the GPU where there is one and the settings do not forbid it."""
    chosen = _setting(run.config, "training", "device")
    gpu = "" if chosen == "cpu" else _setting(run.environment, "gpu")
    return gpu or _setting(run.environment, "processor") or chosen


def _setting(content: Mapping[str, Any], *path: str) -> str:
    """The setting at `path` as text; empty if there is none."""
    value: Any = content
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return "" if value is None else str(value)
