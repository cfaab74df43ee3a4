"""What people call the domains of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

_SAYS_LITTLE = frozenset(
    {"train", "traina", "trainb", "test", "validation", "images", "data", "raw"}
)


@dataclass(frozen=True, kw_only=True)
class Names:
    """What people call the two domains."""

    a: str = "a"
    b: str = "b"

    def path(self, *domains: str) -> str:
        """A way through the domains: `path("a", "b")` is e.g. "ink → sign"."""
        return " → ".join(getattr(self, domain) for domain in domains)


def names_of(config: Mapping[str, Any]) -> Names:
    """The names of the domains as far as their sources tell, else "a" and "b"."""
    a, b = (_name_of(config.get(domain)) for domain in ("a", "b"))
    return Names(a=a, b=b) if a and b and a != b else Names()


def _name_of(domain: object) -> str:
    source = domain.get("source") if isinstance(domain, dict) else None
    if not isinstance(source, dict):
        return ""
    for key in ("name", "path"):
        if isinstance(source.get(key), str):
            stems = [PurePath(part).stem for part in reversed(PurePath(source[key]).parts)]
            return next((stem for stem in stems if stem.lower() not in _SAYS_LITTLE), "")
    return ""
