"""Write docs/results.md from the records of runs: python benchmarks/results.py

`results/<run>/` holds what a run wrote about itself (config.json, command.txt, environment.json,
evaluations.jsonl), without its weights and pictures. `python benchmarks/results.py RUN_FOLDER …`
takes those files from run folders first.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ("config.json", "command.txt", "environment.json", "evaluations.jsonl")
SHOWN = (
    "translation_accuracy/a2b", "translation_accuracy/b2a", "cycle_l1/a", "cycle_l1/b",
    "fd/classifier/a", "fd/classifier/b", "diversity/a2b", "diversity/b2a", "truth_psnr/b2a",
)  # fmt: skip


def main() -> None:
    """Collect, then write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="run folders to take records from")
    for run in parser.parse_args().runs:
        target = ROOT / "results" / run.name
        target.mkdir(parents=True, exist_ok=True)
        for name in RECORDS:
            shutil.copy(run / name, target / name)
    groups: dict[str, list[Path]] = defaultdict(list)
    for folder in sorted((ROOT / "results").iterdir()):
        config = json.loads((folder / "config.json").read_text())
        groups[config["name"]].append(folder)
    sections = [section(name, folders) for name, folders in groups.items()]
    text = "# Results\n\nWritten by `python benchmarks/results.py` from `results/`.\n\n"
    (ROOT / "docs" / "results.md").write_text(text + "\n\n".join(sections) + "\n")


def section(name: str, folders: list[Path]) -> str:
    """All runs of one recipe: final weights on test images, seed by seed."""
    records = [final_test(folder) for folder in folders]
    seeds = [json.loads((f / "config.json").read_text())["training"]["seed"] for f in folders]
    fingerprints = {record["fingerprint"] for record in records}
    assert len(fingerprints) == 1, f"{name}: runs of different protocols in one table"
    lines = [
        f"## {name}",
        "",
        f"Weights after {records[0]['images']:,} images seen per domain ({records[0]['weights']}), "
        f"on test images; protocol `{fingerprints.pop()}`. "
        "Unchanged: the same number for the input as it is; floor: real images against real ones.",
        "",
        "| metric | "
        + " | ".join(f"seed {s}" for s in seeds)
        + " | mean ± sd | unchanged | floor |",
        "|---|" + "---|" * (len(seeds) + 3),
    ]
    for metric in SHOWN:
        if metric not in records[0]["metrics"]:
            continue
        values = [record["metrics"][metric]["value"] for record in records]
        spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
        cells = [f"{value:.4f}" for value in values]
        cells.append(f"{statistics.mean(values):.4f}{spread}")
        cells += [other(records[0], f"{metric}/{kind}") for kind in ("input", "floor")]
        lines.append(f"| {metric} | " + " | ".join(cells) + " |")
    lines += ["", "During training, on validation images:", "", *course(folders)]
    return "\n".join(lines)


def course(folders: list[Path]) -> list[str]:
    """Translation accuracies at each evaluation, mean over seeds: does it drift?"""
    found: dict[int, list[list[float]]] = defaultdict(list)
    for folder in folders:
        for record in read(folder):
            names = ("translation_accuracy/a2b", "translation_accuracy/b2a")
            if record["split"] == "validation":
                found[record["images"]].append([record["metrics"][n]["value"] for n in names])
    lines = ["| images seen | accuracy a→b | accuracy b→a |", "|---|---|---|"]
    for images, values in sorted(found.items()):
        there, back = (statistics.mean(v) for v in zip(*values, strict=True))
        lines.append(f"| {images:,} | {there:.4f} | {back:.4f} |")
    return lines


def other(record: dict[str, Any], name: str) -> str:
    """A companion metric, or nothing."""
    return f"{record['metrics'][name]['value']:.4f}" if name in record["metrics"] else ""


def final_test(folder: Path) -> dict[str, Any]:
    """The last evaluation on test images."""
    return [record for record in read(folder) if record["split"] == "test"][-1]


def read(folder: Path) -> list[dict[str, Any]]:
    """The lines of evaluations.jsonl."""
    lines = (folder / "evaluations.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
