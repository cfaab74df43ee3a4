"""Class channels: label maps inside networks, a channel in −1…1 for each class instead of colours.

Of twelve colours in three channels some are all but alike, and others lie between two more: what a
class is, each network would have to learn first.
"""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

SHARPNESS: Final = 10.0
"""Logits of the classes, real or generated, are within ± this."""


def from_logits(logits: Tensor, *, training: bool) -> Tensor:
    """Logits of the classes [N, K, H, W] => class channels [N, K, H, W] float32.

    In training they are twice the softmax minus one, which has gradients; in evaluation the
    likeliest class alone counts, so that every translation is a valid label map.
    """
    if not training:
        return from_classes(logits.argmax(1), logits.shape[1])
    with torch.autocast(logits.device.type, enabled=False):
        return 2 * logits.float().softmax(1) - 1


def from_classes(classes: Tensor, count: int) -> Tensor:
    """Classes [N, H, W], 0…count−1 => class channels [N, count, H, W] float32.

    By the softmax of logits of ± `SHARPNESS`: what the sharpest generated map is.
    """
    scores = 2 * F.one_hot(classes, count).movedim(-1, 1).float() - 1
    return from_logits(SHARPNESS * scores, training=True)
