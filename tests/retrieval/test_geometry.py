"""Alignment and uniformity against the definition written out over pairs of interactions in float64, points
worked by hand, and the closed form for points that are uniform on the sphere.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.special import gammaln, logsumexp

from tastemaker.errors import InputError
from tastemaker.retrieval.geometry import measure, uniformity

Floats = NDArray[np.float64]


def drawn(seed: int, n_users: int, n_items: int, d: int, density: float) -> tuple[Floats, Floats, csr_matrix]:
    """Random tables of rows of any length, and interactions, at least two."""
    generator = np.random.default_rng(seed)
    users, items = generator.normal(size=(n_users, d)), generator.normal(size=(n_items, d))
    dense = generator.random((n_users, n_items)) < density * generator.uniform(0, 2, n_items)
    dense[0, 0] = dense[1, 0] = True
    return users, items, csr_matrix(dense.astype(np.float32))


def unit(rows: Floats) -> Floats:
    scaled: Floats = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def by_pairs(rows: Floats) -> float:
    pairs = list(itertools.combinations(rows, 2))
    return math.log(math.fsum(math.exp(-2 * float(((a - b) ** 2).sum())) for a, b in pairs) / len(pairs))


def on_the_sphere(d: int) -> float:
    """log E exp(−2 ‖x − y‖²) for independent x, y uniform on the sphere in d dimensions: the mean of
    exp(4 x·y − 4) is e⁻⁴ ₀F₁(; d/2; 4), here by its series.
    """
    k = np.arange(80)
    return float(logsumexp(k * math.log(4) - gammaln(k + 1) - gammaln(d / 2 + k) + gammaln(d / 2)) - 4)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_users=st.integers(2, 9),
    n_items=st.integers(1, 9),
    d=st.integers(1, 5),
    density=st.floats(0, 1),
)
def test_is_the_definition_over_pairs_of_interactions(
    seed: int, n_users: int, n_items: int, d: int, density: float
) -> None:
    users, items, matrix = drawn(seed, n_users, n_items, d, density)
    user, item = matrix.nonzero()
    x, y = unit(users[user]), unit(items[item])
    got = measure(users, items, matrix)
    assert got["alignment"] == pytest.approx(float(((x - y) ** 2).sum(axis=1).mean()), abs=1e-12)
    assert got["uniformity_users"] == pytest.approx(by_pairs(x), abs=1e-5)
    assert got["uniformity_items"] == pytest.approx(by_pairs(y), abs=1e-5)
    assert got["uniformity"] == pytest.approx((by_pairs(x) + by_pairs(y)) / 2, abs=1e-5)
    assert set(got) == {"alignment", "uniformity_users", "uniformity_items", "uniformity"}


def test_many_blocks_are_the_definition_in_numpy() -> None:
    users, items, matrix = drawn(3, 1300, 700, 4, 0.004)
    got = measure(users.astype(np.float32), items.astype(np.float32), matrix)
    for side, rows, place in (("users", users, 0), ("items", items, 1)):
        z = unit(rows.astype(np.float32).astype(np.float64)[matrix.nonzero()[place]])
        above = np.exp(4 * z @ z.T - 4)[np.triu_indices(len(z), 1)]
        assert got[f"uniformity_{side}"] == pytest.approx(math.log(above.mean()), abs=2e-6)


def test_at_points_worked_by_hand() -> None:
    one, two = np.array([[0.0, 2.0]]), np.array([[0.0, 3.0], [0.0, -0.5]])
    got = measure(one, two, csr_matrix([[1.0, 1.0]]))
    # One user twice: a pair at distance 0. Two antipodal items: a pair at squared distance 4.
    assert got["uniformity_users"] == 0
    assert got["uniformity_items"] == pytest.approx(-8, abs=1e-6)
    assert got["alignment"] == pytest.approx((0 + 4) / 2)
    # The first item three times, the second once: 3 of 6 pairs at distance 0, the other 3 at 4.
    assert uniformity(unit(two), np.array([3, 1]))[0] == pytest.approx(math.log((1 + math.exp(-8)) / 2))
    same = np.ones((5, 7))
    collapsed = measure(same, same[:3], csr_matrix(np.ones((5, 3))))
    assert list(collapsed.values()) == pytest.approx([0, 0, 0, 0], abs=1e-6)


@pytest.mark.parametrize("d", [2, 3, 64])
def test_uniform_points_have_the_closed_form(d: int) -> None:
    points = unit(np.random.default_rng(d).normal(size=(4000, d)))
    value, error = uniformity(points, np.ones(4000, np.int64))
    assert error == 0
    # The pairs are uncorrelated, as the mean over one end is the same whatever the other end.
    kernel = np.exp(4 * points[::2] @ points[1::2].T - 4)
    spread = float(kernel.std() / kernel.mean()) / math.sqrt(4000 * 3999 / 2)
    assert abs(value - on_the_sphere(d)) < 4 * spread + 1e-6
    drawn_value, drawn_error = uniformity(points, np.ones(4000, np.int64), max_pairs=200_000)
    assert abs(drawn_value - on_the_sphere(d)) < 4 * math.hypot(spread, drawn_error)


def samples() -> Iterator[tuple[str, float, float, float]]:
    users, items, matrix = drawn(1, 300, 200, 3, 0.1)
    users += 1.0
    exact = measure(users, items, matrix)
    for seed in range(50):
        got = measure(users, items, matrix, seed=seed, max_pairs=6400)
        for side in ("users", "items"):
            name = f"uniformity_{side}"
            yield name, got[name], exact[name], got[f"{name}_error"]
        assert got["alignment"] == exact["alignment"]


def test_what_is_sampled_lies_about_the_exact_value_as_its_error_says() -> None:
    away = np.array([(value - exact) / error for _, value, exact, error in samples()])
    assert np.abs(away).max() < 4
    # 100 draws of about unit variance: their mean square lies within 1 ± 4 √(2/100).
    assert abs(np.mean(away**2) - 1) < 4 * math.sqrt(2 / 100)


def test_sampling_begins_beyond_the_stated_number_of_pairs_and_follows_the_seed() -> None:
    rows, count = unit(np.random.default_rng(0).normal(size=(40, 3))), np.full(40, 2)
    pairs = 40 * 39 // 2
    assert uniformity(rows, count, max_pairs=pairs)[1] == 0
    value, error = uniformity(rows, count, max_pairs=pairs - 1)
    assert error > 0
    assert uniformity(rows, count, max_pairs=pairs - 1) == (value, error)
    assert uniformity(rows, count, max_pairs=pairs - 1, seed=1) != (value, error)


def test_neither_order_nor_rotation_nor_length_matters() -> None:
    users, items, matrix = drawn(5, 40, 30, 6, 0.2)
    wanted = measure(users, items, matrix)
    generator = np.random.default_rng(6)
    rotation, _ = np.linalg.qr(generator.normal(size=(6, 6)))
    longer = 10 ** generator.uniform(-20, 20, size=(40, 1))
    of, to = generator.permutation(40), generator.permutation(30)
    got = measure((users * longer @ rotation)[of], (items @ rotation)[to], matrix[of][:, to].tocsr())
    assert got == pytest.approx(wanted, abs=1e-6)


def test_rows_without_interactions_do_not_count() -> None:
    users, items, matrix = drawn(2, 12, 8, 3, 0.2)
    wanted = measure(users, items, matrix)
    for rest in (np.zeros((1, 3)), np.full((1, 3), np.nan)):
        wider = csr_matrix((matrix.data, matrix.indices, np.append(matrix.indptr, matrix.nnz)), (13, 9))
        assert measure(np.vstack((users, rest)), np.vstack((items, rest)), wider) == wanted


@pytest.mark.parametrize(
    ("value", "says"), [(0.0, "are zero"), (np.nan, "are NaN or infinite"), (np.inf, "are NaN or infinite")]
)
def test_rows_without_direction_are_told(value: float, says: str) -> None:
    users, items, matrix = drawn(2, 12, 8, 3, 0.9)
    items[0] = value
    with pytest.raises(InputError, match=f"1 of 8 embeddings of items {says}, the first that of item 0"):
        measure(users, items, matrix)


def test_what_cannot_be_measured_is_told() -> None:
    users, items, matrix = drawn(2, 12, 8, 3, 0.9)
    with pytest.raises(InputError, match=r"users \(11, 3\) and items \(8, 3\) do not fit.*\(12, 8\)"):
        measure(users[1:], items, matrix)
    with pytest.raises(InputError, match=r"users \(12, 2\) and items \(8, 3\) do not fit"):
        measure(users[:, 1:], items, matrix)
    with pytest.raises(InputError, match="needs two interactions or more, and there are 1"):
        measure(users[:1], items, csr_matrix(np.eye(1, 8)))
