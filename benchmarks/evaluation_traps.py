"""What moves a distance though no model has changed: few images, JPEG, a resize. And its speed.

    python benchmarks/evaluation_traps.py

Real images against other real images of the same kind, touched or not. Writes the plots and the
tables of docs/evaluation.md; numbers as JSON in research/. Needs the data of the recipes.
"""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from unpaired.data.sources import parse_source
from unpaired.features import Loaded, parse_extractor
from unpaired.features.extract import ImageSet, open_image_set
from unpaired.metrics.floor import extrapolated
from unpaired.metrics.frechet import frechet, frechet_distance
from unpaired.metrics.kernel_distance import kernel, kernel_distance
from unpaired.recipes.data import locate

ROOT = Path(__file__).parents[1]
DOCS, RESEARCH = ROOT / "docs", ROOT / "research"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
QUALITIES = (100, 95, 90, 75, 50, 30)
RESIZES = {
    "bicubic, anti-aliased": lambda p, size: p.resize(size, Image.Resampling.BICUBIC),
    "bilinear, anti-aliased": lambda p, size: p.resize(size, Image.Resampling.BILINEAR),
    "Lanczos": lambda p, size: p.resize(size, Image.Resampling.LANCZOS),
    "bilinear, not anti-aliased": lambda p, size: without_antialias(p, size),
    "nearest": lambda p, size: p.resize(size, Image.Resampling.NEAREST),
}
Features = NDArray[np.float32]
Touch = Callable[[Image.Image], Image.Image]


def main() -> None:
    """See the module."""
    device = torch.device("cpu")
    digits = parse_extractor(f"classifier:{locate('mnist/train.parquet')}").load(device)
    faces = parse_extractor(str(locate("weights/mobilefacenet.pt2"))).load(device)
    numbers: dict[str, Any] = {
        "bias": {
            "digits, task classifier": _bias(
                _features(_pile("mnist/test.parquet"), digits),
                _features(_pile("usps/test.parquet"), digits),
            ),
            "faces, face encoder": _bias(
                _features(_pile("faces/photo/train.parquet"), faces),
                _features(_pile("faces/anime/train.parquet"), faces),
            ),
        },
        "jpeg": _touched(_pile("faces/photo/train.parquet"), faces, _jpegs()),
        "resize": _touched(_pile("faces/photo/train.parquet"), faces, _halved()),
        "speed": json.loads(
            subprocess.run(
                [sys.executable, __file__, "--speed"], check=True, capture_output=True, text=True
            ).stdout
        ),
    }
    (RESEARCH / "evaluation-traps.json").write_text(json.dumps(numbers, indent=1) + "\n")
    _draw(numbers)
    _write_tables(numbers)


def _pile(name: str) -> ImageSet:
    return open_image_set(parse_source(str(locate(name))))


def _features(image_set: ImageSet, extractor: Loaded, touch: Touch | None = None) -> Features:
    found = []
    for first in range(0, len(image_set.hashes), 32):
        images = [image_set.pixels(i) for i in range(first, min(first + 32, len(image_set.hashes)))]
        if touch is not None:
            images = [np.asarray(touch(Image.fromarray(image))) for image in images]
        prepared = np.stack([extractor.prepare(image) for image in images])
        found.append(extractor.features(torch.from_numpy(prepared)).numpy())
    return np.concatenate(found)


def _bias(real: Features, other: Features, draws: int = 10) -> dict[str, Any]:
    """Distances of real images to other real ones, by n; and those to another kind of images."""
    random = np.random.default_rng(0)
    sizes = [n for n in (25, 50, 100, 200, 400, 750, 1000, 2000, 5000) if 2 * n <= len(real)]
    found: dict[str, Any] = {"d": real.shape[1], "n": sizes, "fd": [], "kd": [], "infinity": []}
    for n in sizes:
        values = []
        for _ in range(draws):
            order = random.permutation(len(real))
            x, y = real[order[:n]], real[order[n : 2 * n]]
            limit = extrapolated(x, y, frechet).value if n >= 100 else float("nan")
            values.append([frechet_distance(x, y), kernel_distance(x, y), limit])
        for name, value in zip(("fd", "kd", "infinity"), np.mean(values, axis=0), strict=True):
            found[name].append(float(value))
    most = min(len(real), len(other))
    found["other"] = {
        "n": most,
        "fd": frechet_distance(real[:most], other[:most]),
        "kd": kernel_distance(real[:most], other[:most]),
    }
    return found


def _touched(image_set: ImageSet, extractor: Loaded, touches: dict[str, Touch]) -> dict[str, Any]:
    """Half of an image set, touched, against the other half as it is."""
    order = np.random.default_rng(0).permutation(len(image_set.hashes))
    half = len(order) // 2
    plain = _features(image_set, extractor)
    found = {"n": half, "untouched": _both(plain[order[:half]], plain[order[half:]])}
    for name, touch in touches.items():
        found[name] = _both(
            _features(image_set, extractor, touch)[order[:half]], plain[order[half:]]
        )
    return found


def _both(x: Features, y: Features) -> dict[str, list[float]]:
    return {
        name: [m.value, m.low, m.high]
        for name, m in (("fd", frechet(x, y, 100)), ("kd", kernel(x, y, 100)))
    }


def _jpegs() -> dict[str, Touch]:
    def through(quality: int) -> Touch:
        def touch(picture: Image.Image) -> Image.Image:
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality)
            return Image.open(buffer)

        return touch

    return {f"JPEG {quality}": through(quality) for quality in QUALITIES}


def _halved() -> dict[str, Touch]:
    """To half the size by a filter, and back by one and the same."""

    def through(name: str) -> Touch:
        def touch(picture: Image.Image) -> Image.Image:
            small = RESIZES[name](picture, (picture.width // 2, picture.height // 2))
            return small.resize(picture.size, Image.Resampling.BICUBIC)

        return touch

    return {name: through(name) for name in RESIZES}


def without_antialias(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    values = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    found = torch.nn.functional.interpolate(values, size=size[::-1], mode="bilinear")
    return Image.fromarray(found[0].permute(1, 2, 0).round().byte().numpy())


def _speed() -> dict[str, float]:
    """Seconds of Fréchet distances at 2048 features, and the largest memory of this process."""
    random = np.random.default_rng(0)
    few = random.normal(size=(120, 2048)), random.normal(size=(140, 2048))
    frechet_distance(*few)
    started = time.monotonic()
    frechet_distance(*few)
    found = {"seconds of 120 against 140 images": time.monotonic() - started}
    many = [random.standard_normal((50_000, 2048), np.float32) for _ in range(2)]
    started = time.monotonic()
    frechet_distance(*many)
    found["seconds of 50,000 against 50,000 images"] = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return found | {"largest memory of the process in GB": peak / 1e9}


def _draw(numbers: dict[str, Any]) -> None:
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4), sharey=False)
    for axis, (name, found) in zip(axes, numbers["bias"].items(), strict=True):
        unit = found["other"]["fd"]
        axis.plot(found["n"], np.array(found["fd"]) / unit, "o-", label="Fréchet")
        axis.plot(found["n"], np.array(found["infinity"]) / unit, "s--", label="Fréchet, n → ∞")
        kernels = np.array(found["kd"]) / found["other"]["kd"]
        axis.plot(found["n"], kernels, "^-", label="kernel")
        axis.axhline(0, color="grey", linewidth=0.8)
        axis.set(xscale="log", xlabel="images in each set", title=f"{name} (d {found['d']})")
        axis.set_xticks(found["n"], [str(n) for n in found["n"]], rotation=45)
        axis.minorticks_off()
    axes[0].set_ylabel("distance of real to real images\n(1: to another kind of images)")
    axes[0].legend(frameon=False)
    _save(figure, "evaluation-bias.png")
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    for axis, kind in zip(axes, ("jpeg", "resize"), strict=True):
        found = {name: value for name, value in numbers[kind].items() if name != "n"}
        values = np.array([value["kd"] for value in found.values()])
        places = np.arange(len(found))
        errors = np.abs(values[:, 1:].T - values[:, 0])
        axis.errorbar(values[:, 0], places, xerr=errors, fmt="o", capsize=3)
        axis.axvline(0, color="grey", linewidth=0.8)
        axis.set(
            yticks=places, yticklabels=list(found), xlabel="kernel distance to untouched images"
        )
        axis.invert_yaxis()
    _save(figure, "evaluation-touched.png")


def _save(figure: Any, name: str) -> None:
    figure.tight_layout()
    figure.savefig(DOCS / name, dpi=130)
    plt.close(figure)


def _write_tables(numbers: dict[str, Any]) -> None:
    lines = [BEGIN, ""]
    for name, found in numbers["bias"].items():
        lines += [f"Real against real, {name}, {found['d']} features (means of ten draws):", ""]
        lines += ["| n | Fréchet | Fréchet, n → ∞ | kernel |", "|---|---|---|---|"]
        columns = (found[key] for key in ("n", "fd", "infinity", "kd"))
        for n, fd, limit, kd in zip(*columns, strict=True):
            shown = "" if np.isnan(limit) else f"{limit:.3g}"
            lines.append(f"| {n} | {fd:.3g} | {shown} | {kd:.2g} |")
        other = found["other"]
        row = (
            f"| {other['n']}, to another kind of images | {other['fd']:.3g} | | {other['kd']:.2g} |"
        )
        lines += [row, ""]
    for kind, title in (("jpeg", "Written as JPEG"), ("resize", "Halved and enlarged again")):
        found = numbers[kind]
        lines += [f"{title}: {found['n']} faces against {found['n']} others, face encoder:", ""]
        lines += ["| | Fréchet | kernel |", "|---|---|---|"]
        for name, value in found.items():
            if name != "n":
                shown = [f"{v:.3g} ({low:.3g} to {high:.3g})" for v, low, high in value.values()]
                lines.append(f"| {name} | {shown[0]} | {shown[1]} |")
        lines.append("")
    lines += ["Fréchet distance of 2048 features, on one core:", ""]
    lines += [f"- {name}: {value:.2g}" for name, value in numbers["speed"].items()]
    page = DOCS / "evaluation.md"
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(before + "\n".join([*lines, "", END]) + after)


if __name__ == "__main__":
    if "--speed" in sys.argv:  # in a process of its own, whose memory is measured
        print(json.dumps(_speed()))
    else:
        main()
