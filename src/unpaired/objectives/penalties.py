"""Gradient penalties: on the gradient of a discriminator with respect to its images.

An image's value is the mean of the discriminator's outputs for it, as the objectives take it: for a
PatchGAN the penalties hold the mean over patches. Computed in float32: a penalty is differentiated
twice, and bfloat16 has too few digits for that.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Logits = Callable[[Tensor], Tensor]
"""A discriminator: images NCHW => outputs N…."""


def gradient_penalty(discriminator: Logits, real: Tensor, fake: Tensor) -> Tensor:
    """E[(‖∇D(x̂)‖₂ − 1)²], x̂ uniform on lines from real to fake (Gulrajani et al. 2017, eq. 3).

    Each image has its own place on its line, from torch's global generator. real, fake: NCHW, as
    many of both.
    """
    place = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = real.float() + place * (fake.float() - real.float())
    return (gradient_norms(discriminator, between) - 1).square().mean()


def zero_centred(discriminator: Logits, real: Tensor) -> Tensor:
    """½·E[‖∇D(x)‖₂²] on real images: R1 (Mescheder et al. 2018, equation 9). real: NCHW."""
    return 0.5 * gradient_norms(discriminator, real).square().mean()


def gradient_norms(discriminator: Logits, images: Tensor) -> Tensor:
    """‖∇D(x)‖₂ of each image, [N], differentiable in the weights of the discriminator."""
    with torch.autocast(images.device.type, enabled=False):
        images = images.detach().float().requires_grad_()
        values = discriminator(images).reshape(len(images), -1).mean(1)
        # One image's value must not depend on the others, or their gradients would be mixed here.
        (gradients,) = torch.autograd.grad(values.sum(), images, create_graph=True)
    # The square root has no gradient at zero, where a critic begins that ignores its input.
    norms: Tensor = (gradients.flatten(1).square().sum(1) + 1e-12).sqrt()
    return norms
