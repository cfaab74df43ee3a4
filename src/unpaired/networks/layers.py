"""Layers: normalisation, padding, upsampling, residual blocks, of which every network is built."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from unpaired.core import class_channels
from unpaired.core.config import Values
from unpaired.core.errors import SettingError

Norm = Literal["none", "batch", "instance"]
Upsampling = Literal["transposed", "resize"]

INITIAL_STD = 0.02  # DCGAN, section 3; used by CycleGAN and pix2pix


def initialise(network: nn.Module) -> None:
    """Draw all convolution and linear weights from N(0, 0.02), biases zero (DCGAN, section 3)."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(module.weight, 0.0, INITIAL_STD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for module in network.modules():
        if isinstance(module, Modulation):
            # At 0.02 the style would move features by a few per cent, and be learned away at once.
            nn.init.normal_(
                module.to_scale_shift.weight, 0.0, module.to_scale_shift.in_features**-0.5
            )


class InstanceNorm(nn.GroupNorm):
    """Each channel of each image by its own mean and deviation, through the faster kernel."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, affine=False)

    def forward(self, features: Tensor) -> Tensor:
        if features.shape[2] * features.shape[3] == 1:
            raise ValueError("instance norm of a single pixel would always be zero")
        channels_last = not features.is_contiguous() and features.is_contiguous(
            memory_format=torch.channels_last
        )
        if channels_last and features.requires_grad and features.device.type == "cpu":
            # There group norm's backward takes 20 to 30 times as long as batch norm's, and the
            # batch norm of one image is its instance norm.
            normalised = [
                F.batch_norm(image, None, None, training=True, eps=self.eps)
                for image in torch.split(features, 1)
            ]
            return torch.cat(normalised)
        return super().forward(features)


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Normalisation over NCHW; instance norm has no learned scale, as in CycleGAN."""
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    if norm == "instance":
        return InstanceNorm(channels)
    return nn.Identity()


class ClassActivation(nn.Module):
    """Any values [N, K, H, W] => class channels, of logits that tanh keeps within bounds."""

    def forward(self, values: Tensor) -> Tensor:
        logits = class_channels.SHARPNESS * values.float().tanh()
        return class_channels.from_logits(logits, training=self.training)


def output_activation(values: Values) -> nn.Module:
    """tanh for images in [-1, 1] ("signed"), sigmoid for [0, 1] ("unit"), softmax for "classes"."""
    if values == "classes":
        return ClassActivation()
    return nn.Tanh() if values == "signed" else nn.Sigmoid()


class Modulation(nn.Module):
    """Scale and shift each channel by a linear map of the style (FiLM, Perez et al. 2018).

    A style must enter *behind* the normalisation: appended to the input as constant planes it would
    be subtracted again by the first instance norm.
    """

    def __init__(self, style_channels: int, channels: int) -> None:
        super().__init__()
        self.to_scale_shift = nn.Linear(style_channels, 2 * channels)

    def forward(self, features: Tensor, style: Tensor) -> Tensor:
        """features NCHW, style [N, style_channels] => NCHW."""
        scale, shift = self.to_scale_shift(style)[:, :, None, None].chunk(2, dim=1)
        modulated: Tensor = features * (1 + scale) + shift
        return modulated


class Layer(nn.Module):
    """Convolution, normalisation, style, activation, in this order."""

    def __init__(
        self,
        convolution: nn.Module,
        channels: int,
        norm: Norm,
        activation: Callable[[Tensor], Tensor] | None,
        style_channels: int = 0,
    ) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = norm_layer(norm, channels)
        self.modulation = Modulation(style_channels, channels) if style_channels else None
        self.activation = activation

    def forward(self, features: Tensor, style: Tensor | None = None) -> Tensor:
        features = self.norm(self.convolution(features))
        if self.modulation is not None:
            assert style is not None, "this network was built with a style"
            features = self.modulation(features, style)
        return features if self.activation is None else self.activation(features)


class ResidualBlock(nn.Module):
    """x + two 3×3 layers, the second without activation (CycleGAN, appendix 7.2)."""

    def __init__(self, channels: int, norm: Norm, style_channels: int = 0) -> None:
        super().__init__()
        self.first = Layer(conv3x3(channels, channels), channels, norm, F.relu, style_channels)
        self.second = Layer(conv3x3(channels, channels), channels, norm, None, style_channels)

    def forward(self, features: Tensor, style: Tensor | None = None) -> Tensor:
        residual: Tensor = self.second(self.first(features, style), style)
        return features + residual


def named(name: str, layers: Iterable[nn.Module]) -> dict[str, nn.Module]:
    """Layers by their names within a network: "encoder.0", "encoder.1" and so on."""
    return {f"{name}.{i}": layer for i, layer in enumerate(layers)}


def outputs_of(
    layers: Mapping[str, nn.Module],
    images: Tensor,
    wanted: Sequence[str],
    style: Tensor | None = None,
) -> dict[str, Tensor]:
    """The outputs of the `wanted` among layers that follow one another; none after them is run.

    Losses on features of a generator's own encoder take them here (CUT: Park et al. 2020, section
    3.2).

    Raises:
        SettingError: for a name that no layer has.
    """
    if unknown := [name for name in wanted if name not in layers]:
        raise SettingError(
            f"this generator has no layer {unknown[0]!r}; it has {', '.join(layers)}.",
            code="unknown-layer",
        )
    outputs: dict[str, Tensor] = {}
    features = images
    for name, layer in layers.items():
        if len(outputs) == len(set(wanted)):
            break
        features = layer(features, style)
        if name in wanted:
            outputs[name] = features
    return outputs


def pad(features: Tensor, width: int, mode: Literal["reflect", "replicate"]) -> Tensor:
    """NCHW => NC(H+2·width)(W+2·width), outside autocast: on a CPU it would pad in float32."""
    with torch.autocast("cpu", enabled=False):
        return F.pad(features, (width,) * 4, mode=mode)


class ReflectedConv2d(nn.Conv2d):
    """Size-keeping convolution, reflected at the border (zeros there leave a visible frame)."""

    def forward(self, features: Tensor) -> Tensor:
        padded = pad(features, int(self.padding[0]), "reflect")
        return F.conv2d(padded, self.weight, self.bias, self.stride)


class ResizeConv2d(nn.Conv2d):
    """Nearest-neighbour resize to twice the size and a 3×3 convolution, in one.

    Each pixel of the input reaches a 4×4 patch of the output, so both together are a transposed
    convolution with stride 2 whose kernel is the flipped 3×3 one summed over 2×2 windows: 16
    multiplications instead of 36, and no enlarged features. At the border the result is that of
    reflection, for there the enlarged features have each row twice.
    """

    def forward(self, features: Tensor) -> Tensor:
        """NCHW => NC(2H)(2W)."""
        flipped = F.pad(self.weight.flip(2, 3), (1, 1, 1, 1)).transpose(0, 1)
        kernel = 4 * F.avg_pool2d(flipped, 2, stride=1)
        padded = pad(features, 1, "replicate")
        # Cropped afterwards: with padding=3, which cuts off as much, the backward of the
        # convolution takes five times as long (bfloat16, channels last).
        enlarged = F.conv_transpose2d(padded, kernel, self.bias, stride=2, padding=1)
        return F.pad(enlarged, (-2, -2, -2, -2))


def conv3x3(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Size-keeping 3×3 convolution."""
    return ReflectedConv2d(in_channels, out_channels, 3, padding=1)


def upsampling_convolution(
    in_channels: int, out_channels: int, upsampling: Upsampling
) -> nn.Module:
    """Twice the size: a 4×4 transposed convolution, or nearest-neighbour resize and 3×3.

    The transposed kernel is a multiple of its stride, so that each output pixel sums the same
    number of taps; "resize" removes the checkerboard altogether (Odena et al. 2016).
    """
    if upsampling == "transposed":
        return nn.ConvTranspose2d(in_channels, out_channels, 4, stride=2, padding=1)
    return ResizeConv2d(in_channels, out_channels, 3, padding=1)


def add_spectral_norm(network: nn.Module) -> None:
    """Divide every weight by its largest singular value (Miyato et al. 2018, equation 8).

    After `initialise`, which does not see the weights behind the division.
    """
    for module in list(network.modules()):
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            spectral_norm(module)


def halving_problems(size: int, halvings: int, smallest: int) -> list[str]:
    """Why images of `size`×`size` cannot be halved so often, down to `smallest` or more."""
    multiple = 2**halvings
    if size % multiple:
        below = size // multiple * multiple
        others = f"{below} or {below + multiple}" if below else str(multiple)
        return [
            f"it halves the size {halvings} times and needs a multiple of {multiple}: "
            f"use a size of {others} instead of {size}."
        ]
    if size // multiple < smallest:
        left = size // multiple
        return [
            f"it halves {size}×{size} {halvings} times, down to {left}×{left}, where its layers "
            f"need {smallest}×{smallest}: use fewer downsamplings."
        ]
    return []


class MinibatchStandardDeviation(nn.Module):
    """Append one plane: the mean standard deviation over the batch (Karras et al. 2018, §3).

    It shows the discriminator how much the images of a batch differ, which no single image can.
    """

    def forward(self, features: Tensor) -> Tensor:
        """NCHW => N(C+1)HW, float32 inside: a bfloat16 variance of like values rounds to zero."""
        count, _, height, width = features.shape
        values = features.float()
        deviation = (values.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        plane = deviation.to(features.dtype).expand(count, 1, height, width)
        return torch.cat([features, plane], dim=1)
