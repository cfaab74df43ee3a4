"""Every objective with every norm and every penalty: it trains, or is refused with the reason."""

from __future__ import annotations

import itertools
import math
import typing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from observers import Silent
from unpaired.core.errors import SettingError
from unpaired.data.dataset import load_images
from unpaired.data.sources import Folder
from unpaired.engine import checkpoint
from unpaired.engine.distributed import build_fabric
from unpaired.engine.loop import train
from unpaired.engine.schedules import Constant
from unpaired.engine.state import State
from unpaired.engine.step import Step
from unpaired.experiment.checks import check
from unpaired.experiment.experiment import Experiment
from unpaired.methods import GAN, CycleGAN
from unpaired.methods.networks import Networks
from unpaired.networks import CNN, Discriminator, PatchGAN, UNet
from unpaired.networks.layers import Norm
from unpaired.objectives import Adversarial, WassersteinClip, WassersteinGP
from unpaired.objectives.penalties import gradient_norms
from unpaired.training.run_folder import open_run

OBJECTIVES = {kind.kind: kind() for kind in typing.get_args(typing.get_args(Adversarial)[0])}
PENALISED = {kind for kind, objective in OBJECTIVES.items() if objective.penalty_weight}
CLIPPED = {kind for kind, objective in OBJECTIVES.items() if objective.weight_clip}
NORMS = typing.get_args(Norm)
NETWORKS = {"cnn": CNN(width=4), "patchgan": PatchGAN(width=4, layers=1)}
BATCH, SIZE = 4, 16

Cell = tuple[str, str, str, bool, bool]
"""Network, objective, norm, spectral norm, R1."""
CELLS: list[Cell] = list(
    itertools.product(NETWORKS, OBJECTIVES, NORMS, (False, True), (False, True))
)


def reasons(cell: Cell) -> set[str]:
    """The rules, written out: which words the refusal of a cell must have; none: it is accepted."""
    _, objective, norm, spectral_norm, r1 = cell
    found = set()
    if norm == "batch" and objective in PENALISED:
        found.add("the gradient penalty takes the gradient of each image's own value")
    elif norm == "batch" and r1:
        found.add("R1 takes the gradient of each image's own value")
    if objective in PENALISED and r1:
        found.add("the gradient penalty asks for a gradient of norm 1 and R1 for one of 0")
    if objective in CLIPPED and spectral_norm:
        found.add("weight clipping has no effect with spectral norm")
    return found


REFUSED = [cell for cell in CELLS if reasons(cell)]
ACCEPTED = [cell for cell in CELLS if not reasons(cell)]


def experiment(tiny: Experiment, cell: Cell, **changes: Any) -> Experiment:
    network, objective, norm, spectral_norm, r1 = cell
    settings = replace(NETWORKS[network], norm=norm, spectral_norm=spectral_norm)
    method = CycleGAN(
        generator=UNet(width=4, blocks=1, downsamplings=1, norm="instance"),
        discriminator=settings,
        adversarial=OBJECTIVES[objective],
        r1_weight=5.0 if r1 else 0.0,
        r1_every=2,
        **changes,
    )
    training = replace(
        tiny.training, batch_size=BATCH, precision="float32", pool_size=3, schedule=Constant()
    )
    image_sets = {
        d: replace(tiny.domain(d), source=Folder(path=d), size=SIZE) for d in ("a", "b")
    }  # that are never opened
    return replace(tiny, **image_sets, method=method, training=training)


class Steps:
    """A training of single steps, without data or a folder."""

    def __init__(self, experiment: Experiment) -> None:
        fabric = build_fabric(experiment.training)
        self.state = State(experiment, fabric.device)
        self.whole = Step(experiment, self.state, fabric)

    def step(self) -> dict[str, float]:
        """One step; returns its losses and gradient norms."""
        self.advance()
        return self.means()

    def advance(self) -> None:
        """One step, of which nothing is read."""
        random = torch.Generator().manual_seed(self.state.images)
        a = torch.rand(BATCH, 1, SIZE, SIZE, generator=random) * 2 - 1
        b = torch.rand(BATCH, 3, SIZE, SIZE, generator=random) * 2 - 1
        batch: Any = {"a": a, "b": b}
        self.whole.advance(batch)

    def means(self) -> dict[str, float]:
        """Losses and gradient norms since they were read the last time."""
        means = self.whole.tally.take_means(self.state.images)
        return means.losses | {f"gradient_norm/{k}": v for k, v in means.gradient_norms.items()}

    def weights(self, role: str) -> dict[str, Tensor]:
        module = self.state.networks.get_submodule(role)
        return {name: weight.detach().clone() for name, weight in module.named_parameters()}


def differ(before: dict[str, Tensor], after: dict[str, Tensor]) -> bool:
    return any(not torch.equal(before[name], after[name]) for name in before)


def name(cell: Cell) -> str:
    network, objective, norm, spectral_norm, r1 = cell
    return "-".join([network, objective, norm] + ["sn"] * spectral_norm + ["r1"] * r1)


# The matrix


def test_the_matrix_is_whole():
    assert {"wasserstein_gp"} <= PENALISED
    assert {"wasserstein_clip"} <= CLIPPED
    plain = OBJECTIVES.keys() - PENALISED - CLIPPED
    assert {"least_squares", "non_saturating", "minimax", "hinge"} <= plain
    assert set(NORMS) == {"none", "batch", "instance"}
    kinds = {kind.kind for kind in typing.get_args(typing.get_args(Discriminator)[0])}
    assert kinds == NETWORKS.keys()
    # Of the 12 cells of an objective: R1 with batch norm; GP with either; clipping with SN besides.
    assert len(CELLS) == len(NETWORKS) * 12 * len(OBJECTIVES)
    assert len(REFUSED) == len(NETWORKS) * (
        2 * len(plain) + (4 + 4) * len(PENALISED) + (2 + 6 - 1) * len(CLIPPED)
    )


@pytest.mark.parametrize("cell", REFUSED, ids=name)
def test_what_has_no_meaning_is_refused_with_the_reason(tiny: Experiment, cell: Cell):
    with pytest.raises(SettingError) as caught:
        check(experiment(tiny, cell))
    text = str(caught.value)
    assert text.startswith(f"{len(reasons(cell))} setting")
    for reason in reasons(cell):
        assert reason in text
    assert text.count("--method.") >= len(reasons(cell))


@pytest.mark.parametrize("cell", ACCEPTED, ids=name)
def test_everything_else_trains(tiny: Experiment, cell: Cell):
    settings = experiment(tiny, cell)
    check(settings)
    training = Steps(settings)
    roles = ("generators.a2b", "generators.b2a", "discriminators.a", "discriminators.b")
    before = {role: training.weights(role) for role in roles}
    for number in range(2):
        found = training.step()
        assert all(math.isfinite(value) for value in found.values())
        assert found["gradient_norm/generators"] > 0
        assert found["gradient_norm/discriminators"] > 0
        penalties = {k for k in found if "penalty" in k or "r1" in k}
        _, objective, _, _, r1 = cell
        expected = set()
        if objective in PENALISED:
            expected = {f"discriminators/gradient_penalty_{d}" for d in "ab"}
        elif r1 and number % 2 == 0:
            expected = {f"discriminators/r1_{d}" for d in "ab"}
        assert penalties == expected
        assert all(found[k] > 0 for k in penalties)
    for role in roles:
        after = training.weights(role)
        assert differ(before[role], after), role
        assert all(weight.isfinite().all() for weight in after.values())


# What the penalties do


def penalties(
    critic: nn.Module, real: Tensor, fake: Tensor, objective: Any, r1_weight: float = 0.0
) -> dict[str, Tensor]:
    """Those of a method whose only discriminator is `judge`; R1 every 16 steps."""
    method = GAN(adversarial=objective, r1_weight=r1_weight, r1_every=16)
    return method.discriminator_penalties(Networks({}, {"b": critic}, {}), {"b": real}, {"b": fake})


def critic_trained(penalty_weight: float) -> tuple[float, float]:
    """Mean gradient norm between fixed real and fake images, before and after 60 steps."""
    random = torch.Generator().manual_seed(0)
    real = torch.rand(16, 1, SIZE, SIZE, generator=random)
    fake = real - DISTANCE / SIZE  # 256 pixels, each moved by the same
    torch.manual_seed(0)
    critic = CNN(width=8).build(1, SIZE)
    objective = WassersteinGP(penalty_weight=penalty_weight)
    optimiser = torch.optim.Adam(critic.parameters(), 2e-3, betas=(0.0, 0.9))

    def mean_norm() -> float:
        place = torch.linspace(0, 1, 16)[:, None, None, None]
        return gradient_norms(critic, real + place * (fake - real)).mean().item()

    before = mean_norm()
    for _ in range(60):
        losses = {"loss": objective.discriminator(critic(real), critic(fake))}
        losses |= penalties(critic, real, fake, objective)
        optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        optimiser.step()
    return before, mean_norm()


DISTANCE = 2.0


def test_the_gradient_penalty_leads_a_critic_to_norm_1():
    """A little above: −g·distance + λ(g − 1)² is least at g = 1 + distance/2λ."""
    before, after = critic_trained(10.0)
    assert before < 0.1
    assert after == pytest.approx(1 + DISTANCE / 20, abs=0.15)


def test_without_the_penalty_it_goes_elsewhere():
    """Guards the test above: nothing but the penalty keeps the norm near 1."""
    before, after = critic_trained(0.0)
    assert before < 0.1
    assert after > 3


def test_the_penalty_is_weighted_and_taken_between_real_and_fake():
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False))
    with torch.no_grad():
        critic[1].weight.copy_(torch.tensor([[1.0, -2.0, 2.0, 4.0]]))  # of norm 5
    real, fake = torch.rand(3, 1, 2, 2), torch.rand(3, 1, 2, 2)
    for weight in (10.0, 0.5):
        objective = WassersteinGP(penalty_weight=weight)
        found = penalties(critic, real, fake, objective)
        assert {k: v.item() for k, v in found.items()} == {
            "gradient_penalty_b": pytest.approx(weight * 16)
        }
    # ½·γ·‖∇D‖², times the steps that it stands for.
    found = penalties(critic, real, fake, OBJECTIVES["hinge"], 3.0)
    assert {k: v.item() for k, v in found.items()} == {"r1_b": pytest.approx(3 * 16 * 12.5)}
    assert penalties(critic, real, fake, OBJECTIVES["hinge"]) == {}


@pytest.mark.parametrize(
    ("objective", "r1", "expected"),
    [("wasserstein_gp", False, 1), ("hinge", True, 2), ("hinge", False, 0)],
)
def test_how_often_penalties_are_due(tiny, objective: str, r1: bool, expected: int):
    cell = ("cnn", objective, "none", False, r1)
    assert experiment(tiny, cell).method.penalty_every == expected


def test_lazy_r1_is_due_every_few_steps_and_stands_for_all_of_them(tiny: Experiment):
    cell = ("cnn", "hinge", "none", False, True)
    once = {}
    for every in (1, 4):
        base = experiment(tiny, cell)
        training = Steps(replace(base, method=replace(base.method, r1_every=every)))
        found = [training.step() for _ in range(9)]
        due = [number for number, losses in enumerate(found) if "discriminators/r1_b" in losses]
        assert due == list(range(0, 9, every))
        once[every] = found[0]["discriminators/r1_b"]
    assert once[4] == pytest.approx(4 * once[1], rel=1e-5)


# Clipping


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("clip", [0.01, 0.003])
def test_after_each_step_all_weights_lie_within_the_clip(tiny: Experiment, norm: str, clip: float):
    base = experiment(tiny, ("cnn", "wasserstein_clip", norm, False, False))
    adversarial = WassersteinClip(weight_clip=clip)
    training = Steps(replace(base, method=replace(base.method, adversarial=adversarial)))
    for _ in range(2):
        training.step()
        for role in ("discriminators.a", "discriminators.b"):
            weights = torch.cat([w.flatten() for w in training.weights(role).values()])
            # Drawn from N(0, 0.02): most are larger before.
            assert weights.abs().max().item() == pytest.approx(clip)
    generators = torch.cat([w.flatten() for w in training.weights("generators").values()])
    assert generators.abs().max() > 2 * clip


# Several steps of the critics


@pytest.mark.parametrize("objective", ["wasserstein_clip", "wasserstein_gp", "hinge"])
def test_generators_learn_at_every_fifth_step_and_critics_at_each(tiny: Experiment, objective: str):
    cell = ("cnn", objective, "none", False, False)
    training = Steps(experiment(tiny, cell, critic_steps=5))
    for number in range(11):
        before = {role: training.weights(role) for role in ("generators", "discriminators")}
        average = [w.clone() for w in training.state.average.generators.parameters()]
        found = training.step()
        learned = number in (4, 9)
        assert differ(before["generators"], training.weights("generators")) == learned
        assert ("generators/cycle_a" in found) == learned
        assert differ(before["discriminators"], training.weights("discriminators"))
        assert {"discriminators/a", "discriminators/b"} <= found.keys()
        if number < 4:  # nothing was learned that an average could follow
            unmoved = zip(average, training.state.average.generators.parameters(), strict=True)
            assert all(torch.allclose(old, new) for old, new in unmoved)
    assert all(p.requires_grad for p in training.state.networks.discriminators.parameters())


def test_losses_of_steps_that_were_not_taken_do_not_thin_the_mean(tiny: Experiment):
    """A line of metrics.jsonl after five steps holds the generators' one, undivided."""
    cell = ("cnn", "wasserstein_gp", "none", False, False)
    single, together = (Steps(experiment(tiny, cell, critic_steps=5)) for _ in range(2))
    steps = [single.step() for _ in range(5)]
    for _ in range(5):
        together.advance()
    means = together.means()
    assert means["generators/cycle_a"] == steps[-1]["generators/cycle_a"]
    of_critic = [step["discriminators/a"] for step in steps]
    assert means["discriminators/a"] == pytest.approx(sum(of_critic) / 5)


@pytest.mark.parametrize(
    "cell",
    [
        ("cnn", "wasserstein_gp", "none", False, False),
        ("cnn", "wasserstein_clip", "batch", False, False),
        ("patchgan", "non_saturating", "none", True, True),
    ],
    ids=name,
)
def test_a_run_interrupted_between_generator_steps_ends_with_the_same_bits(
    tiny: Experiment, tmp_path: Path, cell: Cell
):
    """Saved after 7 of 12 steps: the next step of the generators is the 10th."""
    base = experiment(tiny, cell, critic_steps=5)
    method = replace(base.method, generator=UNet(width=4, blocks=1, norm="instance"), r1_every=3)
    training = replace(
        base.training, images=12 * BATCH, checkpoint_images=7 * BATCH, log_images=BATCH
    )
    settings = replace(base, a=tiny.a, b=tiny.b, method=method, training=training)
    images = {name: load_images(getattr(settings, name), "train") for name in ("a", "b")}

    def run(folder: Path, stop_at: int | None = None) -> dict[str, Tensor]:
        with open_run(folder, settings):
            train(build_fabric(training), settings, images, folder, Silent(stop_at))
        newest = checkpoint.list_newest_first(folder / "checkpoints")[0]
        return load_file(newest / "state.safetensors")

    unbroken = run(tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken", stop_at=9 * BATCH)
    newest = checkpoint.list_newest_first(tmp_path / "broken" / "checkpoints")[0]
    assert int(newest.name) == 7 * BATCH
    at_seven = load_file(newest / "state.safetensors")
    continued = run(tmp_path / "broken")
    assert unbroken.keys() == continued.keys()
    assert not [key for key in unbroken if not torch.equal(unbroken[key], continued[key])]
    # Both kinds of step were taken after the interruption.
    for part in ("networks.generators", "networks.discriminators", "average.generators", "pool."):
        names = [key for key in at_seven if key.startswith(part)]
        assert any(not torch.equal(at_seven[key], unbroken[key]) for key in names), part
