"""Words that a setting does not know are refused in words, and never taken for another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import unpaired
from unpaired.core.devices import choose_device
from unpaired.core.errors import SettingError
from unpaired.experiment.experiment import Experiment
from unpaired.inference.translator import Translator

CALLS: dict[str, Callable[[Any, Experiment, Translator], object]] = {
    "device": lambda word, _, __: choose_device(word),
    "resolution": lambda word, _, translator: translator.translate(
        np.zeros((32, 32), np.uint8), "b", resolution=word
    ),
    "image_format": lambda word, _, translator: unpaired.translate_files(
        translator, "builtin:ink:test", "out", "b", image_format=word
    ),
    "split": lambda word, _, __: unpaired.evaluate("run", word),
    "split of compare": lambda word, _, __: unpaired.compare("run", split=word),
    "track": lambda word, experiment, _: unpaired.train(experiment, "run", track=word, quiet=True),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_word_that_a_setting_does_not_know(tiny, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    networks = tiny.method.build(tiny.a, tiny.b).eval().requires_grad_(False)
    translator = Translator(tiny, networks, torch.device("cpu"))
    with pytest.raises(SettingError, match=rf"^{name.split()[0]} is 'other': give .* or "):
        CALLS[name]("other", tiny, translator)
    assert list(Path().iterdir()) == []


def test_a_device_of_torch_is_a_device():
    assert choose_device(torch.device("cpu")) == torch.device("cpu")  # type: ignore[arg-type]
