"""Model card metadata: the YAML head of a README.md, by which the Hugging Face hub finds models.

Written so that `huggingface_hub.ModelCard.load` reads it; see the hub's "Model cards" page.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, Literal

Task = Literal["image-to-image", "unconditional-image-generation", "image-segmentation"]

LICENSE_ADVICE = (
    "The head of this file says `license: other`, as the weights are derived from the training "
    "images, whose licence may restrict what you do with them: name yours there before you share "
    "the model."
)


def head(
    task: Task,
    tags: list[str],
    name: str,
    images: str,
    numbers: Mapping[str, float],
    split: str = "test",
    datasets: list[str] | None = None,
) -> list[str]:
    """The lines of the head.

    `images` names those that `numbers` (by the names of metrics) were measured on; `datasets` are
    the hub's that were trained on. Numbers that are not finite are left out.
    """
    finite = {metric: value for metric, value in numbers.items() if math.isfinite(value)}
    metrics = [
        {"type": metric.partition("/")[0], "name": metric, "value": value}
        for metric, value in finite.items()
    ]
    result = {
        "task": {"type": task},
        "dataset": {"type": "custom", "name": images, "split": split},
        "metrics": metrics,
    }
    fields: dict[str, Any] = {
        "library_name": "unpaired",
        "pipeline_tag": task,
        "tags": list(dict.fromkeys(["unpaired", *tags])),
        "license": "other",
        "license_name": "see-limits",
        "datasets": datasets or [],
        "metrics": list(dict.fromkeys(metric["type"] for metric in metrics)),
        "model-index": [{"name": name, "results": [result]}] if metrics else [],
    }
    return ["---", *(f"{key}: {_yaml(value)}" for key, value in fields.items() if value), "---"]


def _yaml(value: Any) -> str:
    """JSON, which YAML takes as it is, but for numbers and characters that it reads otherwise."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_yaml(k)}: {_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, float):  # 1e-05 is a text to YAML, 1.0e-05 a number
        return re.sub(r"^(-?\d+)(?=e|$)", r"\1.0", f"{value:.6g}")
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]",
        lambda match: f"\\u{ord(match[0]):04x}",
        json.dumps(value, ensure_ascii=False),
    )
