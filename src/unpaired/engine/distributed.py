"""Distributed training: the processes that share the work, by way of Fabric."""

from __future__ import annotations

import logging
import os

import torch
from lightning_fabric import Fabric

from unpaired.core.devices import choose_device, choose_precision
from unpaired.core.errors import SettingError
from unpaired.engine.settings import Training

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces each precision


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
