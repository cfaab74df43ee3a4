"""The device, the number format of its arithmetic, and the processes that share the work."""

from __future__ import annotations

import logging
from typing import Literal

import torch
from lightning_fabric import Fabric

from unpaired.experiment import Training

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces each precision


def choose_device(wanted: Literal["auto", "cpu", "cuda"]) -> torch.device:
    """A GPU where there is one, unless told otherwise."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; emulation is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def choose_precision(
    wanted: Literal["auto", "bfloat16", "float32"], device: torch.device
) -> Literal["bfloat16", "float32"]:
    """See `Training.precision`."""
    if wanted == "auto":
        return "bfloat16" if has_bfloat16(device) else "float32"
    return wanted


def build_fabric(training: Training) -> Fabric:
    """Device, precision and processes; several processes come from torchrun or SLURM."""
    device = choose_device(training.device)
    precision = choose_precision(training.precision, device)
    fabric = Fabric(
        accelerator=device.type,
        devices="auto" if torch.distributed.is_torchelastic_launched() else 1,
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
    )
    fabric.launch()
    return fabric
