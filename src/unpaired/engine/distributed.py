"""Distributed training: the processes that share the work, by way of Fabric."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Sequence

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor

from unpaired.core.devices import choose_device, choose_precision
from unpaired.core.errors import SettingError
from unpaired.engine.settings import Training

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces each precision


def build_fabric(training: Training, *, sixteen_bits: bool = False) -> Fabric:
    """Device, precision and processes; several processes come from torchrun.

    `sixteen_bits`: whether images keep as many, of which bfloat16 has 8: it is used for them where
    it is asked for by name alone.

    Raises:
        SettingError: when the processes cannot share a batch evenly.
    """
    device = choose_device(training.device)
    precision = choose_precision(training.precision, device)
    if sixteen_bits and training.precision == "auto":
        precision = "float32"
    num_processes = int(os.environ.get("WORLD_SIZE", 1))
    num_here = int(os.environ.get("LOCAL_WORLD_SIZE", num_processes))
    if training.batch_size % num_processes:
        raise SettingError(
            f"training.batch_size is {training.batch_size}, which {num_processes} processes "
            f"cannot share evenly. Use a multiple of {num_processes}.",
            code="batch-not-shareable",
            setting="training.batch_size",
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


def agree(fabric: Fabric, seconds: float, signal: int) -> tuple[float, int]:
    """The clock of the first process and the signal of any: one answer for all of them.

    Clocks differ, and so would learning rates; a signal may reach one process only. Told from host
    to host: no device waits.
    """
    if fabric.world_size == 1:
        return seconds, signal
    mine = torch.tensor([seconds if fabric.is_global_zero else 0.0, signal], dtype=torch.float64)
    dist.all_reduce(mine, op=dist.ReduceOp.MAX, group=_hosts())
    seconds, signal = mine.tolist()
    return seconds, int(signal)


def average_gradients(gradients: Sequence[Tensor], loss: Tensor, num_processes: int) -> Tensor:
    """Replace gradients by their means over all processes, in one message; returns that of `loss`.

    A loss that is not finite in one of them is so in all: they give up together.
    """
    if num_processes == 1:
        return loss
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), loss[None]])
    dist.all_reduce(flat)
    *parts, loss = torch.split(flat.div_(num_processes), [*(g.numel() for g in gradients), 1])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
    return loss[0]


@functools.cache
def _hosts() -> dist.ProcessGroup | None:
    """A connection that needs no device."""
    return None if dist.get_backend() == "gloo" else dist.new_group(backend="gloo")


def leave(fabric: Fabric) -> None:
    """Wait for the other processes, then disconnect: a connection open at exit aborts a process."""
    fabric.barrier()
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
        _hosts.cache_clear()
