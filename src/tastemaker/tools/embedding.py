"""Embeddings of texts from a table of token vectors: WordLlama's, which comes in a wheel of 19 MB.

A text's vector is the mean of its tokens' vectors, no special token among them, scaled to length 1: what
WordLlama (github.com/dleemiller/WordLlama, MIT) gives with `norm=True`. No network of neurons is run, so a
thousand descriptions take a fraction of a second. Knows nothing of catalogues.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from tastemaker.assets import fetch
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

ASSET = "wordllama-l2-supercat-256"

_BATCH = 512
"""Texts whose tokens are held at once."""


class Embedder:
    """Turns texts into vectors. `vectors` [n_tokens, size] has a row for each id that `tokenizer` gives."""

    def __init__(self, tokenizer: Tokenizer, vectors: NDArray[np.float32]) -> None:
        self._tokenizer = tokenizer
        self._vectors = vectors

    @classmethod
    def load(cls) -> Self:
        """The embedder of the asset `wordllama-l2-supercat-256`, fetched at the first use; 256 dimensions.

        Raises InputError when tokenizers or safetensors is not installed, AssetError when the asset is
        nowhere to be had.
        """
        try:
            from safetensors.numpy import load_file
            from tokenizers import Tokenizer
        except ModuleNotFoundError as error:
            raise InputError(
                f"embeddings need {error.name}, which is not installed: pip install 'tastemaker[embed]'"
            ) from None
        folder = fetch(ASSET)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        vectors = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
        return cls(tokenizer, vectors.astype(np.float32))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, size] a vector of length 1 for each text; zeros for one without tokens, such as the empty text.

        The dot product of two is their cosine similarity.
        """
        out = np.zeros((len(texts), self._vectors.shape[1]), np.float32)
        for start in range(0, len(texts), _BATCH):
            out[start : start + _BATCH] = self._sums(texts[start : start + _BATCH])
        norms = np.linalg.norm(out, axis=1, keepdims=True)
        np.divide(out, norms, out=out, where=norms > 0)
        return out

    def _sums(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """[n, size] the sum of each text's token vectors; a mean has the same direction."""
        readable = [text.encode("utf-8", "replace").decode() for text in texts]
        encodings = self._tokenizer.encode_batch_fast(readable, add_special_tokens=False)
        ids = [encoding.ids for encoding in encodings]
        ends = np.cumsum([0, *map(len, ids)])
        flat = np.fromiter((id for part in ids for id in part), np.int64, int(ends[-1]))
        counts = csr_matrix((np.ones(len(flat), np.float32), flat, ends), (len(ids), len(self._vectors)))
        sums: NDArray[np.float32] = counts @ self._vectors
        return sums
