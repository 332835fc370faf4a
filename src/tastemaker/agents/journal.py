"""The finished requests of an evaluation, appended at once to the run folder's `trajectories.jsonl`.

A team's trajectories are written together, the Manager's last, so a Manager's line means that all of its
request is there. What a killed process left after the last such line is cut off when the run is opened
again; nothing else is ever removed. A request whose model was down stays on record as failed, and is asked
again when the run is opened again. Knows nothing of models or labels.
"""

from __future__ import annotations

import os

from tastemaker.agents.team import TeamRun
from tastemaker.records import Trajectory, parse_line, write_jsonl
from tastemaker.runs import Run


class Journal:
    """The finished requests of one run, in memory and in its folder."""

    def __init__(self, run: Run) -> None:
        """Take up what the run's folder holds. Raises InputError when its file is damaged."""
        self.path = run.trajectories
        self.runs: dict[str, TeamRun] = {}
        """Finished runs by request id."""
        if self.path.exists():
            self._read()

    def add(self, run: TeamRun) -> None:
        """Append one finished run to the file."""
        write_jsonl(self.path, [*run.trajectories[1:], run.root])
        self.runs[run.root.task.id] = run

    def _read(self) -> None:
        """Take up the finished runs, and cut off what follows the last of them."""
        complete = position = 0
        delegated: list[Trajectory] = []
        with self.path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith(b"\n"):
                    break
                position += len(line)
                trajectory = parse_line(line.decode("utf-8", "replace"), f"{self.path}:{number}")
                if trajectory.parent is not None:
                    delegated.append(trajectory)
                    continue
                mine = tuple(t for t in delegated if t.parent == trajectory.id)
                if trajectory.outcome.kind != "failed":
                    self.runs.setdefault(trajectory.task.id, TeamRun((trajectory, *mine)))
                delegated, complete = [], position
        if complete < self.path.stat().st_size:
            os.truncate(self.path, complete)
