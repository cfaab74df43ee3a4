"""How busy the network is while a folder of images is translated, and what that gains.

Makes JPEG files that look like photographs to a codec, translates the folder to PNG with a ResNet
of random weights, and prints the share of the time in which the network was busy. Then, alternating
on small parts of it, compares with the plain loop: one image after another, batch 1, float32.

    python benchmarks/translate.py                     # 2,000 images: ten minutes on a good CPU
    python benchmarks/translate.py --images 60 --json
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from unpaired.core.devices import choose_device, choose_precision
from unpaired.data.domain import Domain
from unpaired.data.sources import Folder
from unpaired.experiment.experiment import Experiment
from unpaired.inference.files import translate_files
from unpaired.inference.translator import Translator
from unpaired.methods import CycleGAN
from unpaired.networks import ResNet

SIZE = 256
GOAL = 0.85


def make_images(folder: Path, count: int) -> None:
    """Smooth fields at several scales, and the noise of a camera."""
    random = np.random.default_rng(0)
    folder.mkdir()
    for i in range(count):
        pixels = np.full((SIZE, SIZE, 3), 128.0)
        for cells, strength in ((3, 60), (9, 25), (40, 12), (128, 4)):
            coarse = random.normal(0, strength, (3, cells, cells)).astype(np.float32)
            planes = [
                Image.fromarray(c).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for c in coarse
            ]
            pixels += np.stack([np.asarray(plane) for plane in planes], axis=-1)
        pixels += random.normal(0, 2, pixels.shape)
        image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        image.save(folder / f"{i:05d}.jpg", quality=90)


def build(width: int, blocks: int, device: torch.device) -> Translator:
    """A translator with random weights, in the precision that is chosen for the device."""
    domain = Domain(source=Folder(path="."), size=SIZE)
    method = CycleGAN(generator=ResNet(width=width, blocks=blocks))
    experiment = Experiment(a=domain, b=domain, method=method)
    networks = method.build(domain, domain).eval().requires_grad_(False)
    return Translator(experiment, networks, device)


@torch.no_grad()
def plain_loop(translator: Translator, paths: list[Path], output: Path) -> float:
    """Decode, translate, encode, one after the other; returns seconds."""
    generator = translator.networks.generators["a2b"]
    output.mkdir(parents=True)
    started = time.monotonic()
    for path in paths:
        pixels = np.array(Image.open(path).convert("RGB"))
        values = torch.from_numpy(pixels).permute(2, 0, 1)[None].to(translator.device) / 127.5 - 1
        result = ((generator(values)[0] + 1) * 127.5).round().clamp(0, 255).byte()
        Image.fromarray(result.permute(1, 2, 0).cpu().numpy()).save(output / f"{path.stem}.png")
    return time.monotonic() - started


def compare(translator: Translator, paths: list[Path], rounds: int, work: Path) -> list[float]:
    """Images/s of `translate_files` over those of the plain loop, once per round, alternating."""
    ratios = []
    share = max(1, len(paths) // rounds)
    for i in range(rounds):
        part = paths[i * share : (i + 1) * share]
        if not part:
            break
        ours = translate_files(translator, part, work / f"ours-{i}", "b", image_format="png")
        plain = plain_loop(translator, part, work / f"plain-{i}")
        ratios.append(plain / ours.seconds)
    return ratios


def measure(options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """All that is printed."""
    translator = build(options.width, options.blocks, choose_device(options.device))
    make_images(work / "in", options.images)
    paths = sorted((work / "in").iterdir())
    for _ in range(2):  # the first pass through a network also plans and allocates
        translate_files(
            translator, paths[:8], work / "warm", "b", image_format="png", overwrite=True
        )
    report = translate_files(translator, [work / "in"], work / "out", "b", image_format="png")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ratios = compare(translator, paths[: options.compare], options.rounds, work)
    return {
        "images": report.num_translated,
        "device": translator.device.type,
        "precision": choose_precision("auto", translator.device),
        "num_threads": torch.get_num_threads(),
        "images_per_second": report.num_translated / report.seconds,
        "network_share": report.network_seconds / report.seconds,
        "network_share_goal": GOAL,
        "ratio_to_plain_loop": statistics.median(ratios),
        "ratios": ratios,
        "peak_memory_mb": peak,
        "peak_gpu_memory_mb": torch.cuda.max_memory_allocated() / 2**20
        if translator.device.type == "cuda"
        else None,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--images", type=int, default=2000, help="JPEG files in the folder")
    parser.add_argument("--compare", type=int, default=60, help="images of the comparison")
    parser.add_argument("--rounds", type=int, default=5, help="alternations of the comparison")
    parser.add_argument("--width", type=int, default=64, help="channels of the ResNet")
    parser.add_argument("--blocks", type=int, default=9, help="residual blocks of the ResNet")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="unpaired-benchmark-"))
    try:
        result = measure(options, work)
    finally:
        shutil.rmtree(work)
    if options.json:
        print(json.dumps(result))
        return
    spread = f"{min(result['ratios']):.2f} to {max(result['ratios']):.2f}"
    print(
        f"{result['images']} images of {SIZE}×{SIZE}, {result['device']}, {result['precision']}\n"
        f"network busy        {result['network_share']:.1%} of the time (goal: {GOAL:.0%})\n"
        f"speed               {result['images_per_second']:.2f} images/s\n"
        f"against plain loop  {result['ratio_to_plain_loop']:.2f} times (rounds: {spread})\n"
        f"peak memory         {result['peak_memory_mb']:.0f} MB"
    )


if __name__ == "__main__":
    main()
