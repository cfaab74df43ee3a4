"""Checkpoints: safetensors and JSON, complete, and either whole or absent.

A checkpoint is written into a folder with a temporary name, every file is synced, and the folder is
renamed last. A process killed at any moment leaves the previous checkpoint as it was.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from unpaired.core.errors import RunError
from unpaired.core.files import move, sync
from unpaired.core.weights import write_weights

logger = logging.getLogger(__name__)

_TEMPORARY = ".writing-"


def save(folder: Path, images: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> Path:
    """Write checkpoint `images` of a run atomically; returns its folder."""
    target = folder / f"{images:012d}"
    temporary = folder / f"{_TEMPORARY}{images:012d}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    write_weights(_apart(tensors), temporary / "state.safetensors")
    # The JSON comes last and counts the tensors: a folder that lacks it, or them, is not whole.
    record = {"images": images, "num_tensors": len(tensors), **state}
    (temporary / "state.json").write_text(json.dumps(record), "utf-8")
    for path in temporary.iterdir():
        sync(path)
    if target.exists():
        shutil.rmtree(target)
    move(temporary, target)
    sync(folder)
    return target


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """In the form in which safetensors stores them: no two in one place.

    (An encoder that is not trained is both the network and its average.)
    """
    separate: dict[str, Tensor] = {}
    places: set[int] = set()
    for name, tensor in tensors.items():
        here = tensor.detach().cpu().contiguous()
        separate[name] = here.clone() if here.data_ptr() in places else here
        places.add(here.data_ptr())
    return separate


def load_newest(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors and state of the newest whole checkpoint; None where there is none.

    Unfinished and damaged checkpoints are passed over with a warning.

    Raises:
        RunError: when there are checkpoints, and all are damaged: to begin anew would overwrite the
            records of the run.
    """
    damaged = []
    for path in list_newest_first(folder):
        try:
            return load(path)
        except PermissionError:  # another user's: nothing is damaged
            raise
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            logger.warning("checkpoint %s is damaged (%s)", path, error)
            damaged.append(str(path))
    if damaged:
        raise RunError(
            f"no checkpoint of the run can be read ({', '.join(damaged)}). Copy them again from "
            "where they were written, choose another folder with -o, or delete "
            f"{folder} to train from the beginning.",
            code="checkpoints-damaged",
        )
    return None


def load(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors and state of one checkpoint.

    Raises:
        ValueError, OSError, KeyError, SafetensorError: when it is not whole.
    """
    state = json.loads((path / "state.json").read_text("utf-8"))
    with (path / "state.safetensors").open("rb"):  # what may not be read safetensors calls absent
        stored = load_file(path / "state.safetensors")
    # Copied, as what is read is a view of the file: Windows deletes none that is in use.
    tensors = {name: tensor.clone() for name, tensor in stored.items()}
    if len(tensors) != state["num_tensors"]:
        raise ValueError(f"{len(tensors)} tensors of {state['num_tensors']}")
    return tensors, state


def list_newest_first(folder: Path) -> list[Path]:
    """The checkpoints of a run, by images seen."""
    if not folder.is_dir():
        return []
    return sorted((p for p in folder.iterdir() if p.name.isdigit()), reverse=True)


def prune(folder: Path, keep: int) -> None:
    """Delete unfinished checkpoints and all but the newest `keep`; one that somebody is reading may
    stay until the next time."""
    if not folder.is_dir():
        return
    unfinished = [path for path in folder.iterdir() if path.name.startswith(_TEMPORARY)]
    for path in (*unfinished, *list_newest_first(folder)[keep:]):
        try:
            shutil.rmtree(path)
        except OSError as error:
            logger.warning("the old checkpoint %s cannot be deleted (%s)", path, error.strerror)


def flatten(prefix: str, value: Any) -> tuple[dict[str, Tensor], Any]:
    """Split a nested state (an optimiser's, say) into named tensors and JSON with their names."""
    tensors: dict[str, Tensor] = {}

    def walk(name: str, part: Any) -> Any:
        if isinstance(part, Tensor):
            tensors[name] = part
            return {"tensor": name}
        if isinstance(part, dict):
            return {"items": [[key, walk(f"{name}.{key}", item)] for key, item in part.items()]}
        if isinstance(part, (list, tuple)):
            return {"list": [walk(f"{name}.{i}", item) for i, item in enumerate(part)]}
        return {"value": part}

    return tensors, walk(prefix, value)


def unflatten(tensors: dict[str, Tensor], form: Any) -> Any:
    """The inverse of `flatten`; tuples come back as lists."""
    if "tensor" in form:
        return tensors[form["tensor"]]
    if "items" in form:
        return {key: unflatten(tensors, item) for key, item in form["items"]}
    if "list" in form:
        return [unflatten(tensors, item) for item in form["list"]]
    return form["value"]


def with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
