"""Report page: one file that needs no network, for a reader who was not there."""

from __future__ import annotations

from pathlib import Path

from unpaired.core.files import write_atomically
from unpaired.records.runs import Run, read_run
from unpaired.report.html.assets import INLINE, Assets
from unpaired.report.html.embed import Album
from unpaired.report.html.render import render
from unpaired.report.html.tables import flatten
from unpaired.report.names import names_of
from unpaired.report.run.charts import loss_charts, metric_charts, stage_charts, training_charts
from unpaired.report.run.facts import facts, fingerprints
from unpaired.report.run.gallery import failures, final_pictures, pictures_over_time
from unpaired.report.run.numbers import protocols, tables, title_of, verdict


def write_report(run: str | Path) -> Path:
    """Write `report.html` into the run folder `run` and return its path.

    The page may be written again at any time, also while the run trains.

    Raises:
        RunError: `run` is no run folder.
    """
    path = Path(run) / "report.html"
    write_atomically(path, page(read_run(Path(run))))
    return path


def page(run: Run, assets: Assets = INLINE) -> str:
    """The whole page. It holds its pictures, makes no request, and runs no script but its own."""
    names = names_of(run.config, run.directions)
    album = Album()
    # Pictures over time come last here: they take whatever room the others leave.
    samples, worst = final_pictures(run, names, album), failures(run, names, album)
    timeline = pictures_over_time(run, names, album)
    # Metrics first: the losses of two adversaries say little about quality.
    curves = [(title_of(group[0]), metric_charts(group, names)) for group in protocols(run)]
    content = {
        "assets": assets,
        "above": names.title,
        "title": str(run.config.get("name") or run.folder.resolve().name),
        "notes": run.notes,
        "verdict": verdict(run, names),
        "facts": facts(run, names),
        "settings": flatten(run.config),
        "samples": samples,
        "timeline": timeline,
        "curves": [(title, charts) for title, charts in curves if charts],
        "losses": [*stage_charts(run.stages), *loss_charts(run.log)],
        "health": training_charts(run.log),
        "tables": tables(run, names),
        "translates": bool(names.directions),
        "worst": worst,
        "command": run.command,
        "fingerprints": fingerprints(run),
        "environment": flatten(run.environment),
    }
    return render("report.html", content)
