"""Model card: what it is for, how it was trained, how well it does, what it cannot.

Its head of YAML is what the Hugging Face hub lists the model by; see `metadata`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from unpaired.core.config import encode
from unpaired.data.sources import HuggingFace, describe
from unpaired.experiment.experiment import Experiment
from unpaired.metrics import catalogue
from unpaired.models.metadata import LICENSE_ADVICE, head
from unpaired.records.evaluation import EvaluationRecord
from unpaired.records.measurement import Measurement
from unpaired.report.metric_text import doubt, in_order, wording
from unpaired.report.names import Names, names_of

USE = (
    "```bash",
    "unpaired translate MODEL_FOLDER images/ -o translated/ --to b",
    "```",
    "",
    "```python",
    "import unpaired",
    'translator = unpaired.load("MODEL_FOLDER")',
    'translator.translate(image, to="b")',
    "```",
)
USE_OF_NOISE = (
    "```bash",
    "unpaired generate MODEL_FOLDER -o generated/ --count 100",
    "```",
)

LIMITS = (
    "The model knows the two sets of images it was trained on and nothing else. It can invent "
    "or drop detail: do not use a translation as evidence of what was in the original."
)
LIMITS_OF_NOISE = (
    "The model knows the set of images it was trained on and nothing else. Its images are "
    "invented, and may still come close to some that it was trained on: do not use one as evidence "
    "of anything."
)


def card(experiment: Experiment, images: int, evaluations: Sequence[EvaluationRecord]) -> str:
    """The text of a model folder's README.md."""
    method, domains = experiment.method, experiment.domains
    names = names_of(encode(experiment), experiment.directions)
    makes_from_noise = not experiment.directions
    summaries = {
        (): "Makes images from noise",
        ("a2b",): "Translates images of domain a to domain b",
        ("a2b", "b2a"): "Translates between two domains of images, in both directions",
    }
    rows = {
        "images": [f"`{describe(domain.source)}`" for domain in domains.values()],
        "size": [f"{domain.size}×{domain.size}" for domain in domains.values()],
        "channels": [str(domain.channels) for domain in domains.values()],
    }
    lines = [
        *_head(experiment, _newest(evaluations, images)),
        "",
        f"# {experiment.name}",
        "",
        f"{summaries[experiment.directions]}, with {type(method).__name__}.",
        "",
        "| | " + " | ".join(domains) + " |",
        "|---|" + "---|" * len(domains),
        *(f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()),
        "",
        f"Trained on {images:,} images{' per domain' if len(domains) > 1 else ''}, "
        f"seed {experiment.training.seed}. {_averaging(experiment.training.ema_images, images)}",
        "",
        "## Use",
        "",
        *(USE_OF_NOISE if makes_from_noise else USE),
        "",
        "## Measured",
        "",
        *_numbers(_newest(evaluations, images), names),
        "",
        "## Limits",
        "",
        LIMITS_OF_NOISE if makes_from_noise else LIMITS,
        "",
        LICENSE_ADVICE,
        "",
    ]
    return "\n".join(lines)


def _averaging(half_life: int, images: int) -> str:
    """How the weights came from those of the steps; see `State.update_average`."""
    if not half_life:
        return "The weights are those of one step, not averaged."
    if half_life <= images // 10:
        return f"The weights are averaged, with a half-life of {half_life:,} images."
    tenth = f"a tenth of the images seen, {images // 10:,}"
    return f"The weights are averaged, with a half-life of {tenth}."


def _head(experiment: Experiment, record: EvaluationRecord | None) -> list[str]:
    """What the hub lists the model by, with the metrics that tables show first."""
    sources = {name: domain.source for name, domain in experiment.domains.items()}
    own = {} if record is None else record.values
    return head(
        "image-to-image" if experiment.directions else "unconditional-image-generation",
        [experiment.method.kind.replace("_", "-"), "gan"],
        experiment.name,
        " and ".join(map(describe, sources.values())),
        {name: own[name] for name in own if not catalogue.is_companion(name, own)},
        "test" if record is None else record.split,
        [s.name for s in sources.values() if isinstance(s, HuggingFace) and _is_id(s.name)],
    )


def _is_id(name: str) -> bool:
    """Whether a data set lies on the hub: "owner/name", and no file or folder."""
    return re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name) is not None and ".parquet" not in name


def _newest(evaluations: Sequence[EvaluationRecord], images: int) -> EvaluationRecord | None:
    """The newest evaluation of these weights, test before validation."""
    records = [record for record in evaluations if record.images == images]
    tested = [record for record in records if record.split == "test"]
    return next(iter(tested), records[-1] if records else None)


def _numbers(record: EvaluationRecord | None, names: Names) -> list[str]:
    if record is None:
        return ["Nothing was measured yet."]
    return [
        f"On {record.split} images, protocol `{record.fingerprint}`.",
        "",
        *(line for note in record.notes for line in (f"Note: {note}", "")),
        "| metric | value | 95 % interval | n | |",
        "|---|---|---|---|---|",
        *_rows(record.metrics, names),
    ]


def _rows(metrics: Mapping[str, Measurement], names: Names) -> Iterator[str]:
    """A row for each metric, and below it those for what stands beside it."""
    for name in in_order(metrics, names):
        words = wording(name, names)
        better = "" if words.better == "unknown" else f"; {words.better} is better"
        proof = f"; **{text}**" if (text := doubt(name, metrics)) else ""
        yield _row(name, metrics[name], f"{words.name}{better}{proof}")
        for suffix, beside in catalogue.companions(name, metrics).items():
            yield _row(f"{name}/{suffix}", beside, catalogue.COMPANIONS[suffix].title)


def _row(name: str, m: Measurement, words: str) -> str:
    interval = f"{m.low:.4g} to {m.high:.4g}"
    return f"| {name} | {m.value:.4g} | {interval} | {m.n} | {words} |"
