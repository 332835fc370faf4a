import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tastemaker.assets import fetch
from tastemaker.tools.embedding import ASSET, Embedder

WORDS = st.lists(st.sampled_from(["space", "galaxy", "love", "hate", "else"]), max_size=9).map(" ".join)


def test_a_vector_is_the_mean_of_the_tokens_scaled_to_one(by_hand: Embedder) -> None:
    vectors = by_hand.embed(["space", "Space love", "galaxy space space", "else", "", "love hate"])
    mean = np.array([(4 + 3 + 3) / 3, 1 / 3])
    expected = [[1, 0], [3 / 13**0.5, 2 / 13**0.5], mean / np.linalg.norm(mean), [0, 0], [0, 0], [0, 0]]
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert by_hand.embed([]).shape == (0, 2)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, max_size=20))
def test_a_text_has_the_same_vector_in_any_company(by_hand: Embedder, texts: list[str]) -> None:
    alone = [by_hand.embed([text])[0] for text in texts]
    together = by_hand.embed(texts * 60)  # several batches
    np.testing.assert_allclose(together, np.tile(np.reshape(alone, (-1, 2)), (60, 1)), atol=1e-6)


def test_text_that_is_no_unicode_has_a_vector(by_hand: Embedder) -> None:
    np.testing.assert_array_equal(by_hand.embed(["space \ud800"]), [[1, 0]])


def test_wordllama_by_its_definition(wordllama: Embedder) -> None:
    """Against the files read another way: the vocabulary out of the JSON, the vectors from raw bytes."""
    folder = fetch(ASSET)
    vocabulary = json.loads((folder / "tokenizers/l2_supercat_tokenizer_config.json").read_text())["model"][
        "vocab"
    ]
    table = np.frombuffer(
        (folder / "weights/l2_supercat_256.safetensors").read_bytes()[-32000 * 512 :], "<f2"
    )
    rows = [vocabulary[piece] for piece in ("▁The", "▁cat", "▁cat")]
    mean = table.reshape(32000, 256)[rows].astype(np.float64).mean(axis=0)
    expected = mean / np.linalg.norm(mean)
    np.testing.assert_allclose(wordllama.embed(["The cat cat"])[0], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("a robot from outer space", "an alien spacecraft", "a cooking competition"),
        ("two people fall in love", "a romantic couple", "soldiers fight a battle"),
        ("murder investigation", "a detective hunts a killer", "a children's birthday party"),
    ],
)
def test_what_means_alike_lies_near(wordllama: Embedder, text: str, near: str, far: str) -> None:
    a, b, c = wordllama.embed([text, near, far])
    assert a @ b > a @ c + 0.1
