"""`unpaired doctor`: what an issue report needs: versions, hardware, extras, speed."""

from __future__ import annotations

from importlib.util import find_spec

from unpaired.cli.arguments import Parser, print_json

EXTRAS = {
    "hub": "datasets",
    "metrics": "torch_fidelity",
    "web": "fastapi",
    "export": "onnx",
    "cluster": "ray",
    "track": "tensorboard",
}


def run(arguments: list[str]) -> int:
    """The verb."""
    flags = Parser(prog="unpaired doctor", description=__doc__)
    flags.add_argument("--json", action="store_true", help="one JSON object on standard output")
    given = flags.parse_args(arguments)
    from unpaired.engine.hardware import choose_device, choose_precision
    from unpaired.engine.run_folder import environment
    from unpaired.estimate import estimate
    from unpaired.recipes import recipe

    device = choose_device("auto")
    found = environment() | {
        "device": device.type,
        "precision": choose_precision("auto", device),
        "extras": {name: find_spec(package) is not None for name, package in EXTRAS.items()},
        "demo_seconds_per_step": round(estimate(recipe("demo")).seconds_per_step, 3),
    }
    if given.json:
        print_json(found)
        return 0
    for name, value in found.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        print(f"{name.replace('_', ' ')}: {value}")
    return 0
