"""Our training step, propagation and evaluation, timed beside the plain way of doing the same.

The plain step is the released one in form: embeddings of all pairs of the batch, duplicates included, all
pairwise distances and everything else by autograd, dense Adam as torch has it by default. Both start from the
same tables and see the same batches, and must come to the same loss. Times are of the processor (all
threads), so the ratio does not hang on how many cores there are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count, islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional

from tastemaker.data.splits import Split
from tastemaker.errors import TastemakerError
from tastemaker.retrieval import trainer
from tastemaker.retrieval.adam import Adam
from tastemaker.retrieval.embedding import EmbeddingConfig, Embeddings
from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.encoders.lightgcn import LightGCN
from tastemaker.retrieval.encoders.mf import MatrixFactorization
from tastemaker.retrieval.evaluator import questions
from tastemaker.retrieval.metrics import ranking_metrics
from tastemaker.retrieval.objectives.base import Batch
from tastemaker.retrieval.objectives.directau import DirectAU
from tastemaker.retrieval.ranking import top_n

SIZE = 64
"""Length of the embeddings."""
GAMMA, LEARNING_RATE, WEIGHT_DECAY = 1.0, 1e-3, 1e-6

Row = dict[str, Any]


def step_rows(split: Split, batch_sizes: tuple[int, ...], layers: int = 0, steps: int = 20) -> Iterator[Row]:
    """Training steps of DirectAU, with MF (no layers) or LightGCN, at several batch sizes."""
    matrix = split.train.matrix()
    what = f"DirectAU step, {f'LightGCN-{layers}' if layers else 'MF'}, batch"
    for batch_size in batch_sizes:
        config = EmbeddingConfig(
            embedding_size=SIZE,
            learning_rate=LEARNING_RATE,
            weight_decay=WEIGHT_DECAY,
            batch_size=batch_size,
            encoder="lightgcn" if layers else "mf",
        )
        encoder: Encoder = MatrixFactorization(*_shape(matrix), SIZE, seed=0)
        if layers:
            encoder = LightGCN(matrix, SIZE, layers, seed=0)
        job = trainer.Job("directau", encoder, DirectAU(GAMMA), matrix, config, "")
        epochs = (trainer.batches(job, epoch) for epoch in count(1))
        batches = list(islice(chain.from_iterable(epochs), steps))
        plain = _Plain(encoder, matrix, layers)
        optimiser = Adam(encoder.parameters(), LEARNING_RATE, WEIGHT_DECAY)

        def one(batch: Batch, job: trainer.Job = job, optimiser: Adam = optimiser) -> float:
            return trainer.step(job, optimiser, batch)

        reference, ours = _in_turn(plain.step, one, optimiser.catch_up, batches)
        yield _row(f"{what} {batch_size}", split, "steps", ours, reference)


def propagation_row(split: Split, layers: int, batch_size: int = 1024) -> Row:
    """LightGCN's way there and back for one batch, beside one sparse product of the whole graph per layer."""
    matrix = split.train.matrix()
    encoder = LightGCN(matrix, SIZE, layers, seed=0)
    config = EmbeddingConfig(batch_size=batch_size)
    batch = next(trainer.batches(trainer.Job("", encoder, DirectAU(1.0), matrix, config, ""), 1))
    x, y = encoder.forward(batch.users, batch.items)

    def ours() -> None:
        encoder.forward(batch.users, batch.items)
        encoder.backward(batch.users, batch.items, x, y)

    graph = _adjacency(matrix).to_sparse_csr()
    table = torch.cat(list(encoder.parameters().values()))
    reference = _cpu_seconds(lambda: torch.sparse.mm(graph, table), 10) * layers
    what = f"LightGCN-{layers} forward and backward, batch {batch_size}; reference: {layers} sparse products"
    return _row(what, split, "times", _cpu_seconds(ours, 10), reference)


def evaluation_row(split: Split, most_users: int = 1000) -> Row:
    """Full ranking and all metrics at 10 and 20, beside a plain sort and a loop over users."""
    chosen = np.arange(min(split.train.n_users, most_users))
    generator = np.random.default_rng(0)
    users, items = (
        generator.standard_normal((count, SIZE)).astype(np.float32)
        for count in (split.train.n_users, split.train.n_items)
    )
    model = Embeddings(users, items)
    scores = len(chosen) * len(items) / 1e6
    found: dict[str, float] = {}

    def ours() -> None:
        asked = questions(split.train, split.test, split.valid, chosen)
        ranked, _ = top_n(model, asked.users, 20, asked.exclude)
        values = ranking_metrics(ranked, asked.relevant, (10, 20))
        found["ours"] = float(values["ndcg@20"].mean())

    def plain() -> None:
        found["plain"] = _plain_evaluation(model, split, chosen)

    seconds, reference = _cpu_seconds(ours, 3), _cpu_seconds(plain, 1)
    if abs(found["ours"] - found["plain"]) > 1e-6:
        raise TastemakerError(f"the two evaluations disagree: {found}")
    what = f"full-ranking evaluation of {len(chosen)} users; reference: sort, and a loop over users"
    row = _row(what, split, "million scores", seconds / scores, reference / scores)
    return row | {"cpu_seconds": seconds}


class _Plain:
    """The released step on copies of an encoder's tables."""

    def __init__(self, encoder: Encoder, matrix: csr_matrix, layers: int) -> None:
        self.users, self.items = (
            table.detach().clone().requires_grad_() for table in encoder.parameters().values()
        )
        self.layers = layers
        self.graph = _adjacency(matrix) if layers else None
        self.adam = torch.optim.Adam([self.users, self.items], lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)

    def step(self, batch: Batch) -> float:
        users, items = self._embed()
        x = functional.normalize(users[batch.users[batch.user]], dim=1)
        y = functional.normalize(items[batch.items[batch.item]], dim=1)
        aligned = (x - y).norm(p=2, dim=1).pow(2).mean()
        spread = sum(torch.pdist(rows, p=2).pow(2).mul(-2).exp().mean().log() for rows in (x, y))
        loss = aligned + GAMMA * spread / 2
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return float(loss.detach())

    def _embed(self) -> tuple[Tensor, Tensor]:
        if self.graph is None:
            return self.users, self.items
        rounds = [torch.cat([self.users, self.items])]
        for _ in range(self.layers):
            rounds.append(torch.sparse.mm(self.graph, rounds[-1]))
        users, items = torch.stack(rounds).mean(dim=0).split([len(self.users), len(self.items)])
        return users, items


def _adjacency(matrix: csr_matrix) -> Tensor:
    """D^−½ A D^−½ of the bipartite graph, users before items, as a sparse tensor."""
    edges = matrix.tocoo()
    n_users, n_items = _shape(matrix)
    degree = np.concatenate([np.diff(matrix.indptr), np.bincount(edges.col, minlength=n_items)])
    ends = np.concatenate([[edges.row, edges.col + n_users], [edges.col + n_users, edges.row]], axis=1)
    weight = 1 / np.sqrt(degree[ends[0]].astype(np.float64) * degree[ends[1]])
    shape = (n_users + n_items,) * 2
    return torch.sparse_coo_tensor(
        torch.from_numpy(ends.astype(np.int64)), torch.from_numpy(weight.astype(np.float32)), shape
    ).coalesce()


def _plain_evaluation(model: Embeddings, split: Split, users: NDArray[np.int64]) -> float:
    """Mean ndcg@20 on the test part, one user at a time."""
    train, valid, test = (part.matrix() for part in (split.train, split.valid, split.test))
    discount = 1 / np.log2(np.arange(2, 22))
    total, n = 0.0, 0
    for user in users:
        seen = set(train[user].indices) | set(valid[user].indices)
        relevant = set(test[user].indices) - seen
        if not relevant:
            continue
        scores: NDArray[np.float32] = model.score(np.array([user]))[0]
        scores[list(seen)] = -np.inf
        ranked = np.argsort(-scores, kind="stable")[:20]
        gain = sum(discount[place] for place, item in enumerate(ranked) if item in relevant)
        total, n = total + gain / discount[: len(relevant)].sum(), n + 1
    return total / n


def _in_turn(
    plain: Callable[[Batch], float],
    ours: Callable[[Batch], float],
    finish: Callable[[], None],
    batches: list[Batch],
) -> tuple[float, float]:
    """Cpu-seconds a step of the plain way and of ours, over the same batches, the first two as warm-up."""
    seconds = [0.0, 0.0]
    for number, batch in enumerate(batches):
        if number == 2:
            finish()
            seconds = [0.0, 0.0]
        losses = []
        for which, step in enumerate((plain, ours)):
            started = time.process_time()
            losses.append(step(batch))
            seconds[which] += time.process_time() - started
        if abs(losses[0] - losses[1]) > 1e-3 * max(1.0, abs(losses[0])):
            raise TastemakerError(f"the two steps disagree: losses {losses[0]:.6f} and {losses[1]:.6f}")
    started = time.process_time()
    finish()
    seconds[1] += time.process_time() - started
    return seconds[0] / (len(batches) - 2), seconds[1] / (len(batches) - 2)


def _cpu_seconds(work: Callable[[], Any], times: int) -> float:
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


def _shape(matrix: csr_matrix) -> tuple[int, int]:
    n_users, n_items = matrix.shape
    return n_users, n_items


def _row(what: str, split: Split, unit: str, ours: float, reference: float) -> Row:
    return {
        "what": f"{what} ({unit})",
        "size": split.train.name,
        "ours_per_cpu_second": 1 / ours,
        "reference_per_cpu_second": 1 / reference,
        "ratio": reference / ours,
    }


def bench(splits: Sequence[Split]) -> Iterator[Row]:
    """All rows, for a small data set and any larger ones: batches of 256 and 2048 on the first alone."""
    for number, split in enumerate(splits):
        yield from step_rows(split, (1024,) if number else (256, 1024, 2048))
        yield from step_rows(split, (1024,), layers=2, steps=6 if number else 20)
        yield propagation_row(split, 2)
        yield evaluation_row(split)
