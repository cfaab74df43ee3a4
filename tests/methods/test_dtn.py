"""The domain transfer network: the paper's equations, a frozen f, and whole tiny trainings."""

from __future__ import annotations

import json
import signal
import typing
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

import unpaired
from observers import Silent
from unpaired.core.errors import DataError, NonFiniteLoss, SettingError
from unpaired.data.batches import Batches
from unpaired.data.dataset import Images, MemoryImages, load_images
from unpaired.data.domain import Domain, DomainName
from unpaired.data.jitter import Jitter
from unpaired.data.sources import Folder
from unpaired.data.tensors import to_network
from unpaired.engine import checkpoint, loop
from unpaired.engine.distributed import build_fabric
from unpaired.engine.stages import train_stages
from unpaired.engine.state import State
from unpaired.engine.step import Step
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment
from unpaired.inference.translator import Translator
from unpaired.methods import DTN
from unpaired.methods.networks import Networks
from unpaired.methods.pretraining import Pretraining
from unpaired.methods.shared_encoder import SharedEncoder
from unpaired.networks import CNN, ClassEncoder, Decoder
from unpaired.objectives import ternary
from unpaired.objectives.content import Constancy
from unpaired.records.log import StagePoint
from unpaired.training.checks import check_labels

# Equations


class Describe(nn.Module):
    """f: x ↦ scale·x as a vector, with another scale for each domain."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0), requires_grad=False)

    def forward(self, x: Tensor, domain: str, *, learn: bool = False) -> Tensor:
        return self.scale * {"a": 0.5, "b": 2.0}[domain] * x.flatten(1)


class Make(nn.Module):
    """g: v ↦ scale·v + shift as an image; remembers how many it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.8))
        self.shift = nn.Parameter(torch.tensor(0.1))
        self.counts: list[int] = []

    def forward(self, v: Tensor) -> Tensor:
        self.counts.append(len(v))
        return (self.scale * v + self.shift).reshape(-1, 1, 4, 4)


class Judge(nn.Module):
    """D: x ↦ three multiples of the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((1, 2, 3))[:, None] * self.scale


def stubs() -> Networks:
    return Networks({"a2b": Make()}, {"b": Judge()}, {"a": Describe()})


def test_standardised_features_say_nothing_of_the_domain():
    """Means and variances are those of real images: what G makes is read, and changes nothing."""
    tiny = Domain(source=Folder(path="x"), size=8)
    encode = SharedEncoder(nn.Flatten(), tiny, tiny, standardised=3 * 8 * 8)
    encode.train()
    dark, bright = torch.rand(500, 3, 8, 8) * 0.2, torch.rand(500, 3, 8, 8)
    for part in range(0, 500, 50):
        encode(dark[part : part + 50], "a", learn=True)
        encode(bright[part : part + 50], "b", learn=True)
    for images, domain in ((dark, "a"), (bright, "b")):
        features = encode(images, domain)
        assert features.mean(0).abs().max() < 0.01
        assert (features.std(0) - 1).abs().max() < 0.1
    before = encode(bright, "b")
    encode(torch.zeros(50, 3, 8, 8), "b")
    assert torch.equal(encode(bright, "b"), before)
    assert "statistics.a.running_mean" in encode.state_dict()


def test_standardised_features_have_no_classes():
    (problem,) = DTN(standardise=True, class_weight=1.0).problems(
        Domain(source=Folder(path="a"), size=32), Domain(source=Folder(path="b"), size=32), 8
    )
    assert "--method.no-standardise" in problem


@pytest.fixture
def batch() -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    return {name: torch.rand(4, 1, 4, 4, generator=random) * 2 - 1 for name in ("a", "b")}


def G(x: Tensor, domain: str) -> Tensor:  # noqa: N802, as in the paper
    return 0.8 * {"a": 0.5, "b": 2.0}[domain] * x + 0.1


def log_D(x: Tensor) -> Tensor:  # noqa: N802
    """log of the three probabilities, written out."""
    logits = x.mean((1, 2, 3))[:, None] * torch.tensor([1.0, -2.0, 3.0])
    return logits - logits.exp().sum(1, keepdim=True).log()


def values(losses: dict[str, Tensor]) -> dict[str, float]:
    return {name: loss.item() for name, loss in losses.items()}


@pytest.mark.parametrize("distance", typing.get_args(Constancy))
def test_the_generator_s_losses(distance: Constancy, batch: dict[str, Tensor]):
    """Taigman et al. 2017: L_G = L_GANG + α·L_CONST + β·L_TID + γ·L_TV, equations 4 to 7."""
    method = DTN(
        constancy=distance, constancy_weight=15.0, identity_weight=7.0, smoothness_weight=0.3
    )
    losses, fakes = method.generator_losses(stubs(), batch)
    s, t = batch["a"], batch["b"]
    f_s, f_G_s = 0.5 * s.flatten(1), 2.0 * G(s, "a").flatten(1)  # noqa: N806
    if distance == "squared":
        moved = (f_s - f_G_s).pow(2).mean()
    else:
        cosine = (f_s * f_G_s).sum(1) / (f_s.norm(dim=1) * f_G_s.norm(dim=1))
        moved = 1 - cosine.mean()
    made = torch.cat([G(s, "a"), G(t, "b")])
    rows = (made[:, :, 1:] - made[:, :, :-1]).pow(2).mean()
    columns = (made[:, :, :, 1:] - made[:, :, :, :-1]).pow(2).mean()
    expected = {
        "adversarial_b": -log_D(G(s, "a"))[:, 2].mean() - log_D(G(t, "b"))[:, 2].mean(),
        "constancy_a": 15.0 * moved,
        "identity_b": 7.0 * (G(t, "b") - t).pow(2).mean(),
        "smoothness_b": 0.3 * (rows + columns),
    }
    assert values(losses) == pytest.approx(values(expected), rel=1e-5)
    assert torch.allclose(fakes["a"], G(s, "a"))
    assert torch.allclose(fakes["b"], G(t, "b"))
    assert all(torch.equal(fakes[d], found) for d, found in method.fakes(stubs(), batch).items())


@pytest.mark.parametrize("coupled", [False, True])
def test_the_discriminator_s_loss(coupled: bool, batch: dict[str, Tensor]):
    """Equation 3: −E log D₁(G(s)) − E log D₂(G(t)) − E log D₃(t)."""
    method = DTN(discriminator=CNN(norm="batch" if coupled else "none"))
    nets, counts = stubs(), []
    nets.discriminators["b"].register_forward_hook(lambda m, inputs, o: counts.append(len(o)))
    fakes = {"a": torch.full((4, 1, 4, 4), 0.3), "b": torch.full((4, 1, 4, 4), -0.4)}
    found = method.discriminator_losses(nets, batch, fakes)
    expected = (
        -log_D(fakes["a"])[:, 0].mean()
        - log_D(fakes["b"])[:, 1].mean()
        - log_D(batch["b"])[:, 2].mean()
    )
    assert values(found) == {"b": pytest.approx(expected.item(), rel=1e-5)}
    assert counts == ([4, 4, 4] if coupled else [12])  # batch norm sees one pile at a time


def test_r1_is_taken_of_the_probability_of_real(batch: dict[str, Tensor]):
    """½·γ·every·‖∇ log D₃(t)‖², by differences."""
    method = DTN(r1_weight=4.0, r1_every=8)
    assert method.penalty_every == 8
    found = method.discriminator_penalties(stubs(), batch, {})
    t, step = batch["b"].double(), 1e-5
    slopes = []
    for i in range(16):
        moved = torch.zeros(16, dtype=torch.float64)
        moved[i] = step
        moved = moved.reshape(1, 1, 4, 4)
        slopes.append((log_D(t + moved)[:, 2] - log_D(t - moved)[:, 2]) / (2 * step))
    squares = torch.stack(slopes, 1).pow(2).sum(1)
    expected = 0.5 * 4 * 8 * squares.mean().item()
    assert values(found) == {"r1_b": pytest.approx(expected, rel=1e-4)}
    assert DTN().penalty_every == 0


def test_g_makes_both_image_sets_in_one_batch(batch: dict[str, Tensor]):
    """Its batch norm must see the mixture, as the averages that it keeps are of both."""
    nets = stubs()
    DTN().generator_losses(nets, batch)
    assert nets.generators["a2b"].counts == [8]


def test_losses_that_have_no_weight_are_not_computed(batch: dict[str, Tensor]):
    losses, _ = DTN().generator_losses(stubs(), batch)
    assert set(losses) == {"adversarial_b", "constancy_a", "identity_b"}


# f


def method_of(**changes: Any) -> DTN:
    return DTN(
        **{
            "encoder": ClassEncoder(width=4, features=8, norm="batch"),
            "generator": Decoder(width=4, max_width=16),
            "discriminator": CNN(width=4),
            "encoder_training": Pretraining(images=512, batch_size=32),
            **changes,
        }
    )


@pytest.fixture
def transfer(tiny: Experiment) -> Experiment:
    """sign → ink: the piles of `tiny` exchanged, for the encoder reads colour better than grey."""
    return replace(tiny, name="transfer", a=tiny.b, b=tiny.a, method=method_of())


def build(experiment: Experiment) -> Networks:
    torch.manual_seed(0)
    return experiment.method.build(experiment.a, experiment.b)


def test_gradients_pass_through_f_to_g_and_leave_f_alone(transfer: Experiment):
    nets = build(transfer).train()
    batch: Any = {"a": torch.rand(4, 3, 32, 32) * 2 - 1, "b": torch.rand(4, 1, 32, 32) * 2 - 1}
    losses, fakes = transfer.method.generator_losses(nets, batch)
    assert not any(fake.requires_grad for fake in fakes.values())
    # Constancy reaches g through f alone.
    losses["constancy_a"].backward()
    gradients = [p.grad for p in nets.generators.parameters()]
    assert all(g is not None for g in gradients)
    assert max(g.abs().max() for g in gradients) > 0
    assert all(p.grad is None and not p.requires_grad for p in nets.encoders.parameters())


def steps(experiment: Experiment, count: int) -> Iterator[State]:
    fabric = build_fabric(experiment.training)
    state = State(experiment, fabric.device)
    step = Step(experiment, state, fabric)
    yield state
    for number in range(count):
        random = torch.Generator().manual_seed(number)
        batch: Any = {
            name: torch.rand(4, domain.channels, 32, 32, generator=random) * 2 - 1
            for name, domain in experiment.domains.items()
        }
        step.advance(batch)
        yield state


def test_f_is_the_same_to_the_bit_after_steps_its_batch_norm_included(transfer: Experiment):
    training = steps(transfer, 3)
    state = next(training)
    assert any("running_mean" in name for name, _ in state.networks.encoders.named_buffers())

    def weights() -> dict[str, dict[str, Tensor]]:
        return {
            part: {k: v.clone() for k, v in getattr(state.networks, part).state_dict().items()}
            for part in ("encoders", "generators", "discriminators")
        }

    before = weights()
    for _ in training:
        after = weights()
        same = {p: all(torch.equal(before[p][k], after[p][k]) for k in before[p]) for p in before}
        assert same == {"encoders": True, "generators": False, "discriminators": False}
        before = after
    average = state.average.encoders.state_dict()
    assert all(torch.equal(average[name], before["encoders"][name]) for name in average)


class Look(nn.Module):
    """An encoder that keeps what it is shown."""

    def forward(self, images: Tensor) -> Tensor:
        self.seen = images
        return images.flatten(1)


@pytest.mark.parametrize(
    ("channels", "other_channels", "image", "expected"),
    [
        pytest.param(3, 1, [0.2], [0.2, 0.2, 0.2], id="grey is repeated"),
        # 0.299·1 + 0.587·0.5 + 0.114·0
        pytest.param(1, 3, [1.0, 0.5, 0.0], [0.5925], id="colour becomes luma"),
        pytest.param(3, 3, [0.1, 0.2, 0.3], [0.1, 0.2, 0.3], id="colour stays"),
        pytest.param(1, 1, [0.7], [0.7], id="grey stays"),
    ],
)
@pytest.mark.parametrize("value_range", ["signed", "unit"])
def test_f_sees_channels_of_a_and_values_from_0_to_1(
    tiny: Experiment,
    channels: Any,
    other_channels: Any,
    image: Any,
    expected: Any,
    value_range: Any,
):
    other: Any = "unit" if value_range == "signed" else "signed"
    a = replace(tiny.a, channels=channels, value_range=other)
    b = replace(tiny.b, channels=other_channels, value_range=value_range)
    encoder = SharedEncoder(Look(), a, b)
    images = torch.tensor(image)[None, :, None, None].expand(2, -1, 4, 4)
    encoder(images * 2 - 1 if value_range == "signed" else images, "b")
    assert encoder.encoder.seen.shape == (2, channels, 4, 4)
    for plane, value in zip(encoder.encoder.seen[0], expected, strict=True):
        assert torch.allclose(plane, torch.full((4, 4), value), atol=1e-6)
    own = torch.rand(2, channels, 4, 4)
    encoder(own * 2 - 1 if other == "signed" else own, "a")
    assert torch.allclose(encoder.encoder.seen, own, atol=1e-6)


def test_f_stays_in_evaluation_while_the_networks_train(transfer: Experiment):
    """Its batch norm would learn from translations, and look at each image with its batch."""
    images = torch.rand(4, 3, 32, 32) * 2 - 1
    looked_at = []
    for state in steps(transfer, 2):
        encode = state.networks.encoders["a"]
        together = encode(images, "a")
        alone = torch.cat([encode(images[i : i + 1], "a") for i in range(4)])
        assert torch.allclose(together, alone, atol=1e-5)
        assert not any(module.training for module in encode.encoder.modules())
        assert all(module.training for module in state.networks.generators.modules())
        looked_at.append(state.images)
    assert looked_at == [0, 4, 8]


# What it can do, and what it cannot


def test_one_direction(transfer: Experiment):
    assert DTN.directions == ("a2b",)
    nets = build(transfer).eval()
    sign = torch.rand(2, 3, 32, 32) * 2 - 1
    found = transfer.method.translate(nets, sign, "b")
    assert found.shape == (2, 1, 32, 32)
    expected = nets.generators["a2b"](nets.encoders["a"](sign, "a"))
    assert torch.equal(found, expected)


def test_the_other_direction_is_refused(transfer: Experiment):
    translator = Translator(transfer, build(transfer).eval(), torch.device("cpu"))
    ink = np.zeros((32, 32), np.uint8)
    with pytest.raises(SettingError, match=r"knows one direction only\. Translate to b") as error:
        translator.translate(ink, to="a")
    assert (error.value.code, error.value.setting) == ("no-such-direction", "to")
    sign = np.zeros((32, 32, 3), np.uint8)
    assert translator.translate(sign, to="b").shape == (32, 32, 1)


@pytest.mark.parametrize(
    ("changes", "batch_size", "words"),
    [
        ({"discriminator": CNN(norm="batch")}, 1, "training.batch_size is 1"),
        ({"discriminator": CNN(minibatch_std=True)}, 1, "training.batch_size is 1"),
        ({"discriminator": CNN(norm="batch"), "r1_weight": 1.0}, 4, "R1 takes the gradient"),
        ({"generator": Decoder(base=2, resolution=48)}, 4, "resolution must be 2 times a power"),
        ({"encoder": ClassEncoder(convolutions=2)}, 4, "kernel 2 goes with one convolution"),
        ({"encoder_training": Pretraining(images=0)}, 4, "images is 0, less than one batch"),
        ({"encoder_training": Pretraining(confidence=1.5)}, 4, "it must be at most 1"),
        ({"encoder_training": Pretraining(warm_up=3.0)}, 4, "it must be at most 1"),
        (
            {
                "encoder": ClassEncoder(norm="batch"),
                "encoder_training": Pretraining(batch_size=1),
            },
            4,
            "Set --method.encoder-training.batch-size 32",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(
    transfer: Experiment, changes: Any, batch_size: int, words: str
):
    training = replace(transfer.training, batch_size=batch_size)
    with pytest.raises(SettingError, match="1 setting cannot be used") as caught:
        check(replace(transfer, method=method_of(**changes), training=training))
    assert caught.value.code == "settings-invalid"
    assert words in str(caught.value)


def test_it_needs_a_domain_a(transfer: Experiment):
    with pytest.raises(SettingError, match=r"a is missing: DTN translates one set .* Give --a"):
        check(replace(transfer, a=None))


@pytest.mark.parametrize("batch_size", [1, 4])
def test_everything_else_is_accepted(transfer: Experiment, batch_size: int):
    training = replace(transfer.training, batch_size=batch_size)
    for changes in (
        {},
        {"r1_weight": 1.0},
        {"discriminator": CNN(norm="instance")},
        {"encoder": ClassEncoder(), "encoder_training": Pretraining(batch_size=1)},
    ):
        check(replace(transfer, method=method_of(**changes), training=training))


# Whole trainings


@pytest.fixture(scope="module")
def trained(
    tiny: Experiment, tmp_path_factory: pytest.TempPathFactory, quick_evaluation: None
) -> tuple[Experiment, Path]:
    plain = Jitter(shift=1, rotation=0, scale=0, shuffle_channels=False)
    pretraining = Pretraining(images=4096, batch_size=64, learning_rate=1e-2, jitter=plain)
    method = method_of(
        encoder=ClassEncoder(width=8, features=16, norm="batch"), encoder_training=pretraining
    )
    experiment = replace(
        tiny,
        name="transfer",
        a=tiny.b,
        b=tiny.a,
        method=method,
        evaluation=replace(tiny.evaluation, classifier=True),
    )
    run = unpaired.train(experiment, tmp_path_factory.mktemp("run") / "run", quiet=True)
    return experiment, run


def test_what_is_measured(trained: tuple[Experiment, Path]):
    _, run = trained
    lines = [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]
    assert [line["split"] for line in lines] == ["validation", "test"]
    for line in lines:
        metrics = line["metrics"]
        assert {
            "encoder_accuracy/a",
            "embedding_similarity/a2b",
            "embedding_similarity/a2b/shuffled",
            "translation_accuracy/a2b",
            "translation_accuracy/a2b/input",
            "diversity/a2b",
        } <= metrics.keys()
        assert not [name for name in metrics if "b2a" in name or "cycle" in name]
        assert metrics["encoder_accuracy/a"]["n"] == {"validation": 180, "test": 360}[line["split"]]
        # It has learned: by chance it would be right once in ten.
        assert metrics["encoder_accuracy/a"]["value"] > 0.5
        assert -1 <= metrics["embedding_similarity/a2b"]["value"] <= 1
    report = (run / "report.html").read_text()
    assert "sign → ink" in report
    assert "⇄" not in report
    assert "sign → ink → sign" not in report
    names = {path.name for path in (run / "samples").glob("0*.png")}
    assert names == {f"{n:09d}-a.png" for n in (0, 8, 16, 20)}


def test_the_model_translates_one_way_and_needs_nothing_else(trained: tuple[Experiment, Path]):
    experiment, run = trained
    translator = unpaired.load(run / "model", device="cpu")
    sign = load_images(experiment.a, "test").gather([0])[0].permute(1, 2, 0).numpy()
    found = translator.translate(Image.fromarray(sign), to="b")
    assert (found.size, found.mode) == ((32, 32), "L")
    with pytest.raises(SettingError) as error:
        translator.translate(found, to="a")
    assert (error.value.code, error.value.setting) == ("no-such-direction", "to")
    card = (run / "model" / "README.md").read_text()
    assert "Translates images of domain a to domain b, with DTN" in card


@pytest.mark.parametrize("stop_at", [4, 12])
def test_interrupted_after_pretraining_and_continued_it_is_the_same_to_the_bit(
    transfer: Experiment, tmp_path: Path, stop_at: int, monkeypatch: pytest.MonkeyPatch
):
    """At 4 images nothing but the pretraining was saved; it is not learned a second time."""
    images = {name: load_images(d, "train") for name, d in transfer.domains.items()}
    pretrainings = []
    original = loop.train_stages
    monkeypatch.setattr(
        loop, "train_stages", lambda *args: pretrainings.append(1) or original(*args)
    )

    def run(folder: Path, stop_at: int | None = None) -> dict[str, Tensor]:
        folder.mkdir(exist_ok=True)
        loop.train(build_fabric(transfer.training), transfer, images, folder, Silent(stop_at))
        newest = checkpoint.list_newest_first(folder / "checkpoints")[0]
        return load_file(newest / "state.safetensors")

    unbroken = run(tmp_path / "unbroken")
    assert len(pretrainings) == 1
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", stop_at)
    saved = [int(p.name) for p in checkpoint.list_newest_first(tmp_path / "broken/checkpoints")]
    assert saved[0] == {4: 0, 12: 8}[stop_at]
    continued = run(tmp_path / "broken")
    assert len(pretrainings) == 2
    assert unbroken.keys() == continued.keys()
    assert not [name for name in unbroken if not torch.equal(unbroken[name], continued[name])]
    fresh = State(transfer, torch.device("cpu")).tensors()[0]
    for part in ("networks.encoders.a", "average.encoders.a", "networks.generators", "average."):
        changed = [
            k for k in fresh if k.startswith(part) and not torch.equal(fresh[k], unbroken[k])
        ]
        assert changed, part


@pytest.mark.parametrize("consistency_weight", [0.0, 1.0])
def test_interrupted_while_f_learns_and_continued_it_is_the_same_to_the_bit(
    transfer: Experiment, tmp_path: Path, consistency_weight: float
):
    learning = Pretraining(
        images=1_280, batch_size=16, consistency_weight=consistency_weight, confidence=0.2
    )
    method = replace(transfer.method, encoder_training=learning)
    transfer = replace(transfer, method=method)
    images = {name: load_images(d, "train") for name, d in transfer.domains.items()}

    class Signal(Silent):
        def stage(self, point: StagePoint) -> None:
            assert point.stage == "encoder"
            told.append(point.images)
            if len(told) == 1:
                signal.raise_signal(signal.SIGTERM)  # in the first step, and done after it

    def run(folder: Path, observer: Silent) -> dict[str, Tensor]:
        folder.mkdir(exist_ok=True)
        loop.train(build_fabric(transfer.training), transfer, images, folder, observer)
        return load_file(
            checkpoint.list_newest_first(folder / "checkpoints")[0] / "state.safetensors"
        )

    told: list[int] = []
    unbroken, folder = run(tmp_path / "unbroken", Silent()), tmp_path / "broken"
    with pytest.raises(SystemExit) as ended:
        run(folder, Signal())
    assert ended.value.code == 143
    assert told == [0]
    kept = folder / "checkpoints/stages/0-encoder"
    assert [p.name for p in checkpoint.list_newest_first(kept)] == ["000000000016"]
    continued = run(folder, Signal())
    assert not kept.exists()
    assert unbroken.keys() == continued.keys()
    assert not [name for name in unbroken if not torch.equal(unbroken[name], continued[name])]


def pretrain(
    experiment: Experiment,
    state: State,
    images: dict[DomainName, Images],
    folder: Path,
    interrupted: Callable[[], int] = lambda: 0,
) -> None:
    """The stages of a training alone."""
    training, fabric = experiment.training, build_fabric(experiment.training)
    batches = {
        name: Batches(images[name], domain, name, training.seed, training.batch_size, fabric.device)
        for name, domain in experiment.domains.items()
    }
    train_stages(fabric, experiment, state, batches, folder, Silent(), interrupted)


def test_killed_while_f_learns_it_loses_a_tenth_of_it_at_most(transfer: Experiment, tmp_path: Path):
    learning = Pretraining(images=320, batch_size=16)
    transfer = replace(transfer, method=replace(transfer.method, encoder_training=learning))
    images = {name: load_images(d, "train") for name, d in transfer.domains.items()}
    state, kept = State(transfer, torch.device("cpu")), []

    def look() -> int:
        kept.append(sorted(path.name for path in (tmp_path / "stages/0-encoder").glob("*")))
        return 0

    pretrain(transfer, state, images, tmp_path, look)
    assert kept[2] == ["000000000032"]
    assert kept[18] == ["000000000288"]


def test_an_encoder_that_diverges_is_named_and_not_kept(transfer: Experiment, tmp_path: Path):
    learning = Pretraining(images=640, batch_size=16, learning_rate=1e30)
    transfer = replace(transfer, method=replace(transfer.method, encoder_training=learning))
    with pytest.raises(NonFiniteLoss, match=r"--method\.encoder-training\.learning-rate") as error:
        unpaired.train(transfer, tmp_path / "run", quiet=True)
    assert error.value.code == "non-finite-fitting"
    assert not checkpoint.list_newest_first(tmp_path / "run" / "checkpoints")


def test_pretraining_follows_from_the_seed_and_leaves_f_frozen(
    transfer: Experiment, tmp_path: Path
):
    images = {name: load_images(domain, "train") for name, domain in transfer.domains.items()}
    fabric = build_fabric(transfer.training)
    found = []
    for seed in (0, 0, 1):
        settings = replace(transfer, training=replace(transfer.training, seed=seed))
        state = State(settings, fabric.device)
        state.networks.encoders.load_state_dict(build(transfer).encoders.state_dict())
        torch.rand(3)  # what else was drawn must not matter
        folder = tmp_path / str(len(found))
        pretrain(settings, state, images, folder)
        found.append(torch.cat([p.flatten() for p in state.networks.encoders["a"].parameters()]))
        assert not any(p.requires_grad for p in state.networks.encoders.parameters())
        assert not state.networks.encoders["a"].training
        # The average is what translates: it must not be on its way from an untrained f.
        trained, average = (n.encoders.state_dict() for n in (state.networks, state.average))
        assert all(torch.equal(average[name], trained[name]) for name in trained)
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_an_encoder_learns_to_read_the_other_domain_without_its_labels(
    transfer: Experiment, tmp_path: Path
):
    """French et al. 2018: signs with labels, and without labels signs behind a bright veil."""
    images = {"a": load_images(transfer.a, "train")}
    shown = images["a"]
    assert isinstance(shown, MemoryImages)
    images["b"] = replace(shown, pixels=170 + shown.pixels // 3, labels=None)
    fabric, accuracies = build_fabric(transfer.training), []
    for weight in (0.0, 1.0):
        learning = Pretraining(
            images=6_400, batch_size=32, consistency_weight=weight, confidence=0.8, warm_up=0.4
        )
        method = replace(
            transfer.method,
            encoder=ClassEncoder(width=8, kernel=3, norm="batch", pooling="max"),
            encoder_training=learning,
        )
        settings = replace(transfer, b=transfer.a, method=method)
        state = State(settings, fabric.device)
        folder = tmp_path / str(weight)
        pretrain(settings, state, images, folder)
        unit = to_network(images["b"].gather(range(300)), "unit")
        with torch.no_grad():
            found = state.networks.encoders["a"].classify_unit(unit).argmax(1)
        assert shown.labels is not None
        accuracies.append(float((found.numpy() == shown.labels[:300]).mean()))
    assert accuracies[1] > accuracies[0] + 0.1


@pytest.fixture
def unlabelled(tmp_path: Path) -> Folder:
    folder = tmp_path / "pile"
    folder.mkdir()
    for i in range(40):
        Image.fromarray(np.full((32, 32, 3), i, np.uint8)).save(folder / f"{i}.png")
    return Folder(path=str(folder))


def test_an_image_set_without_labels_is_refused_before_training(
    transfer: Experiment, unlabelled: Folder, tmp_path: Path
):
    experiment = replace(transfer, a=replace(transfer.a, source=unlabelled))
    with pytest.raises(DataError, match="has no labels, but the encoder of DTN learns") as caught:
        unpaired.train(experiment, tmp_path / "run", quiet=True)
    assert caught.value.code == "labels-needed"
    assert "pile" in str(caught.value)
    assert "a column `label`" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_b_needs_no_labels_unless_it_is_balanced(
    transfer: Experiment, unlabelled: Folder, tmp_path: Path
):
    b = replace(transfer.b, source=unlabelled)
    images = {"a": load_images(transfer.a, "train"), "b": load_images(b, "train")}
    check_labels(replace(transfer, b=b), images)
    with pytest.raises(DataError, match=r"b\.balanced draws each class equally often") as error:
        check_labels(replace(transfer, b=replace(b, balanced=True)), images)
    assert error.value.code == "labels-needed"


def test_more_classes_than_the_encoder_has_are_refused_before_training(
    transfer: Experiment, tmp_path: Path
):
    few = method_of(encoder=ClassEncoder(width=4, num_classes=7))
    with pytest.raises(
        DataError, match="classes up to 9, but the encoder distinguishes 7"
    ) as caught:
        unpaired.train(replace(transfer, method=few), tmp_path / "run", quiet=True)
    assert "--method.encoder.num-classes 10" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_ternary_judge_has_three_outputs(transfer: Experiment):
    critic = build(transfer).discriminators["b"]
    assert critic(torch.rand(2, 1, 32, 32)).shape == (2, ternary.NUM_CLASSES)
