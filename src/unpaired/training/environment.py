"""Environment record: the machine, the program and its packages that a run was trained with."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

import torch


def environment() -> dict[str, Any]:
    """Versions and hardware that a number may depend on."""
    packages = ("unpaired", "torch", "numpy", "pillow", "lightning-fabric", "scikit-learn")
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": torch.cpu.get_capabilities().get("cpu_name", platform.processor()),
        "num_cores": os.cpu_count(),
        "num_threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: metadata.version(name) for name in packages},
    }
