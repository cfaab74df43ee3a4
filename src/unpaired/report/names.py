"""Names of domains for people, and the directions in which a method translates between them."""

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
    """What people call the two domains, and the directions in which a method translates."""

    a: str = "a"
    """For a method that makes images of b from noise: "noise"."""
    b: str = "b"
    directions: tuple[str, ...] = ("a2b", "b2a")
    """In which its method translates; none: it generates images of b from noise."""

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of which there are images."""
        return ("a", "b") if self.directions else ("b",)

    @property
    def per_domain(self) -> str:
        """What follows a number of images seen: nothing where all are of one domain."""
        return " per domain" if len(self.domains) > 1 else ""

    @property
    def title(self) -> str:
        """All that is learned: "ink ⇄ sign", "svhn → mnist", "noise → mnist"."""
        return f"{self.a} ⇄ {self.b}" if len(self.directions) > 1 else self.path("a", "b")

    def path(self, *domains: str) -> str:
        """From domain to domain: `path("a", "b")` is e.g. "ink → sign"."""
        return " → ".join(getattr(self, domain) for domain in domains)


def names_of(config: Mapping[str, Any], directions: tuple[str, ...]) -> Names:
    """The names of the domains as far as their sources tell, else "a" and "b"."""
    a, b = (_name_of(config.get(domain)) for domain in ("a", "b"))
    if not directions:
        return Names(a="noise", b=b or Names.b, directions=directions)
    if not a or not b or a == b:
        a, b = Names.a, Names.b
    return Names(a=a, b=b, directions=directions)


def _name_of(domain: object) -> str:
    source = domain.get("source") if isinstance(domain, dict) else None
    if not isinstance(source, dict):
        return ""
    for key in ("name", "path"):
        if isinstance(source.get(key), str):
            stems = [PurePath(part).stem for part in reversed(PurePath(source[key]).parts)]
            return next((stem for stem in stems if stem.lower() not in _SAYS_LITTLE), "")
    return ""
