"""A run folder as the engine writes it."""

from pathlib import Path

import pytest

from fake_run import write_run


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A finished run."""
    folder = tmp_path / "digits"
    write_run(folder)
    return folder
