"""`tastemaker retrieval geometry`: how trained models lie on the sphere, as a table and as pictures.

Reads the run folders that `tastemaker retrieval train … --geometry --run FOLDER` leaves.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, keep_results, print_json, print_table
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.retrieval.geometry_plots import Course
    from tastemaker.retrieval.trained import TrainingRun


def geometry(
    runs: Annotated[
        list[Path], typer.Argument(help="Run folders of `retrieval train … --geometry --run FOLDER`.")
    ],
    folder: Annotated[
        Path | None, typer.Option("--out", help="Folder for the plots; by default plots/ in the first run.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Also write the rows, with each training's course, to this JSON file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure alignment and uniformity of trained models, and draw them: geometry.png and sphere-RUN.png.

    The table and the spheres are of the saved models, those of the best epoch, over their training
    interactions; geometry.png shows how each training went.

    Example: tastemaker retrieval geometry runs/bpr runs/au --out plots
    """
    from tastemaker.retrieval import trained
    from tastemaker.retrieval.geometry import measure
    from tastemaker.retrieval.geometry_plots import circles, plot_courses, plot_sphere

    started = time.monotonic()
    trainings = [_training(path) for path in dict.fromkeys(path.resolve() for path in runs)]
    labels = _labels([training.folder for training in trainings])
    models = [trained.load(training.folder) for training in trainings]
    tables = [trained.embeddings(model) for model, _ in models]
    out = folder or runs[0] / "plots"
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out}: this is a file; name a folder")
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    files = [out / "geometry.png", *(out / f"sphere-{label}.png" for label in labels)]
    courses = zip(labels, trainings, strict=True)
    drawn = [training.course(label) for label, training in courses]
    plot_courses(drawn, files[0])
    for label, training, table, (_, train), file in zip(
        labels, trainings, tables, models, files[1:], strict=True
    ):
        placed = (table.users, table.items, train.matrix())
        rows.append({"run": label, **training.row(), **measure(*placed)})
        plot_sphere(*circles(*placed), f"{label} on {train.name}", file)
    keep_results(
        results,
        [row | {"course": asdict(course)} for row, course in zip(rows, drawn, strict=True)],
        protocol="saved models over their training interactions; ndcg@20 of the valid part",
        seeds=sorted({training.run.seed for training in trainings}),
        started=started,
    )
    if as_json:
        print_json({"rows": rows, "files": [str(file) for file in files]})
        return
    errors = [value for row in rows for key, value in row.items() if key.endswith("_error")]
    caption = "ndcg@20 of the valid part; less alignment and less uniformity are better"
    print_table(
        [{key: value for key, value in row.items() if not key.endswith("_error")} for row in rows],
        title="Geometry of the saved models over their training interactions",
        caption=f"{caption}; sampled, standard error at most {max(errors):.0e}" if errors else caption,
    )
    print_table([{"written": str(file)} for file in files])


@dataclass(frozen=True)
class _Training:
    """What a run folder says."""

    folder: Path
    run: TrainingRun
    metrics: list[dict[str, Any]]
    """Its epochs' rows, ascending; one or more have alignment and uniformity."""

    @property
    def best(self) -> int:
        """The epoch whose weights are the saved model."""
        return int(self.metrics[-1]["best"])

    @property
    def quality(self) -> float | None:
        """ndcg@20 of the best epoch on the valid part; None without one."""
        return next((row.get("ndcg@20") for row in self.metrics if row["epoch"] == self.best), None)

    def row(self) -> dict[str, Any]:
        """What the table says of the training."""
        return {
            "model": self.run.model,
            "data": self.run.data,
            "epochs": self.metrics[-1]["epoch"],
            "best_epoch": self.best,
            "ndcg@20": self.quality,
        }

    def course(self, label: str) -> Course:
        """What is drawn of the training."""
        from tastemaker.retrieval.geometry_plots import Course

        rows = [row for row in self.metrics if _has_geometry(row)]
        return Course(
            label=label if self.quality is None else f"{label}, ndcg@20 {self.quality:.4f}",
            epochs=[row["epoch"] for row in rows],
            alignment=[row["alignment"] for row in rows],
            uniformity=[row["uniformity"] for row in rows],
            best=self.best,
        )


def _training(folder: Path) -> _Training:
    """Read a run folder. Raises InputError when it is none, or none of a training with geometry."""
    from tastemaker.retrieval.trained import TrainingRun
    from tastemaker.runs import Run

    try:
        config = TrainingRun.read(folder)
        rows = Run(folder, config).metrics()
    except (InputError, ValueError) as error:
        raise InputError(f"{folder}: no whole run folder ({error}); {_again('MODEL', 'DATA')}") from None
    if not any(map(_has_geometry, rows)):
        raise InputError(
            f"{folder}: its metrics have no alignment and uniformity, which only a training in epochs logs; "
            + _again(config.model, config.data)
        )
    return _Training(folder, config, rows)


def _has_geometry(row: dict[str, Any]) -> bool:
    """Whether a row of metrics has both figures; one that was not finite stands as null."""
    return row.get("alignment") is not None and row.get("uniformity") is not None


def _again(model: str, data: str) -> str:
    return f"train it anew: tastemaker retrieval train {model} --data {data} --geometry --run NEW_FOLDER"


def _labels(folders: Sequence[Path]) -> list[str]:
    """The folders' names; with the names of all above them where two are the same."""
    names = [folder.name for folder in folders]
    return [
        folder.name if names.count(folder.name) == 1 else "-".join(folder.parts[1:]) for folder in folders
    ]
