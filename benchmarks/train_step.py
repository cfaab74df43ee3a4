"""How fast one training step is: ours, against the textbook's and against the most used toolkit's.

All take the same batch in turn (A B A B …) in one process, so that whatever else the machine does
strikes all alike; ratios are formed round by round. Data loading is not part of it. Peak memory is
that of one process per contender.

    python benchmarks/train_step.py                     # both cases, against textbook.py
    python benchmarks/train_step.py --case small --peer PATH
    python benchmarks/train_step.py --device cuda --compile
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

import peer
from contenders import CASES, SMOKE, Step, build
from unpaired.core.devices import choose_precision
from unpaired.engine.log import memory_mb
from unpaired.training.environment import environment


def take(step: Step, device: str) -> float:
    """Seconds of one step, until the device is done."""
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def alternate(steps: dict[str, Step], options: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of each step, round by round, after a warm-up."""
    for _ in range(options.warm_up):
        for step in steps.values():
            take(step, options.device)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(options.rounds):
        for name, step in steps.items():
            seconds[name].append(take(step, options.device))
    return seconds


def peak_memory(name: str, case_name: str, arguments: list[str]) -> float:
    """MB that a process of its own needs at most for three steps of one contender."""
    command = [sys.executable, __file__, *arguments, "--case", case_name, "--memory-of", name]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def own_peak_memory(device: str) -> float:
    """MB that this process has needed at most: of the GPU's memory, or else resident."""
    status = Path("/proc/self/status")
    if device == "cuda" or not status.exists():
        return memory_mb(torch.device(device))
    # Not getrusage: there a child begins with the peak of its parent.
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) / 1024


def measure(case_name: str, options: argparse.Namespace, arguments: list[str]) -> dict[str, Any]:
    """All numbers of one case."""
    case = SMOKE if options.smoke else CASES[case_name]
    names = ["ours", "textbook", *(["peer"] if options.peer else [])]
    seconds = alternate({name: build(name, case, options) for name in names}, options)
    contenders: dict[str, Any] = {}
    for name in names:
        median = statistics.median(seconds[name])
        ratios = [other / own for other, own in zip(seconds[name], seconds["ours"], strict=True)]
        contenders[name] = {
            "seconds_per_step": median,
            "images_per_second": case.batch_size / median,
            "peak_memory_mb": peak_memory(name, case_name, arguments),
            "seconds": seconds[name],
            "ours_is_times_as_fast": {
                "median": statistics.median(ratios),
                "low": min(ratios),
                "high": max(ratios),
            },
        }
    return {
        "case": asdict(case),
        "upsampling": options.upsampling,
        "identity": options.identity,
        "device": options.device,
        "precision_of_ours": choose_precision(options.precision, torch.device(options.device)),
        "compile": options.compile,
        "peer_settings": peer.describe(options.upsampling == "resize") if options.peer else None,
        "contenders": contenders,
    }


def show(name: str, result: dict[str, Any]) -> None:
    """Print one case."""
    case, ours = result["case"], result["precision_of_ours"]
    compiled = ", compiled" if result["compile"] else ""
    print(
        f"\n{name}: {case['size']}×{case['size']}, batch {case['batch_size']}, "
        f"{result['device']}, {torch.get_num_threads()} threads\n"
        f"  generators      ResNet, {case['width']} channels, {case['blocks']} blocks, "
        f"upsampling {result['upsampling']}\n"
        f"  discriminators  PatchGAN, {case['discriminator_width']} channels, "
        f"{case['layers']} layers\n"
        f"  losses          least squares, λ 10, identity {result['identity']:g} λ\n"
        f"  precision       ours {ours}{compiled}, textbook float32"
    )
    if result["peer_settings"]:
        print(f"  peer            {result['peer_settings']}")
    print(
        "\n  contender   s/step    images/s   peak memory   ours is … times as fast (low to high)"
    )
    for contender, numbers in result["contenders"].items():
        ratio = numbers["ours_is_times_as_fast"]
        line = (
            f"  {contender:9s} {numbers['seconds_per_step']:8.4f} "
            f"{numbers['images_per_second']:11.2f} {numbers['peak_memory_mb']:10.0f} MB"
        )
        if contender != "ours":
            line += f"   {ratio['median']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"
            if case["goal"]:
                verdict = "reached" if ratio["median"] >= case["goal"] else "missed"
                line += f", goal {case['goal']:g} {verdict}"
        print(line)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--case", choices=[*CASES, "all"], default="all")
    parser.add_argument("--rounds", type=int, default=15, help="steps of each that are timed")
    parser.add_argument("--warm-up", type=int, default=2, help="steps of each before that")
    parser.add_argument("--threads", type=int, help="processor threads; default: torch's choice")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--precision", choices=["auto", "bfloat16", "float32"], default="auto")
    parser.add_argument("--compile", action="store_true", help="compile the phases of ours")
    parser.add_argument("--identity", type=float, default=0.0, help="identity loss, share of λ")
    parser.add_argument(
        "--upsampling",
        choices=["resize", "transposed"],
        default="resize",
        help="of ours and the textbook's; the peer anti-aliases with resize, and only then",
    )
    parser.add_argument(
        "--peer", type=Path, help="a checkout of taesungp/contrastive-unpaired-translation"
    )
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    parser.add_argument("--smoke", action="store_true", help="tiny networks, two rounds")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.peer and not peer.is_checkout(options.peer):
        parser.error(
            f"--peer {options.peer} holds no models/cycle_gan_model.py: give a checkout of "
            "https://github.com/taesungp/contrastive-unpaired-translation"
        )
    if options.smoke:
        options.rounds, options.warm_up = 2, 1
    return options


def main(arguments: list[str]) -> None:
    """Measure, print, and write JSON if asked."""
    options = parse(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.memory_of:
        step = build(options.memory_of, SMOKE if options.smoke else CASES[options.case], options)
        for _ in range(3):
            take(step, options.device)
        print(own_peak_memory(options.device))
        return
    results = {}
    for name in CASES if options.case == "all" else [options.case]:
        results[name] = measure(name, options, arguments)
        show(name, results[name])
    if options.json:
        record = {"environment": environment(), "results": results}
        options.json.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
