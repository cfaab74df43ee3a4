"""`unpaired check`: inspect two sets of images before any training.

Decodes every file as training would: counts, sizes, files that cannot be used and why, images that
stand in two sets (leaks), and a contact sheet. Flags that say how `unpaired train` reads a domain
are flags here too: --a.range 0 1, --b.source.image-column picture.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unpaired.cli.flags.arguments import Parser, is_flag, print_json, refuse_stray
from unpaired.cli.tables.findings import leak_lines, summed_up
from unpaired.core.errors import SettingError

if TYPE_CHECKING:
    from unpaired.data.codecs.settings import Reading
    from unpaired.data.domain import Domain, DomainName
    from unpaired.data.inspect import Finding
    from unpaired.data.sources import Source

_HUNDREDS = "ten different images are the least, hundreds what works well"


def run(arguments: list[str]) -> int:
    """The verb: exit code 0 when both sets can be trained on."""
    flags = Parser(prog="unpaired check", description=__doc__)
    for name, text in (("a", "first image set"), ("b", "second image set")):
        flags.add_argument(f"--{name}", metavar="SOURCE", required=True, help=text)
        flags.add_argument(f"--{name}-test", metavar="SOURCE", help=f"test images of {name}")
    flags.add_argument("-o", "--output", type=Path, metavar="PNG", help="write a contact sheet")
    flags.add_argument(
        "--strict", action="store_true", help="exit code 2 on any refused file or leak"
    )
    flags.add_argument("--max-megapixels", type=float, help="refuse larger images")
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    refuse_stray(arguments, Namespace(), flags.prog)
    options, rest = flags.parse_with_settings(arguments)
    refuse_stray(rest, options, flags.prog)
    from unpaired.data.coverage import mean_never_seen, sizes_in_box
    from unpaired.data.index import opened_once
    from unpaired.data.inspect import check_data, leaks, too_small
    from unpaired.data.shared_classes import shared_classes

    domains = _domains(flags, options, rest)
    with opened_once():
        findings = check_data(*_sources(domains))
        leaked, too_few = leaks(findings), too_small(domains, findings)
        classes = shared_classes(domains)
    if not classes.shared:
        for finding in findings.values():
            finding.num_labelled = 0
    refused = sum(len(finding.refused) for finding in findings.values())
    if options.output:
        _draw(findings, options.output)
    if options.json:
        image_sets = {name: finding.as_json() for name, finding in findings.items()}
        for name, domain in domains.items():
            sizes = sizes_in_box(findings[name].sizes, domain)
            image_sets[name]["never_seen"] = mean_never_seen(sizes, domain)
        notes = list(classes.notes)
        print_json(
            {"image_sets": image_sets, "leaks": leaked, "too_small": too_few, "notes": notes}
        )
    else:
        for name, finding in findings.items():
            _print_finding(name, finding, too_few)
            if name in domains:
                _print_coverage(name, domains[name], finding)
        for line in leak_lines(findings):
            print(line)
        for note in classes.notes:
            print(f"note: {note}")
        for name, reason in too_few.items():
            print(f"{name}: {reason}; {_HUNDREDS}")
    return 2 if too_few or (options.strict and (refused or leaked)) else 0


def _print_finding(name: str, finding: Finding, too_few: Collection[str]) -> None:
    from unpaired.data.codecs.settings import flags_for
    from unpaired.data.inspect import FEWEST
    from unpaired.data.missing import not_named_like_images

    sizes = ", ".join(f"{w}×{h} ({n})" for (h, w), n in finding.sizes.most_common(4))
    print(
        f"{name}: {finding.source}: {finding.num_usable:,} of {finding.num_files:,} usable; "
        f"{finding.num_grey:,} grey; {finding.num_labelled:,} labelled; sizes {sizes}"
    )
    flags = flags_for(finding.refused, name[0])
    if finding.num_transparent:
        finding.notes.append(
            f"{finding.num_transparent:,} images are transparent: their background is shown as "
            f"--{name[0]}.decoding.background (white)"
        )
    kinds = {
        "refused": list(map(str, finding.refused)),
        "ignored": not_named_like_images(finding.ignored),
        "advice": [f"{flag} lets such files pass" for flag in flags],
        "range": [finding.range_advice.sentence(name[0])] if finding.range_advice else [],
        "note": finding.notes,
        "twice": [f"{first} = {second}" for first, second in finding.duplicates],
    }
    for kind, lines in kinds.items():
        for line in summed_up(lines):
            print(f"  {kind:7}  {line}")
    if name in ("a", "b") and name not in too_few and finding.num_usable < FEWEST:
        print(
            f"  warning  only {finding.num_usable} images: expect a translator that copies them; "
            "hundreds are the least that works well"
        )


def _print_coverage(name: str, domain: Domain, finding: Finding) -> None:
    """How much of the images training would never see."""
    from unpaired.data.coverage import cover_notes, sizes_in_box

    for note in cover_notes(name, domain, sizes_in_box(finding.sizes, domain)):
        print(f"  unseen   {note}")


def _domains(flags: Parser, options: Namespace, settings: list[str]) -> dict[DomainName, Domain]:
    """The domains as `train` would take them."""
    from unpaired.cli.flags.settings import override, with_present_names
    from unpaired.data.domain import Domain
    from unpaired.data.sources import parse_source
    from unpaired.experiment.experiment import Experiment

    for word in settings:
        if is_flag(word) and not word.startswith(("--a.", "--b.")):
            flags.error(f"{word.partition('=')[0]} says nothing about a domain")
    a, b = (
        Domain(source=parse_source(train), test_source=parse_source(test) if test else None)
        for train, test in ((options.a, options.a_test), (options.b, options.b_test))
    )
    base = Experiment(a=a, b=b)
    experiment = override(base, with_present_names(base, settings), flags.prog)
    domains: dict[DomainName, Domain] = {}
    for name, domain in experiment.domains.items():
        decoding = domain.decoding
        if options.max_megapixels:
            decoding = replace(decoding, max_megapixels=options.max_megapixels)
        domains[name] = replace(domain, decoding=decoding)
    return domains


def _sources(
    domains: Mapping[DomainName, Domain],
) -> tuple[dict[str, Source], dict[str, Reading]]:
    """The sources, and how each is decoded."""
    sources: dict[str, Source] = {}
    decodings = {}
    for name, domain in domains.items():
        for key, source in ((name, domain.source), (f"{name}-test", domain.test_source)):
            if source is not None:
                sources[key], decodings[key] = source, domain.reading
    return sources, decodings


def _draw(findings: dict[str, Finding], path: Path) -> None:
    from unpaired.report.plots.image_grid import contact_sheet, save_png

    shown = [
        (f"{name}: {caption}", pixels)
        for name, finding in findings.items()
        for caption, pixels in finding.thumbnails
    ]
    try:
        save_png(contact_sheet([p for _, p in shown], [c for c, _ in shown]), path)
    except OSError as error:
        raise SettingError(
            f"{path} cannot be written: {error.strerror}. Give another file with -o, in a folder "
            "that exists.",
            code="cannot-be-written",
        ) from error
