"""From flags to an `Experiment`: `--method.cycle-weight 5` sets `experiment.method.cycle_weight`.

The flags are the fields of the configuration classes; `--….kind` chooses between alternatives
(networks, objectives, methods), which then bring their own flags.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Sequence
from typing import Any

from unpaired.cli.flags.advice import answer, row_of
from unpaired.cli.flags.alternatives import exists
from unpaired.core.errors import SettingError
from unpaired.experiment.experiment import Experiment


def override(
    base: Experiment, arguments: list[str], prog: str, defaults: str = "these images"
) -> Experiment:
    """`base` with the settings that flags give; `defaults` says in the help whose `base` is.

    Raises:
        SettingError: for a kind that does not exist, and a setting that others call so.
        SystemExit: 2 for unknown settings and values of the wrong type, 0 for --help, from tyro.
    """
    import tyro
    from tyro.constructors import ConstructorRegistry, PrimitiveTypeInfo

    base, rest = _apply_kinds(base, arguments)
    if "--help" in rest:
        print(_help_of_kinds(base, prog))
        rest = ["--help"]
    _refuse_settings_of_others(rest, prog)
    registry = ConstructorRegistry()

    @registry.primitive_rule
    def hide_kinds(info: PrimitiveTypeInfo) -> Any:
        """Tyro knows but the alternative that is chosen: what has one value is not shown."""
        one = typing.get_origin(info.type) is typing.Literal and len(typing.get_args(info.type)) < 2
        return tyro.constructors.UnsupportedTypeAnnotationError(()) if one else None

    return tyro.cli(
        Experiment,
        prog=prog,
        description=f"Settings, with the defaults of {defaults}:",
        default=base,
        args=rest,
        config=(tyro.conf.AvoidSubcommands, tyro.conf.SuppressFixed),
        registry=registry,
    )


def _refuse_settings_of_others(arguments: Sequence[str], prog: str) -> None:
    """Refuse a setting that has a name of other tools, such as --training.lr; tyro answers those
    that are merely misspelt.

    Raises:
        SettingError: with the setting that does it.
    """
    for i, word in enumerate(arguments):
        flag, equals, value = word.partition("=")
        path = flag.removeprefix("--").replace("-", "_")
        if not word.startswith("--") or "." not in path or exists(path):
            continue
        if row := row_of(flag, prog.split()[1]):
            value = value if equals else " ".join(arguments[i + 1 : i + 2])
            raise SettingError(
                f"there is no setting {flag}: {answer(row, value)}. `{prog} --help` lists what "
                "there is.",
                code="setting-of-another-tool",
            )


def with_present_names(base: Experiment, arguments: Sequence[str]) -> list[str]:
    """Flags of any age => as they are called now, so that a command of an old run continues it.

    As stored settings are (`core.config`): former names, and the bare name of a kind.
    """
    settings, _ = _apply_kinds(base, list(arguments))
    return [_with_present_name(settings, word) if word[:2] == "--" else word for word in arguments]


def _with_present_name(settings: Any, word: str) -> str:
    flag, equals, value = word.partition("=")
    parts = flag.removeprefix("--").replace("-", "_").split(".")
    hints: dict[str, Any] = {}
    for i, part in enumerate(parts):
        hints = typing.get_type_hints(type(settings)) if dataclasses.is_dataclass(settings) else {}
        rest = ".".join(parts[i:])
        place = getattr(settings, "FORMER_NAMES", {}).get(rest)
        if place is not None and rest not in hints:
            return "--" + ".".join([*parts[:i], place]).replace("_", "-") + equals + value
        settings = getattr(settings, part, None)
    kind = ".kind" if len(_kinds(hints.get(parts[-1]))) > 1 else ""
    return flag + kind + equals + value


def paths_set(arguments: Sequence[str]) -> set[str]:
    """The settings that flags give: `--a.augmentation.no-flip` is "a.augmentation.flip"."""
    flags = (word.partition("=")[0] for word in arguments if word.startswith("--"))
    places = [flag.removeprefix("--").replace("-", "_").rpartition(".") for flag in flags]
    return {before + dot + last.removeprefix("no_") for before, dot, last in places}


def _help_of_kinds(settings: Any, prog: str) -> str:
    flags = "\n".join(f"  --{path}.kind {', '.join(k)}" for path, k in _all_kinds(settings).items())
    return (
        "\nalternatives; each brings flags of its own, which follow for those that are chosen "
        f"here\n(others: {prog} --method.kind dtn --help):\n{flags}\n"
    )


def _all_kinds(settings: Any, path: str = "") -> dict[str, list[str]]:
    """The kinds that each part of `settings` can have, by its path, where it has several."""
    kinds_of_settings = {}
    for name, hint in typing.get_type_hints(type(settings)).items():
        kinds, current = _kinds(hint), getattr(settings, name, None)
        if len(kinds) > 1:
            kinds_of_settings[f"{path}{name}".replace("_", "-")] = [
                k.replace("_", "-") for k in kinds
            ]
        if dataclasses.is_dataclass(current):
            kinds_of_settings |= _all_kinds(current, f"{path}{name}.")
    return kinds_of_settings


def _apply_kinds(base: Experiment, arguments: list[str]) -> tuple[Experiment, list[str]]:
    """Take the `--….kind` flags out of the arguments and exchange those parts of the tree."""
    rest: list[str] = []
    chosen: list[tuple[list[str], str, str]] = []
    pending = iter(arguments)
    for argument in pending:
        flag, equals, value = argument.partition("=")
        if not (flag.startswith("--") and flag.endswith(".kind")):
            rest.append(argument)
            continue
        value = value if equals else next(pending, "")
        path = flag.removeprefix("--").removesuffix(".kind").replace("-", "_").split(".")
        chosen.append((path, value.replace("-", "_"), flag))
    # A method decides which generators there are: it comes first, wherever it was typed.
    for path, kind, flag in sorted(chosen, key=lambda choice: len(choice[0])):
        base = _with_kind(base, path, kind, flag)
    return base, rest


def _with_kind(settings: Any, path: list[str], kind: str, flag: str) -> Any:
    name, *deeper = path
    hints = typing.get_type_hints(type(settings)) if dataclasses.is_dataclass(settings) else {}
    if name not in hints:
        near = difflib.get_close_matches(name, hints, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingError(f"{flag}: there is no setting {name!r}.{hint}", code="unknown-setting")
    current = getattr(settings, name)
    if deeper:
        return dataclasses.replace(settings, **{name: _with_kind(current, deeper, kind, flag)})
    kinds = _kinds(hints[name])
    if not kinds:
        raise SettingError(
            f"{flag}: {name!r} has no alternatives.", code="setting-without-alternatives"
        )
    if kind not in kinds:
        close = difflib.get_close_matches(kind, kinds, 1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise SettingError(
            f"{flag} {kind}: choose from {', '.join(sorted(kinds))}.{hint}",
            code="unknown-alternative",
        )
    if getattr(current, "kind", None) == kind:
        return settings
    # What one method calls as another does means something else in it.
    carried = {} if name == "method" else _carried(current, kinds[kind])
    return dataclasses.replace(settings, **{name: kinds[kind](**_missing(kinds[kind]) | carried)})


def _missing(form: Any) -> dict[str, Any]:
    """What has no default must come from a flag of its own, which tyro then asks for."""
    import tyro

    fields = dataclasses.fields(form)
    return {f.name: tyro.MISSING for f in fields if f.default is dataclasses.MISSING}


def _carried(current: Any, form: Any) -> dict[str, Any]:
    """The values of a part that differ from its defaults and that another kind, `form`, can have:
    networks call alike what is alike."""
    hints = typing.get_type_hints(form)
    values = {
        field.name: getattr(current, field.name)
        for field in (dataclasses.fields(current) if current is not None else ())
        if field.name in hints and field.name != "kind"
        if getattr(current, field.name) != field.default
    }
    return {name: value for name, value in values.items() if _fits(value, hints[name])}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a setting of this type can have the value."""
    from pydantic import TypeAdapter, ValidationError

    try:
        TypeAdapter(hint).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _kinds(hint: Any) -> dict[str, Any]:
    """The alternatives of a setting by kind; empty where it has none."""
    return {member.kind: member for member in _members(hint) if hasattr(member, "kind")}


def _members(hint: Any) -> list[Any]:
    parts = typing.get_args(hint)
    return [hint] if not parts else [m for part in parts for m in _members(part)]
