"""What trained models hide: python benchmarks/hidden_signal.py RUN_FOLDER … > a table for the docs

The numbers of the table in docs/evaluation.md are of runs' models and up to 1,000 of their test
images (`unpaired.metrics.hidden_signal`), translated there and back, with and without a touch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from unpaired.data.dataset import load_images
from unpaired.data.domain import DomainName
from unpaired.evaluation.content import MOST_IMAGES, honesty
from unpaired.evaluation.measure import Gathered, measure
from unpaired.evaluation.samples import sample, translate
from unpaired.experiment.experiment import load
from unpaired.inference.applied import AppliedModel
from unpaired.models.folder import load_model

DOMAINS: tuple[DomainName, ...] = ("a", "b")


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    print("| run | images seen | noise in its cycle | noise, a and b | JPEG, a and b |")
    print("|---|---|---|---|---|")
    for run in parser.parse_args().runs:
        experiment, stored = load(run / "config.json"), load_model(run / "model")
        model = AppliedModel(experiment, stored.networks, torch.device("cpu"))
        found = {}
        for domain in DOMAINS:
            images = sample(load_images(experiment.domain(domain), "test"), MOST_IMAGES)
            signal = honesty(model, domain, translate(model, images.pixels, domain, 0), 0)
            found[domain] = measure(Gathered({"source": domain}, {"hidden_signal": signal}))
        cells = [
            " and ".join(f"{found[d][f'hidden_signal/{d}/{touch}'].value:.1f}" for d in DOMAINS)
            for touch in ("noise", "jpeg")
        ]
        noise = getattr(experiment.method, "cycle_noise", 0.0) or "none"
        print(f"| `{experiment.name}` | {stored.images:,} | {noise} | {cells[0]} | {cells[1]} |")


if __name__ == "__main__":
    main()
