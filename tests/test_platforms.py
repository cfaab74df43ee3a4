"""The program runs where Python lacks what Linux has: without some modules, signals and calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import errno, importlib, os, pkgutil, signal, sys, warnings
from pathlib import Path
import filelock, psutil, torch  # of which each platform has its own
for name in ("fcntl", "resource", "grp", "pwd", "termios"):
    sys.modules[name] = None
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGKILL"):
    delattr(signal, name)
for name in ("fork", "umask", "getuid", "killpg", "setsid", "uname", "sched_getaffinity"):
    delattr(os, name)

# As Windows has them: no folder is opened, and only what is open for writing is synced.
original_open, original_fsync, flags_of = os.open, os.fsync, {}

def open_no_folder(path, flags, *rest, **more):
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))
    descriptor = original_open(path, flags, *rest, **more)
    flags_of[descriptor] = flags
    return descriptor

def sync_what_is_written(descriptor):
    if not flags_of.get(descriptor, os.O_RDWR) & (os.O_RDWR | os.O_WRONLY):
        raise OSError(errno.EBADF, "Bad file descriptor")
    original_fsync(descriptor)

os.open, os.fsync = open_no_folder, sync_what_is_written

import unpaired
# Text without an encoding is written in another one there.
warnings.filterwarnings("error", category=EncodingWarning, module=r"unpaired\\\\.")
for module in pkgutil.walk_packages(unpaired.__path__, "unpaired."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
torch.set_num_threads(1)

from unpaired.cli.main import main

run = sys.argv[1]
codes = [
    main(["train", "--recipe", "demo", "--smoke", "--evaluation.no-classifier", "-o", run]),
    main(["evaluate", run]),
    main(["doctor", "--json"]),
]
assert codes == [0, 0, 0], codes
assert sys.modules["fcntl"] is None
"""


def test_train_evaluate_and_doctor_where_there_is_less_than_on_linux(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", PROGRAM, str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=280,
        env={**os.environ, "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()
    assert (tmp_path / "run" / "report.html").is_file()
    doctor = json.loads(done.stdout[done.stdout.rindex("\n{") :])
    assert doctor["device"]
