"""What may not be read is refused with the true reason, and not as if it were absent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from unpaired.core.errors import ModelError
from unpaired.engine import checkpoint
from unpaired.experiment.experiment import Experiment
from unpaired.models.folder import load_model, save_model

if os.name != "posix":
    pytest.skip("modes are POSIX's", allow_module_level=True)

NOBODY = 65534


@contextmanager
def another_user() -> Iterator[None]:
    """Whom modes hold for: root may read all."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that all may enter, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def model(tiny: Experiment, shared: Path) -> Path:
    networks = tiny.method.build(tiny.a, tiny.b).eval()
    before = os.umask(0o022)
    try:
        return save_model(shared / "model", tiny, networks, 8, "card")
    finally:
        os.umask(before)


def test_another_user_loads_a_model(model: Path):
    load_model(model)  # which imports what another user may not read here
    with another_user():
        assert load_model(model).images == 8


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_file_for_its_owner_alone(model: Path, name: str):
    (model / name).chmod(0)
    with another_user(), pytest.raises(ModelError, match="permission denied") as error:
        load_model(model)
    assert error.value.code == "permission-denied"
    assert name in str(error.value)
    assert f"chmod -R a+rX {model}" in str(error.value)


def test_a_folder_for_its_owner_alone(model: Path):
    model.chmod(0)
    with another_user(), pytest.raises(ModelError, match="permission denied"):
        load_model(model)
    model.parent.chmod(0)
    with another_user(), pytest.raises(ModelError, match="permission denied"):
        load_model(model)
    model.parent.chmod(0o755)
    model.chmod(0o755)


def test_what_is_absent_is_said_to_be(shared: Path):
    with pytest.raises(ModelError) as error:
        load_model(shared / "model")
    assert error.value.code == "model-not-found"


def test_checkpoints_of_another_are_not_damaged(shared: Path):
    saved = checkpoint.save(shared / "checkpoints", 4, {"x": torch.zeros(1)}, {})
    (saved / "state.safetensors").chmod(0)
    with another_user(), pytest.raises(PermissionError):
        checkpoint.load_newest(shared / "checkpoints")
