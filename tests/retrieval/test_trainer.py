"""Training: the same seed gives the same model, an interrupted run ends as if it had not been."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from tastemaker import checkpoint
from tastemaker.data.splits import Split
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval import trainer
from tastemaker.retrieval.embedding import EmbeddingConfig
from tastemaker.retrieval.encoders.lightgcn import LightGCN
from tastemaker.retrieval.encoders.mf import MatrixFactorization
from tastemaker.retrieval.negatives import UniformNegatives
from tastemaker.retrieval.objectives.base import Batch, Objective
from tastemaker.retrieval.objectives.directau import DirectAU
from tastemaker.retrieval.objectives.pairwise import BPR
from tastemaker.retrieval.trainer import Job

CONFIG = EmbeddingConfig(embedding_size=8, learning_rate=0.02, weight_decay=1e-5, batch_size=64, epochs=6)
OBJECTIVES: list[Objective] = [BPR(), DirectAU(0.5)]


def job(split: Split, objective: Objective, config: EmbeddingConfig = CONFIG, values: Any = None) -> Job:
    matrix = split.train.matrix()
    encoder = (
        LightGCN(matrix, config.embedding_size, config.layers, config.seed)
        if config.encoder == "lightgcn"
        else MatrixFactorization(split.train.n_users, split.train.n_items, config.embedding_size, config.seed)
    )
    return Job("test", encoder, objective, matrix, config, split.train.fingerprint, values)


def weights(job: Job) -> torch.Tensor:
    return torch.cat([table.detach().flatten() for table in job.encoder.embed()])


class Stop(Exception):
    """Stands for a killed process."""


def stop_after(epoch: int) -> Any:
    def on_epoch(row: Mapping[str, Any]) -> None:
        if row["epoch"] == epoch:
            raise Stop

    return on_epoch


@pytest.mark.parametrize("encoder", ["mf", "lightgcn"])
@pytest.mark.parametrize("optimizer", ["adam", "lazy-adam"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_resumed_training_is_the_uninterrupted_one(
    small: Split, objective: Objective, optimizer: str, encoder: str, tmp_path: Path
) -> None:
    config = CONFIG.model_copy(update={"optimizer": optimizer, "encoder": encoder})
    straight = job(small, objective, config)
    trainer.train(straight)
    halved = job(small, objective, config)
    with pytest.raises(Stop):
        trainer.train(halved, tmp_path, stop_after(3))
    assert not torch.equal(weights(halved), weights(straight))
    rows: list[Mapping[str, Any]] = []
    resumed = job(small, objective, config)
    trainer.train(resumed, tmp_path, rows.append)
    assert [row["epoch"] for row in rows] == [4, 5, 6]
    assert torch.equal(weights(resumed), weights(straight))
    assert [file.name for file in tmp_path.iterdir()] == [checkpoint.NAME]


def test_more_epochs_go_on_from_a_finished_training(small: Split, tmp_path: Path) -> None:
    straight, short = job(small, BPR()), job(small, BPR(), CONFIG.model_copy(update={"epochs": 2}))
    trainer.train(straight)
    trainer.train(short, tmp_path)
    longer = job(small, BPR())
    trainer.train(longer, tmp_path)
    assert torch.equal(weights(longer), weights(straight))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_seed_decides(small: Split, objective: Objective) -> None:
    first, second = job(small, objective), job(small, objective)
    other = job(small, objective, CONFIG.model_copy(update={"seed": 1}))
    for one in (first, second, other):
        trainer.train(one)
    assert torch.equal(weights(first), weights(second))
    assert not torch.equal(weights(first), weights(other))


def test_stops_early_and_keeps_the_best_weights(small: Split, tmp_path: Path) -> None:
    figures = [0.1, 0.3, 0.2, 0.3, 0.25, 0.9]
    seen: list[torch.Tensor] = []

    def measure(users: torch.Tensor, items: torch.Tensor) -> dict[str, float]:
        seen.append(torch.cat([users.flatten(), items.flatten()]))
        return {"ndcg@20": figures[len(seen) - 1], "other": 1.0}

    rows: list[Mapping[str, Any]] = []
    config = CONFIG.model_copy(update={"patience": 3})
    one = job(small, BPR(), config, measure)
    trainer.train(one, tmp_path, rows.append)
    assert [row["ndcg@20"] for row in rows] == figures[:5]
    assert [row["best"] for row in rows] == [1, 2, 2, 2, 2]
    assert torch.equal(weights(one), seen[1])
    again = job(small, BPR(), config, measure)
    trainer.train(again, tmp_path, rows.append)
    assert len(rows) == 5
    assert torch.equal(weights(again), seen[1])


def test_learns_to_tell_taken_from_not_taken(small: Split) -> None:
    for objective in OBJECTIVES:
        one = job(small, objective, CONFIG.model_copy(update={"epochs": 40}))
        rows: list[Mapping[str, Any]] = []
        trainer.train(one, on_epoch=rows.append)
        users, items = (table.detach().numpy() for table in one.encoder.embed())
        scores, taken = users @ items.T, small.train.matrix().toarray() > 0
        ahead = (scores[taken][:, None] > np.random.default_rng(0).choice(scores[~taken], 200)).mean()
        assert rows[-1]["loss"] < rows[0]["loss"]
        assert ahead > 0.8


def test_every_pair_is_seen_once_an_epoch_in_batches_of_nearly_equal_size(small: Split) -> None:
    one = job(small, BPR())
    matrix = small.train.matrix()
    batches = list(trainer.batches(one, 1, UniformNegatives(matrix)))
    pairs = np.concatenate(
        [np.column_stack((batch.users[batch.user], batch.items[batch.item])) for batch in batches]
    )
    assert len(pairs) == matrix.nnz == len({tuple(pair) for pair in pairs.tolist()})
    assert (np.asarray(matrix[pairs[:, 0], pairs[:, 1]]) == 1).all()
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= 64
    assert max(sizes) - min(sizes) <= 1


def test_a_user_with_every_item_has_no_negatives_and_is_left_out() -> None:
    has = csr_matrix(np.array([[1, 1, 1], [1, 0, 0]]))
    encoder = MatrixFactorization(2, 3, 4, 0)
    one = Job("test", encoder, BPR(), has, CONFIG, "x")
    (batch,) = trainer.batches(one, 1, UniformNegatives(has))
    assert batch.users[batch.user].tolist() == [1]
    full = Job("test", encoder, BPR(), csr_matrix(np.ones((2, 3))), CONFIG, "x")
    with pytest.raises(InputError, match="every user has every item"):
        trainer.train(full)


def test_a_checkpoint_of_another_job_is_refused(small: Split, tmp_path: Path) -> None:
    trainer.train(job(small, BPR(), CONFIG.model_copy(update={"epochs": 1})), tmp_path)
    with pytest.raises(InputError, match="another model, config or data"):
        trainer.train(job(small, BPR(), CONFIG.model_copy(update={"learning_rate": 0.5})), tmp_path)


def test_a_damaged_checkpoint_is_refused(small: Split, tmp_path: Path) -> None:
    trainer.train(job(small, BPR(), CONFIG.model_copy(update={"epochs": 1})), tmp_path)
    whole = (tmp_path / checkpoint.NAME).read_bytes()
    for part in (whole[: len(whole) // 2], b"", b"\xff" * 100):
        (tmp_path / checkpoint.NAME).write_bytes(part)
        with pytest.raises(InputError, match="damaged"):
            trainer.train(job(small, BPR()), tmp_path)


def test_a_checkpoint_with_nan_is_refused(small: Split, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"epochs": 1})
    trainer.train(job(small, BPR(), config), tmp_path)
    found = checkpoint.read(tmp_path)
    assert found is not None
    tensors, state = found
    tensors["parameter.items"][3, 1] = torch.nan
    checkpoint.write(tmp_path, tensors, state)
    with pytest.raises(InputError, match=r"parameter\.items holds values that are not numbers"):
        trainer.train(job(small, BPR(), config), tmp_path)


class Diverging(BPR):
    """A loss that is lost in its second epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def loss(self, x: torch.Tensor, y: torch.Tensor, batch: Batch) -> torch.Tensor:
        self.calls += 1
        return super().loss(x, y, batch) * (1 if self.calls < 9 else torch.nan)


def test_a_diverging_loss_ends_the_training_and_keeps_the_checkpoint(small: Split, tmp_path: Path) -> None:
    pairs = small.train.matrix().nnz
    config = CONFIG.model_copy(update={"batch_size": -(-pairs // 5)})
    with pytest.raises(TastemakerError, match=r"loss is nan in epoch 2; lower learning_rate"):
        trainer.train(job(small, Diverging(), config), tmp_path)
    found = checkpoint.read(tmp_path)
    assert found is not None
    assert found[1]["epoch"] == 1


def test_threads_are_put_back(small: Split) -> None:
    before = torch.get_num_threads()
    seen: list[int] = []
    config = CONFIG.model_copy(update={"threads": before + 1, "epochs": 1})
    trainer.train(job(small, BPR(), config), on_epoch=lambda row: seen.append(torch.get_num_threads()))
    assert seen == [before + 1]
    assert torch.get_num_threads() == before


def test_a_falling_step_size_goes_on_where_it_was(small: Split, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"schedule": "linear"})
    straight, constant = job(small, BPR(), config), job(small, BPR())
    trainer.train(straight)
    trainer.train(constant)
    with pytest.raises(Stop):
        trainer.train(job(small, BPR(), config), tmp_path, stop_after(2))
    resumed = job(small, BPR(), config)
    trainer.train(resumed, tmp_path)
    assert torch.equal(weights(resumed), weights(straight))
    assert not torch.equal(weights(constant), weights(straight))
    for epochs in (4, 8):
        with pytest.raises(InputError, match="another model, config or data"):
            trainer.train(job(small, BPR(), config.model_copy(update={"epochs": epochs})), tmp_path)


def test_tiny_numbers_are_zero_in_training_alone(small: Split) -> None:
    tiny = torch.tensor([1e-40])
    during: list[bool] = []

    def on_epoch(row: Mapping[str, Any]) -> None:
        during.append(bool((tiny * 0.5 == 0).all()))
        if row["epoch"] == 2:
            raise Stop

    with pytest.raises(Stop):
        trainer.train(job(small, BPR()), on_epoch=on_epoch)
    trainer.train(job(small, BPR(), CONFIG.model_copy(update={"epochs": 1})), on_epoch=on_epoch)
    supported = torch.set_flush_denormal(False)
    assert during == [supported] * 3
    assert (tiny * 0.5 > 0).all()
