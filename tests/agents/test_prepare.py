"""Workbenches that are made from a data set: what their search goes by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tastemaker.agents.prepare import whole
from tastemaker.assets import cache_folder, fetch
from tastemaker.data.dataset import Dataset
from tastemaker.errors import AssetError
from tastemaker.tools.embedding import ASSET


def test_search_by_meaning_finds_what_words_do_not(
    make_town: Callable[..., Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tokenizers")
    try:
        fetch(ASSET)
    except AssetError as error:
        pytest.skip(str(error).splitlines()[0])
    (tmp_path / "assets").symlink_to(cache_folder() / "assets", target_is_directory=True)
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path))
    town = make_town()
    words, meaning = (whole(town, retriever="itemknn", search=by) for by in ("words", "meaning"))
    query = "funny, humorous"
    assert "Comedy" not in words.at(None, "u1").search(query)
    assert "Comedy" in meaning.at(None, "u1").search(query).splitlines()[0]
