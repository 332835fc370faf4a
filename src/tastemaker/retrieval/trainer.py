"""The training loop: batches, Adam, early stopping, best weights, checkpoint and exact resume.

Takes any encoder and any objective. The random stream of an epoch follows from (seed, epoch) alone, so the
tables, the optimiser's moments and the objective's state are all that a resumed run needs to be the run that
was never interrupted. Knows nothing of metrics: `measure` gives the figure to stop by.

Where several processes are joined (`torchrun`) they train together, each its columns of the tables
(`distributed`). A checkpoint is the same file for any number of processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits
from torch import Tensor

from tastemaker import checkpoint, processes
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval import distributed
from tastemaker.retrieval.adam import Adam
from tastemaker.retrieval.base import OnEpoch
from tastemaker.retrieval.embedding import EmbeddingConfig
from tastemaker.retrieval.encoders.base import Encoder, Gradient
from tastemaker.retrieval.negatives import UniformNegatives
from tastemaker.retrieval.objectives.base import Batch, Objective

FIGURE = "ndcg@20"
"""What training stops by, on the valid part: larger is better."""

Measure = Callable[[Tensor, Tensor], Mapping[str, float]]
"""Takes the tables that would be recommended with, gives figures of them; `FIGURE` among them where there is
valid data.
"""


@dataclass(frozen=True)
class Job:
    """One training: what is trained, on what, and what it is to be recognised by."""

    name: str
    encoder: Encoder
    objective: Objective
    matrix: csr_matrix
    """Binary training interactions [n_users, n_items]: each entry is a positive pair."""
    config: EmbeddingConfig
    data: str
    """Fingerprint of the data, training and valid."""
    measure: Measure | None = None
    """Without its `FIGURE` all epochs are run and the last weights are kept."""


@dataclass
class _Training:
    """A job under way."""

    job: Job
    tables: dict[str, Tensor]
    optimiser: Adam
    best: dict[str, Tensor]
    epoch: int = 0
    figure: float | None = None
    """The best so far."""
    best_epoch: int = 0
    negatives: UniformNegatives | None = None


def train(
    job: Job, folder: Path | None = None, on_epoch: OnEpoch | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Train the job's encoder in place and give the tables to recommend with, users [n_users, d′] and items
    [n_items, d′], by the best weights (the last ones where nothing measures them).

    With a folder, a checkpoint is written there after each epoch, and a checkpoint found there is gone on
    from. Raises InputError when that belongs to another job, TastemakerError when the loss is no longer
    finite (the last checkpoint stays).

    Of several processes, all of which must call this with the same job, the first alone uses the folder,
    `on_epoch` and the job's `measure`. The tables are given in each; the encoder keeps its columns.
    """
    config = job.config
    if processes.number():
        folder = on_epoch = None
    with _threads(config.threads):
        training = _begin(job, folder)
        while training.epoch < config.epochs and not _stalled(training):
            started = time.perf_counter()
            training.epoch += 1
            row: dict[str, Any] = {"epoch": training.epoch, "epochs": config.epochs}
            row["loss"] = _one_epoch(training)
            row |= _measure(training)
            _keep(training, folder)
            if on_epoch:
                on_epoch(row | {"best": training.best_epoch, "seconds": time.perf_counter() - started})
        with torch.no_grad():
            for name, table in training.tables.items():
                table.copy_(training.best[name])
            users, items = job.objective.embed(*training.job.encoder.embed())
    return users.detach().numpy(), items.detach().numpy()


def _begin(job: Job, folder: Path | None) -> _Training:
    distributed.begin()
    tensors, state = _found(job, folder)
    if job.config.start_from and state is None:
        _start_from(Path(job.config.start_from), job.encoder.parameters())
    job.objective.start(job.matrix, job.encoder, job.config.seed)
    if processes.count() > 1:
        job = replace(job, encoder=distributed.Sharded(job.encoder))
    tables = job.encoder.parameters() | {
        f"objective.{name}": tensor for name, tensor in job.objective.parameters().items()
    }
    config = job.config
    training = _Training(
        job=job,
        tables=tables,
        optimiser=Adam(
            tables,
            config.learning_rate,
            config.weight_decay,
            lazy=config.optimizer == "lazy-adam",
            decay_over=_steps(job) if config.schedule == "linear" else 0,
        ),
        best={name: table.detach().clone() for name, table in tables.items()},
        negatives=UniformNegatives(job.matrix) if job.objective.negatives else None,
    )
    if state is not None:
        _restore(training, tensors, state)
    return training


def _start_from(folder: Path, tables: dict[str, Tensor]) -> None:
    """Overwrite tables by the best ones of another training, which process 0 reads."""
    if processes.number() == 0:
        found, _ = checkpoint.read(folder) or ({}, None)
        if not {f"best.{name}" for name in tables} <= found.keys():
            raise InputError(
                f"start_from={folder}: no checkpoint of users' and items' tables there; give the folder"
                " checkpoints of a run"
            )
        for name, table in tables.items():
            other = found[f"best.{name}"]
            if other.shape != table.shape:
                raise InputError(
                    f"start_from={folder}: its {name} are {list(other.shape)}, here they are"
                    f" {list(table.shape)}; it must be of the same users and items, and embedding_size"
                )
            table.copy_(other)
    for table in tables.values():
        processes.broadcast(table)


def _steps(job: Job) -> int:
    """Steps of a training that runs through all its epochs."""
    return job.config.epochs * -(-int(job.matrix.nnz) // job.config.batch_size)


def _stalled(training: _Training) -> bool:
    return (
        training.figure is not None and training.epoch - training.best_epoch >= training.job.config.patience
    )


def _measure(training: _Training) -> Mapping[str, float]:
    """Figures of the tables as they are, which are kept if they are the best so far."""
    job = training.job
    figures: Mapping[str, float] = {}
    if job.measure is not None:
        with torch.no_grad():
            tables = job.objective.embed(*job.encoder.embed())
            figures = processes.agree({} if processes.number() else dict(job.measure(*tables)))
    figure = figures.get(FIGURE)
    if figure is None or training.figure is None or figure > training.figure:
        training.figure, training.best_epoch = figure, training.epoch
        for name, table in training.tables.items():
            training.best[name].copy_(table.detach())
    return figures


def _one_epoch(training: _Training) -> float:
    """One pass over the pairs in a random order; the mean loss per pair."""
    total = pairs = 0.0
    for batch in batches(training.job, training.epoch, training.negatives):
        loss = step(training.job, training.optimiser, batch)
        if not np.isfinite(loss):
            raise TastemakerError(
                f"{training.job.name}: the loss is {loss} in epoch {training.epoch}; lower learning_rate"
                " (the last checkpoint is kept)"
            )
        total += loss * len(batch)
        pairs += len(batch)
    training.optimiser.catch_up()
    return total / pairs


def step(job: Job, optimiser: Adam, batch: Batch) -> float:
    """One step of training: the loss of a batch before it."""
    optimiser.catch_up({"users": batch.users, "items": batch.items})
    loss, x, y = job.objective.gradient(*job.encoder.forward(batch.users, batch.items), batch)
    gradients = job.encoder.backward(batch.users, batch.items, x, y)
    for name, tensor in job.objective.parameters().items():
        if tensor.grad is not None:
            gradients[f"objective.{name}"] = Gradient(None, tensor.grad)
            tensor.grad = None
    if np.isfinite(loss):
        optimiser.step(gradients)
    return loss


def batches(job: Job, epoch: int, negatives: UniformNegatives | None = None) -> Iterator[Batch]:
    """The batches of an epoch, of nearly equal size; the order follows from the config's seed and the
    epoch.
    """
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
    for part in np.array_split(np.arange(len(users)), -(-len(users) // job.config.batch_size)):
        user, item, negative = users[part], items[part], None
        if negatives is not None:
            drawn = negatives.draw(np.repeat(user, job.objective.negatives), generator)
            negative = drawn.reshape(len(part), job.objective.negatives)
        yield _batch(user, item, negative, job.matrix.shape if job.objective.whole else None)


def _batch(
    user: NDArray[np.int64],
    item: NDArray[np.int64],
    negative: NDArray[np.int64] | None,
    whole: tuple[int, int] | None,
) -> Batch:
    """A batch from pairs and negatives, over their distinct rows or over all there are."""
    all_items = item if negative is None else np.concatenate([item, negative.ravel()])
    if whole is None:
        users, user_place = np.unique(user, return_inverse=True)
        items, item_place = np.unique(all_items, return_inverse=True)
    else:
        users, items = (np.arange(count) for count in whole)
        user_place, item_place = user, all_items
    return Batch(
        users=torch.from_numpy(users),
        items=torch.from_numpy(items),
        user=torch.from_numpy(user_place),
        item=torch.from_numpy(item_place[: len(item)]),
        negative=None
        if negative is None
        else torch.from_numpy(item_place[len(item) :].reshape(negative.shape)),
    )


def _describe(training: _Training) -> dict[str, Any]:
    return {
        "job": _identity(training.job),
        "epoch": training.epoch,
        "steps": training.optimiser.steps,
        "best": training.figure,
        "best_epoch": training.best_epoch,
    }


def _identity(job: Job) -> dict[str, Any]:
    """What must agree for a checkpoint to be gone on from: threads and what is logged may change, and the
    number of epochs where the step size does not follow from it.
    """
    config = job.config.model_dump(mode="json", exclude={"threads", "geometry"})
    if job.config.schedule == "constant":
        del config["epochs"]
    return {"model": job.name, "config": config, "data": job.data}


def _tensors(training: _Training) -> dict[str, Tensor]:
    """Everything that the next epoch depends on, and the best so far."""
    return {
        f"{kind}.{name}": tensor
        for kind, tensors in (
            ("parameter", training.tables),
            ("best", training.best),
            ("adam", training.optimiser.state()),
            ("objective", training.job.objective.state()),
        )
        for name, tensor in tensors.items()
    }


def _in_columns(name: str) -> bool:
    """Whether processes hold columns of a tensor of `_tensors`; what the objective has each of them holds."""
    return "objective" not in name.split(".")


def _keep(training: _Training, folder: Path | None) -> None:
    """Write the checkpoint, if process 0 has a folder for it."""
    if not processes.agree(folder is not None):
        return
    kept = {}
    for name, tensor in _tensors(training).items():
        whole = distributed.gather(tensor) if _in_columns(name) else tensor
        if folder:
            kept[name] = whole
    if folder:
        checkpoint.write(folder, kept, _describe(training))


def _found(job: Job, folder: Path | None) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """The folder's checkpoint: its tensors, in process 0, and its state, None where there is none."""
    tensors, state = (folder and checkpoint.read(folder)) or ({}, None)
    if state is not None and state.get("job") != _identity(job):
        raise InputError(
            f"{folder}: holds a training of another model, config or data; choose another folder"
        )
    return tensors, processes.agree(state)


def _restore(training: _Training, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    with torch.no_grad():
        for name, tensor in _tensors(training).items():
            distributed.hand_out(tensors[name] if tensors else None, tensor, _in_columns(name))
    training.optimiser.resume(state["steps"])
    training.epoch, training.figure, training.best_epoch = state["epoch"], state["best"], state["best_epoch"]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    torch.set_flush_denormal(True)  # rows that shrink towards 0 would slow every step tenfold
    try:
        with threadpool_limits(count, user_api="blas"):
            yield
    finally:
        torch.set_num_threads(former)
        torch.set_flush_denormal(False)
