"""What is learned before the game begins: labels by an encoder, label maps by a reader."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from unpaired.core.errors import NonFiniteLoss
from unpaired.data.batches import Batches, derive_seed, generator
from unpaired.data.dataset import Images
from unpaired.data.domain import DomainName
from unpaired.data.jitter import jitter
from unpaired.engine import checkpoint
from unpaired.engine.fitting import Fitting, seeded
from unpaired.engine.settings import Trainable
from unpaired.engine.state import State
from unpaired.methods.feature_cycle import FeatureCycle

PILE = 1_000
"""Images of a pile that `prepare` shows at most; each twice where there are fewer."""

BATCH = 16
"""Features and label maps that a reader learns from in one step."""

RATE = 5e-4
"""Learning rate of a reader of features, and of those that it plays with."""

STUDY_RATE = 1e-3
"""Learning rate of a reader that studies its own answers."""

STUDIED = 0.2
"""Share of the images that are left for that, after the game."""

NEWEST = 0.02
"""Share of the newest weights in the average that a reader keeps."""

PARTS = 10
"""A tenth of the work is lost at most, where a process is killed."""


def pretrain(
    fabric: Fabric,
    experiment: Trainable,
    state: State,
    images: Mapping[DomainName, Images],
    folder: Path,
    tell: Callable[[int, int, float], None],
    interrupted: Callable[[], int],
) -> None:
    """Train `nets.encoders["a"]` on labelled images, once; it is frozen again afterwards.

    `tell` hears now and then of the images seen, all that will be, and the loss. The first process
    trains, the others receive: all must build on the same encoder. What has been learned so far
    lies in `folder`, from which the same call goes on.

    Raises:
        NonFiniteLoss: when training diverged.
        SystemExit: with the code that `interrupted` gives, all being stored.
    """
    encoder = state.networks.encoders["a"]
    signal = 0
    if fabric.is_global_zero:
        encoder.train().requires_grad_(True)
        lesson = Lesson(fabric, experiment, encoder, images)
        signal = _learn(lesson, state, folder, tell, interrupted)
        encoder.eval().requires_grad_(False)
    signal = fabric.broadcast(signal)
    if signal:
        raise SystemExit(signal)
    encoder.load_state_dict(fabric.broadcast(encoder.state_dict()))
    state.average.encoders["a"].load_state_dict(encoder.state_dict())


def prepare(
    fabric: Fabric,
    experiment: Trainable,
    state: State,
    batches: Mapping[DomainName, Batches],
    tell: Callable[[int, int, float], None],
    interrupted: Callable[[], int],
) -> None:
    """Let the method take what it needs from whole piles; one process does, the others receive.

    `tell` hears of images seen, where there is something to be learned. It is done anew where it
    was interrupted.

    Raises:
        NonFiniteLoss: when what is learned diverged.
        SystemExit: with the code that `interrupted` gives.
    """
    nets, training, signal = state.networks, experiment.training, 0
    started = time.monotonic()

    def report(images: int, total: int, loss: float) -> None:
        tell(images, total, loss)
        if interrupted():
            raise _Interrupted

    if fabric.is_global_zero:
        piles = {name: _Pile(each, training.batch_size) for name, each in batches.items()}
        try:
            with seeded(derive_seed(training.seed, "preparation"), fabric.device):
                cycle = experiment.method.prepare(nets, piles)
                if cycle is not None:
                    learn_features(cycle, report)
        except _Interrupted:
            signal = interrupted()
    signal = fabric.broadcast(signal)
    if signal:
        raise SystemExit(signal)
    nets.generators.load_state_dict(fabric.broadcast(nets.generators.state_dict()))
    state.average.generators.load_state_dict(nets.generators.state_dict())
    state.seconds += time.monotonic() - started


def learn_features(cycle: FeatureCycle, tell: Callable[[int, int, float], None]) -> None:
    """Train a reader on features and label maps: first the game, then what its answers teach it.

    Adam, at a rate that falls to 0: in the second half of the game, and throughout the study.
    `tell` hears of every tenth step: images seen, all that will be, and the loss.

    Raises:
        NonFiniteLoss: when the loss, every ten steps, is not finite.
    """

    def watch(seen: int, loss: Tensor) -> None:
        if seen // BATCH % 10 == 0:  # each look waits for the device
            if not math.isfinite(value := float(loss.detach())):
                raise NonFiniteLoss(
                    f"learning to read features met a loss that is not finite after {seen} images "
                    "seen. Set --method.encoder-images 0."
                )
            tell(seen, cycle.images, value)

    head, average = cycle.reader.head, cycle.average
    end = round((1 - STUDIED) * cycle.images)
    sides = (cycle.players, cycle.judges)
    players, judges = (torch.optim.Adam(s.parameters(), RATE, betas=(0.5, 0.999)) for s in sides)
    for seen in range(0, end, BATCH):
        done = seen / end
        for optimiser in (players, judges):
            optimiser.param_groups[0]["lr"] = RATE * min(1.0, 2 * (1 - done))
        views, maps = cycle.draw(BATCH)
        cycle.judges.requires_grad_(False)
        loss, fakes = cycle.players_loss(views, maps, done)
        _step(players, loss)
        cycle.judges.requires_grad_(True)
        _step(judges, cycle.judges_loss(views, maps, fakes))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(head.parameters()), NEWEST)
        watch(seen, loss)

    head.load_state_dict(average.state_dict())
    student = torch.optim.Adam(head.parameters(), STUDY_RATE)
    for seen in range(end, cycle.images, BATCH):
        student.param_groups[0]["lr"] = STUDY_RATE * (cycle.images - seen) / (cycle.images - end)
        views, _ = cycle.draw(BATCH)
        loss = cycle.study_loss(views)
        _step(student, loss)
        watch(seen, loss)
    cycle.reader.keep(head)


def _step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


class _Interrupted(Exception):
    """Ends a preparation."""


class _Pile:
    """The first batches of a training, read whenever they are asked for."""

    def __init__(self, batches: Batches, batch_size: int) -> None:
        self.batches, self.batch_size = batches, batch_size

    def __iter__(self) -> Iterator[Tensor]:
        for position in range(0, min(2 * len(self.batches.images), PILE), self.batch_size):
            yield self.batches.at(position)


def _learn(
    lesson: Lesson,
    state: State,
    folder: Path,
    tell: Callable[[int, int, float], None],
    interrupted: Callable[[], int],
) -> int:
    """The first process's part; returns the code of the signal that ended it, or 0."""
    fitting = lesson.fitting
    stored = checkpoint.load_newest(folder)
    if stored is not None:
        fitting.restore(*stored)
        state.seconds = stored[1]["seconds"]
    started, seconds_before = time.monotonic(), state.seconds
    every = max(len(fitting.batches) // PARTS, 1)

    def store() -> bool:
        state.seconds = seconds_before + time.monotonic() - started
        signal = interrupted()
        if signal or fitting.steps % every == 0:
            tensors, form = fitting.tensors()
            checkpoint.save(folder, fitting.images, tensors, {**form, "seconds": state.seconds})
            checkpoint.prune(folder, 1)
        return bool(signal)

    finished = fitting.run(
        lesson,
        advice="Lower --method.encoder-training.learning-rate.",
        tell=tell,
        stop_after_step=store,
    )
    return 0 if finished else interrupted()


class Lesson:
    """An encoder's training, and the loss of its batches: a's labels, and agreement on b."""

    def __init__(
        self,
        fabric: Fabric,
        experiment: Trainable,
        encoder: nn.Module,
        images: Mapping[DomainName, Images],
    ) -> None:
        """`encoder` is in training mode, and all of it learns."""
        settings, labels = experiment.method.pretraining, images["a"].labels
        seed = experiment.training.seed
        assert settings is not None
        assert labels is not None, "checked before training"
        self.fabric, self.experiment, self.images = fabric, experiment, images
        self.encoder, self.settings, self.truth = encoder, settings, torch.from_numpy(labels)
        torch.manual_seed(derive_seed(seed, "pretraining"))
        self.fitting = Fitting(
            encoder,
            len(labels),
            images_seen=settings.images,
            batch_size=settings.batch_size,
            learning_rate=settings.learning_rate,
            weight_decay=settings.weight_decay,
            random=generator(seed, "pretraining"),
        )

    def __call__(self, batch: Tensor) -> Tensor:
        """Indices of images of a, int64 [N] => a scalar."""
        settings, random = self.settings, self.fitting.random
        seen = jitter(self._read("a", batch), settings.jitter, random)
        right = self.truth[batch].to(self.fabric.device)
        warming = self.fitting.images + len(batch) <= settings.warm_up * settings.images
        if warming or not settings.consistency_weight:
            return F.cross_entropy(self._classify(seen), right)
        others = torch.randint(len(self.images["b"]), (len(batch),), generator=random)
        unlabelled = self._read("b", others)
        with torch.no_grad():
            self.encoder.eval()
            shares = in_equal_shares(self._classify(unlabelled).softmax(1))
            self.encoder.train()
        confidence, label = shares.max(1)
        # Both domains in one batch: batch norm must know the statistics of both afterwards.
        both = torch.cat([seen, jitter(unlabelled, settings.jitter, random)])
        logits, judged = self._classify(both).chunk(2)
        sure = confidence > settings.confidence
        agreement = (F.cross_entropy(judged, label, reduction="none") * sure).mean()
        return F.cross_entropy(logits, right) + settings.consistency_weight * agreement

    def _read(self, domain: DomainName, indices: Tensor) -> Tensor:
        """Images in the form in which the encoder takes both domains, in [0, 1]."""
        pixels = self.images[domain].gather(indices.numpy()).to(self.fabric.device)
        values = self.experiment.domain(domain).representation.encode(pixels)
        unit: Tensor = self.encoder.to_unit(values, domain)  # type: ignore[operator]
        return unit

    def _classify(self, unit: Tensor) -> Tensor:
        with self.fabric.autocast():
            logits: Tensor = self.encoder.classify_unit(unit)  # type: ignore[operator]
        return logits


def in_equal_shares(guesses: Tensor, rounds: int = 5) -> Tensor:
    """Probabilities [N, classes] => the nearest that give each class as many images as any other.

    Sinkhorn & Knopp's rounds, as Caron et al. 2020 (SwAV, section 3.1) use them. Without them a
    class that is never named stays so: its images are surely another's, again and again.
    """
    shares = guesses.float().clamp_min(1e-4)
    for _ in range(rounds):
        shares = shares / shares.sum(0)
        shares = shares / shares.sum(1, keepdim=True)
    return shares
