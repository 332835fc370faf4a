"""Training one model in several processes: each holds some columns of both tables, of their best values and
of Adam's moments, and all see the same batches.

Encoders and Adam treat every column alike and apart, so nothing of their work is done twice, and an encoder's
gradient needs no exchange. Objectives need whole rows: those of the batch are put together from all
processes, each works out the objective, and takes its own columns of the gradient. So the numbers are those
of one process to the last bit (on processors of one kind), for any objective and encoder. (Data-parallel
training, which gives each process some of the pairs, would change objectives that compare the pairs of a
batch.)

Knows nothing of objectives and of who reads and writes files; `processes` says how they hear one another.
"""

from __future__ import annotations

import torch
import torch.distributed as group
from torch import Tensor

from tastemaker.errors import InputError
from tastemaker.processes import agree, broadcast, count, exchange, number
from tastemaker.retrieval.encoders.base import Encoder, Gradient


class NothingToTrain(Exception):
    """Process 0 ended without a training."""


class Sharded:
    """An encoder of which this process keeps some columns; embeddings are whole."""

    def __init__(self, encoder: Encoder) -> None:
        size = encoder.parameters()["users"].shape[1]
        if size % count():
            raise InputError(
                f"embedding_size={size} cannot be shared out evenly over {count()} processes;"
                f" choose a multiple of {count()}"
            )
        encoder.keep(own(size))
        self._encoder = encoder

    def parameters(self) -> dict[str, Tensor]:
        return self._encoder.parameters()

    def keep(self, columns: slice) -> None:
        self._encoder.keep(columns)

    def embed(self) -> tuple[Tensor, Tensor]:
        users, items = self._encoder.embed()
        return gather(users), gather(items)

    def forward(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        x, y = gather(torch.cat(self._encoder.forward(users, items))).split([len(users), len(items)])
        return x, y

    def backward(self, users: Tensor, items: Tensor, x: Tensor, y: Tensor) -> dict[str, Gradient]:
        columns = own(x.shape[1])
        return self._encoder.backward(users, items, x[:, columns].contiguous(), y[:, columns].contiguous())


def own(size: int) -> slice:
    """This process's columns of so many."""
    width = size // count()
    return slice(number() * width, (number() + 1) * width)


def gather(part: Tensor) -> Tensor:
    """[n, d] from each process's columns [n, d / processes], in every process."""
    if count() == 1:
        return part
    parts = part.new_empty(count(), *part.shape)
    with exchange():
        group.all_gather(list(parts), part.contiguous())
    return parts.transpose(0, 1).reshape(len(part), -1)


def hand_out(whole: Tensor | None, part: Tensor, in_columns: bool) -> None:
    """Fill a tensor with process 0's `whole`, or with this process's columns of it; the others give None."""
    size = part.shape[-1] * count() if in_columns else 0
    if whole is None:
        whole = part.new_empty(len(part), size) if in_columns else torch.empty_like(part)
    broadcast(whole)
    part.copy_(whole[:, own(size)] if in_columns else whole)


def begin() -> None:
    """Told by process 0 that a training begins. Raises NothingToTrain in the others where it says `end`."""
    if not agree(True):
        raise NothingToTrain


def end() -> None:
    """Told by process 0 that no training will begin any more."""
    agree(False)
