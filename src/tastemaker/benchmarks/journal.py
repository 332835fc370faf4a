"""The finished rows of a benchmark, appended at once to the run folder's `trajectories.jsonl`.

A line that a killed process did not finish is cut off when the run is opened again; nothing else is removed.
A row whose model was down stays on record as failed, and is asked again. Knows nothing of models or scores.
"""

from __future__ import annotations

from pathlib import Path

from tastemaker.lines import cut_half_line
from tastemaker.records import Trajectory, read_jsonl, write_jsonl


class Journal:
    """Finished rows by task id, in memory and, where there is a file, in it."""

    def __init__(self, path: Path | None) -> None:
        """Take up what the file holds. Raises InputError when it is damaged."""
        self.path = path
        self.done: dict[str, Trajectory] = {}
        if path is not None and path.exists():
            self._read(path)

    def add(self, trajectory: Trajectory) -> None:
        """Append one row. One that failed is written down, but not done."""
        if self.path is not None:
            write_jsonl(self.path, [trajectory])
        if trajectory.outcome.kind != "failed":
            self.done[trajectory.task.id] = trajectory

    def _read(self, path: Path) -> None:
        cut_half_line(path)
        for trajectory in read_jsonl(path):
            if trajectory.outcome.kind != "failed":
                self.done.setdefault(trajectory.task.id, trajectory)
