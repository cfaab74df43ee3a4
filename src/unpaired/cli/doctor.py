"""`unpaired doctor`: what an issue report needs: versions, hardware, extras, speed."""

from __future__ import annotations

from importlib import import_module

from unpaired.cli.flags.arguments import Parser, print_json

EXTRAS = {
    "hub": ("datasets", "huggingface_hub"),
    "metrics": ("torch_fidelity", "transformers", "lpips"),
    "heif": ("pillow_heif",),
    "track": ("tensorboard", "wandb"),
}
"""The packages that each extra brings."""


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired doctor", description=__doc__)
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = flags.parse_args(arguments)
    from unpaired.core.devices import choose_device, choose_precision
    from unpaired.recipes import recipe
    from unpaired.training.environment import environment
    from unpaired.training.estimate import estimate

    device = choose_device("auto")
    problems = {name: _problems(packages) for name, packages in EXTRAS.items()}
    facts = environment() | {
        "device": device.type,
        "precision": choose_precision("auto", device),
        "extras": {name: not broken for name, broken in problems.items()},
        "problems_of_extras": {name: broken for name, broken in problems.items() if broken},
        "demo_seconds_per_step": round(estimate(recipe("demo")).seconds_per_step, 3),
    }
    if options.json:
        print_json(facts)
        return 0
    for name, value in facts.items():
        if name == "problems_of_extras":
            _print_problems(value)
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        print(f"{name.replace('_', ' ')}: {value}")
    return 0


def _problems(packages: tuple[str, ...]) -> dict[str, str]:
    """Why each package that cannot be used cannot. What is installed need not import: a
    torchvision that was built for another torch takes others with it."""
    problems = {}
    for package in packages:
        try:
            import_module(package)
        except ModuleNotFoundError as error:
            absent = error.name == package
            problems[package] = "not installed" if absent else f"cannot be imported: {error}"
        except Exception as error:  # whatever their import does wrong
            problems[package] = f"cannot be imported: {(str(error) or repr(error)).splitlines()[0]}"
    return problems


def _print_problems(problems: dict[str, dict[str, str]]) -> None:
    """A line for each package that breaks an extra; none for extras that are absent altogether."""
    for name, broken in problems.items():
        if set(broken) == set(EXTRAS[name]) and set(broken.values()) == {"not installed"}:
            continue
        for package, problem in broken.items():
            hint = f' (pip install "unpaired[{name}]")' if problem == "not installed" else ""
            print(f"  {name} is incomplete: {package} {problem}{hint}")
