"""What makers of long files share: blocks of work over processes, and the card that a file was begun with.

Blocks come back in the order in which they were asked for, so what is made of them does not depend on the
number of processes. The card, `<file>.card.json`, keeps the settings: only the same ones go on with a file.
Knows nothing of what is made.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from tastemaker.errors import InputError, TastemakerError
from tastemaker.runs import cores

Job = TypeVar("Job")
Handle = TypeVar("Handle")
Result = TypeVar("Result")

WINDOW = 4
"""Blocks in the making for each worker: what is made and not yet taken stays that small."""


def in_order(
    jobs: Iterable[Job], submit: Callable[[Job], Handle], wait: Callable[[Handle], Result], window: int
) -> Iterator[Result]:
    """The jobs' results in their order, never more than `window` jobs submitted and not yet waited for."""
    waiting: deque[Handle] = deque()
    for job in jobs:
        waiting.append(submit(job))
        if len(waiting) >= window:
            yield wait(waiting.popleft())
    while waiting:
        yield wait(waiting.popleft())


def spread(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    workers: int | None,
    start: Callable[..., object],
    arguments: tuple[Any, ...] = (),
) -> Iterator[Result]:
    """What `work` makes of each job, in order; `jobs` may be endless.

    `workers`: processes, by default one a core; 1 works here. `start(*arguments)` is called once in each
    process before its first job. Functions and arguments must be picklable by name.
    """
    count = workers or cores()
    if count == 1:
        start(*arguments)
        yield from map(work, jobs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, context, _start, (start, arguments)) as processes:

        def submit(job: Job) -> Future[Result]:
            return processes.submit(work, job)

        try:
            yield from in_order(jobs, submit, Future.result, WINDOW * count)
        except BrokenProcessPool:
            raise TastemakerError(
                "a process was killed or could not start; the same command goes on from there"
            ) from None
        finally:
            processes.shutdown(wait=False, cancel_futures=True)


def _start(start: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    """An interrupt from the keyboard reaches all processes; the first one ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    start(*arguments)


def card_of(out: Path) -> Path:
    """The card beside a file."""
    return out.with_name(out.name + ".card.json")


def finished(out: Path, settings: dict[str, Any], *others: Path) -> dict[str, Any] | None:
    """The file's card where it is finished; None where it is to be made or gone on with.

    Raises InputError where it was begun with other settings, or where it or one of the `others` that belong
    to it exists without a card: it is something else.
    """
    card = card_of(out)
    if not card.exists():
        for path in (out, *others):
            if path.exists():
                raise InputError(f"{path} holds something else; choose another name")
        return None
    known = read_card(card)
    for key, value in settings.items():
        if known.get(key) != value:
            raise InputError(
                f"{out} was begun with other {key}; choose another name, or remove it and {card.name}"
            )
    return known if out.exists() else None


def read_card(card: Path) -> dict[str, Any]:
    """Raises InputError when it is damaged."""
    try:
        known = json.loads(card.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = None
    if not isinstance(known, dict):
        raise InputError(f"{card}: cannot be read; remove it and the file beside it")
    return known


def fingerprint(path: Path) -> str:
    """A file's content as 16 characters. Raises InputError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
