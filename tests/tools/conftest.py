"""The embedder that needs its asset, and a small one made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tastemaker.errors import AssetError
from tastemaker.tools.embedding import Embedder


@pytest.fixture(scope="session")
def wordllama() -> Embedder:
    """WordLlama's table, fetched once; without it the tests are skipped."""
    pytest.importorskip("tokenizers")
    try:
        return Embedder.load()
    except AssetError as error:
        pytest.skip(f"WordLlama's table is not to be had: {error}")


@pytest.fixture(scope="session")
def by_hand() -> Embedder:
    """Five words in a plane: `space` and `galaxy` lie close, at a right angle to `love`; `hate` is its
    opposite. A word that is none of them is at the origin, and `[CLS]` would be added to every text that is
    encoded with special tokens.
    """
    tokenizers = pytest.importorskip("tokenizers")
    words = {"[UNK]": 0, "[CLS]": 1, "space": 2, "galaxy": 3, "love": 4, "hate": 5}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.normalizer = tokenizers.normalizers.Lowercase()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 1)]
    )
    vectors = np.array([[0, 0], [9, 9], [3, 0], [4, 1], [0, 2], [0, -2]], np.float32)
    return Embedder(tokenizer, vectors)
