"""The index: rankings against brute force, recall on vectors as models make them, and files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.errors import InputError
from tastemaker.retrieval.index import IndexConfig, ItemIndex
from tastemaker.retrieval.ranking import largest, masked

faiss = pytest.importorskip("faiss", reason="faiss, of the extra index, is not installed")

EXACT = IndexConfig(kind="exact")


def clustered(n: int, d: int, varied: bool, seed: int = 0) -> NDArray[np.float32]:
    """Vectors in clusters, of unit norm or of norms that differ by e^±0.4."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((n // 100, d))
    items = centres[generator.integers(0, len(centres), n)] + 0.8 * generator.standard_normal((n, d))
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    if varied:
        items *= np.exp(0.4 * generator.standard_normal((n, 1)))
    return items.astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            arrays.arrays(np.int8, (n, 3), elements=st.integers(-2, 2)),
            arrays.arrays(np.int8, (4, 3), elements=st.integers(-2, 2)),
            arrays.arrays(np.bool_, (4, n)),
        )
    ),
    st.integers(1, 14),
)
def test_exact_search_is_top_n_ties_and_seen_items_included(tables: Any, n: int) -> None:
    """Whole numbers: all scores are exact, and ties abound."""
    items, queries, seen = tables
    found, score = ItemIndex.build(items, EXACT).search(queries, n, csr_matrix(seen))
    wanted, best = largest(masked((queries @ items.T).astype(np.float32), csr_matrix(seen)), n)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(score, best)
    assert found.dtype == np.int32
    assert score.dtype == np.float32


@pytest.mark.parametrize("varied", [False, True])
def test_hnsw_finds_nearly_all(varied: bool) -> None:
    items = clustered(5000, 32, varied)
    queries = items[np.random.default_rng(1).integers(0, 5000, (100, 3))].mean(axis=1)
    index = ItemIndex.build(items)
    found, score = index.search(queries, 20)
    exact, _ = largest(queries @ items.T, 20)
    share = np.mean([len(set(a) & set(b)) / 20 for a, b in zip(found, exact, strict=True)])
    assert share > 0.97
    assert index.recall(queries, 20) == pytest.approx(share)
    np.testing.assert_allclose(score, np.take_along_axis(queries @ items.T, found, axis=1), atol=1e-5)
    assert (np.diff(score, axis=1) <= 0).all()


def test_recall_falls_where_the_graph_is_poor_and_is_one_where_it_is_exact() -> None:
    items = clustered(5000, 32, False)
    queries = np.random.default_rng(1).standard_normal((50, 32))
    poor = ItemIndex.build(items, IndexConfig(neighbours=4, ef_construction=4, ef_search=1))
    assert poor.recall(queries, 10) < 0.8
    assert ItemIndex.build(items, EXACT).recall(queries, 10) == 1.0


def test_hnsw_leaves_out_what_was_seen_and_still_fills_the_list() -> None:
    """The 300 best of each query were seen: many times the list's length has to be fetched."""
    items = clustered(2000, 16, True)
    queries = items[:5] + items[5:10]
    scores = np.asarray(queries @ items.T, np.float32)
    seen = np.zeros(scores.shape, bool)
    np.put_along_axis(seen, np.argsort(-scores, axis=1)[:, :300], True, axis=1)
    found, value = ItemIndex.build(items).search(queries, 10, csr_matrix(seen))
    assert not np.take_along_axis(seen, found, axis=1).any()
    assert (found >= 0).all()
    _, best = largest(masked(scores, csr_matrix(seen)), 10)
    assert np.mean(value >= best[:, -1:] - 1e-5) > 0.8


def test_hnsw_ends_a_row_with_nothing_where_all_was_seen() -> None:
    items = clustered(200, 8, False)
    seen = np.ones((2, 200), bool)
    seen[0, [3, 7, 9]] = False
    found, score = ItemIndex.build(items).search(items[:2], 5, csr_matrix(seen))
    assert set(found[0, :3].tolist()) == {3, 7, 9}
    assert found[0, 3:].tolist() == [-1, -1]
    assert found[1].tolist() == [-1] * 5
    assert np.isneginf(score[1]).all()


def test_building_and_asking_twice_gives_the_same() -> None:
    items = clustered(1000, 16, True)
    first, again = (ItemIndex.build(items).search(items[:50], 10) for _ in range(2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])


def test_threads_of_faiss_are_as_before_afterwards() -> None:
    before = faiss.omp_get_max_threads()
    ItemIndex.build(clustered(200, 8, False), IndexConfig(threads=before + 1)).search(np.ones((1, 8)), 3)
    assert faiss.omp_get_max_threads() == before


@pytest.mark.parametrize("config", [EXACT, IndexConfig(ef_search=17)], ids=["exact", "hnsw"])
def test_a_loaded_index_answers_as_the_saved_one(config: IndexConfig, tmp_path: Path) -> None:
    items = clustered(500, 8, True)
    index = ItemIndex.build(items, config)
    index.save(tmp_path / "index")
    index.save(tmp_path / "index")
    loaded = ItemIndex.load(tmp_path / "index")
    assert loaded.config == config
    np.testing.assert_array_equal(loaded.items, items)
    np.testing.assert_array_equal(loaded.search(items[:9], 7)[0], index.search(items[:9], 7)[0])
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == ["index.faiss", "meta.json"]


def test_a_damaged_or_missing_index_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no index here \(no meta.json\); build one"):
        ItemIndex.load(tmp_path)
    ItemIndex.build(clustered(200, 8, False)).save(tmp_path)
    whole = (tmp_path / "index.faiss").read_bytes()
    changed = bytearray(whole)
    changed[len(whole) // 2] ^= 1
    for damaged in (whole[: len(whole) // 2], b"", bytes(changed)):
        (tmp_path / "index.faiss").write_bytes(damaged)
        with pytest.raises(InputError, match=r"the index is damaged .* build it again"):
            ItemIndex.load(tmp_path)
    (tmp_path / "index.faiss").unlink()
    with pytest.raises(InputError, match="the index is damaged"):
        ItemIndex.load(tmp_path)
    for text in ("[]", "{", '{"config": {"kind": "tree"}}'):
        (tmp_path / "meta.json").write_text(text)
        with pytest.raises(InputError, match="the index is damaged"):
            ItemIndex.load(tmp_path)


def test_tables_that_cannot_be_indexed_are_refused() -> None:
    items = clustered(200, 8, False)
    broken = items.copy()
    broken[17, 3] = np.nan
    with pytest.raises(InputError, match="the vector of item 17 is not finite"):
        ItemIndex.build(broken)
    with pytest.raises(InputError, match="there are no items to index"):
        ItemIndex.build(items[:0])
    with pytest.raises(InputError, match="must be a table"):
        ItemIndex.build(items[0])
    index = ItemIndex.build(items)
    with pytest.raises(InputError, match="queries have 7 dimensions, the index 8"):
        index.search(items[:, :7], 5)
    with pytest.raises(InputError, match="the vector of query 17 is not finite"):
        index.search(broken, 5)
    with pytest.raises(InputError, match=r"exclude is \(1, 200\), wanted \(2, 200\)"):
        index.search(items[:2], 5, csr_matrix((1, 200)))


def test_without_faiss_one_line_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['faiss'] = None\n"
        "import numpy, tastemaker.retrieval.index as index\n"
        "try: index.ItemIndex.build(numpy.ones((3, 2)))\n"
        "except index.InputError as error: print(error)"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip().endswith("pip install 'tastemaker[index]'")
