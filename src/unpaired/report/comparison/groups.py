"""Runs grouped by their settings: those of a group differ in the seed and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from unpaired.core.setting_names import short_names, shortest_tails, text_of
from unpaired.report.comparison.entries import Entry

SEED = "training.seed"

_NOT_LEARNED = frozenset(
    {"name", "schema_version", SEED, "training.device", "training.keep_checkpoints"}
    | {f"training.{name}_images" for name in ("log", "sample", "checkpoint")}
)
"""Settings that do not change what is learned: runs that differ in these alone are alike."""

_MOST_SETTINGS = 5
"""More settings than these tell less than a name."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Runs with the same settings."""

    settings: Mapping[str, str]
    """What tells the group from others: short names of settings, and their values."""
    entries: tuple[Entry, ...]

    @property
    def parts(self) -> list[str]:
        """The settings one by one: "cycle_weight=5", "generator=unet"."""
        return [v if name == "run" else f"{name}={v}" for name, v in self.settings.items()]

    @property
    def label(self) -> str:
        """For plots and legends: "cycle_weight=5"; of several settings the values alone, in
        their order: "5 · unet"."""
        return self.parts[0] if len(self.parts) == 1 else " · ".join(self.settings.values())


def group(entries: Sequence[Entry]) -> tuple[tuple[Group, ...], dict[str, tuple[str, ...]]]:
    """The groups, in the order of their first runs; and every setting that differs between them,
    by its full path, with its value in each group."""
    flat = [_flatten(entry.run.config) for entry in entries]
    paths = [p for p in dict.fromkeys(p for f in flat for p in f) if p not in _NOT_LEARNED]
    differing = [p for p in paths if len({repr(f.get(p)) for f in flat}) > 1]
    alike: dict[tuple[str, ...], list[int]] = {}
    for index, settings in enumerate(flat):
        alike.setdefault(tuple(repr(settings.get(p)) for p in differing), []).append(index)

    # First what changes least from run to run, as in the name of a sweep's runs.
    telling = sorted(_telling(differing, flat), key=lambda path: _num_changes(path, flat))
    names = short_names(telling)
    members: list[tuple[dict[str, str], list[int]]] = []
    for indices in alike.values():
        settings = {names[p]: text_of(flat[indices[0]].get(p)) for p in telling}
        parts = _without_repeated_seeds(indices, entries, [f.get(SEED) for f in flat])
        members += [(settings | {"run": label}, part) for label, part in parts.items()]
    are_named = any(settings["run"] for settings, _ in members)
    if len(telling) > _MOST_SETTINGS or not (telling or are_named):
        labels = _labels([[entries[i] for i in part] for _, part in members])
        members = [({"run": label}, part) for label, (_, part) in zip(labels, members, strict=True)]
    elif not are_named:
        members = [({n: v for n, v in s.items() if n != "run"}, part) for s, part in members]
    groups = tuple(
        Group(settings=settings, entries=tuple(entries[i] for i in part))
        for settings, part in members
    )
    return groups, {
        p: tuple(text_of(flat[part[0]].get(p)) for _, part in members) for p in differing
    }


def _telling(differing: list[str], flat: Sequence[Mapping[str, Any]]) -> list[str]:
    """The settings that differ for reasons of their own, not because a kind brings others."""

    def is_implied(path: str) -> bool:
        parts = path.split(".")
        for length in range(1, len(parts)):
            kind = ".".join([*parts[:length], "kind"])
            if kind in differing and kind != path:
                pairs = {(repr(f.get(kind)), repr(f.get(path))) for f in flat}
                if len(pairs) == len({value for value, _ in pairs}):
                    return True
        return False

    return [path for path in differing if not is_implied(path)]


def _num_changes(path: str, flat: Sequence[Mapping[str, Any]]) -> int:
    return sum(one.get(path) != next_one.get(path) for one, next_one in pairwise(flat))


def _without_repeated_seeds(
    indices: list[int], entries: Sequence[Entry], seeds: Sequence[Any]
) -> dict[str, list[int]]:
    """Runs with the same settings as one part, without a name; or, where a seed occurs twice,
    which is no second seed, as one part for each folder that they lie in, or each on its own."""
    if len({seeds[i] for i in indices}) == len(indices):
        return {"": indices}
    folders: dict[tuple[str, ...], list[int]] = {}
    for i in indices:
        folders.setdefault(entries[i].run.folder.resolve().parent.parts, []).append(i)
    if all(len({seeds[i] for i in part}) == len(part) for part in folders.values()):
        tails = shortest_tails(list(folders))
        return {"/".join(tail): part for tail, part in zip(tails, folders.values(), strict=True)}
    return {entries[i].name: [i] for i in indices}


def _labels(groups: Sequence[Sequence[Entry]]) -> list[str]:
    """A name for each group: that of the experiment where it is enough, else of the folders."""
    by_experiment = [str(entries[0].run.config.get("name") or "") for entries in groups]
    by_folder = [_common([entry.name for entry in entries]) for entries in groups]
    for labels in (by_experiment, by_folder):
        if all(labels) and len(set(labels)) == len(labels):
            return labels
    return [entries[0].name for entries in groups]


def _common(names: Sequence[str]) -> str:
    """The beginning that names share, without what only led up to their difference."""
    first, *others = names
    if not others:
        return first
    length = min(len(name) for name in names)
    differing = (i for i in range(length) if any(other[i] != first[i] for other in others))
    # "x,seed=0" and "x,seed=1" are "x".
    return re.sub(r"([,_.\-/]seed)?[,_=.\-/]*$", "", first[: next(differing, length)])


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings by their path; a list is one value."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat
