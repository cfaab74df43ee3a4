"""Optional packages, which an extra brings: imported where they are needed, and only there."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from unpaired.core.errors import BrokenPackage, MissingExtra


def from_extra(module: str, *names: str, purpose: str) -> list[Any]:
    """Names of a module whose package the extra `metrics` brings; `purpose` opens the message.

    Raises:
        MissingExtra: when the package is not installed.
        BrokenPackage: when it is, and cannot be imported.
    """
    package = module.partition(".")[0]
    try:
        imported = import_module(module)
        return [getattr(imported, name) for name in names]
    except (ImportError, RuntimeError) as error:  # torchvision's is a RuntimeError
        shown = package.replace("_", "-")
        if find_spec(package) is None:
            raise MissingExtra(shown, "metrics", purpose) from error
        raise BrokenPackage(shown, purpose, error) from error
