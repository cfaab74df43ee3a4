"""Images from noise: losses by hand, one domain alone, and a whole tiny training."""

from __future__ import annotations

import json
import typing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import unpaired
from unpaired.cli.train import finish
from unpaired.core.errors import SettingError
from unpaired.engine.distributed import build_fabric
from unpaired.engine.state import State
from unpaired.engine.step import Step
from unpaired.evaluation.samples import generate
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment, from_json, to_json
from unpaired.features import Pixels
from unpaired.inference.applied import AppliedModel
from unpaired.methods import GAN
from unpaired.methods.networks import Networks
from unpaired.models.folder import load_model
from unpaired.networks import CNN, Decoder, PatchGAN
from unpaired.objectives import Adversarial, Hinge, WassersteinClip, WassersteinGP
from unpaired.training import observer as run_observer

OBJECTIVES = [kind() for kind in typing.get_args(typing.get_args(Adversarial)[0])]
LATENTS = 6


class Make(nn.Module):
    """z ↦ an image of the mean of z; remembers what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.8))
        self.seen: list[Tensor] = []

    def forward(self, z: Tensor) -> Tensor:
        self.seen.append(z)
        return (self.scale * z.mean(1))[:, None, None, None].expand(-1, 1, 4, 4)


class Judge(nn.Module):
    """x ↦ a multiple of the mean; remembers how many it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(-3.0))
        self.counts: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.counts.append(len(x))
        return self.scale * x.mean((1, 2, 3))[:, None]


@pytest.fixture
def nets() -> Networks:
    return Networks({"b": Make()}, {"b": Judge()}, {})


@pytest.fixture
def batch() -> dict[str, Tensor]:
    return {"b": torch.rand(64, 1, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1}


# Equations


@pytest.mark.parametrize("adversarial", OBJECTIVES, ids=lambda o: o.kind)
def test_both_losses(adversarial: Any, nets: Networks, batch: dict[str, Tensor]):
    """Goodfellow et al. 2014, algorithm 1, with the objective's V."""
    method = GAN(adversarial=adversarial, latent_channels=LATENTS)
    losses, fakes = method.generator_losses(nets, batch)
    (z,) = nets.generators["b"].seen
    assert torch.allclose(fakes["b"], (0.8 * z.mean(1))[:, None, None, None].expand(-1, 1, 4, 4))
    fake, real = -3 * 0.8 * z.mean(1), -3 * batch["b"].mean((1, 2, 3))
    assert losses.keys() == {"adversarial_b"}
    expected = adversarial.generator(fake).item()
    assert losses["adversarial_b"].item() == pytest.approx(expected, rel=1e-5)
    judged = method.discriminator_losses(nets, batch, fakes)
    assert judged.keys() == {"b"}
    expected = adversarial.discriminator(real, fake).item()
    # A difference of means: where they are alike, little is left of them but their rounding.
    assert judged["b"].item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_penalties_by_hand(nets: Networks, batch: dict[str, Tensor]):
    """The judge is −3 times a mean over 16 pixels: its gradient has the norm 3/4."""
    fakes = {"b": torch.zeros(64, 1, 4, 4)}
    method = GAN(adversarial=WassersteinGP(penalty_weight=2.0))
    assert method.penalty_every == 1
    found = method.discriminator_penalties(nets, batch, fakes)
    assert {k: v.item() for k, v in found.items()} == {
        "gradient_penalty_b": pytest.approx(2 * 0.25**2, rel=1e-4)
    }
    method = GAN(r1_weight=2.0, r1_every=4)
    assert method.penalty_every == 4
    found = method.discriminator_penalties(nets, batch, fakes)
    assert {k: v.item() for k, v in found.items()} == {
        "r1_b": pytest.approx(0.5 * 2 * 4 * 0.75**2, rel=1e-4)
    }
    assert GAN().penalty_every == 0
    assert GAN(adversarial=WassersteinClip(weight_clip=0.3)).weight_clip == 0.3
    assert GAN().weight_clip == 0


def test_noise_is_uniform_from_minus_1_to_1_and_new_each_time(nets, batch):
    method = GAN(latent_channels=LATENTS)
    method.generator_losses(nets, batch)
    method.fakes(nets, batch)
    first, second = nets.generators["b"].seen
    drawn = method.draw_latents(64, torch.Generator().manual_seed(3))
    for z in (first, second, drawn):
        assert z.shape == (64, LATENTS)
        assert -1 <= z.min() < -0.95
        assert 0.95 < z.max() <= 1
        assert z.var().item() == pytest.approx(1 / 3, rel=0.2)
    assert not torch.equal(first, second)
    again = method.draw_latents(64, torch.Generator().manual_seed(3))
    assert torch.equal(drawn, again)
    assert torch.equal(method.generate(nets, drawn), nets.generators["b"](drawn))


@pytest.mark.parametrize(
    ("discriminator", "counts"),
    [(CNN(norm="batch"), [64, 64]), (CNN(norm="none"), [128]), (PatchGAN(), [128])],
    ids=lambda d: str(getattr(d, "norm", d)),
)
def test_real_and_fake_are_judged_apart_where_images_are_coupled(
    nets: Networks, batch: dict[str, Tensor], discriminator: Any, counts: list[int]
):
    GAN(discriminator=discriminator).discriminator_losses(nets, batch, batch)
    assert nets.discriminators["b"].counts == counts


def test_the_phases_keep_their_gradients_apart(nets: Networks, batch: dict[str, Tensor]):
    method = GAN(latent_channels=LATENTS)
    losses, fakes = method.generator_losses(nets, batch)
    assert not fakes["b"].requires_grad
    losses["adversarial_b"].backward()
    assert nets.generators["b"].scale.grad is not None
    nets.zero_grad(set_to_none=True)
    method.discriminator_losses(nets, batch, fakes)["b"].backward()
    assert nets.discriminators["b"].scale.grad is not None
    assert nets.generators["b"].scale.grad is None


# One domain alone


@pytest.fixture(scope="module")
def noise(tiny: Experiment) -> Experiment:
    """Ink from noise."""
    method = GAN(
        generator=Decoder(width=4, max_width=16),
        discriminator=CNN(width=8, norm="batch"),
        adversarial=Hinge(),
        latent_channels=LATENTS,
    )
    evaluation = replace(tiny.evaluation, images=8, classifier=True)
    return replace(tiny, name="noise", a=None, b=tiny.a, method=method, evaluation=evaluation)


def test_there_is_no_domain_a(noise: Experiment, tiny: Experiment):
    check(noise)
    assert noise.domains == {"b": tiny.a}
    assert from_json(to_json(noise), "here") == noise
    with pytest.raises(SettingError, match=r"a is set, but this method .* Leave out --a") as error:
        check(replace(noise, a=tiny.b))
    assert error.value.code == "settings-invalid"


def test_batch_norm_with_a_batch_of_one_is_refused(noise: Experiment):
    training = replace(noise.training, batch_size=1)
    with pytest.raises(SettingError, match=r"training\.batch_size is 1, but the discriminator"):
        check(replace(noise, training=training))
    plain = replace(noise.method, discriminator=CNN(width=8))
    check(replace(noise, method=plain, training=training))


@pytest.mark.parametrize("adversarial", OBJECTIVES, ids=lambda o: o.kind)
def test_every_objective_trains(noise: Experiment, adversarial: Any):
    method = replace(
        noise.method, adversarial=adversarial, discriminator=CNN(width=4), critic_steps=2
    )
    experiment = replace(noise, method=method)
    fabric = build_fabric(experiment.training)
    state = State(experiment, fabric.device)
    step = Step(experiment, state, fabric)
    before = {name: tensor.clone() for name, tensor in state.networks.state_dict().items()}
    batch: Any = {"b": torch.rand(4, 1, 32, 32) * 2 - 1}
    step.advance(batch)
    assert "generators/adversarial_b" not in step.tally.take_means(state.images).losses
    step.advance(batch)
    losses = step.tally.take_means(state.images).losses
    assert "generators/adversarial_b" in losses
    after = state.networks.state_dict()
    assert all(tensor.isfinite().all() for tensor in after.values())
    for part in ("generators.b", "discriminators.b"):
        names = [name for name in before if name.startswith(part) and "weight" in name]
        assert any(not torch.equal(before[name], after[name]) for name in names), part
    penalised = "discriminators/gradient_penalty_b" in losses
    assert penalised == (adversarial.kind == "wasserstein_gp")


@pytest.fixture(scope="module")
def run(noise: Experiment, tmp_path_factory, quick_evaluation: None) -> Path:
    return unpaired.train(noise, tmp_path_factory.mktemp("run") / "run", quiet=True)


def test_what_comes_out(run: Path, noise: Experiment, capsys: pytest.CaptureFixture[str]):
    report = (run / "report.html").read_text()
    assert "noise → ink" in report
    assert "between generated and real ink images" in report
    pictures = {path.name for path in (run / "samples").glob("*.png")}
    assert pictures == {f"{n:09d}-b.png" for n in (0, 8, 16, 20)}
    grid = np.asarray(Image.open(run / "samples" / "000000020-b.png"))
    assert grid.std() > 0
    card = (run / "model" / "README.md").read_text()
    assert "Makes images from noise, with GAN" in card
    assert "| | b |" in card
    assert "unpaired generate MODEL_FOLDER" in card
    assert "Trained on 20 images, seed 0" in card
    assert "knows the set of images it was trained on" in card
    assert "translat" not in card
    finish(run, noise, as_json=False)
    assert f"next:   unpaired generate {run / 'model'} -o OUT" in capsys.readouterr().err


def test_what_is_measured(run: Path):
    lines = [json.loads(line) for line in (run / "evaluations.jsonl").read_text().splitlines()]
    assert [(r["split"], r["images"]) for r in lines] == [
        ("validation", 8),
        ("validation", 16),
        ("validation", 20),
        ("test", 20),
    ]
    for line in lines[:-1]:
        assert line["metrics"].keys() == {
            "fd/classifier/b",
            "fd/classifier/b/floor",
            "kd/classifier/b",
            "kd/classifier/b/floor",
            "diversity/b",
            "feature_accuracy/b",
        }
    metrics = lines[-1]["metrics"]
    assert metrics.keys() == lines[0]["metrics"].keys()
    assert metrics["feature_accuracy/b"]["n"] == 360
    # Even a discriminator that has learned little shows where the strokes are.
    assert metrics["feature_accuracy/b"]["value"] > 0.5
    assert metrics["fd/classifier/b"]["value"] > 10 * metrics["fd/classifier/b/floor"]["value"]
    assert lines[-1]["protocol"]["images_a"] == ""
    assert lines[-1]["precision"] == "float32"


def test_the_model_makes_images_and_translates_none(run: Path, noise: Experiment):
    model = load_model(run / "model")
    latents = noise.method.draw_latents(3, torch.Generator().manual_seed(0))
    made = model.experiment.method.generate(model.networks, latents)
    assert made.shape == (3, 1, 32, 32)
    assert made.abs().max() <= 1
    translator = unpaired.load(run / "model", device="cpu")
    for to in ("a", "b"):
        with pytest.raises(SettingError) as error:
            translator.translate(np.zeros((32, 32), np.uint8), to=to)
        assert error.value.code == "model-generates"


def test_without_the_discriminator_its_features_are_not_asked_for(
    run: Path, noise: Experiment, quick_evaluation: None
):
    """A model folder keeps no discriminator."""
    record, of_pixels = unpaired.evaluate(run / "model", "validation", extractors=[Pixels()])
    assert "feature_accuracy/b" not in record["metrics"]
    (note,) = record["notes"]
    assert note.startswith("feature_accuracy/b is missing")
    assert {"diversity/b", "fd/classifier/b"} <= record["metrics"].keys()
    assert {"kd/pixels/b", "fd/pixels/b/floor", "recall/pixels/b"} <= of_pixels["metrics"].keys()
    assert not any(name.endswith("/input") for name in of_pixels["metrics"])


@pytest.mark.parametrize("best", [8, 20])
def test_the_features_of_the_best_moment_are_measured_if_its_discriminator_is_at_hand(
    noise: Experiment,
    quick_evaluation: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    best: int,
):
    """It is at the end of the training; of a moment before, there is a model folder alone."""
    monkeypatch.setattr(run_observer, "score", lambda record: -abs(record.images - best))
    experiment = replace(noise, evaluation=replace(noise.evaluation, export="best"))
    run = unpaired.train(experiment, tmp_path / "run", quiet=True)
    last = json.loads((run / "evaluations.jsonl").read_text().splitlines()[-1])
    assert (last["split"], last["images"]) == ("test", best)
    assert ("feature_accuracy/b" in last["metrics"]) == (best == 20)
    assert [note.split()[0] for note in last["notes"]] == ["feature_accuracy/b"] * (best == 8)
    assert json.loads((run / "model" / "config.json").read_text())["images"] == best
    finish(run, experiment, as_json=False)
    assert ("note: feature_accuracy/b is missing" in capsys.readouterr().err) == (best == 8)
    report = (run / "report.html").read_text()
    assert ("Note: feature_accuracy/b is missing" in report) == (best == 8)


def test_images_that_are_measured_are_drawn_anew_and_alike(noise: Experiment):
    """The same noise for every evaluation, so that numbers of two moments can be compared."""
    torch.manual_seed(0)
    nets = noise.method.build(None, noise.b).eval()
    model = AppliedModel(noise, nets, torch.device("cpu"))
    first, second = generate(model, 180, 0), generate(model, 180, 0)
    assert torch.equal(first, second)
    assert first.shape == (180, 1, 32, 32)
    assert len(first.flatten(1).unique(dim=0)) == 180
