"""Rankings against a full stable sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, random_array

from tastemaker.errors import TastemakerError
from tastemaker.retrieval.ranking import largest, nearest, top_n


class Table:
    """Scores that are given."""

    def __init__(self, scores: NDArray[np.float32]) -> None:
        self.scores = scores

    def score(self, users: NDArray[np.integer]) -> NDArray[np.float32]:
        chosen: NDArray[np.float32] = self.scores[users]
        return chosen


@given(
    st.integers(0, 5),
    st.integers(1, 30),
    st.integers(1, 40),
    st.integers(1, 6),
    st.integers(0, 2**32 - 1),
)
def test_largest_is_the_head_of_a_stable_sort(rows: int, width: int, n: int, levels: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = np.concatenate(([-np.inf], generator.standard_normal(levels)))
    scores = generator.choice(values, (rows, width)).astype(np.float32)
    columns, best = largest(scores, n)
    for row in range(rows):
        wanted = [
            c for c in sorted(range(width), key=lambda c: (-scores[row, c], c)) if scores[row, c] > -np.inf
        ]
        wanted = wanted[:n]
        assert columns[row].tolist() == wanted + [-1] * (n - len(wanted))
        assert best[row].tolist() == scores[row, wanted].tolist() + [-np.inf] * (n - len(wanted))


@pytest.mark.parametrize("levels", [2, 5, 40, 5000])
@pytest.mark.parametrize("n", [1, 2, 9, 30])
def test_largest_of_many_columns_is_the_head_of_a_stable_sort(n: int, levels: int) -> None:
    generator = np.random.default_rng([n, levels])
    values = np.concatenate(([-np.inf], generator.standard_normal(levels)))
    scores = generator.choice(values, (12, 5003)).astype(np.float32)
    scores[0] = -np.inf
    scores[1, 7:] = -np.inf
    columns, best = largest(scores, n)
    wanted = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    value = np.take_along_axis(scores, wanted, axis=1)
    assert np.array_equal(columns, np.where(np.isneginf(value), -1, wanted))
    assert np.array_equal(best, value)


def test_nearest_is_the_cosine_by_brute_force() -> None:
    table = np.random.default_rng(5).standard_normal((30, 4)).astype(np.float32)
    table[11] = 0
    found, value = nearest(table, np.array([3, 11, 29]), 40)
    assert (found[:, 29:] == -1).all()
    assert (value[:, 29:] == 0).all()
    for row, item in enumerate((3, 29)):
        lengths = [np.linalg.norm(table[item]) * np.linalg.norm(other) for other in table]
        cosine = {
            other: float(table[item] @ table[other]) / max(float(length), 1e-12)
            for other, length in enumerate(lengths)
            if other != item
        }
        place = 2 * row
        assert found[place, :29].tolist() == sorted(cosine, key=lambda other: -cosine[other])
        np.testing.assert_allclose(value[place, :29], sorted(cosine.values(), reverse=True), atol=1e-6)
    assert found[1, :29].tolist() == [*range(11), *range(12, 30)]


def test_top_n_masks_in_every_batch() -> None:
    generator = np.random.default_rng(3)
    scores = generator.standard_normal((300, 50)).astype(np.float32)
    exclude = csr_matrix(random_array((300, 50), density=0.3, rng=generator))
    users = generator.permutation(300)[:251]
    items, values = top_n(Table(scores), users, 10, exclude)
    dense = np.where(exclude.toarray() != 0, -np.inf, scores)
    wanted = np.argsort(-dense[users], axis=1, kind="stable")[:, :10]
    assert np.array_equal(items, wanted)
    assert np.array_equal(values, np.take_along_axis(dense[users], wanted, axis=1).astype(np.float32))


def test_top_n_leaves_the_scorers_own_array_alone() -> None:
    table = Table(np.ones((2, 3), np.float32))
    items, _ = top_n(table, np.array([0, 1]), 3, csr_matrix(np.array([[1, 0, 0], [1, 1, 1]])))
    assert items.tolist() == [[1, 2, -1], [-1, -1, -1]]
    assert (table.scores == 1).all()


def test_nan_is_a_fault_and_not_a_rank() -> None:
    with pytest.raises(TastemakerError, match="NaN"):
        largest(np.array([[1.0, np.nan, 2.0]]), 2)
