"""Pages of the documentation that are written from the code: python docs/generate

Each replaces what stands between two marks of a page, so that the words around it stay.
`python docs/generate --check` writes nothing and fails where a page is not as the code says.
"""

from __future__ import annotations

import argparse
import sys

from pages import out_of_date, write_all


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail where a page is out of date")
    if not parser.parse_args().check:
        write_all()
        return 0
    old = out_of_date()
    for page in old:
        print(f"{page} is not as the code says: python docs/generate", file=sys.stderr)
    return bool(old)


if __name__ == "__main__":
    sys.exit(main())
