"""Tasks of each split, drawn once."""

from __future__ import annotations

import pytest

from tastemaker.learning.tasks.function import Split
from tastemaker.learning.tasks.generate import TaskConfig, make_tasks
from tastemaker.learning.tasks.task import ToolTask

SPLITS: tuple[Split, ...] = ("train", "valid", "test")


@pytest.fixture(scope="session")
def tasks() -> dict[str, list[ToolTask]]:
    """Two thousand tasks of each split, by split."""
    return {split: list(make_tasks(TaskConfig(split=split, count=2000))) for split in SPLITS}


@pytest.fixture(scope="session")
def some(tasks: dict[str, list[ToolTask]]) -> list[ToolTask]:
    """A few hundred tasks of all splits and kinds."""
    return [task for split in SPLITS for task in tasks[split][:100]]
