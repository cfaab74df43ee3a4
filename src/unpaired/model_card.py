"""The card of a model: what it translates, how it was trained, how well it does, what it cannot."""

from __future__ import annotations

from typing import Any

from unpaired.data.sources import describe
from unpaired.experiment import Experiment


def card(experiment: Experiment, images: int, evaluations: list[dict[str, Any]]) -> str:
    """The text of a model folder's README.md."""
    a, b, method = experiment.a, experiment.b, experiment.method
    lines = [
        f"# {experiment.name}",
        "",
        f"Translates between two domains of images, both ways, with {type(method).__name__}.",
        "",
        "| | a | b |",
        "|---|---|---|",
        f"| images | `{describe(a.source)}` | `{describe(b.source)}` |",
        f"| size | {a.size}×{a.size} | {b.size}×{b.size} |",
        f"| channels | {a.channels} | {b.channels} |",
        "",
        f"Trained on {images:,} images per domain, seed {experiment.training.seed}. "
        f"The weights are averaged, with a half-life of {experiment.training.ema_images:,} images.",
        "",
        "## Use",
        "",
        "```bash",
        "unpaired translate MODEL_FOLDER images/ -o translated/ --to b",
        "```",
        "",
        "```python",
        "import unpaired",
        'translator = unpaired.load("MODEL_FOLDER")',
        'translator.translate(image, to="b")',
        "```",
        "",
        "## Measured",
        "",
        *_numbers(evaluations, images),
        "",
        "## Limits",
        "",
        "The model knows the two piles it was trained on and nothing else. It can invent or drop "
        "detail: do not use a translation as evidence of what was in the original. The weights are "
        "derived from the training images; their licence may restrict what you do with them.",
        "",
    ]
    return "\n".join(lines)


def _numbers(evaluations: list[dict[str, Any]], images: int) -> list[str]:
    """The newest evaluation of these weights, test before validation."""
    found = [r for r in evaluations if r["images"] == images]
    if not found:
        return ["Nothing was measured yet."]
    record = next((r for r in found if r["split"] == "test"), found[-1])
    rows = [
        f"| {name} | {m['value']:.4g} | {m['low']:.4g} to {m['high']:.4g} | {m['n']} |"
        for name, m in record["metrics"].items()
    ]
    return [
        f"On {record['split']} images, protocol `{record['fingerprint']}`.",
        "",
        "| metric | value | 95 % interval | n |",
        "|---|---|---|---|",
        *rows,
    ]
