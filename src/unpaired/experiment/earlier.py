"""Stored experiments of earlier versions, brought to the present form.

Names that have changed are the classes' own affair (`FORMER_NAMES`, see `core.config`); here are
settings that have moved between parts of the tree.
"""

from __future__ import annotations

from typing import Any

_OF_ENCODERS = ("encoder", "encoder_images", "encoder_weight")


def in_present_form(stored: dict[str, Any]) -> dict[str, Any]:
    """The JSON of an experiment of any age => as it would be written now.

    Whether networks see classes or colours of label maps was the method's affair
    (`class_channels`) and is the domain's (`label_channels`); a feature segmenter was an option of
    CycleGAN (`encoder.path`) and is a method. An identity loss between photos and classes was one
    of their colours, and is none: models of it translate, and no training of it goes on, as its
    networks are built otherwise now.
    """
    stored = dict(stored)
    domains = {
        name: dict(stored[name]) for name in ("a", "b") if isinstance(stored.get(name), dict)
    }
    method = dict(stored["method"]) if isinstance(stored.get("method"), dict) else {}
    is_earlier = "class_channels" in method or any(
        "float_range" in (_part(domain, "decoding") or {}) for domain in domains.values()
    )
    if not is_earlier:
        return stored

    channels = "classes" if method.pop("class_channels", False) else "colours"
    for domain in domains.values():
        if domain.get("palette"):
            domain.setdefault("label_channels", channels)
    if method.get("kind", "cyclegan") == "cyclegan":
        if (_part(method, "encoder") or {}).get("path"):
            method["kind"] = "feature_segmentation"
        else:
            method = {name: value for name, value in method.items() if name not in _OF_ENCODERS}
    num_classes = {len(domain.get("palette") or ()) for domain in domains.values()}
    if channels == "classes" and len(num_classes) > 1 and "identity_weight" in method:
        method["identity_weight"] = 0.0
    if method:
        stored["method"] = method
    return {**stored, **domains}


def _part(settings: dict[str, Any], name: str) -> dict[str, Any] | None:
    part = settings.get(name)
    return dict(part) if isinstance(part, dict) else None
