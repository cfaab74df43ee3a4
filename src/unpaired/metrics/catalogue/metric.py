"""Metric definition: name pattern, function, needs, and how its numbers are written and read.

The entries are in `catalogue`. Nothing here or there imports torch: a metric names its function,
and only `evaluation.measure` calls it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Better = Literal["higher", "lower", "unknown"]
Suffix = Literal["input", "floor", "shuffled", "real"]

Need = Literal[
    "translations",  # images of the source domain, translated: (N, C, H, W) uint8
    "from_noise",  # generated images of the target domain, where the method needs no input
    "real",  # real images of the target domain, as the networks see them: (M, C, H, W) uint8
    "source",  # the images that were translated
    "reconstructions",  # these translated back, a→b→a
    "sampled_source",  # at most 1000 images with their own translations
    "sampled_translations",
    "source_edges",  # of these, see `structure.Edges`
    "translation_edges",
    "translations_with_truth",  # those whose true counterpart is known
    "truth",  # the counterparts
    "label_maps",  # translations as classes of pixels: (N, H, W)
    "true_label_maps",
    "segmented",  # generated photos as classes, by a segmenter
    "num_classes",
    "labels",  # class of each source image: (N,)
    "classes_of_translations",  # the same, and of real images, where classifiers tell them apart
    "real_classes",
    "predicted_labels",  # of each translation, by a task classifier of the target domain
    "encoder_labels",  # of each source image, by the method's own encoder
    "real_labels",  # of each real image of the target domain
    "student_labels",  # of each real image, by a classifier trained on translations
    "probe_labels",  # of each real image, by a linear classifier of a discriminator's features
    "generated_features",  # (N, d), by an extractor
    "real_features",
    "source_features",  # (N, d) by an extractor, row by row those of an image and its translation
    "translation_features",
    "source_codes",  # the same by the method's own encoder
    "translation_codes",
    "hidden_signal",  # see `hidden_signal.HiddenSignal`
    "faithfulness",  # see `faithfulness.Faithfulness`
    "lpips",  # distance of image pairs by a pretrained network
    "dino",
    "resamples",  # bootstrap resamples of the protocol
    "seed",
]
"""What an evaluation gathers, once: a metric is computed wherever all that it needs is there."""

_SLOTS = {
    "direction": "a2b|b2a",
    "source": "a|b",
    "target": "a|b",
    "extractor": "[^/]+",
}
"""What stands in the braces of a pattern."""


@dataclass(frozen=True, kw_only=True)
class Companion:
    """A number that stands beside a metric, "NAME/floor" beside NAME."""

    title: str
    """In tables, below or beside the number."""
    label: str
    """The same in a few words, beside a line of a plot."""
    stroke: Literal["dashed", "dotted"] = "dashed"
    """Of its line in plots."""
    rival: str = ""
    """What it is called where a metric that is no better proves nothing; empty: it may be."""


COMPANIONS: Mapping[Suffix, Companion] = {
    "input": Companion(
        title="Unchanged input", label="unchanged input", rival="the unchanged input"
    ),
    "floor": Companion(title="Real against real (floor)", label="floor", stroke="dotted"),
    "shuffled": Companion(
        title="Another image's translation",
        label="another image's",
        rival="another image's translation",
    ),
    "real": Companion(title="Real photos (upper bound)", label="real photos", stroke="dotted"),
}
"""By the end of their names: the same metric of the unchanged input, of two sets of real images,
of the translation of another image, of real photos."""


@dataclass(frozen=True)
class Metric:
    """One metric: everything that any table, page or help says of it."""

    pattern: str
    """Its name in records: "fd/{extractor}/{target}". Parts without a value are left out: files
    have no domains."""
    function: str
    """ "module:function", the module in `unpaired.metrics`. It takes what
    `needs` names, in that order, and returns a `Measurement`; or one number an image (N,), whose
    mean is reported; or a mapping of such, one for each `part`; or None where there is none."""
    needs: tuple[Need, ...]
    title: str
    """What is measured; metrics of one title share a chart."""
    about: str = ""
    """Which direction or domain it is measured on."""
    sentence: str = ""
    """What the number means, without a full stop; a small first letter continues "98.4 % …"."""
    part: str = ""
    """Key of its number among those that the function returns."""
    better: Better = "unknown"
    unit: str = ""
    scale: float = 1.0
    """Values are shown as `value * scale`, then `unit`."""
    decimals: int | None = None
    """None: three significant digits."""
    headline: bool = False
    """Belongs to the few numbers in large type."""
    companions: tuple[Suffix, ...] = ()
    """What stands beside it."""
    floor_splits: int = 10
    """Random splits of real images behind its floor; 1: one, with the metric's own interval."""
    fewest_images: int = 0
    """Images of each set below which it is not measured."""
    extractors: tuple[str, ...] = ()
    """Whose features it is defined on; empty: any."""
    on_demand: bool = False
    """Measured where a user names an extractor, and not in each evaluation of a training."""
    ranking: int = 0
    """Moments of a training are ranked by the metrics with the lowest number here; 0: by none."""

    def name(self, slots: Mapping[str, str]) -> str:
        """Its name for a direction, domain or extractor."""
        parts = (part for part in self.pattern.split("/") if part[1:-1] in slots or part[0] != "{")
        return "/".join(parts).format_map(slots)

    def match(self, name: str) -> dict[str, str] | None:
        """What stands in the braces for a name of this metric; None for that of another."""
        found = self._form.fullmatch(name)
        return None if found is None else {k: v for k, v in found.groupdict().items() if v}

    @cached_property
    def _form(self) -> re.Pattern[str]:
        first, *rest = self.pattern.split("/")
        form = re.escape(first)
        for part in rest:
            slot = part[1:-1]
            if part[0] != "{":
                form += f"/{re.escape(part)}"
            elif slot == "extractor":
                form += f"/(?P<{slot}>{_SLOTS[slot]})"
            else:
                form += f"(?:/(?P<{slot}>{_SLOTS[slot]}))?"
        return re.compile(form)
