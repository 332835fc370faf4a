"""MinHash against the Jaccard similarity itself."""

import random

import pytest

from tastemaker.records import ToolSpec
from tastemaker.synthesis.dedup import HASHES, NearDuplicates, minhash, shingles


@pytest.mark.parametrize("shared", [0, 20, 60, 90, 100])
def test_equal_hashes_estimate_the_similarity(shared: int) -> None:
    rng = random.Random(shared)
    names = [str(rng.random()) for _ in range(200)]
    one, two = set(names[:100]), {*names[:shared], *names[100 : 200 - shared]}
    estimate = float((minhash(one) == minhash(two)).mean())
    assert abs(estimate - len(one & two) / len(one | two)) < 4 * 0.5 / HASHES**0.5


def test_near_duplicates_are_found_and_others_kept() -> None:
    index, words = NearDuplicates(0.8), [f"w{n}" for n in range(60)]
    assert index.add(minhash(words))
    assert not index.add(minhash([*words[1:], "other"]))
    assert index.add(minhash(words[:30] + [f"v{n}" for n in range(30)]))
    assert all(index.add(minhash([f"{n} {word}" for word in words])) for n in range(1500))
    assert len(index) == 1502


def test_style_makes_no_difference() -> None:
    def spec(name: str, parameter: str) -> ToolSpec:
        return ToolSpec(
            name=name, description="A b.", parameters={"properties": {parameter: {"type": "string"}}}
        )

    assert shingles(spec("findHotels", "checkIn")) == shingles(spec("find_hotels", "check_in"))
