"""The limit of a container counts in what is free, whichever version of control groups sets it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from unpaired.core import memory
from unpaired.core.memory import free_memory

GB = 10**9
V1 = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_{}_file"
V2 = "memory.max", "memory.current", "{}_file"


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has 100 GB free, and no limit of addresses."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100 * GB))
    monkeypatch.setattr(memory, "_left_of_addresses", lambda: iter(()))


def group(root: Path, folder: str, limit: object, usage: int, cache: int = 0, form: Any = V2):
    place = root / "sys/fs/cgroup" / folder
    place.mkdir(parents=True, exist_ok=True)
    (place / form[0]).write_text(f"{limit}\n")
    (place / form[1]).write_text(f"{usage}\n")
    lines = [f"anon {usage - cache}", *(f"{form[2].format(k)} {cache // 2}" for k in CACHES)]
    (place / "memory.stat").write_text("\n".join(lines) + "\n")


CACHES = ("inactive", "active")


def process_in(root: Path, *lines: str) -> None:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("\n".join(lines) + "\n")


def test_without_control_groups_it_is_what_the_machine_has(tmp_path: Path):
    assert free_memory(tmp_path) == 100 * GB


def test_a_container_of_version_2_has_its_limit_less_what_it_uses(tmp_path: Path):
    """Inside, it is at the root of what it sees; files that are cached count as free."""
    process_in(tmp_path, "0::/")
    group(tmp_path, ".", 4 * GB, 3 * GB, cache=2 * GB)
    assert free_memory(tmp_path) == 3 * GB


def test_no_limit_is_max(tmp_path: Path):
    process_in(tmp_path, "0::/user.slice")
    group(tmp_path, "user.slice", "max", 3 * GB)
    assert free_memory(tmp_path) == 100 * GB


def test_the_tightest_of_the_groups_around_counts(tmp_path: Path):
    """As in a pod, or a step of a job."""
    process_in(tmp_path, "0::/job/step/task")
    group(tmp_path, "job", 8 * GB, 6 * GB)
    group(tmp_path, "job/step", 7 * GB, 1 * GB)
    group(tmp_path, "job/step/task", "max", 1 * GB)
    assert free_memory(tmp_path) == 2 * GB
    (tmp_path / "sys/fs/cgroup/job/step/memory.high").write_text(f"{2 * GB}\n")
    assert free_memory(tmp_path) == 1 * GB


def test_a_container_of_version_1_sees_its_group_at_the_mount(tmp_path: Path):
    """Its path is that of the machine, which is not there."""
    process_in(tmp_path, "12:cpu,cpuacct:/docker/3f", "5:memory:/docker/3f", "0::/docker/3f")
    group(tmp_path, "memory", 2 * GB, 1 * GB, cache=GB // 2, form=V1)
    assert free_memory(tmp_path) == 3 * GB // 2


def test_nested_groups_of_version_1(tmp_path: Path):
    process_in(tmp_path, "4:memory:/slurm/uid_0/job_7")
    group(tmp_path, "memory", 9223372036854771712, 50 * GB, form=V1)
    group(tmp_path, "memory/slurm/uid_0/job_7", 16 * GB, 4 * GB, form=V1)
    assert free_memory(tmp_path) == 12 * GB


def test_a_group_over_its_limit_leaves_nothing(tmp_path: Path):
    process_in(tmp_path, "0::/../..")
    group(tmp_path, ".", 1 * GB, 2 * GB)
    assert free_memory(tmp_path) == 0


def test_what_is_damaged_or_absent_is_no_limit(tmp_path: Path):
    process_in(tmp_path, "nonsense", "0::/x")
    group(tmp_path, "x", "-5 GB", 1)
    assert free_memory(tmp_path) == 100 * GB


def test_a_limit_of_addresses_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.undo()
    used = psutil.Process().memory_info().vms

    class Limited:
        def rlimit(self, which: int) -> tuple[int, int]:
            return used + GB, used + GB

        def memory_info(self) -> Any:
            return SimpleNamespace(vms=used)

    monkeypatch.setattr(psutil, "RLIMIT_AS", 9, raising=False)
    monkeypatch.setattr(psutil, "Process", Limited)
    assert free_memory(tmp_path) <= GB
