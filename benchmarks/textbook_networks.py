"""The networks of `train_step.py`'s cases in torch's ready-made layers, with the weights of ours.

Same architecture, same function, written as most code writes it; so the comparison also shows what
our own layers gain, and the test that both compute the same losses checks our layers as well.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from unpaired.networks import PatchGAN, ResNet


class Residual(nn.Module):
    """x + two 3×3 layers."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


def generator(settings: ResNet, weights: nn.Module) -> nn.Module:
    """RGB => RGB in [-1, 1]; `weights` is our network of the same settings."""
    width, edge = settings.width, settings.kernel // 2
    layers: list[nn.Module] = [
        nn.ReflectionPad2d(edge),
        nn.Conv2d(3, width, settings.kernel),
        nn.InstanceNorm2d(width),
        nn.ReLU(inplace=True),
    ]
    for _ in range(settings.downsamplings):
        layers += [
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.InstanceNorm2d(2 * width),
            nn.ReLU(inplace=True),
        ]
        width *= 2
    layers += [Residual(width) for _ in range(settings.blocks)]
    for _ in range(settings.downsamplings):
        if settings.upsampling == "transposed":
            layers.append(nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1))
        else:
            layers += [
                nn.Upsample(scale_factor=2),
                nn.ReflectionPad2d(1),
                nn.Conv2d(width, width // 2, 3),
            ]
        width //= 2
        layers += [nn.InstanceNorm2d(width), nn.ReLU(inplace=True)]
    layers += [nn.ReflectionPad2d(edge), nn.Conv2d(width, 3, settings.kernel), nn.Tanh()]
    return with_weights(nn.Sequential(*layers), weights)


def discriminator(settings: PatchGAN, weights: nn.Module) -> nn.Module:
    """RGB => one judgement per patch; `weights` is our network of the same settings."""
    width = settings.width
    layers: list[nn.Module] = [
        nn.Conv2d(3, width, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2, inplace=True),
    ]
    for i in range(1, settings.layers + 1):
        wider = settings.width * min(2**i, 8)
        layers += [
            nn.Conv2d(width, wider, 4, stride=2 if i < settings.layers else 1, padding=1),
            nn.InstanceNorm2d(wider),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        width = wider
    layers.append(nn.Conv2d(width, 1, 4, padding=1))
    return with_weights(nn.Sequential(*layers), weights)


@torch.no_grad()
def with_weights(network: nn.Module, weights: nn.Module) -> nn.Module:
    """The network with the parameters of another whose layers come in the same order."""
    pairs = zip(network.parameters(), weights.parameters(), strict=True)
    for parameter, value in pairs:
        assert parameter.shape == value.shape, "the networks differ"
        parameter.copy_(value)
    return network
