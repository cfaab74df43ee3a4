"""Processes of tests: forked from one that has imported torch, so that they start at once."""

from __future__ import annotations

import multiprocessing
import os
import socket
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess
from typing import Any

import torch

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["unpaired.experiment.experiment", "unpaired.training.train"])


class Alive:
    """Stands in for a child process that runs, and keeps the signals that it is sent."""

    def __init__(self) -> None:
        self.signals: list[int] = []

    def poll(self) -> None:
        """It has not ended."""

    def send_signal(self, number: int) -> None:
        """Note a signal."""
        self.signals.append(number)


def start(work: Callable[..., None], *arguments: Any, **environment: str) -> ForkServerProcess:
    """A process that does `work`, a function of a module, on one thread."""
    process = _SERVER.Process(target=_run, args=(work, arguments, environment))
    process.start()
    return process


def start_together(
    count: int, work: Callable[..., None], *arguments: Any, **environment: str
) -> list[ForkServerProcess]:
    """As many processes that find each other as those that torchrun starts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "TORCHELASTIC_RUN_ID": "test",
        **environment,
    }
    return [
        start(work, *arguments, **shared, RANK=str(rank), LOCAL_RANK=str(rank))
        for rank in range(count)
    ]


def _run(
    work: Callable[..., None], arguments: tuple[Any, ...], environment: dict[str, str]
) -> None:
    os.environ.update(environment)
    torch.set_num_threads(1)
    work(*arguments)
