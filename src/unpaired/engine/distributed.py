"""The device, the number format of its arithmetic, and the processes that share the work."""

from __future__ import annotations

import logging
import os
from typing import Literal

import torch
from lightning_fabric import Fabric

from unpaired.core.errors import SettingError, check_choice
from unpaired.experiment.experiment import Device, Training

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces each precision


CHANNELS_LAST_SIZE = 128
"""See `prefers_channels_last`."""


def choose_device(wanted: Device) -> torch.device:
    """A GPU where there is one, unless told otherwise.

    Raises:
        SettingError: when a GPU is asked for and torch finds none, and for other words.
    """
    kind = str(wanted).partition(":")[0]  # cuda:1 is a device too
    check_choice("device", kind, Device)
    has_gpu = torch.cuda.is_available()
    if kind == "auto":
        wanted = "cuda" if has_gpu else "cpu"
    if kind == "cuda" and not has_gpu:
        raise SettingError(
            f"the device is cuda, but torch {torch.__version__} finds no GPU. Use cpu or auto; "
            "`unpaired doctor` shows what is installed."
        )
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


def translates_in(training: Training, device: torch.device) -> Literal["bfloat16", "float32"]:
    """The number format in which a trained model translates, and is measured.

    bfloat16 where this device has it, not where that of the training had; float32 if it was trained
    so.
    """
    return choose_precision("float32" if training.precision == "float32" else "auto", device)


def precision_of_translation(training: Training, device: torch.device) -> torch.autocast:
    """The context of `translates_in`."""
    lower = translates_in(training, device) == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=lower)


def prefers_channels_last(device: torch.device, size: int) -> bool:
    """Whether networks over images of this side, in pixels, are faster with channels last.

    Measured on a processor with AMX, bfloat16, 128×128 and more: a training step 1.2 to 1.5 times
    as fast, a translation 1.3 to 3 times; at 64×64 and less no gain in training, and translation
    slower by up to 5 times. On a GPU not measured.
    """
    return device.type == "cuda" or size >= CHANNELS_LAST_SIZE


def build_fabric(training: Training) -> Fabric:
    """Device, precision and processes; several processes come from torchrun.

    Raises:
        SettingError: when the processes cannot share a batch evenly.
    """
    device = choose_device(training.device)
    precision = choose_precision(training.precision, device)
    num_processes = int(os.environ.get("WORLD_SIZE", 1))
    num_here = int(os.environ.get("LOCAL_WORLD_SIZE", num_processes))
    if training.batch_size % num_processes:
        raise SettingError(
            f"training.batch_size is {training.batch_size}, which {num_processes} processes "
            f"cannot share evenly. Use a multiple of {num_processes}."
        )
    fabric = Fabric(
        accelerator=device.type,
        strategy="ddp" if num_processes > 1 else "auto",
        devices=num_here,
        num_nodes=num_processes // num_here,
        precision="bf16-mixed" if precision == "bfloat16" else "32-true",
    )
    fabric.launch()
    return fabric


def leave(fabric: Fabric) -> None:
    """Wait for the other processes, then disconnect: a connection open at exit aborts a process."""
    fabric.barrier()
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
