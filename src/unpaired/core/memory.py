"""Free memory: what this process can still take, by the machine and by the limits that it is under.

A container sees the machine's memory and is killed at its own limit, that of a control group: of
its own, or of one around it (a pod, a job of SLURM, a slice of systemd). Both versions of control
groups are asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil


@dataclass(frozen=True)
class _Version:
    """Where a version of control groups has what is asked of it, and what it calls that."""

    mounts: tuple[str, ...]
    limits: tuple[str, ...]
    usage: str
    caches: tuple[str, ...]
    """Entries of memory.stat: bytes of files that are cached, which make room when it is needed."""


_V1 = _Version(
    ("memory",),
    ("memory.limit_in_bytes",),
    "memory.usage_in_bytes",
    ("total_inactive_file", "total_active_file"),
)
_V2 = _Version(
    ("", "unified"),
    ("memory.max", "memory.high"),
    "memory.current",
    ("inactive_file", "active_file"),
)


def free_memory(root: Path = Path("/")) -> int:
    """Bytes that can be had without swapping; what only caches files counts as free.

    `root` is where /proc and /sys lie.
    """
    left = [psutil.virtual_memory().available, *_left_in_groups(root), *_left_of_addresses()]
    return max(0, int(min(left)))


def _left_in_groups(root: Path) -> Iterator[int]:
    """What each control group that this process is in leaves, where it has a limit."""
    for line in (_text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        version = _V1 if controllers else _V2
        for mount in version.mounts:
            for folder in _groups(root / "sys/fs/cgroup" / mount, path):
                yield from _left_in(folder, version)


def _groups(mount: Path, path: str) -> Iterator[Path]:
    """The folder of a group and those around it. Inside a container the path may be that of the
    machine, of which only the mount itself is to be seen."""
    inside = PurePosixPath(path.lstrip("/"))
    if ".." not in inside.parts:
        for group in (inside, *inside.parents):
            if group.parts:
                yield mount / group
    yield mount


def _left_in(folder: Path, version: _Version) -> Iterator[int]:
    limits = [n for name in version.limits if (n := _number(folder / name)) is not None]
    usage = _number(folder / version.usage)
    if not limits or usage is None:
        return
    stat = dict(
        line.split(" ", 1)
        for line in (_text(folder / "memory.stat") or "").splitlines()
        if " " in line
    )
    cached = sum(int(stat[name]) for name in version.caches if stat.get(name, "").isdecimal())
    yield min(limits) - max(0, usage - cached)


def _left_of_addresses() -> Iterator[int]:
    """What `ulimit -v` leaves, where the platform has it and it is set."""
    which = getattr(psutil, "RLIMIT_AS", None)
    if which is None:
        return
    process = psutil.Process()
    soft, _ = process.rlimit(which)
    if 0 <= soft < 2**62:  # no limit is −1, or nearly 2^63
        yield soft - process.memory_info().vms


def _number(path: Path) -> int | None:
    """None for "max", which is no limit, and where there is no such file."""
    text = (_text(path) or "").strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:  # another platform, another version, or not to be seen from here
        return None
