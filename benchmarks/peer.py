"""The CycleGAN step of a checkout of taesungp/contrastive-unpaired-translation, called unchanged.

Its options come from its own parser with its own defaults; set here are only the sizes of the case,
the weight of the identity loss, the device, and whether it anti-aliases.
"""

from __future__ import annotations

import contextlib
import io
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor


def build_step(
    checkout: Path,
    *,
    size: int,
    batch_size: int,
    width: int,
    blocks: int,
    discriminator_width: int,
    layers: int,
    identity: float,
    antialias: bool,
    real_a: Tensor,
    real_b: Tensor,
) -> Callable[[], None]:
    """A function that takes one step of its CycleGAN model on the batch."""
    command = (
        f"--model cycle_gan --netD n_layers --n_layers_D {layers} --ngf {width} "
        f"--ndf {discriminator_width} --batch_size {batch_size} --crop_size {size} "
        f"--load_size {size} --lambda_identity {identity}"
    )
    if not antialias:
        command += " --no_antialias --no_antialias_up"
    sys.path.insert(0, str(checkout))
    # It prints on import and when networks are built.
    with torchvision_stub(), contextlib.redirect_stdout(io.StringIO()):
        from options.train_options import TrainOptions

        from models import create_model

        options = TrainOptions(command).gather_options()
        options.isTrain = True
        options.gpu_ids = [0] if real_a.is_cuda else []
        options.netG = f"resnet_{blocks}blocks"  # 4 exists, but not among the parser's choices
        options.amp = False  # read by its step, declared by none of its options
        model = create_model(options)
    model.set_input({"A": real_a, "B": real_b, "A_paths": [], "B_paths": []})
    step: Callable[[], None] = model.optimize_parameters
    return step


@contextlib.contextmanager
def torchvision_stub() -> Iterator[None]:
    """An empty torchvision during the import: its data loading wants one, its step does not."""
    names = ("torchvision", "torchvision.transforms")
    before = {name: sys.modules.get(name) for name in names}
    package, transforms = (types.ModuleType(name) for name in names)
    package.transforms = transforms  # type: ignore[attr-defined]
    sys.modules.update(zip(names, (package, transforms), strict=True))
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def is_checkout(path: Path) -> bool:
    """Whether the folder holds what is needed here."""
    return (path / "models" / "cycle_gan_model.py").is_file()


def describe(antialias: bool) -> str:
    """Its settings, in words."""
    sampling = (
        "its default anti-aliased down- and upsampling"
        if antialias
        else "--no_antialias --no_antialias_up"
    )
    return f"{sampling}, float32, its other defaults, torch {torch.__version__}"
