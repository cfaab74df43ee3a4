"""What a discriminator has learned about images: a linear classifier on its features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unpaired.networks.blocks import Layer

_GRID = 4  # side of the grid that each layer's features are pooled to
_REGULARISATION = 1e-3


def probe(
    judge: nn.Module,
    seen: Sequence[Tensor],
    labels: NDArray[np.int64],
    unseen: Sequence[Tensor],
) -> NDArray[np.int64]:
    """Classes of unseen images, by a linear SVM on a discriminator's features (DCGAN, section 5.1).

    The features of every layer are max-pooled to 4×4, flattened and joined. `seen` and
    `unseen` are batches NCHW as the discriminator takes them; `labels` those of `seen`, (n,).
    """
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    # By stochastic gradient descent: a solver of the whole problem takes minutes for each class.
    machine = SGDClassifier(loss="hinge", alpha=_REGULARISATION, random_state=0)
    classifier = make_pipeline(StandardScaler(), machine)
    classifier.fit(features(judge, seen), labels)
    found: NDArray[np.int64] = classifier.predict(features(judge, unseen))
    return found


@torch.no_grad()
def features(judge: nn.Module, batches: Sequence[Tensor]) -> NDArray[np.float32]:
    """(n, d): the features of every layer but the last, max-pooled."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept.append(F.adaptive_max_pool2d(output.float(), _GRID).flatten(1))

    hooks = [m.register_forward_hook(keep) for m in judge.modules() if isinstance(m, Layer)]
    was_training = judge.training
    judge.eval()
    rows = []
    try:
        for batch in batches:
            kept.clear()
            judge(batch)
            rows.append(torch.cat(kept, 1).cpu().numpy())
    finally:
        judge.train(was_training)
        for hook in hooks:
            hook.remove()
    return np.concatenate(rows)
