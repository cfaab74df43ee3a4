"""Counts what makes the host wait for a device, on a CPU, where nothing has to wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

READS = ("tolist", "cpu", "numpy", "item", "__bool__", "__float__", "__int__", "__index__")
"""Methods of tensors that bring values to the host. On a CPU `tolist` dispatches nothing."""

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero")
"""Operators that wait, whoever calls them: sizes of their results depend on values."""


class HostReads(TorchDispatchMode):
    """What has been counted, by name; nothing while it is paused.

    The rule for `.to`: one that names a device waits, unless it says `non_blocking`; it does so in
    either direction, as a copy to a GPU from pageable memory begins when the GPU has nothing to do.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()
        self.is_paused = False

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        name = function.overloadpacket.__name__
        if name in WAITING:
            self.count(name)
        if name in ("index", "index_put", "index_put_") and any(map(_is_mask, args[1])):
            self.count("nonzero")
        return function(*args, **(kwargs or {}))

    def count(self, name: str) -> None:
        if not self.is_paused:
            self.counted[name] += 1

    @contextmanager
    def paused(self) -> Iterator[None]:
        before, self.is_paused = self.is_paused, True
        yield
        self.is_paused = before


@contextmanager
def counting() -> Iterator[HostReads]:
    reads = HostReads()

    def watched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
            if name != "to" or (_names_a_device(*args, **kwargs)):
                reads.count(name)
            with reads.paused():  # what it is made of is no second one
                return original(tensor, *args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in (*READS, "to"):
            patch.setattr(Tensor, name, watched(name, getattr(Tensor, name)))
        with reads:
            yield reads


def _is_mask(index: Any) -> bool:
    return isinstance(index, Tensor) and index.dtype in (torch.bool, torch.uint8)


def _names_a_device(*args: Any, non_blocking: bool = False, **kwargs: Any) -> bool:
    places = [each for each in (*args, *kwargs.values()) if not isinstance(each, bool)]
    named = any(isinstance(each, (str, int, torch.device, Tensor)) for each in places)
    return named and not non_blocking
