"""Write docs/results.md from the records of runs: python benchmarks/results.py

`research/records/<run>/` holds what a run wrote about itself (FILES), without its weights and
pictures. `python benchmarks/results.py RUN_FOLDER …` takes those files from run folders first. What
each section shows, and what it says, stands in `results_rows.py`; `results_pictures.py` adds
pictures.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import shutil
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt

from results_rows import INTRODUCTION, ROWS, Row
from unpaired.core.config import encode
from unpaired.experiment.experiment import load
from unpaired.recipes import recipe
from unpaired.records.evaluation import EvaluationRecord, read_evaluations
from unpaired.records.lines import read_lines
from unpaired.training.run_folder import differences

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "research" / "records"
FILES = ("config.json", "command.txt", "environment.json", "evaluations.jsonl", "metrics.jsonl")
NOT_IN_LABELS = (
    r"training\.(?!batch_size|generators|discriminators|schedule|pool_size).*|evaluation\..*"
    r"|name|schema_version|method.class_colours|[ab]\.(\w+_)?source\b.*"
    r"|method.discriminator_jitter\.(?!shift).*|method.encoder\.path"
)
"""Settings that have columns, are the same data by another path, or go with one that is shown."""
FORMER_RECIPES = {"facades-reader-ours": "facades-features-ours"}
"""Recipes that were renamed, as old runs name them."""
PICTURED = {
    "a2b": "a→b",
    "b2a": "b→a",
    "b": "from noise; below, the way from the first to the last",
}
"""What `results_pictures.py` shows, by file."""
COMPANIONS = {"input": "unchanged input", "floor": "real against real", "shuffled": "other image's"}


@dataclass
class Record:
    """What one run wrote about itself."""

    name: str
    config: dict[str, Any]
    validation: list[EvaluationRecord]
    test: EvaluationRecord
    minutes: float | None
    gpu: str | None

    @property
    def length(self) -> tuple[str, float]:
        """What ended the training: runs of one time budget see about as many images."""
        seconds = self.config["training"]["seconds"]
        return ("seconds", seconds) if seconds else ("images", self.test.images)

    @property
    def recipe(self) -> str:
        """The recipe's present name."""
        name = str(self.config["name"])
        return FORMER_RECIPES.get(name, name)


def main() -> None:
    """Collect, then write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="*", type=Path, help="run folders to take records from")
    for run in parser.parse_args().runs:
        target = RECORDS / run.name
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(run / name, target / name)
    (ROOT / "docs" / "results.md").write_text(page())


def page() -> str:
    """All sections, from all records."""
    records = [read(path.parent) for path in sorted(RECORDS.glob("*/config.json"))]
    known = {recipe for row in ROWS for recipe in row.recipes}
    unknown = {r.recipe for r in records} - known
    assert not unknown, f"no section of results_rows.py shows {unknown}"
    sections = [section(row, [r for r in records if r.recipe in row.recipes]) for row in ROWS]
    return "\n\n".join([INTRODUCTION.strip(), *sections]) + "\n"


def section(row: Row, records: list[Record]) -> str:
    """One section: a table for each protocol, and what to make of it."""
    lines = [f"## {row.title}", "", row.reported, ""]
    tables: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        tables[record.test.fingerprint].append(record)
    names = {record.name: label(record) for record in records}
    for fingerprint, found in tables.items():
        lines += [*table(row, found, names), "", f"Protocol `{fingerprint}`.", ""]
    if not records:
        lines += ["Not run yet.", ""]
    if row.curves:
        path = RECORDS / f"{row.recipes[0]}-curves.png"
        draw_curves(row, records, names, path)
        lines += image("On validation images, during training", path)
    for record in records:
        for path in sorted((RECORDS / record.name).glob("*.png")):
            seed = record.config["training"]["seed"]
            lines += image(f"{names[record.name]}, seed {seed}, {PICTURED[path.stem]}", path)
    return "\n".join([*lines, row.text.strip()]).rstrip()


def image(title: str, path: Path) -> list[str]:
    """Lines of a picture below its title."""
    link = f"../{path.relative_to(ROOT).as_posix()}"
    return [f"{title}:", "", f"![{title.replace('`', '')}]({link})", ""]


def draw_curves(row: Row, records: list[Record], names: dict[str, str], path: Path) -> None:
    """A plot for each metric of `row.curves`, a line for each run."""
    columns = 2
    figure, plots = plt.subplots(
        math.ceil(len(row.curves) / columns), columns, figsize=(9, 7), layout="constrained"
    )
    for metric, plot in zip(row.curves, plots.flat, strict=True):
        for record in records:
            points = {
                line.images / 1000: line.metrics[metric].value
                for line in record.validation
                if metric in line.metrics
            }
            plot.plot(points.keys(), points.values(), "o-", markersize=3)
        plot.set(title=metric, xlabel="thousand images", ylim=(0, None))
    labels = [names[record.name].replace("`", "") for record in records]
    figure.legend(plots.flat[0].lines, labels, loc="outside lower center", fontsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": None})
    plt.close(figure)


def table(row: Row, records: list[Record], names: dict[str, str]) -> list[str]:
    """Lines of settings, columns of metrics; beneath them the companions of the metrics."""
    shown = [m for m in row.metrics if any(m in r.test.metrics for r in records)]
    # Runs of different lengths are no seeds of one another.
    groups: dict[Any, list[Record]] = defaultdict(list)
    for record in records:
        groups[names[record.name], record.gpu, record.length].append(record)
    lines = [
        "| setting | seeds | images | minutes | on | " + " | ".join(shown) + " |",
        "|---|---|---|---|---|" + "---|" * len(shown),
    ]
    for (name, gpu, _), group in groups.items():
        minutes = [r.minutes for r in group if r.minutes is not None]
        cells = [
            name,
            str(len(group)),
            f"{statistics.mean(r.test.images for r in group):,.0f}",
            f"{statistics.mean(minutes):.0f}" if minutes else "",
            gpu.removeprefix("NVIDIA ").split()[0] if gpu else "CPU",
            *(spread([r.test.metrics[m].value for r in group if m in r.test.metrics])
              for m in shown),
        ]  # fmt: skip
        lines.append("| " + " | ".join(cells) + " |")
    for suffix, title in COMPANIONS.items():
        found = [companion(records, f"{metric}/{suffix}") for metric in shown]
        if any(found):
            lines.append(f"| *{title}* | | | | | " + " | ".join(found) + " |")
    return lines


def label(record: Record) -> str:
    """The recipe, and the settings in which the run differs from the recipe as it is now."""
    changed = differences(encode(recipe(record.recipe)), record.config)
    extra = ", ".join(
        f"{name.removeprefix('method.').removeprefix('training.')} {own}"
        for name, (_, own) in changed.items()
        if own is not None and not re.fullmatch(NOT_IN_LABELS, name)
    )
    return f"`{record.recipe}`" + (f", {extra}" if extra else "")


def spread(values: list[float]) -> str:
    """Mean and standard deviation."""
    if not values:
        return ""
    deviation = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{deviation}"


def companion(records: list[Record], name: str) -> str:
    """The companion of a metric: that of the first run which has it."""
    found = [r.test.metrics[name].value for r in records if name in r.test.metrics]
    return f"{found[0]:.4f}" if found else ""


def read(folder: Path) -> Record:
    """The records of a run; its newest evaluation on test images."""
    config = encode(load(folder / "config.json"))  # settings that came later at their defaults
    log = read_lines(folder / "metrics.jsonl")
    every = read_evaluations(folder / "evaluations.jsonl")
    lines = [line for line in every if not line.added_extractor]
    minutes = log[-1]["seconds"] / 60 if log else None
    validation = [line for line in lines if line.split == "validation"]
    test = [line for line in lines if line.split == "test"][-1]
    gpu = json.loads((folder / "environment.json").read_text())["gpu"]
    return Record(folder.name, config, validation, test, minutes, gpu)


if __name__ == "__main__":
    main()
