"""Run folder: who may write to it, and the records that lie in it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from unpaired.core.config import encode
from unpaired.core.errors import RunError
from unpaired.core.files import UNFINISHED, write_atomically
from unpaired.core.locks import holding
from unpaired.engine.checkpoint import list_newest_first
from unpaired.experiment.experiment import Experiment, load, to_json
from unpaired.records.changes import Change
from unpaired.records.directions import write_directions
from unpaired.records.lines import read_lines
from unpaired.training.contents import relocated, stored_data
from unpaired.training.divergence import is_steadying, steadying, why_diverged
from unpaired.training.environment import environment

MAY_CHANGE = {
    "name",
    "training.device",
    "training.keep_checkpoints",
    "training.checkpoint_images",
    "training.log_images",
    "training.sample_images",
}
"""Settings that may differ when a run or a sweep is continued: they do not change what is learned.
In a run of its own all of `evaluation` may, too."""

LENGTH = {"training.images", "training.seconds"}
"""Settings that may differ too where the learning rate does not depend on them."""


@contextmanager
def open_run(
    folder: Path, experiment: Experiment, data: Mapping[str, Any] | None = None
) -> Iterator[list[Change]]:
    """Hold a run folder for writing, new or proven to belong to the same experiment.

    Yields what the run goes on with instead of what it has: data that has moved, which `data` (see
    `contents.describe_data`) proves to be the same; after a value that was not finite, settings
    that steady a training.

    Raises:
        RunError: when another process trains into it, when it holds another experiment, or when it
            is a folder of something else.
    """
    stored = folder / "config.json"
    make_folder(folder, "run", stored)
    changes = _changes(folder, load(stored), experiment, data or {}) if stored.exists() else []
    with holding(folder / "run.lock") as held:
        if not held:
            raise RunError(
                f"another process is training into {folder}. Wait for it, or choose another "
                "folder with -o.",
                code="run-in-use",
            )
        for change in changes:
            change.append_to(folder)
        write_atomically(stored, to_json(experiment))
        write_directions(folder, experiment.directions)
        program, *arguments = sys.argv or [""]  # none where Python is part of another program
        program = Path(program).name.replace("__main__.py", "unpaired")  # python -m unpaired
        command = [program or "python", *arguments]
        write_atomically(folder / "command.txt", shlex.join(command) + "\n")
        write_atomically(folder / "environment.json", json.dumps(environment(), indent=2) + "\n")
        yield changes


def _changes(
    folder: Path, old: Experiment, new: Experiment, data: Mapping[str, Any]
) -> list[Change]:
    """What a run is continued with instead of what it has, by reason.

    Raises:
        RunError: where that would be another experiment.
    """
    changed = hindrances(old, new)
    reasons = relocated(changed, new, stored_data(folder), data)
    reasons |= dict.fromkeys(steadying(folder, changed), why_diverged(folder))
    if refused := {path: values for path, values in changed.items() if path not in reasons}:
        lines = "\n".join(
            f"  - {path}: {before!r} there, {now!r} here" for path, (before, now) in refused.items()
        )
        hint = (
            "\nLearning rates, their decays and the precision may change only after a training met "
            "a value that is not finite."
            if any(map(is_steadying, refused))
            else ""
        )
        raise RunError(
            f"{folder} holds a run with other settings:\n{lines}{hint}\n"
            "Give the same settings to continue it, or choose another folder with -o.",
            code="other-settings",
        )
    newest = list_newest_first(folder / "checkpoints")
    images = int(newest[0].name) if newest else 0
    return [
        Change(
            images=images,
            settings={path: changed[path] for path in reasons if reasons[path] == reason},
            reason=reason,
        )
        for reason in dict.fromkeys(reasons.values())
    ]


def make_folder(folder: Path, kind: Literal["run", "sweep"], record: Path) -> None:
    """Make a folder, or prove that it is of this kind: empty, or with the `record` of one.

    Raises:
        RunError: when it cannot be made, or is a folder of something else.
    """
    if folder.exists() and not folder.is_dir():
        raise RunError(
            f"{folder} is a file. Choose another folder with -o.", code="folder-is-a-file"
        )
    # Another process may be starting here at this moment: its lock and hidden files do not count.
    content = [p for p in folder.glob("*") if p.name != "run.lock" and not p.name.startswith(".")]
    if content and not record.is_file():
        raise RunError(
            f"{folder} is not empty and holds no {kind}. Choose a new folder with -o, for example "
            f"-o runs/{kind}-{folder.absolute().name}.",
            code="folder-not-empty",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be made: {error.strerror}. Choose another folder with -o.",
            code="cannot-be-made",
        ) from error


def hindrances(old: Experiment, new: Experiment) -> dict[str, tuple[Any, Any]]:
    """Settings of an experiment that keep it from continuing another: both values, by path."""
    free = set() if new.training.schedule.depends_on_length else LENGTH
    return {
        path: values
        for path, values in differences(encode(old), encode(new)).items()
        if path not in free and not path.startswith("evaluation.")
    }


def differences(old: Any, new: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Settings whose values differ, by path, but for those that may change."""
    if isinstance(old, dict) and isinstance(new, dict):
        changed: dict[str, tuple[Any, Any]] = {}
        for key in [*old, *(k for k in new if k not in old)]:
            where = f"{path}.{key}" if path else key
            changed |= differences(old.get(key), new.get(key), where)
        return changed
    alike = old == new or path in MAY_CHANGE or _is_one_path(path, old, new)
    return {} if alike else {path: (old, new)}


def _is_one_path(path: str, old: Any, new: Any) -> bool:
    """Whether two texts are one path: runs may have been begun with photos/ for photos."""
    texts = isinstance(old, str) and isinstance(new, str)
    return texts and path.endswith("source.path") and Path(old) == Path(new)


def is_finished(run: Path) -> bool:
    """Whether a training has come to its end: its model is there, and was measured."""
    has_model = (run / "model" / "config.json").is_file() and not (run / UNFINISHED).exists()
    return has_model and any(
        line.get("split") == "test" for line in read_lines(run / "evaluations.jsonl")
    )
