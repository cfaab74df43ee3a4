"""Facts of a run: what was trained on what, for how long, and under which protocols measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unpaired.records.runs import Run
from unpaired.report.html.tables import flatten
from unpaired.report.names import Names
from unpaired.report.run.numbers import protocols


def facts(run: Run, names: Names) -> list[tuple[str, str]]:
    """What was trained, on what, for how long."""
    pairs = [
        *((f"Domain {d}: {names.path(d)}", _domain(run, d)) for d in names.domains),
        ("Method", _method(run.config)),
        ("Images seen", _images_seen(run, names)),
        ("Time", duration(run.log[-1].seconds) if run.log else ""),
        ("Device", _device(run)),
        ("Seed", _setting(run.config, "training", "seed")),
    ]
    return [(name, value) for name, value in pairs if value]


def fingerprints(run: Run) -> list[tuple[str, str]]:
    """The images that were measured, and the fingerprint of the protocol under which they were."""
    measured = [group[0] for group in protocols(run)]
    return [(f"{e.split or 'unnamed'} data", e.fingerprint or "not recorded") for e in measured]


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
    text = f"{run.images:,} of {int(planned):,}" if planned.isdecimal() else f"{run.images:,}"
    text += names.per_domain
    if run.checkpoint_images not in (None, run.images):
        text += f"; the newest checkpoint has {run.checkpoint_images:,}"
    if not run.log:
        return text
    epochs = run.log[-1].epochs
    times = ", ".join(
        f"{epochs.get(domain, 0.0):.1f} times all of {domain}" for domain in names.domains
    )
    return f"{text} ({times})"


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
