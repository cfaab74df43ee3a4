"""Linear probe: a linear classifier on the features of a discriminator."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from unpaired.networks.layers import Layer

_GRID = 4  # side of the grid that each layer's features are pooled to
_REGULARISATION = 1e-2
_ITERATIONS = 100


def probe(
    discriminator: nn.Module,
    training: Iterable[Tensor],
    labels: NDArray[np.int64],
    test: Iterable[Tensor],
) -> NDArray[np.int64]:
    """Classes of test images, by a linear SVM on a discriminator's features (DCGAN, section 5.1).

    The features of every layer are max-pooled to 4×4, flattened and joined. `training` and
    `test` are batches NCHW as the discriminator takes them; `labels` those of `training`, (n,).
    """
    device = next(discriminator.parameters()).device
    x = torch.from_numpy(features(discriminator, training)).to(device)
    mean, deviation = x.mean(0), x.std(0).clamp_min(1e-6)
    weights, bias = _fit((x - mean) / deviation, torch.from_numpy(labels).to(device))
    y = torch.from_numpy(features(discriminator, test)).to(device)
    scores = (y - mean) / deviation @ weights + bias
    classes: NDArray[np.int64] = scores.argmax(1).cpu().numpy()
    return classes


def _fit(x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The L2-SVM, one class against the rest: λ/2·‖w‖² + E[max(0, 1 − y·(w·x + b))²], by L-BFGS.

    Not scikit-learn's: its solvers take minutes for thousands of features, and this seconds.
    """
    num_classes = int(labels.max()) + 1
    signs = torch.where(F.one_hot(labels, num_classes) > 0, 1.0, -1.0)
    weights = torch.zeros(x.shape[1], num_classes, device=x.device, requires_grad=True)
    bias = torch.zeros(num_classes, device=x.device, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weights, bias], max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimiser.zero_grad()
        margins = F.relu(1 - signs * (x @ weights + bias)).square().mean(0).sum()
        value: Tensor = margins + 0.5 * _REGULARISATION * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach(), bias.detach()


@torch.no_grad()
def features(discriminator: nn.Module, batches: Iterable[Tensor]) -> NDArray[np.float32]:
    """(n, d): the features of every layer but the last, max-pooled."""
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        kept.append(F.adaptive_max_pool2d(output.float(), _GRID).flatten(1))

    hooks = [m.register_forward_hook(keep) for m in discriminator.modules() if isinstance(m, Layer)]
    was_training = discriminator.training
    discriminator.eval()
    rows = []
    try:
        for batch in batches:
            kept.clear()
            discriminator(batch)
            rows.append(torch.cat(kept, 1).cpu().numpy())
    finally:
        discriminator.train(was_training)
        for hook in hooks:
            hook.remove()
    return np.concatenate(rows)
