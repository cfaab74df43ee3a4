"""Run folder: who may write to it, and the records that lie in it."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from unpaired.core.config import encode
from unpaired.core.errors import RunError
from unpaired.core.files import UNFINISHED, write_atomically
from unpaired.core.locks import holding
from unpaired.experiment.experiment import Experiment, load, to_json
from unpaired.records.directions import write_directions
from unpaired.records.lines import read_lines
from unpaired.training.environment import environment

MAY_CHANGE = {
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
def open_run(folder: Path, experiment: Experiment) -> Iterator[None]:
    """Hold a run folder for writing, new or proven to belong to the same experiment.

    Raises:
        RunError: when another process trains into it, when it holds another experiment, or when it
            is a folder of something else.
    """
    stored = folder / "config.json"
    make_folder(folder, "run", stored)
    if stored.exists() and (changed := hindrances(load(stored), experiment)):
        lines = "\n".join(
            f"  - {k}: {old!r} there, {new!r} here" for k, (old, new) in changed.items()
        )
        raise RunError(
            f"{folder} holds a run with other settings:\n{lines}\n"
            "Give the same settings to continue it, or choose another folder with -o.",
            code="other-settings",
        )
    with holding(folder / "run.lock") as held:
        if not held:
            raise RunError(
                f"another process is training into {folder}. Wait for it, or choose another "
                "folder with -o.",
                code="run-in-use",
            )
        write_atomically(stored, to_json(experiment))
        write_directions(folder, experiment.directions)
        program, *arguments = sys.argv or [""]  # none where Python is part of another program
        program = Path(program).name.replace("__main__.py", "unpaired")  # python -m unpaired
        command = [program or "python", *arguments]
        write_atomically(folder / "command.txt", shlex.join(command) + "\n")
        write_atomically(folder / "environment.json", json.dumps(environment(), indent=2) + "\n")
        yield


def changed_training_images(
    folder: Path, names: Mapping[str, Sequence[str]], *, begun: bool
) -> list[str]:
    """Warnings of training images that are others than when the run began, of which piles.json
    holds the number and a digest of the `names`, by domain. A run that has not `begun` notes them.
    """
    path = folder / "piles.json"
    now = {
        domain: [len(images), hashlib.sha256("\n".join(sorted(images)).encode()).hexdigest()]
        for domain, images in names.items()
    }
    stored = read_lines(path) if begun else []
    if not stored:
        write_atomically(path, json.dumps(now) + "\n")
    before = stored[0] if stored else now
    return [
        f"the training images of {domain} are others than when this run began "
        f"({before[domain][0]:,} then, {now[domain][0]:,} now): some may have been kept from "
        "training until now, so that its numbers before and after cannot be compared. Another "
        "folder (-o) begins anew."
        for domain in now
        if before[domain] != now[domain]
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
