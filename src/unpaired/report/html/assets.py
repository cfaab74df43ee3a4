"""Style sheet and script of all pages: inside a page, or linked, and the policy that allows them.

A page makes no request but for these, and runs no script but ours.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from markupsafe import Markup

STYLE, SCRIPT = "style.css", "script.js"


@dataclass(frozen=True)
class Assets:
    """How a page has its style and its script."""

    at: str | None = None
    """Where both files are served, such as "/assets/"; None: they stand in the page, which then is
    one file that needs nothing else."""

    @property
    def policy(self) -> str:
        """The content security policy of the page."""
        allowed = {"style": "'self'", "script": "'self'"}
        if self.at is None:
            allowed = {"style": _hash(asset(STYLE)), "script": _hash(asset(SCRIPT))}
        return (
            f"default-src 'none'; img-src data:; style-src {allowed['style']}; "
            f"script-src {allowed['script']}; base-uri 'none'; form-action 'none'"
        )

    @property
    def style(self) -> Markup:
        """The element that brings the style."""
        if self.at is None:
            return Markup(f"<style>{asset(STYLE)}</style>")
        return Markup('<link rel="stylesheet" href="{}">').format(self.at + STYLE)

    @property
    def script(self) -> Markup:
        """The element that brings the script."""
        if self.at is None:
            return Markup(f"<script>{asset(SCRIPT)}</script>")
        return Markup('<script src="{}"></script>').format(self.at + SCRIPT)


INLINE = Assets()


@cache
def asset(name: str) -> str:
    """The text of `style.css` or `script.js`, for pages and for a server of linked ones."""
    return resources.files("unpaired.report").joinpath(name).read_text("utf-8")


def _hash(content: str) -> str:
    """The content-security source that allows exactly this inline script or style."""
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
