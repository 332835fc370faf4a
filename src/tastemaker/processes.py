"""Processes that train one model together, as `torchrun` or `accelerate launch` start them, on one host or
many: the same command once for each core's or accelerator's share, and what they tell one another.

Without such a launcher there is one process, which is number 0, and nothing is sent. This module knows
nothing of what is trained. Importing it imports torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as group
from torch import Tensor

from tastemaker.errors import InputError, TastemakerError

PATIENCE = timedelta(minutes=10)
"""A process that has waited so long for another gives up."""

T = TypeVar("T")


def count() -> int:
    """Number of processes."""
    return group.get_world_size() if group.is_initialized() else 1


def number() -> int:
    """Number of this process, from 0."""
    return group.get_rank() if group.is_initialized() else 0


def first() -> bool:
    """Whether this is the process that writes files and reports."""
    return number() == 0


def device() -> torch.device:
    """Where this process computes: an accelerator of its own, where there are any."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())


def share(whole: Sequence[T]) -> Sequence[T]:
    """What this process does of it: every item is one process's."""
    return whole[number() :: count()]


def broadcast(*tensors: Tensor) -> None:
    """Put process 0's values into tensors that have the same shapes everywhere."""
    if count() > 1:
        with exchange(), torch.no_grad():
            for one in tensors:
                group.broadcast(one, src=0)


def add_up(*tensors: Tensor) -> None:
    """Put sums over processes into tensors that have the same shapes everywhere; all get the same bits."""
    if count() > 1:
        with exchange():
            for one in tensors:
                group.all_reduce(one)


def total(value: float) -> float:
    """The sum of all processes' values."""
    summed = torch.tensor(value, dtype=torch.float64)
    add_up(summed)
    return float(summed)


def add_up_gradients(parameters: Iterable[Tensor]) -> None:
    """Add up the gradients of all processes, of those parameters that process 0 has one of; where another
    has none, it counts as 0.
    """
    if count() > 1:
        given = list(parameters)
        for one, has in zip(given, agree([one.grad is not None for one in given]), strict=True):
            if has:
                one.grad = torch.zeros_like(one) if one.grad is None else one.grad
                add_up(one.grad)


def agree(value: T) -> T:
    """What process 0 calls this with, a JSON value, in every process."""
    if count() == 1:
        return value
    text = torch.tensor(list(json.dumps(value).encode()), dtype=torch.uint8)
    length = torch.tensor(len(text))
    broadcast(length)
    sent = text if first() else torch.empty(int(length), dtype=torch.uint8)
    broadcast(sent)
    told: T = json.loads(sent.numpy().tobytes())
    return told


def wait() -> None:
    """Until all processes have come so far."""
    if count() > 1:
        with exchange():
            group.barrier()


def in_turn(work: Callable[[], T]) -> T:
    """Do something in process 0, then in the first of every other host, then in all others, which find what
    those left in a run folder or in their host's cache.
    """
    turn = 0 if first() else 1 if os.environ.get("LOCAL_RANK", "0") == "0" else 2
    for now in range(3):
        if now == turn:
            done = work()
        wait()
    return done


@contextmanager
def connected() -> Iterator[None]:
    """A block, one in a program, in which this process and the others hear one another. Raises InputError
    where the environment does not say how, and TastemakerError when one ends too soon or is silent for
    `PATIENCE`; errors of all but process 0 begin with their number.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    _join()
    own = number()
    try:
        yield
    except TastemakerError as error:
        raise type(error)(f"process {own}: {error}" if own else str(error)) from None
    finally:
        group.destroy_process_group()


def _join() -> None:
    on_gpu = torch.cuda.is_available()
    try:
        with exchange():
            group.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE)
    except ValueError as error:
        raise InputError(f"WORLD_SIZE is set, but torchrun did not do it ({error}); unset it") from None
    if on_gpu:
        torch.cuda.set_device(device())


@contextmanager
def exchange() -> Iterator[None]:
    """A block in which others are waited for."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).partition(". ")[0]
        minutes = PATIENCE.total_seconds() / 60
        raise TastemakerError(
            f"another process ended, or has not been heard of for {minutes:.0f} minutes; see what it said"
            f" ({reason})"
        ) from None
