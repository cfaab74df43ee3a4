"""README and documentation: commands run, links hold, generated parts are as the code says."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import unpaired
from unpaired.cli.flags.arguments import Parser
from unpaired.cli.main import VERBS, main
from unpaired.experiment import auto
from unpaired.experiment.experiment import Experiment
from unpaired.experiment.smoke import smoke

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += [ROOT / "benchmarks" / "README.md", ROOT / "research" / "lab-notes.md"]


def fenced(page: Path, language: str) -> list[str]:
    """The blocks of code in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)


def commands(page: Path) -> list[str]:
    """Every line of a shell that begins with `unpaired`, without its comment."""
    lines = [line for block in fenced(page, "bash") for line in block.splitlines()]
    every = [part.strip() for line in lines for part in re.split(r"&&|;", line.partition(" #")[0])]
    return [line for line in every if line.startswith("unpaired")]


COMMANDS = list(dict.fromkeys(line for page in PAGES for line in commands(page)))


def test_the_readme_is_read_in_three_minutes():
    assert len(README.read_bytes()) <= 8192


# Commands


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the image sets that the pages name."""
    place = tmp_path_factory.mktemp("user")
    draw = np.random.default_rng(0)
    for folder in ("photos", "paintings", "holiday", "digits", "real-signs", "sketches"):
        (place / folder).mkdir()
        for i in range(12):
            pixels = draw.integers(0, 256, (40, 48, 3), np.uint8)
            Image.fromarray(pixels).save(place / folder / f"{i}.png")
    (place / "labels").mkdir()
    for i in range(12):
        classes = np.array([[0, 0, 170], [255, 170, 0], [170, 255, 85]], np.uint8)
        Image.fromarray(classes[draw.integers(0, 3, (40, 48))]).save(place / "labels" / f"{i}.png")
    Image.fromarray(draw.integers(0, 256, (32, 32), np.uint8)).save(place / "digit.png")
    return place


class Parsed(Exception):
    """A verb has understood its arguments."""


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_understood_by_its_verb(
    command: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Trainings are resolved to the last setting (--dry-run); of other verbs, flags are read."""
    monkeypatch.chdir(place)
    _, *words = shlex.split(command)
    if words[0] in ("train", "sweep", "demo") and "--help" not in words:
        words.append("--dry-run")
    elif words[0] not in ("check", "recipes", "--help", "--version"):
        parse = Parser.parse_args

        def parse_and_stop(self: Parser, *arguments: Any) -> Any:
            parse(self, *arguments)
            raise Parsed

        monkeypatch.setattr(Parser, "parse_args", parse_and_stop)
    code: Any = 0
    try:
        code = main(words)
    except Parsed:
        pass
    except SystemExit as ended:  # as --help does
        code = ended.code
    assert code == 0, capsys.readouterr().err


def test_every_verb_is_shown_somewhere():
    shown = {shlex.split(command)[1] for command in COMMANDS}
    assert shown >= VERBS.keys() - {"demo"}  # which is `make demo`


def test_own_images_in_four_lines(place: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    """The README's lines, as they stand there but for the length of the training."""
    monkeypatch.chdir(place)
    block = next(block for block in fenced(README, "bash") if "unpaired check" in block)
    lines = [line.partition(" #")[0].strip() for line in block.splitlines()]
    assert [shlex.split(line)[1] for line in lines] == ["check", "train", "translate", "evaluate"]
    for line in lines:
        short = line.replace("--time 15m", "--smoke -o runs/photos-paintings")
        assert main(shlex.split(short)[1:]) == 0, capsys.readouterr().err
    assert (place / "runs" / "photos-paintings" / "report.html").exists()
    assert len(list((place / "painted").iterdir())) == 12
    assert (place / "evidence" / "faithfulness.html").exists()


def test_the_python_of_the_pages_runs(place: Path, monkeypatch: pytest.MonkeyPatch):
    """Block by block, as they stand there but for the length of the trainings."""
    monkeypatch.chdir(place)
    recipe, choose = unpaired.recipe, auto.choose

    def short_recipe(name: str) -> Experiment:
        return smoke(recipe(name))

    def choose_short(*arguments: Any) -> tuple[Experiment, list[str]]:
        experiment, reasons = choose(*arguments)
        return smoke(experiment), reasons

    monkeypatch.setattr(unpaired, "recipe", short_recipe)
    monkeypatch.setattr(auto, "choose", choose_short)
    blocks = [block for page in PAGES for block in fenced(page, "python")]
    assert len(blocks) >= 3
    names: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, "a page of the documentation", "exec"), names)
    assert (place / "runs" / "demo" / "report.html").exists()
    assert len(names["signs"]) == 4
    assert names["report"].num_translated == 12


# Settings and flags in the text


@pytest.fixture(scope="module")
def generator() -> Iterator[ModuleType]:
    """What writes the generated parts."""
    folder = str(ROOT / "docs" / "generate")
    sys.path.insert(0, folder)
    yield importlib.import_module("pages")
    sys.path.remove(folder)


def test_the_generated_parts_are_as_the_code_says(generator: ModuleType):
    assert generator.out_of_date() == [], "write them anew: python docs/generate"


def test_settings_that_the_text_names_exist(generator: ModuleType):
    known = set(importlib.import_module("settings_reference").paths())
    named: dict[str, str] = {}
    for page in PAGES[:-2]:
        for path in re.findall(r"--((?:a|b|method|training|evaluation)\.[\w.-]+\w)", prose(page)):
            named[path] = page.name
    assert len(named) > 20
    for path, page in named.items():
        assert re.sub(r"\.no-(?=[\w-]+$)", ".", path) in known, f"{page}: --{path}"


def test_flags_that_the_text_names_exist(generator: ModuleType):
    verbs = importlib.import_module("verbs")
    known = {flag for verb in VERBS for flag in verbs.options_of(verb)}
    # Of other programs: torchrun, the scripts in benchmarks/ and docs/, and what is answered.
    known |= {"--nproc-per-node", "--size", "--check", "--batch_size", "--epochs", "--netG"}
    for page in PAGES[:-2]:
        for code in re.findall(r"`([^`]+)`", prose(page)):
            for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*(?![\w.-])", code):
                assert flag in known, f"{page.name}: {flag}"


# Links


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_anchors_hold(page: Path):
    text = re.sub(r"`[^`]*`", "code", prose(page))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.is_relative_to(ROOT), f"{link} leads outside"
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


def test_every_page_of_the_documentation_is_linked_from_the_readme():
    text = README.read_text("utf-8")
    missing = [path.name for path in PAGES if path.parent.name == "docs" if path.name not in text]
    assert not missing
