"""The training loop: batches, Adam, early stopping, best weights, checkpoint and exact resume.

Takes any encoder and any objective. The random stream of an epoch follows from (seed, epoch) alone, so
parameters and the optimiser's moments are all that a resumed run needs to be the run that was never
interrupted. Knows nothing of metrics: `validate` gives the figure to stop by.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor

from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval import checkpoint
from tastemaker.retrieval.base import OnEpoch, TrainingConfig
from tastemaker.retrieval.encoder import Encoder
from tastemaker.retrieval.negatives import UniformNegatives
from tastemaker.retrieval.objectives import Batch, Objective

Validate = Callable[[Tensor, Tensor], float]
"""Takes user and item embeddings, gives ndcg@20 on the valid part."""


@dataclass(frozen=True)
class Job:
    """One training: what is trained, on what, and what it is to be recognised by."""

    name: str
    encoder: Encoder
    objective: Objective
    matrix: csr_matrix
    """Binary training interactions [n_users, n_items]: each entry is a positive pair."""
    config: TrainingConfig
    data: str
    """Fingerprint of the data, training and valid."""
    validate: Validate | None = None
    """Without it all epochs are run and the last weights are kept."""


@dataclass
class _State:
    epoch: int = 0
    best: float = -np.inf
    best_epoch: int = 0


def train(job: Job, folder: Path | None = None, on_epoch: OnEpoch | None = None) -> None:
    """Train the job's encoder in place; it ends with the best weights (the last ones without `validate`).

    With a folder, a checkpoint is written there after each epoch, and a checkpoint found there is gone on
    from. Raises InputError when that belongs to another job, TastemakerError when the loss is no longer
    finite (the last checkpoint stays).
    """
    config = job.config
    parameters = job.encoder.parameters()
    optimiser = torch.optim.Adam(
        list(parameters.values()), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    best = {name: tensor.detach().clone() for name, tensor in parameters.items()}
    state = _State()
    found = checkpoint.read(folder) if folder else None
    if folder and found:
        state = _restore(job, folder, *found, optimiser, best)
    negatives = UniformNegatives(job.matrix) if job.objective.needs_negatives else None
    with _threads(config.threads):
        while state.epoch < config.epochs and not _stalled(job, state):
            started = time.perf_counter()
            state.epoch += 1
            loss = _one_epoch(job, state.epoch, optimiser, negatives)
            row: dict[str, Any] = {"epoch": state.epoch, "epochs": config.epochs, "loss": loss}
            value = _validate(job)
            if value is not None:
                row["ndcg@20"] = value
            if value is None or value > state.best:
                state.best, state.best_epoch = (state.best if value is None else value), state.epoch
                for name, tensor in parameters.items():
                    best[name].copy_(tensor.detach())
            if folder:
                checkpoint.write(folder, _tensors(parameters, optimiser, best), _describe(job, state))
            if on_epoch:
                on_epoch(row | {"best": state.best_epoch, "seconds": time.perf_counter() - started})
    with torch.no_grad():
        for name, tensor in parameters.items():
            tensor.copy_(best[name])


def _stalled(job: Job, state: _State) -> bool:
    return job.validate is not None and state.epoch - state.best_epoch >= job.config.patience


def _validate(job: Job) -> float | None:
    if job.validate is None:
        return None
    with torch.no_grad():
        return job.validate(*job.encoder.embed())


def _one_epoch(job: Job, epoch: int, optimiser: Any, negatives: UniformNegatives | None) -> float:
    """One pass over the pairs in a random order; the mean loss per pair."""
    total = pairs = 0.0
    for batch in _batches(job, epoch, negatives):
        optimiser.zero_grad(set_to_none=True)
        loss = job.objective.backward(*job.encoder.embed(), batch)
        if not np.isfinite(loss):
            raise TastemakerError(
                f"{job.name}: the loss is {loss} in epoch {epoch}; lower learning_rate"
                " (the last checkpoint is kept)"
            )
        optimiser.step()
        total += loss * len(batch.user)
        pairs += len(batch.user)
    return total / pairs


def _batches(job: Job, epoch: int, negatives: UniformNegatives | None) -> Iterator[Batch]:
    generator = np.random.default_rng([job.config.seed, epoch])
    users = np.repeat(np.arange(job.matrix.shape[0]), np.diff(job.matrix.indptr))
    items = job.matrix.indices.astype(np.int64)
    if negatives is not None:
        keep = negatives.room[users] > 0
        users, items = users[keep], items[keep]
    if len(users) == 0:
        raise InputError(f"{job.name}: every user has every item, so there is nothing to tell apart")
    order = generator.permutation(len(users))
    users, items = users[order], items[order]
    parts = -(-len(users) // job.config.batch_size)
    columns = [torch.from_numpy(users).tensor_split(parts), torch.from_numpy(items).tensor_split(parts)]
    if negatives is not None:
        columns.append(torch.from_numpy(negatives.draw(users, generator)).tensor_split(parts))
    for columns_of_batch in zip(*columns, strict=True):
        yield Batch(*columns_of_batch)


def _describe(job: Job, state: _State) -> dict[str, Any]:
    return {
        "job": _identity(job),
        "epoch": state.epoch,
        "best": None if np.isneginf(state.best) else state.best,
        "best_epoch": state.best_epoch,
    }


def _identity(job: Job) -> dict[str, Any]:
    """What must agree for a checkpoint to be gone on from; the number of epochs and threads may change."""
    config = job.config.model_dump(mode="json", exclude={"epochs", "threads"})
    return {"model": job.name, "config": config, "data": job.data}


def _tensors(parameters: dict[str, Tensor], optimiser: Any, best: dict[str, Tensor]) -> dict[str, Tensor]:
    tensors = {f"parameter.{name}": tensor for name, tensor in parameters.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    for name, tensor in parameters.items():
        tensors |= {f"adam.{key}.{name}": value for key, value in optimiser.state[tensor].items()}
    return tensors


def _restore(
    job: Job,
    folder: Path,
    tensors: dict[str, Tensor],
    state: dict[str, Any],
    optimiser: Any,
    best: dict[str, Tensor],
) -> _State:
    if state.get("job") != _identity(job):
        raise InputError(
            f"{folder}: holds a training of another model, config or data; choose another folder"
        )
    parameters = job.encoder.parameters()
    with torch.no_grad():
        for name, tensor in parameters.items():
            tensor.copy_(tensors[f"parameter.{name}"])
            best[name].copy_(tensors[f"best.{name}"])
    for name, tensor in parameters.items():
        optimiser.state[tensor] = {
            key: tensors[f"adam.{key}.{name}"].clone() for key in ("step", "exp_avg", "exp_avg_sq")
        }
    return _State(state["epoch"], -np.inf if state["best"] is None else state["best"], state["best_epoch"])


@contextmanager
def _threads(count: int) -> Iterator[None]:
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)
