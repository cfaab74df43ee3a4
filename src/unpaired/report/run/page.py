"""The report of a run: one page that needs no network, for a reader who was not there."""

from __future__ import annotations

from pathlib import Path

from unpaired.core.files import write_atomically
from unpaired.records.runs import Run, read_run
from unpaired.report.html.embed import Album
from unpaired.report.html.page import Section, document
from unpaired.report.html.theme import SCRIPT
from unpaired.report.names import names_of
from unpaired.report.run.gallery import failures, final_pictures, pictures_over_time
from unpaired.report.run.numbers import tables, verdict
from unpaired.report.run.sections import curves, facts, repeat


def write_report(run: str | Path) -> Path:
    """Write `report.html` into the run folder `run` and return its path.

    The page may be written again at any time, also while the run trains.

    Raises:
        RunError: `run` is no run folder.
    """
    path = Path(run) / "report.html"
    write_atomically(path, page(read_run(Path(run))))
    return path


def page(run: Run) -> str:
    """The whole page. It holds its pictures, makes no request, and runs no script but its own."""
    names = names_of(run.config, run.directions)
    album = Album()
    # Pictures over time come last here: they take whatever room the others leave.
    samples, worst = final_pictures(run, names, album), failures(run, names, album)
    over_time = pictures_over_time(run, names, album)
    title = str(run.config.get("name") or run.folder.resolve().name)
    sections = [
        Section("verdict", "Verdict", verdict(run, names)),
        Section("training", "What was trained", facts(run, names)),
        Section("samples", "Samples", samples),
        Section("time", "Samples over time", over_time),
        Section("curves", "Curves", curves(run, names)),
        Section("numbers", "All numbers", tables(run, names)),
        Section("failures", "Failures", worst),
        Section("repeat", "How to repeat it", repeat(run)),
    ]
    notes = [*run.notes, "Written by unpaired report."]
    return document(title, names.ways, sections, notes, script=SCRIPT)
