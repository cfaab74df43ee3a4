"""Experiment trackers (TensorBoard, Weights & Biases): one that fails stops no training."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any, Literal

from unpaired.core.errors import MissingExtra
from unpaired.records.log import LogPoint

logger = logging.getLogger(__name__)

TrackerName = Literal["tensorboard", "wandb"]


class Tracker:
    """Sends lines of metrics.jsonl to a tracker; gives up, with a warning, when that fails."""

    def __init__(self, name: TrackerName, folder: Path) -> None:
        self.name = name
        self._writer: Any = None
        # A run that the caller has opened is the caller's to end.
        self._is_mine = name != "wandb" or getattr(sys.modules.get("wandb"), "run", None) is None
        try:
            self._writer = _open(name, folder)
        except MissingExtra:
            raise
        except Exception as error:  # whatever a third party raises: training goes on
            self._give_up(error)

    def log(self, point: LogPoint) -> None:
        """Send one line."""
        if self._writer is None:
            return
        numbers = {**point.losses, **point.health, **point.learning_rate}
        numbers["images_per_second"] = point.images_per_second
        try:
            if self.name == "wandb":
                self._writer.log(numbers, step=point.images)
            else:
                for name, value in numbers.items():
                    self._writer.add_scalar(name, value, point.images)
        except Exception as error:  # as above
            self._give_up(error)

    def close(self) -> None:
        """End what was opened: the next training of this process has a tracker of its own."""
        writer, self._writer = self._writer, None
        if writer is None or not self._is_mine:
            return
        try:
            if self.name == "wandb":
                writer.finish()
            else:
                writer.close()
        except Exception as error:  # as above
            logger.warning("%s did not end well (%s)", self.name, error)

    def _give_up(self, error: Exception) -> None:
        logger.warning("%s failed (%s); training goes on without it", self.name, error)
        self._writer = None


def _open(name: TrackerName, folder: Path) -> Any:
    if name == "wandb":
        try:
            import wandb
        except ImportError:
            raise MissingExtra("wandb", "track", "--track wandb") from None
        return wandb.init(project="unpaired", name=folder.name, dir=str(folder))
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("tensorboard", "track", "--track tensorboard") from None
    return SummaryWriter(str(folder / "tensorboard"))
