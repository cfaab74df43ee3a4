"""From flags to an `Experiment`: `--method.cycle-weight 5` sets `experiment.method.cycle_weight`.

The flags are the fields of the configuration classes; `--….kind` chooses between alternatives
(networks, objectives, methods), which then bring their own flags.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from typing import Any

from unpaired.errors import SettingError
from unpaired.experiment import Experiment


def override(base: Experiment, arguments: list[str], prog: str) -> Experiment:
    """`base` with the settings that flags give.

    Raises:
        SettingError: for a kind that does not exist.
        SystemExit: 2 for unknown flags and values of the wrong type, 0 for --help, from tyro.
    """
    import tyro

    base, rest = _apply_kinds(base, arguments)
    return tyro.cli(
        Experiment,
        prog=prog,
        description="Settings, with their defaults for this recipe:",
        default=base,
        args=rest,
        config=(tyro.conf.AvoidSubcommands, tyro.conf.SuppressFixed),
    )


def _apply_kinds(base: Experiment, arguments: list[str]) -> tuple[Experiment, list[str]]:
    """Take the `--….kind` flags out of the arguments and exchange those parts of the tree."""
    rest: list[str] = []
    pending = iter(arguments)
    for argument in pending:
        flag, equals, value = argument.partition("=")
        if not (flag.startswith("--") and flag.endswith(".kind")):
            rest.append(argument)
            continue
        value = value if equals else next(pending, "")
        path = flag.removeprefix("--").removesuffix(".kind").replace("-", "_").split(".")
        base = _with_kind(base, path, value.replace("-", "_"), flag)
    return base, rest


def _with_kind(settings: Any, path: list[str], kind: str, flag: str) -> Any:
    import tyro

    name, *deeper = path
    hints = typing.get_type_hints(type(settings)) if dataclasses.is_dataclass(settings) else {}
    if name not in hints:
        near = difflib.get_close_matches(name, hints, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingError(f"{flag}: there is no setting {name!r}.{hint}")
    current = getattr(settings, name)
    if deeper:
        return dataclasses.replace(settings, **{name: _with_kind(current, deeper, kind, flag)})
    kinds = {m.kind: m for m in _members(hints[name]) if hasattr(m, "kind")}
    if not kinds:
        raise SettingError(f"{flag}: {name!r} has no alternatives.")
    if kind not in kinds:
        close = difflib.get_close_matches(kind, kinds, 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise SettingError(f"{flag} {kind}: choose from {', '.join(sorted(kinds))}.{hint}")
    # What has no default must come from a flag of its own, which tyro then asks for.
    values = {
        f.name: tyro.MISSING
        for f in dataclasses.fields(kinds[kind])
        if f.default is dataclasses.MISSING
    }
    shared = {f.name for f in dataclasses.fields(kinds[kind])} - {"kind"}
    for field in dataclasses.fields(current) if current is not None else ():
        if field.name in shared and _was_set(current, field):
            values[field.name] = getattr(current, field.name)
    return dataclasses.replace(settings, **{name: kinds[kind](**values)})


def _was_set(settings: Any, field: dataclasses.Field[Any]) -> bool:
    """Whether a value differs from its class's default: only those are carried to another kind."""
    return bool(getattr(settings, field.name) != field.default)


def _members(hint: Any) -> list[Any]:
    parts = typing.get_args(hint)
    return [hint] if not parts else [m for part in parts for m in _members(part)]
