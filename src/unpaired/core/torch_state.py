"""Isolation from torch's global state: what a calling program has set changes no result, and is as
it was afterwards.

Notebooks switch gradients off at their top, choose a GPU or float64 for every new tensor, and draw
random numbers of their own. One difference is left: under a caller's autocast, a training in
bfloat16 sums its gradients in float32, and so rounds otherwise.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch

_TURN = threading.RLock()  # of the thread that trains, from torch's global generators


@contextmanager
def plain_torch() -> Iterator[None]:
    """Gradients recorded, no autocast, and new tensors in float32 on the CPU, as torch begins.

    The default type of numbers is one for all threads: where it is another, those beside this one
    see float32 for as long.
    """
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda"):
            if torch.is_autocast_enabled(kind):
                # Weights that are cast are kept until the outermost autocast ends: past its steps.
                stack.enter_context(torch.autocast(kind, enabled=False, cache_enabled=False))
        if torch.get_default_device().type != "cpu":  # else every call of torch would cost more
            stack.enter_context(torch.device("cpu"))
        if (before := torch.get_default_dtype()) != torch.float32:
            stack.callback(torch.set_default_dtype, before)
            torch.set_default_dtype(torch.float32)
        yield


@contextmanager
def global_state_kept(device: torch.device) -> Iterator[None]:
    """For what trains on `device`: torch's global generators and the choice of convolutions by
    trial are afterwards as they were. Threads take turns, as there is one such state for all."""
    with _TURN:
        uses_gpus = device.type == "cuda" or torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
        gpus = list(range(torch.cuda.device_count())) if uses_gpus else []  # one seed is for all
        by_trial = torch.backends.cudnn.benchmark
        try:
            with torch.random.fork_rng(gpus):
                yield
        finally:
            torch.backends.cudnn.benchmark = by_trial
