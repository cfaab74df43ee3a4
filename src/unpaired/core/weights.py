"""Weights files (safetensors) and hashes of weights; strangers may have written the files.

`CONFIG` and `WEIGHTS` are the files of every folder that holds a network.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from unpaired.core.errors import ModelError

WEIGHTS, CONFIG = "model.safetensors", "config.json"
LARGEST_SETTING = 4096
"""Of layers, blocks, channels and sizes: what a stranger's settings may make us build."""

_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt"}


def hash_of_weights(network: nn.Module) -> str:
    """Sixteen hexadecimal digits by which a network's weights are known, wherever they lie."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        content = tensor.cpu().contiguous().flatten().view(torch.uint8)
        digest.update(name.encode() + content.numpy().tobytes())
    return digest.hexdigest()[:16]


def refuse_pickle(folder: Path, instead: str) -> None:
    """Raise ModelError for a file that by its name is a pickle; `instead` says what to give."""
    if folder.suffix in _PICKLES and not folder.is_dir():
        raise ModelError(
            f"{folder} is named as a pickle, which can run any code when read: it is not opened. "
            f"{instead}",
            code="pickled-weights",
        )


def write_weights(
    tensors: dict[str, Tensor], path: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write a safetensors file, with the mode that other files get there: safetensors gives 0600.

    Raises:
        OSError: when it cannot be written; safetensors has an error of its own for a full disk.
    """
    path.touch()
    mode = stat.S_IMODE(path.stat().st_mode)
    try:
        save_file(tensors, path, metadata)
        if stat.S_IMODE(path.stat().st_mode) != mode:
            path.chmod(mode)
    except SafetensorError as error:
        if number := re.search(r"\(os error (\d+)\)", str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error
        raise


def require_readable(path: Path) -> None:
    """Refuse a file that may not be read; safetensors would say that there is none.

    Raises:
        ModelError: with the true reason. Nothing is said of a file that is absent.
    """
    try:
        with path.open("rb"):
            return
    except PermissionError:
        raise ModelError(
            f"{path} may not be read: permission denied. Ask its owner to let others read it "
            f"(chmod -R a+rX {path.parent}), or for a copy.",
            code="permission-denied",
        ) from None
    except OSError:
        return


def read_weights(
    path: Path,
    expected: Mapping[str, Tensor],
    present_name: Callable[[str], str | None] = lambda name: name,
) -> dict[str, Tensor]:
    """The tensors of a safetensors file, proven to be those that are expected, and finite.

    `present_name`: a stored name => what it is called now; none: the tensor is needed no more.

    Raises:
        ModelError: for a file that may not be read, is damaged, a pickle, of another network, or
            holds NaN.
    """
    require_readable(path)
    try:
        with safe_open(path, framework="pt") as file:
            stored = {now: name for name in file.keys() if (now := present_name(name))}  # noqa: SIM118
            shapes = {now: tuple(file.get_slice(s).get_shape()) for now, s in stored.items()}
            _check_shapes(shapes, {k: tuple(v.shape) for k, v in expected.items()}, path)
            # Copied, as what is read is a view of the file, which may be overwritten while in use.
            tensors = {
                name: file.get_tensor(stored[name]).to(like.dtype, copy=True)
                for name, like in expected.items()
            }
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path} cannot be used: {_why_unreadable(path, error)}.", code="weights-unreadable"
        ) from None
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ModelError(
                f"{path} holds values that are not finite (NaN or infinite) in {name}: its "
                "training failed. Take the model of another run, or train again.",
                code="weights-not-finite",
            )
    return tensors


def _check_shapes(
    stored: dict[str, tuple[int, ...]], expected: dict[str, tuple[int, ...]], path: Path
) -> None:
    problems = [f"{name} is missing" for name in expected.keys() - stored.keys()]
    problems += [f"{name} is unexpected" for name in stored.keys() - expected.keys()]
    problems += [
        f"{name} has shape {stored[name]} instead of {expected[name]}"
        for name in expected.keys() & stored.keys()
        if stored[name] != expected[name]
    ]
    if problems:
        raise ModelError(
            f"{path} holds other networks than {CONFIG} describes ({len(problems)} differences): "
            f"{'; '.join(sorted(problems)[:3])}. Take both files from the same folder.",
            code="weights-of-other-networks",
        )


def _why_unreadable(path: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return str(error)
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"PK" or start[:1] == b"\x80":
        return "it is a pickle, whatever its name says, and pickles can run any code when read"
    return f"it is damaged or cut short ({error}); copy it again"
