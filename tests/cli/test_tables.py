"""Tables on the terminal lose no digit, however narrow it is."""

from __future__ import annotations

import sys

import pytest

from unpaired.cli.tables.table import print_metrics
from unpaired.records.measurement import Measurement
from unpaired.records.protocol import Protocol


@pytest.mark.parametrize("columns", [80, 100, None])
def test_each_number_is_whole_and_its_companions_stand_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int | None
):
    if columns is not None:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    name = "kd/inception-legacy/b"
    number = Measurement(0.0002832, 0.0001604, 0.0004505, 50_000)
    other = Measurement(-8.414e-06, 0, 0, 25_000)
    metrics = {name: number, f"{name}/input": other, f"{name}/floor": other}
    record = {"generated": "out", "against": "real"} | Protocol().record(metrics)
    print_metrics(record)
    shown = capsys.readouterr().out
    assert shown.endswith(f"protocol {Protocol().fingerprint}\n")
    print_metrics(record | {"weights": "ema", "precision": "float32"})
    assert capsys.readouterr().out.endswith(", ema weights in float32\n")
    line = next(line for line in shown.splitlines() if name in line)
    for text in ("0.0002832", "0.0001604 … 0.0004505", "50000"):
        assert text in line
    for words in ("  unchanged input", "  real against real (floor)"):
        line = next(line for line in shown.splitlines() if words in line)
        assert "-8.414e-06" in line
        assert "25000" in line
    assert f"{name} is no better than the unchanged input\n" in shown
