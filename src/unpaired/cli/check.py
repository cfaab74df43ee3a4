"""`unpaired check`: look at two piles of images before any training.

Decodes every file as training would: counts, sizes, files that cannot be used and why, images that
stand in two piles (leaks), and a contact sheet.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unpaired.cli.arguments import Parser, print_json
from unpaired.cli.findings import leak_lines, summed_up

if TYPE_CHECKING:
    from unpaired.inspect_data import Finding

_HUNDREDS = "ten different images are the least, hundreds what works well"


def run(arguments: list[str]) -> int:
    """The verb: exit code 0 when both piles can be trained on."""
    flags = Parser(prog="unpaired check", description=__doc__)
    for name, text in (("a", "first pile"), ("b", "second pile")):
        flags.add_argument(f"--{name}", metavar="SOURCE", required=True, help=text)
        flags.add_argument(f"--{name}-test", metavar="SOURCE", help=f"test images of {name}")
    flags.add_argument("-o", "--output", type=Path, metavar="PNG", help="write a contact sheet")
    flags.add_argument(
        "--strict", action="store_true", help="exit code 2 on any refused file or leak"
    )
    flags.add_argument("--max-megapixels", type=float, help="refuse larger images")
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = flags.parse_args(arguments)
    from unpaired.data.decode import Decoding
    from unpaired.data.sources import parse_source
    from unpaired.inspect_data import FEWEST, check_data, leaks, too_small

    given_sources = {"a": given.a, "a-test": given.a_test, "b": given.b, "b-test": given.b_test}
    sources = {name: parse_source(text) for name, text in given_sources.items() if text}
    decoding = Decoding(max_megapixels=given.max_megapixels) if given.max_megapixels else Decoding()
    findings = check_data(sources, decoding)
    leaked = leaks(findings)
    too_few = too_small(sources, findings)
    refused = sum(len(finding.refused) for finding in findings.values())
    if given.output:
        _draw(findings, given.output)
    if given.json:
        piles = {name: finding.as_json() for name, finding in findings.items()}
        print_json({"piles": piles, "leaks": leaked, "too_small": too_few})
    else:
        for name, finding in findings.items():
            sizes = ", ".join(f"{w}×{h} ({n})" for (h, w), n in finding.sizes.most_common(4))
            print(
                f"{name}: {finding.source}: {finding.num_usable:,} of {finding.num_files:,} "
                f"usable; {finding.num_grey:,} grey; {finding.num_labelled:,} labelled; "
                f"sizes {sizes}"
            )
            twice = [f"{first} = {second}" for first, second in finding.duplicates]
            kinds = ("refused", map(str, finding.refused)), ("note", finding.notes)
            for kind, lines in (*kinds, ("twice", twice)):
                for line in summed_up(list(lines)):
                    print(f"  {kind:7}  {line}")
            if name in ("a", "b") and name not in too_few and finding.num_usable < FEWEST:
                print(
                    f"  warning  only {finding.num_usable} images: expect a translator that "
                    "copies them; hundreds are the least that works well"
                )
        for line in leak_lines(findings):
            print(line)
        for name, reason in too_few.items():
            print(f"{name}: {reason}; {_HUNDREDS}")
    return 2 if too_few or (given.strict and (refused or leaked)) else 0


def _draw(findings: dict[str, Finding], path: Path) -> None:
    from unpaired.report.pictures import contact_sheet, save_png

    shown = [
        (f"{name}: {caption}", pixels)
        for name, finding in findings.items()
        for caption, pixels in finding.thumbnails
    ]
    save_png(contact_sheet([p for _, p in shown], [c for c, _ in shown]), path)
