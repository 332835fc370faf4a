"""Writes tool tasks for SkyRL (github.com/NovaSky-AI/SkyRL, Ray and vLLM): one Parquet file a split.

A row has the first messages (`prompt`), the name of the environment (`env_class`), and what the environment
plays by: the task and its config as JSON. The environment itself is `skyrl_env`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from tastemaker.errors import InputError
from tastemaker.learning.engines.play import PlayConfig, prompt
from tastemaker.learning.engines.skyrl_env import ENVIRONMENT
from tastemaker.learning.tasks.task import ToolTask


def export(tasks: Iterable[ToolTask], folder: Path, config: PlayConfig | None = None) -> list[Path]:
    """Write `SPLIT.parquet` for each split of the tasks into the folder, which is made; files of these names
    are replaced. Returns their paths. Raises InputError where there is no task.
    """
    played = (config or PlayConfig()).model_dump_json()
    splits: dict[str, list[ToolTask]] = {}
    for task in tasks:
        splits.setdefault(task.split, []).append(task)
    if not splits:
        raise InputError("there is no task to export")
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(folder / f"{split}.parquet", those, played) for split, those in splits.items()]


def _write(path: Path, tasks: list[ToolTask], config: str) -> Path:
    rows = {
        "prompt": [prompt(task) for task in tasks],
        "env_class": [ENVIRONMENT] * len(tasks),
        "id": [task.id for task in tasks],
        "kind": [task.kind for task in tasks],
        "task": [task.model_dump_json() for task in tasks],
        "config": [config] * len(tasks),
    }
    unfinished = path.with_name(path.name + ".part")
    pl.DataFrame(rows).write_parquet(unfinished)
    unfinished.replace(path)
    return path
