"""BUIR against the formula, and its targets against an encoder whose tables follow."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from tastemaker.data.splits import Split
from tastemaker.retrieval import trainer
from tastemaker.retrieval.adam import Adam
from tastemaker.retrieval.embedding import EmbeddingConfig
from tastemaker.retrieval.encoders.lightgcn import LightGCN
from tastemaker.retrieval.objectives.buir import BUIR


def test_is_the_formula(whole_case: Any, start: Any) -> None:
    objective = start(BUIR(0.9), whole_case)
    own, targets = objective.parameters(), objective.state()

    def distance(online: Any, target: Any) -> float:
        foretold = own["weight"] @ online + own["bias"]
        return float((foretold / foretold.norm() - target / target.norm()).square().sum())

    wanted = sum(
        distance(whole_case.x[u], targets["items"][i]) + distance(whole_case.y[i], targets["users"][u])
        for u, i in whole_case.pairs
    )
    found = objective.loss(whole_case.x, whole_case.y, whole_case.batch)
    assert float(found.detach()) == pytest.approx(wanted / len(whole_case.pairs), abs=1e-12)


def test_gradient(whole_case: Any, start: Any, check_gradient: Any) -> None:
    check_gradient(start(BUIR(1.0), whole_case), whole_case)


def test_recommends_by_both_predictions(whole_case: Any, start: Any) -> None:
    objective = start(BUIR(0.9), whole_case)
    own = objective.parameters()
    users, items = objective.embed(whole_case.x, whole_case.y)
    for u, x in enumerate(whole_case.x):
        for i, y in enumerate(whole_case.y):
            wanted = (own["weight"] @ x + own["bias"]) @ y + x @ (own["weight"] @ y + own["bias"])
            assert float(users[u] @ items[i]) == pytest.approx(float(wanted))


def test_targets_are_the_embeddings_of_tables_that_follow(small: Split) -> None:
    matrix = small.train.matrix()
    encoder = LightGCN(matrix, 8, 2, seed=0)
    config = EmbeddingConfig(embedding_size=8, batch_size=100)
    objective = BUIR(0.8)
    job = trainer.Job("buir", encoder, objective, matrix, config, "")
    objective.start(matrix, encoder, 0)
    follower = copy.deepcopy(encoder)
    optimiser = Adam(encoder.parameters(), 0.05, 0.0)
    for batch in trainer.batches(job, 1):
        x, y = encoder.forward(batch.users, batch.items)
        _, by_x, by_y = objective.gradient(x, y, batch)
        for found, wanted in zip(objective.state().values(), follower.embed(), strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-6, rtol=1e-5)
        optimiser.step(encoder.backward(batch.users, batch.items, by_x, by_y))
        for name, table in follower.parameters().items():
            table.mul_(0.8).add_(encoder.parameters()[name], alpha=0.2)
    assert not torch.allclose(follower.embed()[0], encoder.embed()[0])
