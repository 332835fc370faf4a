"""Item-kNN against the dense formula, worked item by item."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tastemaker.data.splits import Split
from tastemaker.retrieval import itemknn
from tastemaker.retrieval.itemknn import ItemKNN, ItemKNNConfig


def brute_force(x: NDArray[np.float64], neighbours: int, shrink: float) -> NDArray[np.float64]:
    """The weights [i, j] of the docstring's formula, one pair at a time."""
    n = x.shape[1]
    similarity = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            both = float((x[:, i] * x[:, j]).sum())
            if i != j and both > 0:
                similarity[i, j] = both / (np.sqrt(x[:, i].sum()) * np.sqrt(x[:, j].sum()) + shrink)
    weights = np.zeros((n, n))
    for j in range(n):
        order = sorted(range(n), key=lambda i: (-np.float32(similarity[i, j]), i))
        for i in order[:neighbours]:
            weights[i, j] = similarity[i, j]
    return weights


@pytest.mark.parametrize(("neighbours", "shrink"), [(3, 0.0), (7, 5.0), (200, 1.0)])
@pytest.mark.parametrize("block", [1 << 24, 90])
def test_scores_and_neighbours(
    small: Split, neighbours: int, shrink: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(itemknn, "_BLOCK_SCORES", block)
    model = ItemKNN(ItemKNNConfig(neighbours=neighbours, shrink=shrink)).fit(small.train)
    x = small.train.matrix().toarray().astype(np.float64)
    weights = brute_force(x, neighbours, shrink)
    np.testing.assert_allclose(model.score(np.arange(60)), x @ weights, rtol=2e-5, atol=1e-6)
    found, value = model.similar(np.arange(40), 5)
    for item in range(40):
        known = found[item] >= 0
        assert known.sum() == min(5, np.count_nonzero(weights[:, item]))
        np.testing.assert_allclose(value[item][known], weights[found[item][known], item], rtol=1e-5)
        assert (np.diff(value[item]) <= 0).all()
        assert item not in found[item]
