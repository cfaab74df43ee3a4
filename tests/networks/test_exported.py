"""Encoders that somebody else has trained: what fits is used, what does not is refused by name."""

from __future__ import annotations

import copy
import io
import json
import logging
import os
import pickle
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import unpaired
from unpaired.core.errors import ModelError, SettingError
from unpaired.engine import checkpoint
from unpaired.experiment.experiment import Experiment
from unpaired.methods import DTN
from unpaired.models.folder import load_model, save_model
from unpaired.networks import CNN, Decoder, ExportedEncoder
from unpaired.networks.exported import check_program
from unpaired.training.observer import RunObserver

SIDE, FEATURES = 16, 5


class Eye(nn.Module):
    """Images in 0…255 => FEATURES numbers; has weights, buffers and a constant."""

    def __init__(self, side: int = SIDE) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.head = nn.Linear(4 * (side // 2) ** 2, FEATURES)

    def forward(self, images: Tensor) -> Tensor:
        x = self.norm(self.convolution(images / 255)).relu()
        return self.head(x.flatten(1)) * torch.tensor(2.0)


def export(path: Path, *, dynamic: bool = True, network: nn.Module | None = None) -> Path:
    torch.manual_seed(0)
    network = (network or Eye()).eval()
    shapes = ({0: torch.export.Dim.DYNAMIC},) if dynamic else None
    example = (torch.rand(2 if dynamic else 3, 3, SIDE, SIDE),)
    torch.export.save(torch.export.export(network, example, dynamic_shapes=shapes), path)
    return path


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("program") / "eye.pt2")


@pytest.fixture
def program(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path / "encoder.pt2"))


def settings(path: Path, **changes: Any) -> ExportedEncoder:
    return replace(ExportedEncoder(path=str(path), side=SIDE, features=FEATURES), **changes)


def refusal(encoder: ExportedEncoder, channels: int = 3) -> str:
    with pytest.raises(SettingError) as caught:
        encoder.build(channels, 32)
    return str(caught.value)


# What fits


def test_a_program_describes_any_number_of_images_of_any_size(program: Path):
    network = settings(program).build(3, 32)
    images = torch.rand(5, 3, 32, 32)
    found = network(images)
    assert found.shape == (5, FEATURES)
    torch.manual_seed(0)
    smaller = nn.functional.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True)
    assert torch.allclose(found, Eye().eval()(smaller * 255), atol=1e-5)
    assert network(images[:1]).shape == (1, FEATURES)


@pytest.mark.parametrize(
    ("values", "low", "high"), [("bytes", 0, 255), ("unit", 0, 1), ("signed", -1, 1)]
)
def test_programs_get_the_values_that_they_take(program: Path, values: Any, low: int, high: int):
    network = settings(program, values=values).build(3, SIDE)
    seen = []
    network.program.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network(torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 3, SIDE, SIDE))
    assert seen[0][0].unique().tolist() == [low]
    assert seen[0][1].unique().tolist() == [high]


def test_gradients_pass_through_to_the_images_and_nothing_is_learned(program: Path):
    network = settings(program).build(3, 32)
    assert not any(p.requires_grad for p in network.parameters())
    assert list(network.parameters())
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    network(images).square().sum().backward()
    assert images.grad is not None
    assert images.grad.abs().max() > 0


def test_asked_for_another_mode_it_stays_as_it_is(program: Path):
    """A program refuses `train()`, which the engine asks of all networks; it must not matter."""
    network = settings(program).build(3, 32)
    images = torch.rand(3, 3, 32, 32)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    expected = network(images)
    assert torch.equal(network.train()(images), expected)
    assert torch.equal(network.eval()(images), expected)
    assert all(torch.equal(before[name], found) for name, found in network.state_dict().items())


def test_a_copy_shares_the_program_and_is_silent(program: Path, recwarn: pytest.WarningsRecorder):
    """Averaged weights copy the networks; torch warns about itself when a program is copied."""
    network = settings(program, values="signed").build(3, 32).eval()
    copied = copy.deepcopy(network)
    images = torch.rand(3, 3, 32, 32)
    assert torch.equal(copied(images), network(images))
    assert copied.program is network.program
    assert not copied.training
    assert not recwarn.list


# What does not


def test_an_absent_file(tmp_path: Path):
    text = refusal(settings(tmp_path / "gone.pt2"))
    assert f"there is no file '{tmp_path / 'gone.pt2'}'" in text
    assert "torch.export.save" in text


@pytest.mark.filterwarnings("ignore")  # torch's own, about what it could not read
def test_a_file_of_another_form(tmp_path: Path):
    path = tmp_path / "encoder.pt2"
    path.write_bytes(b"nothing of the kind")
    assert "is no program of torch.export" in refusal(settings(path))
    torch.save(Eye().state_dict(), path)
    assert "is no program of torch.export" in refusal(settings(path))


def test_the_wrong_number_of_features(program: Path):
    text = refusal(settings(program, features=7))
    assert f"describes an image with {FEATURES} numbers, not 7" in text
    assert f"--method.encoder.features {FEATURES}" in text


def test_the_wrong_side(program: Path):
    text = refusal(settings(program, side=2 * SIDE))
    assert f"does not take two images at once, [2, 3, {2 * SIDE}, {2 * SIDE}]" in text
    assert "--method.encoder.side" in text


def test_a_fixed_batch_size(tmp_path: Path):
    text = refusal(settings(export(tmp_path / "fixed.pt2", dynamic=False)))
    assert "dynamic batch size" in text


def test_grey_images(program: Path):
    text = refusal(settings(program), channels=1)
    assert "takes colour images, but domain a has 1 channel" in text
    assert "--a.channels 3" in text


def test_no_gradient(tmp_path: Path):
    class Blind(Eye):
        def forward(self, images: Tensor) -> Tensor:
            with torch.no_grad():
                return super().forward(images)

    text = refusal(settings(export(tmp_path / "blind.pt2", network=Blind())))
    assert "no gradient passes through" in text
    assert "torch.no_grad" in text


# Programs of strangers


Edit = Callable[[dict[str, bytes]], None]


def rewrite(path: Path, edit: Edit) -> None:
    """Change the files inside a program, whose names are taken without the folder they lie in."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        files = {name.partition("/")[2]: archive.read(name) for name in names}
    folder = names[0].partition("/")[0]
    edit(files)
    with zipfile.ZipFile(path, "w") as archive:  # stored, as torch reads them
        for name, content in files.items():
            archive.writestr(f"{folder}/{name}", content)


def rejection(path: Path) -> str:
    with pytest.raises(ModelError) as caught:
        check_program(path)
    return str(caught.value)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


def pickled(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def test_a_plain_program_is_accepted(program: Path):
    check_program(program)
    rewrite(program, lambda files: None)
    check_program(program)  # the edits below are what is refused, not the rewriting
    assert settings(program).build(3, 32)


def test_the_program_of_the_faces_is_accepted(real_data: Path):
    path = real_data / "weights" / "mobilefacenet.pt2"
    if not path.exists():
        pytest.skip("the face encoder is absent")
    check_program(path)


def test_pickles_run_code_when_torch_reads_them(program: Path, tmp_path: Path, monkeypatch, caplog):
    """Why it is worth refusing them: torch.export.load reads the example inputs in any case."""
    monkeypatch.chdir(tmp_path)
    rewrite(program, lambda files: files.update({INPUTS: pickled((Bomb(),))}))
    with caplog.at_level(logging.ERROR, "torch"):  # its warning about this cannot be written
        torch.export.load(program)
    assert (tmp_path / "exploded").is_dir()
    (tmp_path / "exploded").rmdir()
    assert "'a pickle'" in rejection(program)
    assert not (tmp_path / "exploded").exists()


MODEL = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
CONSTANTS = "data/constants/model_constants_config.json"
INPUTS = "data/sample_inputs/model.pt"


def in_json(name: str, change: Callable[[Any], None]) -> Edit:
    def edit(files: dict[str, bytes]) -> None:
        record = json.loads(files[name])
        change(record)
        files[name] = json.dumps(record).encode()

    return edit


def target(value: str) -> Edit:
    def change(record: Any) -> None:
        record["graph_module"]["graph"]["nodes"][0]["target"] = value

    return in_json(MODEL, change)


def expression(value: str) -> Edit:
    def edit(files: dict[str, bytes]) -> None:
        plain = rb'"expr_str": "Symbol[^"]*"'
        changed, count = re.subn(
            plain, lambda _: b'"expr_str": ' + json.dumps(value).encode(), files[MODEL]
        )
        assert count
        files[MODEL] = changed

    return edit


def use_pickle(record: Any) -> None:
    next(iter(record["config"].values()))["use_pickle"] = True


def add(name: str, content: bytes = b"") -> Edit:
    return lambda files: files.update({name: content})


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        pytest.param(in_json(WEIGHTS, use_pickle), "a pickle", id="pickled weights"),
        pytest.param(in_json(CONSTANTS, use_pickle), "a pickle", id="pickled constants"),
        pytest.param(add(INPUTS, pickle.dumps((Bomb(),))), "a pickle", id="plain pickle"),
        pytest.param(
            add("data/constants/custom_obj_0", b"x"), "data/constants/custom_obj_0", id="object"
        ),
        pytest.param(
            add("data/constants/opaque_obj_0", b"x"), "data/constants/opaque_obj_0", id="opaque"
        ),
        pytest.param(
            add("data/aotinductor/model/x.so"), "data/aotinductor/model/x.so", id="library"
        ),
        # Compiled and run by torch where there is no library.
        pytest.param(
            add("data/aotinductor/model/x.cpp"), "data/aotinductor/model/x.cpp", id="sources"
        ),
        pytest.param(add("models/other.json", b"{}"), "models/other.json", id="second model"),
        # torch reads all that lies in models/, whatever its name ends with.
        pytest.param(add("models/model.jsox", b"{}"), "models/model.jsox", id="hidden model"),
        pytest.param(add("serialized_state_dict.pt"), "serialized_state_dict.pt", id="old form"),
        pytest.param(
            in_json(MODEL, lambda r: r.update(guards_code=["L['x'] is None"])),
            "guards_code",
            id="guards",
        ),
        pytest.param(
            in_json(MODEL, lambda r: r.update(guards_code="1")), "guards_code", id="guard"
        ),
        *(
            pytest.param(target(name), name, id=name)
            for name in (
                "os.system",
                "builtins.eval",
                "torch.load",
                "torch.ops.higher_order.cond",
                "torch.ops.aten",
                "torch.ops.aten.save.default",
                "torch.ops.aten.from_file.default",
                "torch.ops.aten.__reduce__",
                "torch.ops.aten.add.__class__",
                "torch.ops.mylib.add.default",
                "_operator.attrgetter",
                "_operator.methodcaller",
                "_operator.call",
                "torch.ops.aten.add.Tensor.__call__",
                "torch.ops.aten.add.Tensor\n",
            )
        ),
        *(
            pytest.param(expression(text), text, id=text)
            for text in (
                "__import__('os').mkdir('exploded')",
                "exec('1')",
                "Symbol('s77').__class__",
                "[s77]",
                "lambda: s77",
            )
        ),
    ],
)
def test_what_could_do_more_than_compute_is_refused(
    program: Path, tmp_path: Path, monkeypatch, edit: Edit, named: str
):
    monkeypatch.chdir(tmp_path)
    rewrite(program, edit)
    text = rejection(program)
    assert repr(named) in text
    assert "exported anew" in text
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("text", ["s77", "2*s77 + 1", "Mul(Integer(2), Symbol('s77'))"])
def test_sizes_made_of_symbols_and_numbers_are_accepted(program: Path, text: str):
    rewrite(program, expression(text))
    check_program(program)


@pytest.mark.parametrize("name", ["_operator.add", "torch.ops.aten.sym_size.int"])
def test_operations_of_sizes_are_accepted(program: Path, name: str):
    rewrite(program, target(name))
    check_program(program)


def test_files_of_one_name_are_refused(program: Path):
    """Readers differ in which of the two they take."""
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(program, "a") as archive,
    ):
        archive.writestr(next(n for n in archive.namelist() if n.endswith(MODEL)), b"{}")
    assert "holds more than" in rejection(program)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nothing", b"{}" * 100])
def test_damaged_files_are_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "encoder.pt2"
    path.write_bytes(content)
    assert "cannot be read" in rejection(path)
    path.unlink()
    assert "cannot be read" in rejection(path)


def test_damaged_records_are_refused(program: Path):
    rewrite(program, lambda files: files.update({MODEL: b"{"}))
    assert "cannot be read" in rejection(program)


def test_deeply_nested_records_are_refused(program: Path):
    rewrite(program, lambda files: files.update({MODEL: b"[" * 10**5 + b"]" * 10**5}))
    assert "cannot be read" in rejection(program)


# The model folder


@pytest.fixture
def experiment(tiny: Experiment, program: Path) -> Experiment:
    method = DTN(encoder=settings(program), generator=Decoder(width=4), discriminator=CNN(width=4))
    return replace(tiny, name="exported", a=tiny.b, b=tiny.a, method=method)


def translated(folder: Path, images: np.ndarray) -> np.ndarray:
    return np.stack([unpaired.load(folder, "cpu").translate(i, to="b") for i in images])


def test_a_training_stores_itself_and_goes_on(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Also f's own weights, which are in the networks and in their average."""
    monkeypatch.setattr(RunObserver, "finish", RunObserver.stop)  # nothing is measured
    evaluation = replace(experiment.evaluation, classifier=False)
    run = unpaired.train(replace(experiment, evaluation=evaluation), tmp_path / "run", quiet=True)
    newest, before = checkpoint.list_newest_first(run / "checkpoints")[:2]
    expected = checkpoint.load(newest)[0]
    assert any(name.startswith("average.encoders") for name in expected)
    shutil.rmtree(newest)
    assert int(before.name) < experiment.training.images
    unpaired.train(replace(experiment, evaluation=evaluation), run, quiet=True)
    found = checkpoint.load(newest)[0]
    assert found.keys() == expected.keys()
    assert not [name for name in found if not torch.equal(found[name], expected[name])]


def test_a_model_folder_is_complete_without_the_file(
    experiment: Experiment, program: Path, tmp_path: Path
):
    torch.manual_seed(0)
    networks = experiment.method.build(experiment.a, experiment.b).eval()
    pixels = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    values = pixels / 127.5 - 1
    with torch.inference_mode():
        expected = experiment.method.translate(networks, values, "b")
    folder = save_model(tmp_path / "model", experiment, networks, 7, "card")
    program.unlink()
    moved = folder.rename(tmp_path / "elsewhere")
    assert str(tmp_path) not in (moved / "config.json").read_text()

    loaded = load_model(moved)
    with torch.inference_mode():
        found = loaded.experiment.method.translate(loaded.networks, values, "b")
    assert torch.equal(found, expected)
    again = save_model(tmp_path / "again", loaded.experiment, loaded.networks, 7, "card")
    arrays = pixels.permute(0, 2, 3, 1).numpy()
    assert np.array_equal(translated(moved, arrays), translated(again, arrays))
    assert translated(moved, arrays).std() > 0


def test_a_model_folder_with_a_program_that_could_run_code_is_refused(
    experiment: Experiment, tmp_path: Path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    networks = experiment.method.build(experiment.a, experiment.b)
    folder = save_model(tmp_path / "model", experiment, networks, 7, "card")
    rewrite(folder / "encoder.pt2", lambda files: files.update({INPUTS: pickled((Bomb(),))}))
    with pytest.raises(ModelError) as error:
        load_model(folder)
    assert error.value.code == "program-runs-code"
    assert not (tmp_path / "exploded").exists()
    (folder / "encoder.pt2").unlink()
    with pytest.raises(ModelError, match=r"encoder\.pt2 cannot be read") as error:
        load_model(folder)
    assert error.value.code == "program-unreadable"
