"""`unpaired doctor`: what an issue report needs: versions, hardware, extras, speed."""

from __future__ import annotations

from importlib import import_module

from unpaired.cli.flags.arguments import Parser, print_json

EXTRAS = {
    "hub": ("datasets",),
    "metrics": ("torch_fidelity", "transformers", "lpips", "prdc"),
    "web": ("fastapi", "uvicorn", "jinja2", "python_multipart"),
    "export": ("onnx", "onnxscript", "onnxruntime"),
    "cluster": ("ray",),
    "track": ("tensorboard", "wandb"),
}
"""The packages that each extra brings."""


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired doctor", description=__doc__)
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = flags.parse_args(arguments)
    from unpaired.core.devices import choose_device, choose_precision
    from unpaired.recipes import recipe
    from unpaired.training.environment import environment
    from unpaired.training.estimate import estimate

    device = choose_device("auto")
    problems = {name: _problems(packages) for name, packages in EXTRAS.items()}
    found = environment() | {
        "device": device.type,
        "precision": choose_precision("auto", device),
        "extras": {name: not found for name, found in problems.items()},
        "problems_of_extras": {name: found for name, found in problems.items() if found},
        "demo_seconds_per_step": round(estimate(recipe("demo")).seconds_per_step, 3),
    }
    if given.json:
        print_json(found)
        return 0
    for name, value in found.items():
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
    found = {}
    for package in packages:
        try:
            import_module(package)
        except ModuleNotFoundError as error:
            absent = error.name == package
            found[package] = "not installed" if absent else f"cannot be imported: {error}"
        except Exception as error:  # whatever their import does wrong
            found[package] = f"cannot be imported: {(str(error) or repr(error)).splitlines()[0]}"
    return found


def _print_problems(problems: dict[str, dict[str, str]]) -> None:
    """A line for each package that breaks an extra; none for extras that are absent altogether."""
    for name, found in problems.items():
        if set(found) == set(EXTRAS[name]) and set(found.values()) == {"not installed"}:
            continue
        for package, problem in found.items():
            hint = f' (pip install "unpaired[{name}]")' if problem == "not installed" else ""
            print(f"  {name} is incomplete: {package} {problem}{hint}")
