"""Fixtures that all tests share: the folder of real data, MovieLens-100K, and a small data set written by
hand.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tastemaker.data.dataset import Clock, Dataset, Source
from tastemaker.data.registry import read
from tastemaker.errors import AssetError
from tastemaker.llm.models import weights
from tastemaker.llm.weights import Weights


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder that TASTEMAKER_DATA names; tests that need it are skipped without it."""
    chosen = os.environ.get("TASTEMAKER_DATA")
    if not chosen:
        pytest.skip("TASTEMAKER_DATA is not set")
    return Path(chosen)


@pytest.fixture(scope="session")
def ml100k(data_folder: Path) -> Dataset:
    """MovieLens-100K, read from its raw files."""
    if not (data_folder / "ml-100k").is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder ml-100k")
    return read("ml-100k", folder=data_folder / "ml-100k")


@pytest.fixture(scope="session")
def smollm2() -> Weights:
    """The weights of SmolLM2-135M, fetched once; without them the tests are skipped."""
    try:
        return weights("smollm2")
    except AssetError as error:
        pytest.skip(f"SmolLM2's weights are not to be had: {error}")


@pytest.fixture(scope="session")
def toy() -> Dataset:
    """Six users, eight films, 22 ratings from 1 to 5 on a clock of seconds.

    User `lea` has the longest history (6), user `nil` a single rating; film `h` has no ratings; `a` is the
    most popular (5 ratings). Moments are distinct but for one tie: at 700 `kai` rates `e` and `max` rates
    `c`.
    """
    films = [
        ("a", "The Long River", ["Drama"], 1994),
        ("b", "Night Train to Oslo", ["Thriller", "Drama"], 1995),
        ("c", "Robots at Dawn", ["Sci-Fi", "Action"], 1996),
        ("d", "A Cake for Two", ["Comedy", "Romance"], 1996),
        ("e", "The Last Astronaut", ["Sci-Fi"], 1997),
        ("f", "Laughing Matters", ["Comedy"], 1993),
        ("g", "Chase in the Alps", ["Action", "Thriller"], 1997),
        ("h", "Unseen", ["Documentary"], None),
    ]
    items = pl.DataFrame(
        films,
        schema={"id": pl.String, "title": pl.String, "categories": pl.List(pl.String), "year": pl.Int32},
        orient="row",
    )
    people = [
        ("ada", 31, "F", "engineer"),
        ("ben", 24, "M", "student"),
        ("kai", 45, "M", "writer"),
        ("lea", 29, "F", "doctor"),
        ("max", 52, "M", "educator"),
        ("nil", 19, "F", "student"),
    ]
    users = pl.DataFrame(people, schema=["id", "age", "gender", "occupation"], orient="row")
    log = [
        ("ada", "a", 5, 100), ("ada", "b", 4, 200), ("ada", "d", 2, 300), ("ada", "g", 4, 950),
        ("ben", "c", 5, 150), ("ben", "e", 4, 250), ("ben", "a", 3, 600),
        ("kai", "a", 4, 120), ("kai", "f", 1, 400), ("kai", "e", 5, 700), ("kai", "c", 4, 900),
        ("lea", "a", 4, 110), ("lea", "b", 5, 210), ("lea", "c", 2, 310), ("lea", "d", 5, 410),
        ("lea", "f", 4, 510), ("lea", "g", 1, 1000),
        ("max", "b", 3, 500), ("max", "c", 4, 700), ("max", "g", 5, 800),
        ("nil", "a", 2, 650),
        ("max", "d", 3, 850),
    ]  # fmt: skip
    user_of = {row[0]: number for number, row in enumerate(people)}
    item_of = {row[0]: number for number, row in enumerate(films)}
    return Dataset.build(
        "toy",
        users,
        items,
        np.array([user_of[row[0]] for row in log], np.int32),
        np.array([item_of[row[1]] for row in log], np.int32),
        rating=np.array([row[2] for row in log], np.float32),
        time=np.array([row[3] for row in log], np.int64),
        clock="timestamp",
        source=Source(origin="written by hand for the tests", licence="Apache-2.0"),
        rating_range=(1.0, 5.0),
    )


@pytest.fixture(scope="session")
def dataset_of() -> Callable[..., Dataset]:
    """Makes a data set of six users and nine items from drawn (user, item, time) triples, for property tests.

    The rating of an interaction is its place in the list, so that each can be told from all others.
    """

    def build(log: list[tuple[int, int, int]], clock: Clock = "timestamp") -> Dataset:
        user, item, time = np.array(log).T
        return Dataset.build(
            "drawn",
            pl.DataFrame({"id": [f"u{i}" for i in range(6)]}),
            pl.DataFrame({"id": [f"i{i}" for i in range(9)]}),
            user,
            item,
            rating=np.arange(len(log), dtype=np.float32),
            time=time,
            clock=clock,
            source=Source("drawn", "none"),
            rating_range=(0, 100),
        )

    return build


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """Every byte is a token; the first three are SmolLM2's control tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    control = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*control, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in control])
    return tokenizer


@pytest.fixture(scope="session")
def random_llama(tokenizer: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[bool], Path]:
    """Makes a folder with a random llama of 30,000 parameters, which has one table of words or two."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    def make(tied: bool) -> Path:
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            initializer_range=0.3,
            bos_token_id=1,
            eos_token_id=2,
            tie_word_embeddings=tied,
        )
        folder = tmp_path_factory.mktemp("tiny")
        LlamaForCausalLM(config).save_pretrained(folder)
        return folder

    return make
