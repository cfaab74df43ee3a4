"""An experiment shrunk to seconds, to see that everything works."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from unpaired.experiment.checks import NETWORKS
from unpaired.experiment.experiment import Experiment


def smoke(experiment: Experiment) -> Experiment:
    """The same experiment, shrunk until the entire path takes seconds; its numbers mean nothing."""
    training = experiment.training
    batch = min(training.batch_size, 4)
    steps = 6
    method = experiment.method
    parts = {role: getattr(method, role) for role in NETWORKS if hasattr(method, role)}
    changes: dict[str, Any] = {role: _shrunk(network) for role, network in parts.items()}
    for field in fields(method):
        stage = getattr(method, field.name)
        if stage in method.stages() and stage.images:
            changes[field.name] = replace(stage, images=batch * steps, batch_size=batch)
    domains = {name: replace(domain, size=32) for name, domain in experiment.domains.items()}
    return replace(
        experiment,
        **domains,  # type: ignore[arg-type]
        name=f"{experiment.name}-smoke",
        method=replace(method, **changes),
        training=replace(
            training,
            images=batch * steps,
            batch_size=batch,
            log_images=batch,
            sample_images=batch * 3,
            checkpoint_images=batch * 3,
        ),
        evaluation=replace(
            experiment.evaluation, images=batch * 3, classifier=False, adaptation=False
        ),
    )


def _shrunk(network: Any) -> Any:
    changes: dict[str, Any] = {"width": 8} if hasattr(network, "width") else {}
    if hasattr(network, "widths"):
        changes["widths"] = ()  # they are as many as the size asks for
    if hasattr(network, "max_width"):
        changes["max_width"] = 64
    if getattr(network, "blocks", 0) > 1:
        changes["blocks"] = 1
    if hasattr(network, "downsamplings"):
        changes["downsamplings"] = 2
    if getattr(network, "layers", 0) > 2:
        changes["layers"] = 2
    return replace(network, **changes)
