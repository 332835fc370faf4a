"""Joining the processes that torchrun started, on one host or many.

All run the same program on the same data. Process 0 goes on as if it were alone: it reads and writes files,
measures and reports. The others only follow it into a training, if there is one. Without torchrun there is
one process, which is process 0. What is shared out and sent in a training stands in `distributed`, which
(with torch) is imported only where there are several.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def several() -> bool:
    """Whether torchrun started more than one process."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined() -> Iterator[bool]:
    """A block, one in a program, in which the processes are connected; gives whether this is process 0.

    What process 0 trains in it, all others must train too, in the same order; where process 0 trains no more,
    their blocks end at their next training. Raises TastemakerError when another process ends too soon or is
    silent for `processes.PATIENCE`. The other processes' errors begin with their number.
    """
    if not several():
        yield True
        return
    from tastemaker.processes import connected, first
    from tastemaker.retrieval import distributed

    with connected():
        try:
            yield first()
            distributed.end()
        except distributed.NothingToTrain:
            pass


def in_turn(work: Callable[[], T]) -> T:
    """`processes.in_turn`, where there are several."""
    if not several():
        return work()
    from tastemaker import processes

    return processes.in_turn(work)
