"""A step asks the host for nothing, replays to the bit, and is without effect after a NaN."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from host_reads import WAITING, counting
from observers import Silent
from unpaired.core.errors import NonFiniteLoss
from unpaired.data.batches import Batches
from unpaired.data.dataset import load_images
from unpaired.engine import loop
from unpaired.engine.distributed import build_fabric
from unpaired.engine.schedules import Linear
from unpaired.engine.settings import Optimiser
from unpaired.engine.state import State
from unpaired.engine.step import Plan, Step, draw_plan
from unpaired.experiment.experiment import Experiment
from unpaired.experiment.smoke import smoke
from unpaired.methods import CycleGAN
from unpaired.networks import CNN, UNet
from unpaired.objectives import WassersteinClip
from unpaired.recipes import recipe

RECIPES = (
    "demo",  # style, noise in the cycle, identity
    "facades-ours",  # label maps
    "facades-wgan-gp",  # a penalty in each step
    "facades-sn",
    "svhn-mnist-ours",
    "dtn-svhn-mnist-ours",
    "dtn-faces-ours",  # a discriminator that sees changed images, features standardised
    "dcgan-mnist",  # batch norm
    "wgan-mnist",  # RMSprop, clipped weights, five steps of the discriminator
    "wgan-gp-mnist",
)


@pytest.fixture(params=RECIPES)
def small(request: pytest.FixtureRequest, stand_in_data: Path) -> Experiment:
    """A recipe at smoke size, in float32; rates fall where the optimiser reads them from memory."""
    experiment = smoke(recipe(request.param))
    training = replace(experiment.training, precision="float32", pool_size=6, device="cpu")
    if training.generators.algorithm == "adam":
        training = replace(training, schedule=Linear(decay_from=0.0), images=1_000)
    return replace(experiment, training=training)


def start(experiment: Experiment) -> Step:
    fabric = build_fabric(experiment.training)
    return Step(experiment, State(experiment, fabric.device), fabric)


def batch_at(experiment: Experiment, number: int) -> dict[Any, Tensor]:
    """Noise as networks see it: pixels at random in the representation of each domain."""
    random = torch.Generator().manual_seed(number)
    count = experiment.training.batch_size
    batch = {}
    for name, domain in experiment.domains.items():
        shape = (count, domain.channels, domain.size, domain.size)
        pixels = torch.randint(256, shape, dtype=torch.uint8, generator=random)
        batch[name] = domain.representation.encode(pixels)
    return batch


# Replay


class Tape(TorchDispatchMode):
    """Records each operation on tensors, of backward passes and optimisers too."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any]] = []
        """Operation, arguments, results; they are kept, so that none takes another's place."""

    def __torch_dispatch__(
        self, operation: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        results = operation(*args, **(kwargs or {}))
        self.operations.append((operation, (args, kwargs or {}), results))
        return results

    @torch.no_grad()
    def replay(self) -> None:
        """The same operations anew: on the same memory, and on what they return this time."""
        now: dict[int, Tensor] = {}
        for operation, arguments, results in self.operations:
            args, kwargs = tree_map_only(Tensor, lambda x: now.get(id(x), x), arguments)
            again = operation(*args, **kwargs)
            for recorded, new in zip(tree_leaves(results), tree_leaves(again), strict=True):
                now[id(recorded)] = new


class Replayed:
    """Steps of which each kind is taken once, recorded at its second time, and replayed from then.

    Recording bakes in whatever Python and the host say, as a CUDA graph does: if anything of it
    depended on the step, the next would be another.
    """

    def __init__(self, step: Step) -> None:
        self.step = step
        self.batch: dict[Any, Tensor] = {}
        self.plans: dict[tuple[bool, bool], Plan] = {}
        self.recorded: dict[tuple[bool, bool], Tape] = {}
        self.replays = 0

    def __call__(self, batch: Mapping[Any, Tensor], plan: Plan) -> None:
        kind = plan.generators_learn, plan.penalised
        for name, images in batch.items():
            self.batch.setdefault(name, torch.empty_like(images)).copy_(images)
        if kind not in self.plans:
            self.plans[kind] = plan
            self.step(self.batch, plan)
            return
        static = self.plans[kind]
        for name, exchange in plan.exchanges.items():
            static.exchanges[name].filled.copy_(exchange.filled)
            static.exchanges[name].exchanged.copy_(exchange.exchanged)
        if kind not in self.recorded:
            self.recorded[kind] = self.record(static)
        self.recorded[kind].replay()
        self.replays += 1

    def record(self, plan: Plan) -> Tape:
        """Recording executes: everything is put back where it was."""
        random = torch.get_rng_state()
        before = [(tensor, tensor.detach().clone()) for tensor in self.memory()]
        with Tape() as tape:
            self.step(self.batch, plan)
        torch.set_rng_state(random)
        with torch.no_grad():
            for tensor, content in before:
                tensor.copy_(content)
        names = {str(operation) for operation, *_ in tape.operations}
        assert len(names) > 20
        assert not [name for name in names if any(waits in name for waits in WAITING)]
        return tape

    def memory(self) -> Iterator[Tensor]:
        state, tally = self.step.state, self.step.tally
        yield from (*state.networks.parameters(), *state.networks.buffers())
        for optimiser in state.optimisers.values():
            for moments in optimiser.state.values():
                yield from (each for each in moments.values() if isinstance(each, Tensor))
        yield from (pool._rows for pool in state.pools.values() if pool._rows is not None)
        yield from (tally.finite, tally._good_steps, *tally._sums.values(), *tally._last.values())


def test_a_recorded_step_replays_to_the_bit(small: Experiment):
    number = 2 * max(small.method.critic_steps, 2) + 3
    expected = start(small)
    for i in range(number):
        expected.advance(batch_at(small, i))

    step = start(small)
    replayed = Replayed(step)
    for i in range(number):
        replayed(batch_at(small, i), draw_plan(small, step.state, step.fabric))
        step.end()
    assert replayed.replays >= 3
    theirs, ours = (everything(each.state) for each in (expected, step))
    assert theirs.keys() == ours.keys()
    assert not [name for name in ours if not torch.equal(theirs[name], ours[name])]
    assert expected.tally.take_means(0) == step.tally.take_means(0)


def everything(state: State) -> dict[str, Tensor]:
    return state.tensors()[0]


# No host synchronisation


@pytest.mark.parametrize("name", RECIPES)
def test_steps_ask_the_host_for_nothing(name: str, stand_in_data: Path):
    experiment = smoke(recipe(name))
    step = start(experiment)
    batches = [batch_at(experiment, i) for i in range(8)]
    with counting() as reads:
        for batch in batches:
            step.advance(batch)
    assert not reads.counted
    step.tally.check(experiment.training.batch_size)


def count_in_the_loop(experiment: Experiment, folder: Path, monkeypatch: Any) -> Counter[str]:
    """What is counted in the loop over 20 steps between two log points.

    Reading a batch does not count: it asks no device, and uploads without waiting for one.
    """
    training = replace(experiment.training, images=100, log_images=96, sample_images=96)
    experiment = replace(experiment, training=replace(training, checkpoint_images=96))
    images = {name: load_images(domain, "train") for name, domain in experiment.domains.items()}
    advance, at = Step.advance, Batches.at
    with counting() as reads:
        reads.is_paused = True

        def advance_and_begin(step: Step, batch: Any) -> None:
            advance(step, batch)
            reads.is_paused = step.state.images not in range(4, 84, 4)

        def read(*args: Any) -> Tensor:
            with reads.paused():
                return at(*args)

        monkeypatch.setattr(Step, "advance", advance_and_begin)
        monkeypatch.setattr(Batches, "at", read)
        loop.train(build_fabric(training), experiment, images, folder, Silent())
    return reads.counted


def test_the_loop_waits_for_no_device_between_log_points(tiny, tmp_path, monkeypatch):
    assert not count_in_the_loop(tiny, tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        (lambda images: images.sum().tolist(), "tolist"),
        (lambda images: images.cpu(), "cpu"),
        (lambda images: images.sum().item(), "item"),
        (lambda images: bool(images.sum()), "__bool__"),
        (lambda images: float(images.detach().sum()), "__float__"),
        (lambda images: images.to("cpu"), "to"),
        (lambda images: images.to(device=torch.device("cpu")), "to"),
        (lambda images: images.detach().numpy(), "numpy"),
        (lambda images: images.nonzero(), "nonzero"),
        (lambda images: images[images > 0], "nonzero"),
    ],
)
def test_a_planted_question_to_the_host_is_counted(tiny, tmp_path, monkeypatch, planted, name):
    def noisy(method: CycleGAN, fake: Tensor) -> Tensor:
        planted(fake)
        return fake

    monkeypatch.setattr(CycleGAN, "noisy", noisy)
    counted = count_in_the_loop(tiny, tmp_path, monkeypatch)
    assert counted == {name: 2 * 20}  # once in each direction of each step


# Values that are not finite


@pytest.mark.parametrize("phase", ["generators", "discriminators"])
@pytest.mark.parametrize("kind", ["loss", "gradient"])
def test_what_is_not_finite_is_named_with_its_step(tiny, tmp_path, monkeypatch, phase, kind):
    """A root is 0 at 0, and infinitely steep."""
    original = Step._minimise

    def poison(step: Step, now: str, losses: dict[str, Tensor]) -> None:
        if now == phase and step.state.images == 12:
            weight = next(iter(step.state.parameters(phase))).flatten()[0]
            steep = (weight - weight.detach()).sqrt()
            losses = {**losses, "steep": steep if kind == "gradient" else steep * float("nan")}
            poison.before = {k: p.clone() for k, p in step.state.networks.named_parameters()}
        poison.state = step.state
        original(step, now, losses)

    monkeypatch.setattr(Step, "_minimise", poison)
    training = replace(tiny.training, images=40, log_images=32, sample_images=40)
    experiment = replace(tiny, training=replace(training, checkpoint_images=8))
    what = f"the loss {phase}/steep" if kind == "loss" else f"the gradient of the {phase}"
    with pytest.raises(NonFiniteLoss, match=f"{what} is not finite after 12 images seen") as error:
        train(experiment, tmp_path)
    assert error.value.code == "non-finite-loss"
    assert error.value.setting == "training.generators.learning_rate"
    assert error.value.code == "non-finite-loss"
    assert poison.state.images == 16  # when the next checkpoint was due
    after = dict(poison.state.networks.named_parameters())
    assert all(torch.equal(after[name], before) for name, before in poison.before.items())
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == ["000000000008"]


@pytest.mark.parametrize("algorithm", ["adam", "rmsprop"])
def test_steps_after_a_value_that_is_not_finite_have_no_effect(tiny, algorithm):
    """Batch norm in the generators, spectral norm in one discriminator, clipped weights."""
    optimiser = Optimiser(algorithm=algorithm, learning_rate=1e-3)
    method = CycleGAN(
        generator=UNet(width=8, norm="batch"),
        discriminator=CNN(width=8),
        adversarial=WassersteinClip(),
        style_channels=2,
    )
    training = replace(tiny.training, generators=optimiser, discriminators=optimiser)
    experiment = replace(tiny, method=method, training=training)
    step = start(experiment)
    for i in range(3):
        step.advance(batch_at(experiment, i))
    before = {k: p.clone() for k, p in step.state.networks.named_parameters()}
    wrong = batch_at(experiment, 3)
    wrong["b"][0, 0, 0, 0] = float("nan")
    step.advance(wrong)
    for i in range(4, 8):
        step.advance(batch_at(experiment, i))
    after = dict(step.state.networks.named_parameters())
    assert not [name for name in after if not torch.equal(after[name], before[name])]
    average = step.state.average.generating().state_dict()
    assert all(tensor.isfinite().all() for tensor in average.values())
    with pytest.raises(NonFiniteLoss, match=r"generators/cycle_b.* after 12 images seen") as error:
        step.tally.check(training.batch_size)
    assert error.value.code == "non-finite-loss"
    assert error.value.setting == "training.generators.learning_rate"


def train(experiment: Experiment, folder: Path) -> None:
    images = {name: load_images(domain, "train") for name, domain in experiment.domains.items()}
    loop.train(build_fabric(experiment.training), experiment, images, folder, Silent())
