"""Image coverage: how much of each image training never sees, and the setting that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from unpaired.data.domain import Domain, box_in

Sizes = Mapping[tuple[int, int], int]
"""How many images have a height and width."""

MUCH = 0.2
"""Share of an image whose loss is worth a word."""
MANY = 0.1
"""Share of a set's images to which that happens, likewise."""


def never_seen(height: int, width: int, domain: Domain) -> float:
    """Share of an image, as its crop box has it, that training never sees."""
    if domain.fit != "cover":
        return 0.0
    return 1 - min(height, width) / max(height, width)


def mean_never_seen(sizes: Sizes, domain: Domain) -> float:
    """The same of images of these sizes, on average."""
    lost = sum(never_seen(*size, domain) * count for size, count in sizes.items())
    return lost / max(1, sum(sizes.values()))


def sizes_in_box(sizes: Sizes, domain: Domain) -> Sizes:
    """Heights and widths of what the domain's crop box leaves of images of these."""
    inner: Counter[tuple[int, int]] = Counter()
    for (height, width), count in sizes.items():
        left, top, right, bottom = box_in(height, width, domain)
        if left < right and top < bottom:
            inner[bottom - top, right - left] += count
    return inner


def scale_in_words(domain: Domain) -> str:
    """Of the images that fit="crop" cuts squares out of."""
    if domain.short_side:
        return f"with a short side of {domain.short_side} pixels"
    return f"at scale {domain.scale:g}"


def cover_notes(name: str, domain: Domain, sizes: Sizes) -> list[str]:
    """What users should know of images of which the middle square alone is seen: how much is lost,
    and what shows it."""
    shares = {size: never_seen(*size, domain) for size in sizes}
    cut = {size: count for size, count in sizes.items() if shares[size] > MUCH}
    num_cut, num_images = sum(cut.values()), sum(sizes.values())
    if not cut or num_cut < MANY * num_images:
        return []
    mean = mean_never_seen(cut, domain)
    varied = "on average " if len({f"{shares[size]:.0%}" for size in cut}) > 1 else ""
    of = "each image" if num_cut == num_images else f"{num_cut:,} of the {num_images:,} images"
    return [
        f"{varied}{mean:.0%} of {of} lies outside the middle square and is never seen (fit "
        f"cover). --{name}.fit crop with --{name}.short-side equal to the size takes such squares "
        f"from anywhere along the long side; --{name}.fit crop alone takes smaller ones, at the "
        f"scale of the files; --{name}.fit resize or pad shows all of each image."
    ]


def crop_notes(name: str, domain: Domain, sizes: Sizes) -> list[str]:
    """What users should know of images that are smaller than the squares cut out of them."""
    if domain.fit != "crop" or domain.short_side:
        return []
    small = sum(n for size, n in sizes.items() if round(min(size) * domain.scale) < domain.size)
    if not small:
        return []
    return [
        f"{small:,} of the {sum(sizes.values()):,} images are smaller than {domain.size}×"
        f"{domain.size} pixels at scale {domain.scale:g} and are enlarged to that. Give a smaller "
        f"--{name}.size, or --{name}.short-side: one scale for images of many sizes."
    ]
