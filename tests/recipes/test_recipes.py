"""Every recipe is complete, can be run as its docstring says, and names the data it lacks."""

from __future__ import annotations

import inspect
import logging
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from unpaired.core.errors import DataError, SettingError
from unpaired.data.sources import BuiltIn, Folder, HuggingFace
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment, from_json, to_json
from unpaired.methods import DTN
from unpaired.networks import ExportedEncoder
from unpaired.recipes import RECIPES, describe, entry, find, recipe, require
from unpaired.recipes.data import HUB, WHERE, folder, locate, parquet

for_all = pytest.mark.parametrize("name", RECIPES)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without data: an empty $UNPAIRED_DATA and no ../shared/data."""
    (tmp_path / "work").mkdir()
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("UNPAIRED_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def local_files(experiment: Experiment) -> list[str]:
    """What lies in no hub, found by reading its settings and not by `require`."""
    return sorted(set(re.findall(r'"(?:path|name)": "(/[^"]+)"', to_json(experiment))))


# What every recipe is


@for_all
def test_its_name_is_its_key_and_its_settings_are_sound(name: str):
    experiment = recipe(name)
    assert experiment.name == name
    assert find(name)() == experiment  # the same each time
    check(experiment)
    assert from_json(to_json(experiment), "here") == experiment


@for_all
def test_its_docstring_is_its_row_of_the_catalogue(name: str):
    text = describe(RECIPES[name])
    first = text.splitlines()[0]
    assert first.endswith(".")
    assert len(first) <= 100
    parts = entry(RECIPES[name])
    assert parts.keys() == {"task", "paper", "command", "cost", "score"}
    assert all(parts.values()), parts
    assert re.search(rf"unpaired (train --recipe {name}|{name}$)(?![\w-])", parts["command"])


def test_recipes_are_told_apart():
    texts = {describe(function) for function in RECIPES.values()}
    assert len(texts) == len(RECIPES)
    settings = {to_json(replace(function(), name="")) for function in RECIPES.values()}
    assert len(settings) == len(RECIPES)


def test_a_name_that_is_none_gets_the_nearest():
    with pytest.raises(SettingError, match="Did you mean 'dtn-svhn-mnist'") as error:
        recipe("dtn-shvn-mnist")
    assert (error.value.code, error.value.setting) == ("unknown-recipe", "recipe")
    with pytest.raises(SettingError, match="Recipes: demo, mnist-usps") as error:
        recipe("nothing like it")
    assert (error.value.code, error.value.setting) == ("unknown-recipe", "recipe")


@for_all
def test_it_can_be_looked_at_without_its_data(name: str, nowhere: Path):
    check(recipe(name))


# Data


@for_all
def test_what_is_missing_is_named_with_where_to_get_it(name: str, nowhere: Path):
    """Files below $UNPAIRED_DATA are named all at once; what is on the hub is no file."""
    experiment = recipe(name)
    files = local_files(experiment)
    assert all(path.startswith(str(nowhere)) for path in files)
    if not files:
        require(experiment, hub=False)
        return
    with pytest.raises(DataError) as caught:
        require(experiment)
    text = str(caught.value)
    assert text.startswith(f"{name} needs files that are not there: ")
    for path in files:
        assert path in text
    for part in {Path(path).relative_to(nowhere).parts[0] for path in files}:
        assert WHERE[part] in text
    assert f"below {nowhere} and ../shared/data" in text
    assert "set UNPAIRED_DATA" in text


@for_all
def test_recipes_whose_files_are_there_ask_for_nothing(name: str, nowhere: Path):
    for path in local_files(recipe(name)):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch()
    require(recipe(name), hub=False)


@pytest.mark.parametrize("package", ["without a network", "without datasets"])
def test_where_the_hub_is_out_of_reach_the_other_ways_are_named(
    package: str,
    nowhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
):
    tries = []

    def unreachable(name: str, *_: object, **__: object) -> None:
        tries.append(name)
        logging.getLogger("huggingface_hub.utils._http").warning("Retrying in 1s")
        raise ConnectionError(f"Couldn't reach {name!r}")

    datasets = None
    if package == "without a network":
        datasets = pytest.importorskip("datasets")
        monkeypatch.setattr(datasets, "load_dataset", unreachable)
    monkeypatch.setitem(sys.modules, "datasets", datasets)
    with pytest.raises(DataError) as caught:
        require(recipe("dtn-svhn-mnist-ours"))
    text = str(caught.value)
    for words in ("svhn/train.parquet", "mnist/test.parquet", "UNPAIRED_DATA", "--a SOURCE --b"):
        assert words in text
    assert ("Check the connection" if datasets else "unpaired[hub]") in text
    assert len(tries) == bool(datasets)  # the others would be out of reach as well
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert "Retrying" not in caplog.text


def test_some_recipes_are_of_each_kind(nowhere: Path):
    """Guards the tests above: built in, on the hub, and in files."""
    sources = {name: {type(d.source) for d in recipe(name).domains.values()} for name in RECIPES}
    assert sources["demo"] == {BuiltIn}
    assert sources["dcgan-mnist"] == {HuggingFace}
    assert not local_files(recipe("dcgan-mnist"))
    assert local_files(recipe("dtn-faces"))


def test_the_encoder_and_the_faces_are_asked_for_together(nowhere: Path):
    with pytest.raises(DataError) as caught:
        require(recipe("dtn-faces"))
    text = str(caught.value)
    assert str(nowhere / "weights" / "mobilefacenet.pt2") in text
    assert str(nowhere / "faces" / "anime" / "test.parquet") in text
    assert "UTKFace" in text
    assert "torch.export program" in text
    assert "Registered users" not in text  # of data that it does not need


def test_data_of_the_user_takes_the_place_of_what_is_missing(nowhere: Path, tmp_path: Path):
    (tmp_path / "encoder.pt2").touch()
    experiment = recipe("dtn-faces")
    method = experiment.method
    assert isinstance(method, DTN)
    method = replace(method, encoder=ExportedEncoder(path=str(tmp_path / "encoder.pt2")))
    image_set = Folder(path=str(tmp_path))
    domains = {
        d: replace(domain, source=image_set, test_source=None)
        for d, domain in experiment.domains.items()
    }
    require(replace(experiment, method=method, **domains))
    with pytest.raises(DataError, match=r"mobilefacenet\.pt2") as error:
        require(replace(experiment, **domains))
    assert error.value.code == "recipe-data-missing"


def test_local_files_come_before_the_hub(nowhere: Path):
    source = parquet("svhn", "train")
    assert source == HuggingFace(name=HUB["svhn"], subset="cropped_digits", split="train")
    (nowhere / "svhn").mkdir()
    (nowhere / "svhn" / "train.parquet").touch()
    path = str(nowhere / "svhn" / "train.parquet")
    assert parquet("svhn", "train") == HuggingFace(name=path, split="train")
    assert parquet("svhn", "test").name == HUB["svhn"]  # each split by itself


def test_both_roots_are_searched_and_the_user_s_comes_first(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
):
    shared = nowhere.parent / "shared" / "data" / "maps" / "trainA"
    shared.mkdir(parents=True)
    assert locate("maps/trainA") == Path("../shared/data/maps/trainA")
    (nowhere / "maps" / "trainA").mkdir(parents=True)
    assert folder("maps/trainA") == Folder(path=str(nowhere / "maps" / "trainA"))
    assert locate("maps/trainB") == nowhere / "maps" / "trainB"  # where it should be put
    monkeypatch.delenv("UNPAIRED_DATA")
    assert locate("maps/trainB") == Path("../shared/data/maps/trainB")


def test_the_hub_is_named_as_its_ids_are():
    assert all(re.fullmatch(r"[\w-]+/[\w-]+", name) for name in HUB.values())


def test_recipes_are_plain_functions():
    for name, function in RECIPES.items():
        assert not inspect.signature(function).parameters
        assert function.__name__.replace("_", "-") == name
