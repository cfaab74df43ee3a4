"""Lets packages that import torchvision be imported beside a torch that it was not built for.

With the CPU wheel of torch, torchvision from the package index cannot load its operators, and fails
at its import because it declares the meaning of two of them. Nothing here uses them.
"""

from __future__ import annotations

import functools

import torch


@functools.cache
def declare() -> torch.library.Library:
    """Declare torchvision's operators, once a process and before its first import."""
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library
