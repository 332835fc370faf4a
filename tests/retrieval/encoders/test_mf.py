"""Matrix factorisation: embeddings are the tables, and so are their gradients."""

from __future__ import annotations

import torch

from tastemaker.retrieval.encoders.mf import MatrixFactorization


def test_embeddings_are_the_tables() -> None:
    encoder = MatrixFactorization(5, 7, 3, seed=0)
    own = encoder.parameters()
    users, items = torch.tensor([1, 4]), torch.tensor([0, 2, 6])
    assert torch.equal(encoder.embed()[0], own["users"])
    assert torch.equal(encoder.embed()[1], own["items"])
    x, y = encoder.forward(users, items)
    assert torch.equal(x, own["users"][[1, 4]])
    assert torch.equal(y, own["items"][[0, 2, 6]])
    gradients = encoder.backward(users, items, 2 * x, 3 * y)
    for name, rows, values in (("users", users, 2 * x), ("items", items, 3 * y)):
        found = gradients[name].rows
        assert found is not None
        assert torch.equal(found, rows)
        assert torch.equal(gradients[name].values, values)


def test_a_change_of_the_tables_is_seen() -> None:
    encoder = MatrixFactorization(5, 7, 3, seed=0)
    encoder.parameters()["users"][1] = 9
    assert torch.equal(encoder.forward(torch.tensor([1]), torch.tensor([0]))[0], torch.full((1, 3), 9.0))
