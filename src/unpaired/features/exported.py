"""Feature extractor from a torch.export program, such as a face encoder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.export import ExportedProgram

from unpaired.core.config import config
from unpaired.core.errors import SettingError
from unpaired.core.files import at_home
from unpaired.features.base import Loaded, resize, resize_in_words
from unpaired.networks.exported import ExportedNetwork, Values, describe_two, open_program

_SETTING = "--extractor"


@config
class Program:
    """A `torch.export` program: images [N, 3, side, side] => features [N, d].

    Sides and d are its own. A program is code. Use only files whose origin you trust.
    """

    kind: Literal["program"] = "program"
    weights: str
    """The program, a .pt2 file."""
    values: Values = "bytes"
    """Values that it takes: 0 to 255, 0 to 1, or −1 to 1."""

    def load(self, device: torch.device) -> Loaded:
        """Raises SettingError for a file that is absent, no program, or none from images."""
        program = open_program(self.weights, _SETTING)
        side = _side(program, self.weights)
        network = ExportedNetwork(program.module(), side, self.values)
        advice = "Export it in float32, with a dynamic batch size."
        describe_two(network, self.weights, _SETTING, advice)
        return _Program(at_home(self.weights), self.values, network.to(device), device)


class _Program:
    def __init__(
        self, path: Path, values: Values, network: ExportedNetwork, device: torch.device
    ) -> None:
        self.name, self.side, self.device, self.network = path.stem, network.side, device, network
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        self.weights_hash = f"{digest} {values}"
        self.resize = resize_in_words(self.side)

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return resize(pixels, self.side)

    @torch.no_grad()
    def features(self, images: Tensor) -> Tensor:
        features: Tensor = self.network(images.to(self.device) / 255)
        return features.float().cpu()


def _side(program: ExportedProgram, path: str) -> int:
    """The side of the square colour images that a program was exported for."""
    inputs = set(program.graph_signature.user_inputs)
    shapes = [
        [int(n) if isinstance(n, int) else 0 for n in node.meta["val"].shape]  # 0: of any length
        for node in program.graph.nodes
        if node.name in inputs and isinstance(node.meta.get("val"), Tensor)
    ]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3:
        raise SettingError(
            f"{_SETTING}: the program {path!r} takes {_form(shapes)}, not one batch of colour "
            "images [N, 3, side, side].",
            code="program-takes-no-images",
            setting="extractor",
        )
    height, width = shapes[0][2:]
    if height != width or not height:
        raise SettingError(
            f"{_SETTING}: the program {path!r} takes {_form(shapes)}. Export it for square images "
            "of one size, such as [N, 3, 224, 224]: the size is part of what it measures.",
            code="program-not-square",
            setting="extractor",
        )
    return height


def _form(shapes: list[list[int]]) -> str:
    """Shapes in words: "[n, 3, n, n]"."""
    texts = [f"[{', '.join(str(n) if n else 'n' for n in shape)}]" for shape in shapes]
    return " and ".join(texts) or "no tensor"
