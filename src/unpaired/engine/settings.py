"""Training settings: optimisers, length, schedule, precision, intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Protocol

from annotated_types import Ge, Le

from unpaired.core.config import Natural, NonNegative, Positive, config
from unpaired.core.devices import Device
from unpaired.data.domain import Domain, DomainName
from unpaired.engine.schedules import Linear, Schedule
from unpaired.methods import Method

PHASES = ("generators", "discriminators")
"""Of a step, in this order; each has its optimiser."""


@config
class Optimiser:
    """One optimiser; generators and discriminators have one each (TTUR, Heusel et al. 2017)."""

    algorithm: Literal["adam", "rmsprop"] = "adam"
    """Adam, or RMSprop (Cardace)."""
    learning_rate: NonNegative = 2e-4
    """Step size at the beginning."""
    beta1: Annotated[float, Ge(0), Le(0.9999)] = 0.5
    """Adam's decay of the first moment (DCGAN, section 3); RMSprop does not use it."""
    beta2: Annotated[float, Ge(0), Le(0.99999)] = 0.999
    """Adam's decay of the second moment; RMSprop's smoothing constant."""


@config
class Training:
    """How long, how fast and how exactly networks are trained."""

    images: Natural = 200_000
    """Length of the training in images seen per domain."""
    seconds: NonNegative | None = None
    """Time budget; training ends at whichever comes first, and the learning rate follows."""
    batch_size: Positive = 1
    """Images per domain and step, over all processes."""
    generators: Optimiser = Optimiser()
    """Optimiser of generators and encoders."""
    discriminators: Optimiser = Optimiser()
    """Optimiser of discriminators."""
    schedule: Schedule = Linear()
    """How learning rates change over the training."""
    warm_up_images: Natural = 0
    """Images seen over which learning rates rise from zero, whatever the schedule; 0: at once."""
    ema_images: Natural = 10_000
    """Half-life, in images seen, of the averaged weights that are evaluated and shared."""
    pool_size: Natural = 50
    """Past translations kept to train discriminators on (Shrivastava et al. 2017); 0: none."""
    precision: Literal["auto", "bfloat16", "float32"] = "auto"
    """"auto": bfloat16 where processor or GPU computes it in hardware, else float32; and float32
    where a domain keeps 16 bits (decoding.depth), which translate in it whatever is set here."""
    compile: bool = False
    """Compile each phase as a whole (torch.compile): minutes at the start, faster steps later."""
    device: Device = "auto"
    """"auto": a GPU where there is one."""
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    """Everything random derives from it."""
    log_images: Positive = 2_000
    """Images seen between lines of metrics.jsonl."""
    sample_images: Positive = 20_000
    """Images seen between pictures of the fixed sample grid."""
    checkpoint_images: Positive = 50_000
    """Images seen between checkpoints."""
    keep_checkpoints: Positive = 2
    """Newest checkpoints kept, beside the best."""

    FORMER_NAMES: ClassVar[Mapping[str, str]] = {"decay_from": "schedule.decay_from"}

    @property
    def whole_images(self) -> int:
        """Length of the training in images seen: a whole number of batches."""
        return math.ceil(self.images / self.batch_size) * self.batch_size

    def optimiser(self, phase: str) -> Optimiser:
        """That of a phase."""
        return {"generators": self.generators, "discriminators": self.discriminators}[phase]

    def progress(self, images: int, seconds: float) -> float:
        """Share of the training that is done after `images` seen and `seconds` spent; 1: all."""
        by_images = images / self.images
        return max(by_images, seconds / self.seconds) if self.seconds else by_images

    def learning_rate_factor(self, images: int, seconds: float) -> float:
        """What learning rates are multiplied by in the step after `images` seen."""
        factor = self.schedule.factor(min(1.0, self.progress(images, seconds)))
        if images + self.batch_size < self.warm_up_images:
            factor *= (images + self.batch_size) / self.warm_up_images
        return factor


class Trainable(Protocol):
    """What the engine knows of an experiment: what is learned, on which domains, and how."""

    @property
    def a(self) -> Domain | None:
        """The first domain; none for methods that make images from noise."""

    @property
    def b(self) -> Domain:
        """The second domain."""

    @property
    def domains(self) -> Mapping[DomainName, Domain]:
        """The domains that there are, by name."""

    @property
    def method(self) -> Method:
        """What is learned."""

    @property
    def training(self) -> Training:
        """How it is trained."""

    @property
    def evaluation_images(self) -> int:
        """Images seen between evaluations on validation images; 0: none before the end."""

    def domain(self, name: DomainName) -> Domain:
        """A domain that must be there."""
