"""Protocol differences, in words: why numbers must not share a column."""

from __future__ import annotations

from collections.abc import Sequence

from unpaired.report.comparison.numbers import Table
from unpaired.report.html.tables import flatten

_WORDS = {
    "images_a": "the images of a",
    "images_b": "the images of b",
    "evaluators": "the networks that measure",
    "extractor": "whose features are compared",
    "resize": "how images are brought to size",
    "distances": "which images distances compare",
    "style_seed": "the seed of styles and noise",
    "resamples": "the resamples behind intervals",
}

_HASHED = {_WORDS[part] for part in ("images_a", "images_b", "evaluators")} | {"the fingerprint"}
"""Parts that are known by hashes, which say nothing to people."""


def differing_parts(tables: Sequence[Table]) -> dict[str, list[str]]:
    """Each part that differs between the protocols of tables, with its value in each."""
    parts = [dict(flatten(table.protocol.as_json())) for table in tables]
    names = dict.fromkeys(name for part in parts for name in part)
    values = {name: [part.get(name, "not recorded") for part in parts] for name in names}
    differing = {_WORDS.get(n, n): v for n, v in values.items() if len(set(v)) > 1}
    # Protocols from other places may be known by their fingerprint alone.
    return differing or {
        "the fingerprint": [table.fingerprint or "not recorded" for table in tables]
    }


def division(tables: Sequence[Table]) -> str:
    """Why runs cannot all be compared, in words."""
    lines = [f"numbers of {len(tables)} protocols must not share a column:"]
    for table in tables:
        names = [entry.name for entry in table.entries]
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        lines.append(f"  - protocol {table.fingerprint or 'not recorded'}: {shown}")
    differing = differing_parts(tables)
    parts = "; ".join(
        name if name in _HASHED else f"{name} ({', then '.join(values)})"
        for name, values in differing.items()
    )
    lines.append(f"The protocols differ in {parts}.")
    if list(differing) == [_WORDS["evaluators"]]:
        lines.append(
            "Each machine trains its own: give machines one $UNPAIRED_CACHE, and measure again "
            "with `unpaired evaluate`."
        )
    return "\n".join(lines)
