"""Feature cycle: what a segmenter learns from features and label maps that nobody paired."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from unpaired.core.errors import NonFiniteLoss
from unpaired.engine.fitting import Fitting
from unpaired.methods.feature_cycle import FeatureCycle, FeatureCycleTraining
from unpaired.networks import FeatureMaps
from unpaired.networks.feature_segmenter import FeatureSegmenter

SIZE, CLASSES, COMPONENTS = 16, 4, 64
SETTINGS = FeatureCycle()
BATCH = SETTINGS.batch_size


@pytest.fixture(scope="module")
def untaught(maps_program: Path) -> FeatureSegmenter:
    torch.manual_seed(0)
    settings = FeatureMaps(path=str(maps_program), width=16)
    return settings.build(CLASSES, SIZE, "signed", mirrors=False)


@pytest.fixture
def reader(untaught: FeatureSegmenter) -> FeatureSegmenter:
    """A reader whose guess is that of classes' means, with one class mistaken for another."""
    network = copy.deepcopy(untaught)
    guessed = means()[:, :32].clone()
    guessed[3] = 0.8 * guessed[1] + 0.2 * guessed[3]
    network.evidence.copy_(guessed)
    network.offset.copy_(-guessed.square().sum(1) / 2)
    return network


def means() -> Tensor:
    """What features of each class are about: [CLASSES, COMPONENTS]."""
    random = torch.Generator().manual_seed(7)
    return 0.6 * torch.randn(CLASSES, COMPONENTS, generator=random)


def buildings(count: int, seed: int) -> Tensor:
    """Classes [count, SIZE, SIZE]: a roof (0), walls (1), windows in rows (2), and each window's
    sill under it (3)."""
    random = torch.Generator().manual_seed(seed)
    classes = torch.ones(count, SIZE, SIZE, dtype=torch.long)
    roofs, shifts = torch.randint(2, 5, (2, count), generator=random)
    for one, roof, shift in zip(classes, roofs, shifts, strict=True):
        one[:roof] = 0
        for top in range(int(roof) + 1, SIZE - 3, 5):
            for left in range(int(shift) % 3, SIZE - 1, 4):
                one[top : top + 2, left : left + 2] = 2
                one[top + 2, left : left + 2] = 3
    return classes


def seen(classes: Tensor, seed: int) -> Tensor:
    """Features of photos of them: [N, COMPONENTS, SIZE, SIZE]."""
    random = torch.Generator().manual_seed(seed)
    clean = means()[classes].movedim(-1, 1)
    return clean + 0.8 * torch.randn(clean.shape, generator=random)


def shares(classes: Tensor) -> Tensor:
    return nn.functional.one_hot(classes, CLASSES).movedim(-1, 1).float()


def cycle_of(reader: FeatureSegmenter, images: int, count: int = 32) -> FeatureCycleTraining:
    """Photos of some buildings, and the maps of others."""
    torch.manual_seed(0)
    views = seen(buildings(count, 1), 2)[:, None]
    return FeatureCycleTraining(
        FeatureCycle(images=images), reader, views, shares(buildings(count, 5))
    )


def learn(cycle: FeatureCycleTraining) -> list[int]:
    """Take all steps of a cycle; returns the images seen before each step that is reported."""
    fitting = Fitting(cycle, torch.device("cpu"))
    losses = fitting.steps(advice=SETTINGS.advice, report_images=10 * BATCH)
    reported = [fitting.images - BATCH for loss in losses if loss is not None]
    cycle.finish()
    return reported


def test_it_finds_what_the_guess_took_for_something_else(reader: FeatureSegmenter):
    """Sills look like walls to the guess; that real maps have sills under windows says which."""
    classes = buildings(100, 3)
    features = seen(classes, 4)
    before = reader.classify(features).argmax(1)
    reported = learn(cycle_of(reader, 1_600, 200))
    after = reader.classify(features).argmax(1)
    assert (before == classes).float().mean() < 0.85
    assert (after == classes).float().mean() > 0.95
    assert reported == list(range(0, 1_600, 160))
    held = reader.guess(features) + reader.held(features)
    assert torch.allclose(held, reader.classify(features), atol=1e-5)


def test_nothing_else_of_the_reader_changes(reader: FeatureSegmenter):
    before = {name: tensor.clone() for name, tensor in reader.state_dict().items()}
    learn(cycle_of(reader, 4 * BATCH))
    changed = {n.split(".")[0] for n, t in reader.state_dict().items() if not t.equal(before[n])}
    assert changed == {"head", "held"}


def test_what_is_generated_of_a_reading_leaves_no_gradient_to_the_reader(
    reader: FeatureSegmenter,
):
    """Or it would hide the features in its maps, as CycleGANs do (Chu et al. 2017)."""
    cycle = cycle_of(reader, BATCH)
    handed: list[Tensor] = []
    make = cycle._generate

    def watch(maps: Tensor) -> Tensor:
        handed.append(maps)
        return make(maps)

    cycle._generate = watch  # type: ignore[method-assign]
    learn(cycle)
    assert len(handed) == 2
    assert not any(maps.requires_grad for maps in handed)


def test_both_sides_learn_and_only_theirs(reader: FeatureSegmenter):
    cycle = cycle_of(reader, BATCH)
    views, maps = cycle.draw(4)
    loss, fakes = cycle.translator_loss(views, maps, 0.0)
    assert not any(fake.requires_grad for fake in fakes)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in cycle.translators.parameters())
    cycle.translators.zero_grad()
    cycle.discriminators.zero_grad()
    cycle.discriminator_loss(views, maps, fakes).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in cycle.discriminators.parameters())
    assert not any(p.grad is not None for p in cycle.translators.parameters())


def test_a_loss_that_is_not_finite_ends_it(reader: FeatureSegmenter):
    cycle = cycle_of(reader, BATCH)
    cycle.views[:, 0, 0, 0, 0] = float("nan")
    with pytest.raises(
        NonFiniteLoss, match=r"after 0 images seen. Set --method.feature-cycle.images 0"
    ):
        learn(cycle)


def test_the_hold_falls(reader: FeatureSegmenter):
    """The same batch costs less by the share of the cross-entropy that no longer counts."""
    cycle = cycle_of(reader, BATCH)
    views, maps = cycle.draw(4)
    costs = []
    for done in (0.0, 0.5, 1.0):
        torch.manual_seed(1)
        costs.append(float(cycle.translator_loss(views, maps, done)[0].detach()))
    guess = reader.guess(views[:, 0])
    entropy = -(guess.exp() * guess).sum(1).mean().item()
    assert costs[0] - costs[1] == pytest.approx((1 - SETTINGS.guess_weight) / 2 * entropy, rel=1e-3)
    assert costs[0] - costs[2] == pytest.approx((1 - SETTINGS.guess_weight) * entropy, rel=1e-3)


@pytest.mark.parametrize(
    ("done", "trust"),
    [
        (0.25, 0.0),
        (0.375, SETTINGS.teacher_share / 2),
        (0.5, SETTINGS.teacher_share),
        (1.0, SETTINGS.teacher_share),
    ],
)
def test_what_it_is_held_to_turns_into_what_its_average_says(
    reader: FeatureSegmenter, done: float, trust: float
):
    cycle = cycle_of(reader, BATCH)
    views, maps = cycle.draw(4)
    sure = torch.tensor([0.0, 0.0, 20.0, 0.0])  # of the third class, everywhere

    def cost() -> float:
        torch.manual_seed(1)
        return float(cycle.translator_loss(views, maps, done)[0].detach())

    before = cost()
    with torch.no_grad():
        cycle.average[-1].bias.copy_(sure)
    guess = reader.guess(views[:, 0])
    entropy = -(guess.exp() * guess).sum(1).mean().item()
    dearer = -guess[:, 2].mean().item() - entropy
    hold = 1 - (1 - SETTINGS.guess_weight) * done
    assert cost() - before == pytest.approx(hold * trust * dearer, rel=1e-2, abs=1e-5)


def test_it_learns_without_some_components_what_its_average_says_with_all(
    reader: FeatureSegmenter,
):
    """Both views count, the mirror image turned back; and no gradient reaches the answers."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in reader.head.parameters():
            parameter.normal_(0, 0.1)
    photos = seen(buildings(4, 1), 2)
    views = torch.stack([photos, seen(buildings(4, 1), 9).flip(3)], 1)
    cycle = FeatureCycleTraining(SETTINGS, reader, views, shares(buildings(4, 5)))
    read = (reader.classify(views[:, 0]), reader.classify(views[:, 1]).flip(3))
    agreed = torch.stack([each.softmax(1) for each in read]).mean(0).square()
    agreed = agreed / agreed.sum(1, keepdim=True)
    torch.manual_seed(3)
    logits = reader.guess(photos) + reader.head(nn.functional.dropout2d(photos, SETTINGS.dropout))
    expected = -(agreed * logits.log_softmax(1)).sum(1).mean()
    torch.manual_seed(3)
    loss = cycle.self_training_loss(views)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in reader.head.parameters())
    assert not any(p.requires_grad for p in cycle.average.parameters())


def test_self_training_begins_at_the_average_and_what_it_ends_at_is_kept(
    reader: FeatureSegmenter, monkeypatch: pytest.MonkeyPatch
):
    cycle = cycle_of(reader, 10 * BATCH)
    begun: list[dict[str, Tensor]] = []
    loss = cycle.self_training_loss

    def watch(views: Tensor) -> Tensor:
        begun.append(copy.deepcopy(reader.head.state_dict()))
        return loss(views)

    monkeypatch.setattr(cycle, "self_training_loss", watch)
    learn(cycle)
    average, kept = cycle.average.state_dict(), reader.head.state_dict()
    assert len(begun) == 2
    assert all(begun[0][name].equal(average[name]) for name in average)
    assert not any(kept[name].equal(average[name]) for name in average)
