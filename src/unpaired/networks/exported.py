"""Exported encoder: any `torch.export` program from images to vectors, trained elsewhere."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge
from torch import Tensor, nn
from torch.export import ExportedProgram

from unpaired.core.config import Positive, config
from unpaired.core.errors import ModelError, SettingError
from unpaired.core.files import at_home

Values = Literal["bytes", "unit", "signed"]
"""What a program takes: 0 to 255, 0 to 1, or −1 to 1."""

_VALUES: dict[Values, tuple[float, float]] = {
    "bytes": (255.0, 0.0),
    "unit": (1.0, 0.0),
    "signed": (2.0, -1.0),
}  # what images in 0…1 are multiplied by, and what is added then


@config
class ExportedEncoder:
    """A `torch.export` program: images [N, 3, side, side] => features [N, d], differentiable.

    A program is code. Use only files whose origin you trust.
    """

    kind: Literal["exported"] = "exported"
    path: str
    """The program, a .pt2 file."""
    side: Annotated[int, Ge(8)] = 112
    """Side of the images that the program takes; they are resized to it, bilinearly."""
    values: Values = "bytes"
    """Values that it takes: 0 to 255, 0 to 1, or −1 to 1."""
    features: Positive = 128
    """Numbers that it describes an image with."""

    learns_labels: ClassVar[bool] = False
    num_classes: ClassVar[int] = 0

    def problems(self, size: int) -> list[str]:
        """Any size will do."""
        del size
        return []

    def build(self, in_channels: int, size: int) -> nn.Module:
        """The network: images [N, in_channels, size, size] in [0, 1] => [N, features].

        Raises:
            SettingError: when the file is absent or no program, or does not fit these settings.
        """
        del size
        if in_channels != 3:
            raise SettingError(
                f"method.encoder takes colour images, but domain a has {in_channels} channel. "
                "Set --a.channels 3.",
                code="needs-colour",
                setting="a.channels",
            )
        with torch.device("cpu"):
            network = open_network(self.path, self.side, self.values)
            advice = "Set --method.encoder.side, or export it with a dynamic batch size."
            found = describe_two(network, self.path, "method.encoder", advice)
        if found.shape[1] != self.features:
            raise SettingError(
                f"method.encoder: the program {self.path!r} describes an image with "
                f"{found.shape[1]} numbers, not {self.features}. Set --method.encoder.features "
                f"{found.shape[1]}.",
                code="other-number-of-features",
                setting="method.encoder.features",
            )
        require_gradient([found], self.path)
        return network


class ExportedNetwork(nn.Module):
    """See `ExportedEncoder`."""

    def __init__(self, program: nn.Module, side: int, values: Values) -> None:
        super().__init__()
        self.program, self.side = program, side
        self.scale, self.shift = _VALUES[values]

    def forward(self, images: Tensor) -> Tensor:
        size = (self.side, self.side)
        if images.shape[2:] != size:
            images = F.interpolate(images, size=size, mode="bilinear", antialias=True)
        features: Tensor = self.program(images * self.scale + self.shift)
        return features

    def __deepcopy__(self, memo: dict[int, Any]) -> ExportedNetwork:
        """Another network around the same program, which never changes (averaged weights copy f).

        torch makes another program of it, whose constants have become buffers.
        """
        copied = ExportedNetwork(self.program, self.side, "bytes")
        copied.scale, copied.shift = self.scale, self.shift
        return copied.train(self.training)

    def train(self, mode: bool = True) -> ExportedNetwork:
        """An exported program has one mode only, and refuses to be asked."""
        self.training = mode
        return self


def open_network(path: str, side: int, values: Values) -> ExportedNetwork:
    """The program that `method.encoder` names, whose weights stay as they are.

    Raises:
        SettingError: when the file is absent or no program.
    """
    program = open_program(path, "method.encoder.path").module()
    return ExportedNetwork(program.requires_grad_(False), side, values)


def open_program(path: str, setting: str) -> ExportedProgram:
    """Read a program, which is code: from a file whose origin the user trusts.

    Raises:
        SettingError: named after `setting`, when the file is absent or no program.
    """
    file = at_home(path)
    if not file.is_file():
        raise SettingError(
            f"{setting}: there is no file {path!r}. Give a program that was saved with "
            "torch.export.save, such as encoder.pt2.",
            code="no-such-program",
            setting=setting,
        )
    try:
        if not zipfile.is_zipfile(file) or not _is_program(file):
            raise ValueError("it has no graph; perhaps it holds weights alone")
        return torch.export.load(file)
    except Exception as error:  # of whatever kind torch raises for a file of another form
        raise SettingError(
            f"{setting}: {path!r} is no program of torch.export that torch "
            f"{torch.__version__} can read ({type(error).__name__}: {str(error)[:200]}).",
            code="no-program",
            setting=setting,
        ) from None


def _is_program(file: Path) -> bool:
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith(".json") for name in archive.namelist())


_FILES = re.compile(
    r"models/model\.json|data/weights/(weight_\d+|model_weights_config\.json)"
    r"|data/constants/(tensor_\d+|model_constants_config\.json)|data/sample_inputs/model\.pt"
    r"|archive_format|archive_version|byteorder|\.data/version|\.data/serialization_id"
)
_TARGET = re.compile(
    r"torch\.ops\.aten\.(?!(save|from_file)\b)_?[a-z]\w*(\.[A-Za-z]\w*)?"
    r"|_operator\.(add|sub|mul|truediv|floordiv|mod|pow|neg|eq|ne|lt|le|gt|ge)"
)
_NAMES = {"Symbol", "Integer", "Mul", "Add", "Pow", "positive", "integer", "True", "False"}


def check_program(path: Path) -> None:
    """Refuse a program, from a stranger's model folder, that could do more than compute.

    torch.export.load unpickles objects, compiles sources and evaluates expressions. Accepted is
    only what a network needs: weights as plain bytes, operations of torch, sizes made of symbols
    and numbers.

    Raises:
        ModelError: naming what the program holds beside these.
    """
    found: list[str] = []
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.namelist()
        # As torch will read it: two readers of one file need not see the same in it.
        reader = torch._C.PyTorchFileReader(str(path))
        names = reader.get_all_records()
        found += [name for name in names if not _FILES.fullmatch(name)]
        if sorted(entry.partition("/")[2] for entry in entries) != sorted(set(names)):
            found.append("files that not every reader sees")
        for name in names:
            if name.endswith(".json") and not found:
                found += _beyond(json.loads(reader.get_record(name)))
    except (OSError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{path} cannot be read: {error}. Copy the model folder again.",
            code="program-unreadable",
        ) from None
    if not found:
        found += _pickled(reader.get_record("data/sample_inputs/model.pt"))
    if found:
        raise ModelError(
            f"{path} holds more than a network's operations ({found[0]!r}): it could run any code "
            "when read, so it is not opened. Ask its author for a program exported anew.",
            code="program-runs-code",
        )


def _pickled(inputs: bytes) -> list[str]:
    """What the pickle of the example inputs holds beside tensors; torch would read it all."""
    try:
        torch.load(io.BytesIO(inputs), map_location="cpu", weights_only=True)
    except Exception:  # of whatever kind torch raises for what it does not read
        return ["a pickle"]
    return []


def _beyond(part: Any, key: str = "") -> list[str]:
    """What the JSON of a program holds beside plain operations, weights and sizes."""
    if key == "guards_code" and part:
        return [key]
    if isinstance(part, dict):
        return [item for name, value in part.items() for item in _beyond(value, name)]
    if isinstance(part, list):
        return [item for value in part for item in _beyond(value, key)]
    if key == "use_pickle" and part:
        return ["a pickle"]
    if key == "target" and isinstance(part, str) and not _TARGET.fullmatch(part):
        return [part]
    if key == "expr_str" and isinstance(part, str):
        names = set(re.findall(r"[A-Za-z_]\w*", part))
        unknown = [n for n in names - _NAMES if not re.fullmatch(r"[su]\d+", n)]
        if unknown or not re.fullmatch(r"[\w\s'=,()*+/-]*", part):
            return [part]
    return []


def require_gradient(found: Iterable[Tensor], path: str) -> None:
    """Refuse an encoder's program through which nothing can be learned.

    Raises:
        SettingError: when something that it returns has no gradient.
    """
    if not all(each.requires_grad for each in found):
        raise SettingError(
            f"method.encoder: no gradient passes through the program {path!r}, which "
            "nothing can then be learned from. Export it without torch.no_grad.",
            code="no-gradient",
            setting="method.encoder.path",
        )


def show_two(
    network: ExportedNetwork, path: str, setting: str, advice: str, what: str = "images"
) -> Any:
    """What the program at `path` returns for two images; tried before any work is done.

    Raises:
        SettingError: named after `setting`, when it takes none of these, with `advice`.
    """
    images = torch.rand(2, 3, network.side, network.side, requires_grad=True)
    try:
        return network(images)
    except Exception as error:  # of whatever kind a stranger's program raises
        raise SettingError(
            f"{setting}: the program {path!r} does not take two {what} at once, "
            f"{list(images.shape)} in float32: {str(error)[:200]}. {advice}",
            code="program-refuses-images",
            setting=setting,
        ) from None


def describe_two(network: ExportedNetwork, path: str, setting: str, advice: str) -> Tensor:
    """What the program at `path` makes of two images, [2, d]; see `show_two`.

    Raises:
        SettingError: also when it returns anything else.
    """
    found = show_two(network, path, setting, advice)
    if isinstance(found, Tensor) and found.ndim == 2 and len(found) == 2:
        return found
    form = tuple(found.shape) if isinstance(found, Tensor) else f"a {type(found).__name__}"
    raise SettingError(
        f"{setting}: the program {path!r} returns {form} for two images, not one tensor of "
        "features [2, d]. Export a module that returns nothing else.",
        code="no-features",
        setting=setting,
    )
