"""Devices: GPU or processor, number format, and memory layout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from unpaired.core.errors import SettingError, check_choice

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "bfloat16", "float32"]
NumberFormat = Literal["bfloat16", "float32"]

CHANNELS_LAST_SIZE = 128
"""See `prefers_channels_last`."""


def choose_device(wanted: Device) -> torch.device:
    """A GPU where there is one, unless `wanted` names another device.

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
            "`unpaired doctor` shows what is installed.",
            code="no-gpu",
            setting="training.device",
        )
    return torch.device(wanted)


def upload(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the CPU, on a device, without waiting for the device.

    Out of pageable memory, a GPU would finish first what it has been given before.
    """
    pinned = tensor.pin_memory() if device.type == "cuda" else tensor
    return pinned.to(device, non_blocking=True)


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 in hardware; emulation is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def choose_precision(wanted: Precision, device: torch.device) -> NumberFormat:
    """The number format of arithmetic: bfloat16 where the device has it, if it is left to us."""
    if wanted == "auto":
        return "bfloat16" if has_bfloat16(device) else "float32"
    return wanted


def translates_in(trained: Precision, device: torch.device) -> NumberFormat:
    """The number format in which a model that was `trained` in one translates, and is measured.

    bfloat16 where this device has it, not where that of the training had; float32 if it was trained
    so.
    """
    return choose_precision("float32" if trained == "float32" else "auto", device)


def precision_of_translation(trained: Precision, device: torch.device) -> torch.autocast:
    """The context of `translates_in`."""
    lower = translates_in(trained, device) == "bfloat16"
    return torch.autocast(device.type, torch.bfloat16, enabled=lower)


@contextmanager
def exact_float32(device: torch.device) -> Iterator[None]:
    """The context for images of 16 bits: float32, which no GPU rounds to 10 bits in convolutions.

    torch lets them, unless told otherwise (TF32).
    """
    convolutions: Any = torch.backends.cudnn.conv  # type: ignore[attr-defined]
    before = convolutions.fp32_precision
    convolutions.fp32_precision = "ieee"
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        convolutions.fp32_precision = before


def prefers_channels_last(device: torch.device, size: int) -> bool:
    """Whether networks over images of this side, in pixels, are faster with channels last.

    Measured on a processor with AMX, bfloat16, 128×128 and more: a training step 1.2 to 1.5 times
    as fast, a translation 1.3 to 3 times; at 64×64 and less no gain in training, and translation
    slower by up to 5 times. On a GPU not measured.
    """
    return device.type == "cuda" or size >= CHANNELS_LAST_SIZE
