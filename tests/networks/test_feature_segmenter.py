"""Label maps read off a given network's features: the first guess, and what is learned from it."""

from __future__ import annotations

import copy
import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

import unpaired
from observers import Silent
from unpaired.core.errors import SettingError
from unpaired.data.dataset import load_images
from unpaired.data.domain import Domain
from unpaired.data.sources import Folder
from unpaired.data.tensors import to_pixels
from unpaired.engine import checkpoint, loop
from unpaired.engine.distributed import build_fabric
from unpaired.engine.schedules import Constant
from unpaired.engine.settings import Training
from unpaired.experiment.experiment import Evaluation, Experiment
from unpaired.methods import FeatureSegmentation
from unpaired.methods.feature_cycle import FeatureCycle
from unpaired.models.folder import load_model
from unpaired.networks import CNN, FeatureMaps, UNet
from unpaired.networks.feature_segmenter import GUESSED_FROM, PLACES, FeatureSegmenter
from unpaired.records.log import StagePoint
from unpaired.training.observer import RunObserver

SIDE, SIZE, CLASSES = 16, 16, 4
SPANS = ((0, 5), (2, 9), (7, 13), (10, 16))
"""Rows in which a class may begin and end in planted maps: they overlap."""


class Sight(nn.Module):
    """Photos in 0…255 => two maps, of 40 channels at each place and of 8 at half the size."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Conv2d(3, 40, 1)
        self.coarse = nn.Conv2d(3, 8, 2, stride=2)

    def forward(self, photos: Tensor) -> Any:
        return self.fine(photos / 255).sin(), self.coarse(photos / 255)


def export(path: Path, network: nn.Module | None = None, *, dynamic: bool = True) -> Path:
    torch.manual_seed(0)
    shapes = ({0: torch.export.Dim.DYNAMIC},) if dynamic else None
    example = (torch.rand(2 if dynamic else 3, 3, SIDE, SIDE) * 255,)
    program = torch.export.export((network or Sight()).eval(), example, dynamic_shapes=shapes)
    torch.export.save(program, path)
    return path


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("program") / "sight.pt2")


def settings(path: Path, **changes: Any) -> FeatureMaps:
    given = FeatureMaps(path=str(path), side=SIDE, components=GUESSED_FROM, width=8)
    return replace(given, **changes)


def reader(path: Path, **changes: Any) -> FeatureSegmenter:
    torch.manual_seed(0)
    return settings(path, **changes).build(CLASSES, SIZE, "signed", mirrors=False)


def planted(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Photos [N, 3, SIZE, SIZE] in −1…1 of CLASSES bands, each of a colour, and their classes."""
    random = torch.Generator().manual_seed(seed)
    ends = torch.stack(
        [torch.randint(low, high, (count,), generator=random) for low, high in SPANS[:-1]], 1
    )
    rows = torch.arange(SIZE)
    classes = (rows[None, :, None] >= ends.sort(1).values[:, None]).sum(2)
    classes = classes[:, :, None].expand(-1, -1, SIZE)
    colours = torch.tensor(
        [(-0.8, 0.1, 0.6), (0.7, -0.6, 0.0), (0.1, 0.8, -0.7), (-0.3, -0.7, -0.4)]
    )
    photos = colours[classes].movedim(-1, 1)
    return photos + 0.15 * torch.randn(photos.shape, generator=random), classes


def shares(classes: Tensor) -> Tensor:
    return nn.functional.one_hot(classes, CLASSES).movedim(-1, 1).float()


def learned(network: FeatureSegmenter) -> FeatureSegmenter:
    network.learn(planted(200, 1)[0].split(50), shares(planted(200, 2)[1]))
    return network


# The first guess


def test_the_guess_is_learned_from_image_sets_that_do_not_correspond(program: Path):
    network = learned(reader(program))
    photos, classes = planted(100, 3)
    found = network(photos).argmax(1)
    constant = network.layout.argmax(0)  # what is likeliest at each place, whatever the photo
    assert (constant == classes).float().mean() < 0.8
    assert (found == classes).float().mean() > 0.97


def test_without_the_layout_nothing_says_which_class_is_which(program: Path):
    """The check of the check: with maps of one class everywhere alike, the guess is chance."""
    network = reader(program)
    even = torch.full((200, CLASSES, SIZE, SIZE), 1 / CLASSES)
    network.learn(planted(200, 1)[0].split(50), even)
    photos, classes = planted(100, 3)
    assert (network(photos).argmax(1) == classes).float().mean() < 0.6


def test_the_layout_is_the_share_of_each_class_at_each_place(program: Path):
    network = learned(reader(program))
    maps = shares(planted(200, 2)[1])
    assert torch.allclose(network.layout, maps.mean(0), atol=4e-3)
    assert torch.allclose(network.layout.sum(0), torch.ones(SIZE, SIZE))
    assert network.layout.min() > 0


def test_components_have_variance_one_and_go_by_their_own(program: Path):
    network = learned(reader(program))
    seen = network.describe(planted(200, 1)[0]).movedim(1, -1).flatten(0, 2)
    covariance = torch.cov(seen.T)[:12, :12]  # beyond, colours and noise say all but nothing
    assert torch.allclose(covariance, torch.eye(12), atol=0.02)
    assert seen.mean(0).abs().max() < 0.02


def test_one_round_is_the_linear_discriminant_of_the_layout(program: Path):
    """Against scikit-learn, which knows of soft labels only as repeated samples."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    network = learned(reader(program, rounds=1))
    photos, _ = planted(200, 1)
    features = network.describe(photos)[:, :GUESSED_FROM]
    step = SIZE // PLACES
    features = features[:, :, step // 2 :: step, step // 2 :: step].movedim(1, -1).flatten(0, 2)
    random = torch.Generator().manual_seed(0)
    soft = network.layout.movedim(0, -1).flatten(0, 1).repeat(len(photos), 1)
    labels = torch.multinomial(soft, 1, generator=random).flatten()
    analysis = LinearDiscriminantAnalysis(solver="lsqr", priors=[1 / CLASSES] * CLASSES)
    analysis.fit(features.double().numpy(), labels.numpy())
    ours = (features @ network.evidence.T + network.offset).double()
    theirs = torch.from_numpy(features.double().numpy() @ analysis.coef_.T + analysis.intercept_)
    both = torch.stack([(x - x.mean(1, keepdim=True)).flatten() for x in (ours, theirs)])
    assert torch.corrcoef(both)[0, 1] > 0.98


def test_the_head_begins_at_the_guess_and_leaves_it(program: Path):
    network = learned(reader(program))
    photos = planted(4, 3)[0].requires_grad_()
    channels, departure = network.read(photos)
    guess = network.guess(network.describe(photos))
    assert torch.allclose((channels + 1) / 2, guess.exp(), atol=1e-5)
    entropy = -(guess.exp() * guess).sum(1).mean()
    assert departure.item() == pytest.approx(entropy.item(), rel=1e-4)
    channels.square().mean().backward()
    assert photos.grad is not None
    assert photos.grad.abs().max() > 0
    last = list(network.head.parameters())[-1]
    assert last.grad is not None
    assert last.grad.abs().max() > 0
    assert not any(p.requires_grad for p in network.program.parameters())


def test_what_a_head_has_learned_is_what_later_readings_are_held_to(program: Path):
    network = learned(reader(program))
    head = copy.deepcopy(network.head)
    with torch.no_grad():
        head[-1].bias[1] += 500
    network.keep(head)
    photos = planted(4, 3)[0]
    channels, departure = network.read(photos)
    features = network.describe(photos)
    logits = network.guess(features) + head(features)
    assert torch.allclose((channels + 1) / 2, logits.softmax(1), atol=1e-4)
    assert (logits.argmax(1) == 1).all()
    assert departure < 0.1  # its own entropy, and nothing for having left the guess
    with torch.no_grad():
        network.head[-1].bias[0] += 1_000
    assert network.read(photos)[1] > 1
    assert not any(p.requires_grad for p in network.held.parameters())


def test_a_coarser_grid_is_interpolated(program: Path):
    network = reader(program, grid=12)
    maps = nn.functional.adaptive_avg_pool2d(shares(planted(200, 2)[1]), 12)
    network.learn(planted(200, 1)[0].split(50), maps)
    photos, classes = planted(100, 3)
    assert network.describe(photos).shape == (100, GUESSED_FROM, 12, 12)
    channels = network(photos)
    assert channels.shape == (100, CLASSES, SIZE, SIZE)
    assert (channels.argmax(1) == classes).float().mean() > 0.9
    coarse = network.classify(network.describe(photos)).log_softmax(1)
    between = nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bilinear")
    assert torch.allclose((channels + 1) / 2, between.softmax(1), atol=1e-5)


def test_mirror_images_are_read_too_where_they_are_photos(program: Path):
    torch.manual_seed(0)
    network = settings(program).build(CLASSES, SIZE, "signed", mirrors=True)
    learned(network)
    with torch.no_grad():
        network.evidence.zero_()  # or it would be sure of itself
        for parameter in network.head.parameters():
            parameter.normal_(0, 0.2)  # it sees left and right differently
    photos = planted(4, 3)[0]

    def probabilities(photos: Tensor) -> Tensor:
        return network.classify(network.describe(photos)).softmax(1)

    alone, mirrored = probabilities(photos), probabilities(photos.flip(3)).flip(3)
    assert (alone - mirrored).abs().max() > 0.1
    training = (network(photos) + 1) / 2
    assert torch.allclose(training, alone, atol=1e-5)
    both = network.agree(network.view(photos), network.head).exp()
    assert torch.allclose(both, (alone + mirrored) / 2, atol=1e-5)
    evaluation = network.eval()(photos)
    assert torch.equal(evaluation.argmax(1), both.argmax(1))
    assert (evaluation.abs() > 0.999).all()  # a valid label map


def test_photos_of_other_sizes_are_read(program: Path):
    network = learned(reader(program))
    photos = nn.functional.interpolate(planted(4, 3)[0], (24, 40), mode="nearest")
    classes = nn.functional.interpolate(planted(4, 3)[1][:, None].float(), (24, 40))[:, 0]
    found = network(photos).argmax(1)
    assert found.shape == (4, 24, 40)
    assert (found == classes).float().mean() > 0.9


# What does not fit


def refusal(given: FeatureMaps) -> str:
    with pytest.raises(SettingError) as caught:
        given.build(CLASSES, SIZE, "signed", mirrors=False)
    return str(caught.value)


def test_an_absent_file(tmp_path: Path):
    text = refusal(settings(tmp_path / "gone.pt2"))
    assert "method.encoder.path: there is no file" in text


def test_fewer_channels_than_components(program: Path):
    text = refusal(settings(program, components=64))
    assert "have 48 channels in all, fewer than method.encoder.components, 64" in text
    assert "--method.encoder.components 48" in text


def test_the_wrong_side_and_a_fixed_batch(program: Path, tmp_path: Path):
    text = refusal(settings(program, side=2 * SIDE))
    assert f"does not take two photos at once, [2, 3, {2 * SIDE}, {2 * SIDE}]" in text
    assert "--method.encoder.side" in text
    fixed = export(tmp_path / "fixed.pt2", dynamic=False)
    assert "dynamic batch size" in refusal(settings(fixed))


def test_a_program_that_describes_whole_images(tmp_path: Path):
    class Whole(Sight):
        def forward(self, photos: Tensor) -> Any:
            return self.fine(photos).mean((2, 3))

    text = refusal(settings(export(tmp_path / "whole.pt2", Whole())))
    assert "returns [[2, 40]] for two photos, not maps [2, C, H, W]" in text


def test_no_gradient(tmp_path: Path):
    class Blind(Sight):
        def forward(self, photos: Tensor) -> Any:
            return self.fine(photos.detach().round())

    class Frozen(Sight):
        def forward(self, photos: Tensor) -> Any:
            with torch.no_grad():
                return super().forward(photos)

    for name, network in (("blind", Blind()), ("frozen", Frozen())):
        text = refusal(settings(export(tmp_path / f"{name}.pt2", network)))
        assert "no gradient passes through the program" in text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"components": 8}, "give 32 or more"),
        ({"width": 12}, "a multiple of 8"),
        ({"grid": 8}, "8×8 places"),
        ({"grid": 14}, "14×14 places"),
    ],
)
def test_sizes_that_make_no_network(program: Path, changes: dict[str, int], expected: str):
    assert expected in " ".join(settings(program, **changes).problems(SIZE))
    assert not replace(settings(program, **changes), path="").problems(SIZE)  # nothing is read


# As part of a method


COLOURS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))


@pytest.fixture(scope="module")
def image_sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of photos and of label maps of others, and of what belongs together for the test."""
    folder = tmp_path_factory.mktemp("piles")
    for name, count, seed in (("train", 60, 1), ("maps", 60, 2), ("test", 40, 3)):
        photos, classes = planted(count, seed)
        pixels = {"photos": to_pixels(photos.clamp(-1, 1), "signed")}
        pixels["labels"] = torch.tensor(COLOURS, dtype=torch.uint8)[classes].movedim(-1, 1)
        for kind, images in pixels.items():
            (folder / name / kind).mkdir(parents=True)
            for number, image in enumerate(images):
                shown = Image.fromarray(image.movedim(0, -1).numpy())
                shown.save(folder / name / kind / f"{number:02}.png")
    return {
        "photos": folder / "train" / "photos",
        "labels": folder / "maps" / "labels",
        "test_photos": folder / "test" / "photos",
        "test_labels": folder / "test" / "labels",
    }


def experiment(path: Path, image_sets: dict[str, Path], **changes: Any) -> Experiment:
    photos, labels, test_photos, test_labels = (Folder(path=str(p)) for p in image_sets.values())
    size: dict[str, Any] = {"size": SIZE, "channels": 3}
    return Experiment(
        name="reader",
        a=Domain(source=photos, test_source=replace(test_photos, pairs=True), **size),
        b=Domain(
            source=labels,
            test_source=replace(test_labels, pairs=True),
            palette=COLOURS,
            **size,
        ),
        method=FeatureSegmentation(
            generator=UNet(width=8, downsamplings=2, blocks=1),
            discriminator=CNN(width=8),
            encoder=settings(path, **changes),
            cycle_weight=0.0,
            cycle_weight_b=5.0,
        ),
        training=Training(images=32, batch_size=4, sample_images=16, checkpoint_images=16),
        evaluation=Evaluation(images=32),
    )


def taught(given: Experiment, images: int) -> Experiment:
    assert isinstance(given.method, FeatureSegmentation)
    return replace(given, method=replace(given.method, feature_cycle=FeatureCycle(images=images)))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"identity_weight": 1.0}, "would show it label maps"),
        ({"style_channels": 4}, "Set --method.style-channels 0"),
    ],
)
def test_what_a_reader_excludes(
    program: Path, image_sets: dict[str, Path], changes: dict[str, Any], expected: str
):
    given = experiment(program, image_sets)
    assert isinstance(given.method, FeatureSegmentation)
    assert not given.method.problems(given.a, given.b, 4)
    method = replace(given.method, **changes)
    assert expected in " ".join(method.problems(given.a, given.b, 4))


def test_colours_of_label_maps_are_no_classes(program: Path, image_sets: dict[str, Path]):
    given = experiment(program, image_sets)
    b = replace(given.b, label_channels="colours")
    assert "whose label_channels are classes" in " ".join(given.method.problems(given.a, b, 4))


def test_a_network_must_be_given(program: Path, image_sets: dict[str, Path]):
    given = taught(experiment(program, image_sets), 64)
    assert isinstance(given.method, FeatureSegmentation)
    found = replace(given.method, encoder=FeatureMaps()).problems(given.a, given.b, 4)
    assert "method.encoder.path is missing" in " ".join(found)


def test_grey_photos_are_refused(program: Path, image_sets: dict[str, Path]):
    given = experiment(program, image_sets)
    assert given.a is not None
    found = given.method.problems(replace(given.a, channels=1), given.b, 4)
    assert "takes colour images" in " ".join(found)


def test_a_run_begins_with_the_guess_and_its_model_needs_no_other_file(
    program: Path, image_sets: dict[str, Path], tmp_path: Path
):
    copied = Path(shutil.copy(program, tmp_path / "sight.pt2"))
    run = unpaired.train(experiment(copied, image_sets), tmp_path / "run")
    losses = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert "G/departure" in losses[0] or "departure" in str(losses[0])
    copied.unlink()

    shutil.move(run / "model", tmp_path / "model")
    loaded = load_model(tmp_path / "model")
    output = loaded.networks.generators["a2b"]
    assert isinstance(output, FeatureSegmenter)
    assert output.layout.std() > 0.1  # what was learned from the piles came along
    translator = unpaired.load(tmp_path / "model", device="cpu")
    photos, classes = planted(40, 3)
    made = translator.networks.generators["a2b"](photos.clamp(-1, 1))
    assert (made.argmax(1) == classes).float().mean() > 0.9


def test_a_run_that_was_interrupted_goes_on_to_the_same_end(
    program: Path, image_sets: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(RunObserver, "finish", RunObserver.stop)  # nothing is measured
    given = taught(experiment(program, image_sets), 64)
    half = replace(given, training=replace(given.training, images=16, schedule=Constant()))
    rest = replace(given, training=replace(given.training, images=32, schedule=Constant()))
    straight = unpaired.train(rest, tmp_path / "straight")
    parts = unpaired.train(half, tmp_path / "parts")
    parts = unpaired.train(rest, tmp_path / "parts")
    one, other = (load_model(run / "model").networks.state_dict() for run in (straight, parts))
    assert all(torch.equal(one[name], other[name]) for name in one)


class Observer(Silent):
    """Hears how the head learns, and may send a signal once it has seen some images."""

    def __init__(self, stop_at: int | None = None, *, signal_at: int | None = None) -> None:
        super().__init__(stop_at)
        self.signal_at, self.told = signal_at, list[int]()

    def stage(self, point: StagePoint) -> None:
        assert (point.stage, point.total) == ("feature cycle", 320)
        self.told.append(point.images)
        if point.images == self.signal_at:
            signal.raise_signal(signal.SIGTERM)


def test_stopped_while_the_head_learns_or_after_it_goes_on_to_the_same_end(
    program: Path, image_sets: dict[str, Path], tmp_path: Path
):
    given = taught(experiment(program, image_sets), 320)
    given = replace(given, training=replace(given.training, log_images=4))
    images = {name: load_images(domain, "train") for name, domain in given.domains.items()}

    def run(name: str, observer: Observer) -> dict[str, Tensor]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        loop.train(build_fabric(given.training), given, images, folder, observer)
        newest = checkpoint.list_newest_first(folder / "checkpoints")[0]
        return load_file(newest / "state.safetensors")

    unbroken = run("unbroken", Observer())
    stage = tmp_path / "broken/checkpoints/stages/0-feature-cycle"
    begun = 0
    for stop in (48, 288):  # in the cycle, and in self-training; what is stored is not done again
        early = Observer(signal_at=stop)
        with pytest.raises(SystemExit) as ended:
            run("broken", early)
        assert ended.value.code == 143
        assert early.told == list(range(begun, stop + 1, 16))
        begun = stop + 16
        assert [int(folder.name) for folder in checkpoint.list_newest_first(stage)] == [begun]
        assert not checkpoint.list_newest_first(tmp_path / "broken" / "checkpoints")

    late = Observer(stop_at=8)
    with pytest.raises(KeyboardInterrupt):
        run("broken", late)
    assert late.told == [304]
    assert not stage.exists()
    kept = checkpoint.list_newest_first(tmp_path / "broken" / "checkpoints")
    assert [int(folder.name) for folder in kept] == [0]  # what the head has learned
    assert json.loads((kept[0] / "state.json").read_text())["seconds"] > 0.1  # and how long it took

    rest = Observer()
    continued = run("broken", rest)
    assert not rest.told
    logs = [(tmp_path / name / "stages.jsonl").read_text() for name in ("unbroken", "broken")]
    assert logs[0] == logs[1]
    points = [StagePoint.from_json(json.loads(line)) for line in logs[0].splitlines()]
    assert [point.images for point in points] == list(range(0, 320, 16))
    assert all(point.loss > 0 for point in points)
    assert not [name for name in unbroken if not torch.equal(unbroken[name], continued[name])]
