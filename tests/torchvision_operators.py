"""Lets packages that import torchvision be imported beside a torch that it was not built for.

With the CPU wheel of torch, torchvision from the package index cannot load its operators, and fails
at its import because it declares the meaning of two of them. Nothing here uses them.
"""

from __future__ import annotations

import functools
from importlib.util import find_spec
from pathlib import Path

import torch


@functools.cache
def declare() -> torch.library.Library | None:
    """Declare torchvision's operators if it cannot, once a process and before its first import."""
    spec = find_spec("torchvision")
    assert spec is not None, 'the tests need the extra: pip install -e ".[dev,hub,metrics]"'
    assert spec.submodule_search_locations
    try:
        torch.ops.load_library(Path(spec.submodule_search_locations[0]) / "_C.so")
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return library
    return None  # it was built for this torch
