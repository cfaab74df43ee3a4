"""Divergence: a run that met a value that is not finite, and the settings that may then change.

`non-finite.json` in the run folder says at how many images seen. As long as no checkpoint lies
beyond that, the run may be continued with what steadies a training; otherwise one run has one set
of settings, and a flag that was forgotten is refused rather than followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unpaired.core.files import write_atomically
from unpaired.engine.checkpoint import list_newest_first
from unpaired.records.json_values import number, read_object

_MARK = "non-finite.json"

_STEADYING = re.compile(
    r"training\.(generators|discriminators)\.(learning_rate|beta1|beta2)"
    r"|training\.(precision|compile)"
)
"""How large the steps are and how exactly they are computed. What is learned (networks, losses and
their weights, weight clipping, penalties, images) and how far the training is (length, batch size,
schedule) are another experiment; another algorithm cannot go on from this one's moments."""

_STEADYING_STAGES = re.compile(r"method\.\w+\.learning_rate|method\.feature_cycle\.images")
"""The same of stages: while one is trained, nothing has been learned but by it."""


def record_divergence(run: Path, images: int, reason: str) -> None:
    """Mark a run that met a value that is not finite at `images` seen, 0 in a stage before."""
    write_atomically(run / _MARK, json.dumps({"images": images, "reason": reason}) + "\n")


def steadying(run: Path, changed: Mapping[str, Any]) -> list[str]:
    """Those of the changed settings with which a run that diverged may be continued."""
    mark, stored = read_object(run / _MARK), list_newest_first(run / "checkpoints")
    if not mark or (stored and int(stored[0].name) >= number(mark, "images")):
        return []
    allowed = [_STEADYING] if number(mark, "images") else [_STEADYING, _STEADYING_STAGES]
    return [path for path in changed if any(form.fullmatch(path) for form in allowed)]


def is_steadying(path: str) -> bool:
    """Whether it may change after a value that was not finite, and only then."""
    return _STEADYING.fullmatch(path) is not None


def why_diverged(run: Path) -> str:
    """What was not finite, as the run has it."""
    return str(read_object(run / _MARK).get("reason", ""))
