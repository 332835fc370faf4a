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

from tastemaker.errors import InputError, TastemakerError

T = TypeVar("T")


def several() -> bool:
    """Whether torchrun started more than one process."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def joined() -> Iterator[bool]:
    """A block, one in a program, in which the processes are connected; gives whether this is process 0.

    What process 0 trains in it, all others must train too, in the same order; where process 0 trains no more,
    their blocks end at their next training. Raises TastemakerError when another process ends too soon or is
    silent for `distributed.PATIENCE`. The other processes' errors begin with their number.
    """
    if not several():
        yield True
        return
    from tastemaker.retrieval import distributed

    try:
        number = distributed.connect()
    except ValueError as error:
        raise InputError(f"WORLD_SIZE is set, but torchrun did not do it ({error}); unset it") from None
    try:
        yield number == 0
        distributed.end()
    except distributed.NothingToTrain:
        pass
    except TastemakerError as error:
        raise type(error)(f"process {number}: {error}" if number else str(error)) from None
    finally:
        distributed.disconnect()


def in_turn(work: Callable[[], T]) -> T:
    """Do something in one process of each host, then in the others, which find in the host's cache what it
    left there.
    """
    if not several():
        return work()
    from tastemaker.retrieval import distributed

    if os.environ["LOCAL_RANK"] != "0":
        distributed.wait()
        return work()
    done = work()
    distributed.wait()
    return done
