"""The package as a whole: its public names, and what importing it costs.

Floors and circles are held by the contracts in pyproject.toml (import-linter, `make check`).
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import unpaired

SOURCES = Path(unpaired.__file__).parent
MODULES = sorted(SOURCES.rglob("*.py"))

# A torchvision that was built for another torch makes the import of all of these fail.
NOT_IN_CORE = {"torchvision", "torchmetrics", "timm", "torch_fidelity", "lightning"}


def imports(path: Path) -> list[str]:
    """Full names of everything that a module imports, at any depth of its code."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_all_modules_import_where_torchvision_is_broken():
    names = [
        ".".join(("unpaired", *path.relative_to(SOURCES).with_suffix("").parts)).removesuffix(
            ".__init__"
        )
        for path in MODULES
        if path.name != "__main__.py"
    ]
    code = (
        f"import sys, importlib\nfor name in {sorted(NOT_IN_CORE)}: sys.modules[name] = None\n"
        f"for name in {names}: importlib.import_module(name)\n"
        "import unpaired\n"
        "print([n for n in unpaired._HOMES if not callable(getattr(unpaired, n))])"
    )
    found = python(code)
    assert found.returncode == 0, found.stderr
    # No folder of modules is called like a verb: importing it would take the verb's place.
    assert found.stdout.strip() == "[]"


def test_a_method_leaves_the_training_to_the_engine():
    for path in (SOURCES / "methods").rglob("*.py"):
        called = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not called & {"backward", "step", "zero_grad", "cuda", "manual_seed"}, path
        assert not {name for name in imports(path) if name.startswith("torch.optim")}


@pytest.mark.parametrize(
    "module",
    [
        "unpaired",
        "unpaired.cli.main",
        "unpaired.data.sources",
        "unpaired.report.run.page",
        "unpaired.report.comparison.page",
        "unpaired.cli.tables.comparison",
    ],
)
def test_what_loads_no_torch(module: str):
    found = python(f"import sys, {module}; print('torch' in sys.modules)")
    assert found.stdout.strip() == "False", found.stderr


def test_importing_loads_nothing_but_the_package_itself():
    """How long that takes, benchmarks/startup.py measures."""
    code = (
        "import __future__, sys, typing; before = set(sys.modules); import unpaired;"
        "print(sorted(set(sys.modules) - before))"
    )
    assert python(code).stdout.strip() == "['unpaired']"


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from unpaired.cli.main import main; main(['--help']);"
        "print([n for n in ('torch', 'numpy', 'rich', 'tyro') if n in sys.modules])"
    )
    assert python(code).stdout.splitlines()[-1] == "[]"


def test_help_loads_of_the_package_what_it_prints():
    code = (
        "import sys; from unpaired.cli.main import main; main(['--help']);"
        "print(sorted(name for name in sys.modules if name.startswith('unpaired')))"
    )
    loaded = ["unpaired", "unpaired.cli", "unpaired.cli.main", "unpaired.core"]
    assert python(code).stdout.splitlines()[-1] == str([*loaded, "unpaired.core.errors"])


def test_public_names_exist_and_are_listed():
    assert dir(unpaired) == sorted(unpaired.__all__)
    for name in unpaired.__all__:
        assert getattr(unpaired, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        unpaired.trian  # noqa: B018


def test_type_checkers_see_the_names_that_are_loaded_lazily():
    tree = ast.parse((SOURCES / "__init__.py").read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == unpaired._HOMES
    assert set(unpaired.__all__) == {"__version__", *seen}


@pytest.mark.parametrize("name", sorted(unpaired._HOMES))
def test_public_names_are_documented(name: str):
    value = getattr(unpaired, name)
    assert value.__doc__
    assert not value.__doc__.startswith(f"{name}(")  # what a dataclass writes by itself


def test_the_version_is_the_packages():
    from importlib import metadata

    assert unpaired.__version__ == metadata.version("unpaired")
