"""Mult-VAE: a variational autoencoder of histories with a multinomial likelihood (Liang et al., WWW 2018;
arXiv 1802.05814).

The encoder takes a history, scaled to length 1, to the mean and variance of a small Gaussian; the decoder
takes a draw from it to a distribution over all items. Minimised is the mean over users of
−Σ x_i log π_i + β KL(q ‖ N(0, I)), β rising from 0 to a cap well below 1. The mean's distribution ranks the
items, so any history can be scored. A fitted model is a few tables of numbers: torch is needed to train it,
not to use it, and is imported then. Histories stay sparse; only the decoder's output is [batch, n_items].
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_matrix

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval.base import HistoryRetriever, Indices, OnEpoch
from tastemaker.retrieval.evaluator import Questions, questions
from tastemaker.retrieval.metrics import ranking_metrics
from tastemaker.retrieval.ranking import top_n

if TYPE_CHECKING:
    from torch import Generator, Tensor


class MultVAEConfig(Config):
    """Shape and training; sizes, dropout and learning rate are the paper's, the other defaults did best on
    the valid part of MovieLens-100K, random 80/10/10 within user.

    That is a small data set: the paper's batch_size is 500 and its kl_cap 0.2.
    """

    hidden_size: int = Field(default=600, ge=1)
    """Width of the hidden layer of the encoder, and of that of the decoder."""
    latent_size: int = Field(default=200, ge=1)
    """Length of the Gaussian's mean."""
    dropout: float = Field(default=0.5, ge=0, lt=1)
    """Share of a history's items that the encoder does not see in training."""
    kl_cap: float = Field(default=0.5, ge=0)
    """The largest β."""
    kl_epochs: int = Field(default=50, ge=1)
    """Epochs in which β rises from 0 to its cap, linearly in steps of a batch."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=0.0, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter."""
    batch_size: int = Field(default=100, ge=1)
    """Most users in a batch; an epoch is cut into batches of nearly equal size."""
    epochs: int = Field(default=200, ge=1)
    """Most passes over the users."""
    patience: int = Field(default=20, ge=1)
    """Training ends after so many epochs in a row without a better ndcg@20 on the valid part."""
    seed: int = Field(default=0, ge=0)
    """Of the initial weights, the order of the users, the dropout and the draws."""
    threads: int = Field(default=1, ge=1)
    """Torch threads while training."""


class MultVAE(HistoryRetriever[MultVAEConfig]):
    """Variational autoencoder. A history without items scores as the biases have it: near to popularity."""

    name = "multvae"
    config_type = MultVAEConfig
    stops_early = True

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        self.matrix = train.matrix()
        training = _Training(self.config, self.matrix, _asked(train, valid))
        job = {
            "model": self.name,
            "config": self.config.model_dump(mode="json", exclude={"epochs", "threads"}),
            "data": train.fingerprint + ("" if valid is None else f" {valid.fingerprint}"),
        }
        self.tables = training.run(job, folder, on_epoch)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        return self._score_histories(self.matrix[users])

    def _score_histories(self, histories: csr_matrix) -> NDArray[np.float32]:
        return _logits(self.tables, histories)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return dict(self.tables)

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.tables = {name: arrays[name] for name in _shapes(self.config, train.n_items)}
        self.matrix = train.matrix()


def _shapes(config: MultVAEConfig, n_items: int) -> dict[str, tuple[int, ...]]:
    hidden, latent = config.hidden_size, config.latent_size
    return {
        "encoder": (n_items, hidden),
        "encoder_bias": (hidden,),
        "gaussian": (hidden, 2 * latent),
        "gaussian_bias": (2 * latent,),
        "decoder": (latent, hidden),
        "decoder_bias": (hidden,),
        "items": (hidden, n_items),
        "items_bias": (n_items,),
    }


def _logits(tables: Mapping[str, NDArray[np.float32]], histories: csr_matrix) -> NDArray[np.float32]:
    """[m, n_items]: what the decoder makes of the encoder's mean, up to the softmax's constant."""
    length = np.sqrt(np.maximum(np.diff(histories.indptr), 1)).astype(np.float32)
    hidden = np.tanh(histories @ tables["encoder"] / length[:, None] + tables["encoder_bias"])
    mean, _ = np.split(hidden @ tables["gaussian"] + tables["gaussian_bias"], 2, axis=1)
    hidden = np.tanh(mean @ tables["decoder"] + tables["decoder_bias"])
    logits: NDArray[np.float32] = hidden @ tables["items"] + tables["items_bias"]
    return logits


@dataclass(frozen=True)
class _Snapshot:
    """A model in training, as `top_n` wants it."""

    tables: Mapping[str, NDArray[np.float32]]
    matrix: csr_matrix

    def score(self, users: Indices) -> NDArray[np.float32]:
        return _logits(self.tables, self.matrix[users])


def _asked(train: Dataset, valid: Dataset | None) -> Questions | None:
    """What is asked after each epoch; None when the valid part holds nothing to rank for."""
    try:
        return None if valid is None else questions(train, valid)
    except InputError:
        return None


class _Training:
    """The tables, Adam's moments, and how far training has come.

    The random stream of an epoch follows from (seed, epoch) alone, so a resumed run is the run that was never
    interrupted.
    """

    def __init__(self, config: MultVAEConfig, matrix: csr_matrix, asked: Questions | None) -> None:
        import torch

        self.config, self.asked, self.matrix = config, asked, matrix
        self.users = np.flatnonzero(np.diff(matrix.indptr))
        generator = torch.Generator().manual_seed(config.seed)
        self.tables: dict[str, Tensor] = {}
        for name, shape in _shapes(config, matrix.shape[1]).items():
            table = torch.zeros(shape)
            if table.ndim == 2:
                torch.nn.init.xavier_normal_(table, generator=generator)
            self.tables[name] = table.requires_grad_()
        self.adam = torch.optim.Adam(
            self.tables.values(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        for table in self.tables.values():
            self.adam.state[table] = {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(table),
                "exp_avg_sq": torch.zeros_like(table),
            }
        self.best = {name: table.detach().clone() for name, table in self.tables.items()}
        self.epoch = self.best_epoch = 0
        self.figure: float | None = None

    def run(
        self, job: Mapping[str, Any], folder: Path | None, on_epoch: OnEpoch | None
    ) -> dict[str, NDArray[np.float32]]:
        """Train to the end; the best tables, or the last ones without a valid part.

        A checkpoint is kept in the folder, and gone on from if it is of the same job.
        """
        import torch

        from tastemaker import checkpoint

        found = checkpoint.read(folder) if folder else None
        if folder and found:
            self._restore(job, folder, *found)
        former = torch.get_num_threads()
        torch.set_num_threads(self.config.threads)
        try:
            while self.epoch < self.config.epochs and self.epoch - self.best_epoch < self.config.patience:
                started = time.perf_counter()
                self.epoch += 1
                row = {"epoch": self.epoch, "epochs": self.config.epochs, "loss": self._one_epoch()}
                row |= self._measure()
                if folder:
                    checkpoint.write(folder, self._tensors(), dict(job=job) | self._progress())
                if on_epoch:
                    on_epoch(row | {"best": self.best_epoch, "seconds": time.perf_counter() - started})
        finally:
            torch.set_num_threads(former)
        return {name: table.numpy() for name, table in self.best.items()}

    def _one_epoch(self) -> float:
        """One pass over the users in a random order; the mean loss per user."""
        import torch

        config = self.config
        order = np.random.default_rng([config.seed, self.epoch])
        noise = torch.Generator().manual_seed(int(order.integers(2**63)))
        batches = np.array_split(order.permutation(self.users), -(-len(self.users) // config.batch_size))
        total = 0.0
        for number, users in enumerate(batches):
            passed = (self.epoch - 1 + number / len(batches)) / config.kl_epochs
            loss = self._loss(self.matrix[users], config.kl_cap * min(1.0, passed), noise)
            if not torch.isfinite(loss):
                raise TastemakerError(
                    f"multvae: the loss is {loss.item()} in epoch {self.epoch}; lower learning_rate"
                    " (the last checkpoint is kept)"
                )
            self.adam.zero_grad()
            (loss / len(users)).backward()
            self.adam.step()
            total += loss.item()
        return total / len(self.users)

    def _loss(self, histories: csr_matrix, beta: float, noise: Generator) -> Tensor:
        """Summed over the histories: −Σ x_i log π_i + β KL."""
        import torch
        from torch.nn.functional import embedding_bag

        tables, dropout = self.tables, self.config.dropout
        counts = torch.from_numpy(np.diff(histories.indptr)).long()
        items = torch.from_numpy(histories.indices).long()
        row = torch.repeat_interleave(counts)
        seen = torch.rand(len(items), generator=noise) >= dropout
        weight = seen / ((1 - dropout) * counts[row].sqrt())
        first = torch.from_numpy(histories.indptr[:-1]).long()
        hidden = embedding_bag(items, tables["encoder"], first, mode="sum", per_sample_weights=weight)
        hidden = torch.tanh(hidden + tables["encoder_bias"])
        mean, log_variance = (hidden @ tables["gaussian"] + tables["gaussian_bias"]).chunk(2, dim=1)
        drawn = mean + torch.exp(log_variance / 2) * torch.randn(mean.shape, generator=noise)
        hidden = torch.tanh(drawn @ tables["decoder"] + tables["decoder_bias"])
        logits = hidden @ tables["items"] + tables["items_bias"]
        likelihood = logits[row, items].sum() - (counts * logits.logsumexp(dim=1)).sum()
        divergence = (mean**2 + log_variance.exp() - log_variance - 1).sum() / 2
        return beta * divergence - likelihood

    def _measure(self) -> dict[str, float]:
        """ndcg@20 of the tables as they are, which are kept if they are the best so far."""
        figure = None
        if self.asked is not None:
            tables = {name: table.detach().numpy() for name, table in self.tables.items()}
            ranked, _ = top_n(_Snapshot(tables, self.matrix), self.asked.users, 20, self.asked.exclude)
            figure = float(ranking_metrics(ranked, self.asked.relevant, (20,))["ndcg@20"].mean())
        if figure is None or self.figure is None or figure > self.figure:
            self.figure, self.best_epoch = figure, self.epoch
            for name, table in self.tables.items():
                self.best[name].copy_(table.detach())
        return {} if figure is None else {"ndcg@20": figure}

    def _progress(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "best": self.figure, "best_epoch": self.best_epoch}

    def _tensors(self) -> dict[str, Tensor]:
        """Everything that the next epoch depends on, and the best so far."""
        tensors = {f"best.{name}": table for name, table in self.best.items()}
        for name, table in self.tables.items():
            tensors[f"parameter.{name}"] = table
            tensors |= {f"adam.{key}.{name}": moment for key, moment in self.adam.state[table].items()}
        return tensors

    def _restore(
        self, job: Mapping[str, Any], folder: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]
    ) -> None:
        import torch

        if state.get("job") != job:
            raise InputError(
                f"{folder}: holds a training of another model, config or data; choose another folder"
            )
        with torch.no_grad():
            for name, tensor in self._tensors().items():
                tensor.copy_(tensors[name])
        self.epoch, self.figure, self.best_epoch = state["epoch"], state["best"], state["best_epoch"]
