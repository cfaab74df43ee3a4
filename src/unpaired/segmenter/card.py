"""The card of a segmenter: what it is for, how it was trained, how well it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unpaired.segmenter.folder import Trained


def card(trained: Trained) -> str:
    """The text of README.md."""
    minutes = trained.seconds / 60
    start = f"the weights `{trained.pretrained}`" if trained.pretrained else "random weights"
    rows = [
        f"| {name} | {m.value:.3f} | {m.low:.3f} … {m.high:.3f} | {m.n} |"
        for name, m in trained.scores.items()
    ]
    colours = [
        f"| {i} | {red} {green} {blue} |" for i, (red, green, blue) in enumerate(trained.palette)
    ]
    lines = [
        "# Segmenter",
        "",
        f"Gives each pixel of a photo one of {len(trained.palette)} classes, to judge generated "
        "photos by (FCN-score).",
        "",
        f"{type(trained.network).__name__}, trained from {start} on {len(trained.photos):,} "
        f"photos at {trained.size}×{trained.size}: {trained.images:,} seen, counting repeats, in "
        f"{minutes:.0f} minutes, seed {trained.seed}. Weights `{trained.weights_hash}`.",
        "",
        "```bash",
        "unpaired segmenter score SEGMENTER_FOLDER --generated translated/ --labels labels/",
        "```",
        "",
        "## Photos kept from the training",
        "",
        "What generated photos can be expected to reach at best. Intervals: 95 %, bootstrap over "
        "photos. In class and iou, a class that does not occur counts as 0; …_present skips it.",
        "",
        "| score | value | interval | photos |",
        "|---|---|---|---|",
        *rows,
        "",
        "## Classes",
        "",
        "| class | colour |",
        "|---|---|",
        *colours,
        "",
        "## Limits",
        "",
        "It knows the photos it was trained on and nothing else. Scores of different segmenters, "
        "sizes or label maps do not compare.",
        "",
    ]
    return "\n".join(lines)
