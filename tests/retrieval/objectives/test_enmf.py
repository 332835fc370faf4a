"""ENMF against the squared error over all pairs of user and item."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tastemaker.data.splits import Split
from tastemaker.retrieval import trainer
from tastemaker.retrieval.embedding import EmbeddingConfig
from tastemaker.retrieval.encoders.mf import MatrixFactorization
from tastemaker.retrieval.objectives.enmf import ENMF


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_an_epoch_is_the_whole_datas_loss(small: Split, weight: float) -> None:
    matrix = small.train.matrix()
    encoder = MatrixFactorization(matrix.shape[0], matrix.shape[1], 4, seed=0)
    objective = ENMF(weight)
    objective.start(matrix, encoder, 0)
    h = torch.tensor([1.0, -0.5, 2.0, 0.3])
    objective.parameters()["h"].data = h
    config = EmbeddingConfig(embedding_size=4, batch_size=64)
    job = trainer.Job("enmf", encoder, objective, matrix, config, "")
    found = sum(
        len(batch) * objective.gradient(*encoder.forward(batch.users, batch.items), batch)[0]
        for batch in trainer.batches(job, 1)
    )
    users, items = (table.numpy().astype(np.float64) for table in encoder.embed())
    score, taken = (users * h.numpy()) @ items.T, matrix.toarray() > 0
    error = np.where(taken, (1 - score) ** 2, weight * score**2)
    # The loss leaves out the constant 1 of each taken pair.
    wanted = error[taken.any(axis=1)].sum() - taken.sum()
    assert found == pytest.approx(wanted, rel=1e-5)


def test_gradient(whole_case: Any, start: Any, check_gradient: Any) -> None:
    check_gradient(start(ENMF(0.3), whole_case), whole_case)


def test_recommends_by_the_weighted_product(whole_case: Any, start: Any) -> None:
    objective = start(ENMF(0.3), whole_case)
    users, items = objective.embed(whole_case.x, whole_case.y)
    wanted = torch.einsum("ud,id,d->ui", whole_case.x, whole_case.y, objective.parameters()["h"])
    torch.testing.assert_close(users @ items.T, wanted)
