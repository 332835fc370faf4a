"""Texts that say what is searched: the values that they name, and why a wrong one is refused."""

from __future__ import annotations

import pytest

from tastemaker.errors import InputError
from tastemaker.retrieval import registry
from tastemaker.retrieval.search_space import Choices, Range, read_space


@pytest.mark.parametrize(
    ("model", "spec", "wanted"),
    [
        ("ease", "reg=1:100", Range(low=1.0, high=100.0)),
        ("ease", "reg=1e-1:1e2:log", Range(low=0.1, high=100.0, log=True)),
        ("ease", "precision=float32,float64", Choices(values=("float32", "float64"))),
        ("itemknn", "neighbours=5:50:log", Range(low=5, high=50, log=True)),
        ("itemknn", "shrink=1, 2", Choices(values=(1.0, 2.0))),
        ("directau", "batch_size=256,512", Choices(values=(256, 512))),
    ],
)
def test_a_text_becomes_a_range_or_choices_of_the_settings_type(
    model: str, spec: str, wanted: Range | Choices
) -> None:
    found = read_space(model, {}, [spec])[spec.partition("=")[0]]
    assert found == wanted
    assert repr(found) == repr(wanted)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("neighbours", "write key=low:high"),
        ("neighbours=5", "write key=low:high"),
        ("=1:2", "write key=low:high"),
        ("neighbours=1:2:3", "write key=low:high"),
        ("neighbours=1:log", "write key=low:high"),
        ("neighbours=9:5", "the low end must be below"),
        ("shrink=0:5:log", "must begin above 0"),
        ("shrink=-1:5", "itemknn: shrink='-1': Input should be greater than or equal to 0"),
        ("shrink=1,nan", "finite number"),
        ("shrink=1,1.0", "stands there twice"),
        ("neighbours=5:10.5", "neighbours='10.5': Input should be a valid integer"),
        ("neighbors=5:10", "itemknn has no setting 'neighbors'; its settings: neighbours, shrink"),
    ],
)
def test_a_wrong_text_is_refused_with_its_reason(spec: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_space("itemknn", {}, [spec])
    assert str(refused.value).startswith(f"--search {spec!r}: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_words_have_no_range_and_a_setting_is_searched_once() -> None:
    with pytest.raises(InputError, match="precision is no number; list its values"):
        read_space("ease", {}, ["precision=float32:float64"])
    with pytest.raises(InputError, match="reg is searched already"):
        read_space("ease", {}, ["reg=1:2", "reg=3:4"])


WITHOUT = ("popularity", "bias", "blend")
"""Models for which nothing is usually searched."""


@pytest.mark.parametrize("name", [name for name in registry.names() if name not in WITHOUT])
def test_the_usual_space_of_each_model_holds_its_default_and_values_that_it_takes(name: str) -> None:
    settings = registry.create(name).config.model_dump(mode="json")
    space = read_space(name, settings, [])
    assert space
    for key, dimension in space.items():
        ends = dimension.values if isinstance(dimension, Choices) else (dimension.low, dimension.high)
        assert [getattr(registry.create(name, **{key: end}).config, key) for end in ends] == list(ends)
        assert dimension.holds(settings[key]) or settings[key] == 0


def test_a_setting_that_does_nothing_as_the_others_stand_is_not_searched() -> None:
    plain, graph = (
        registry.create("bpr", encoder=encoder).config.model_dump(mode="json")
        for encoder in ("mf", "lightgcn")
    )
    assert "layers" not in read_space("bpr", plain, [])
    assert read_space("bpr", graph, [])["layers"] == Range(low=1, high=3)
    without = registry.create("gfcf").config.model_dump(mode="json")
    assert "score_exponent" not in read_space("gfcf", without, [])
    assert "score_exponent" in read_space("gfcf", without | {"score_exponent": 0.2}, [])


@pytest.mark.parametrize("specs", [[], ["seed=0:5"]])
@pytest.mark.parametrize("name", ["popularity", "blend"])
def test_a_model_without_anything_to_search_says_so(name: str, specs: list[str]) -> None:
    with pytest.raises(InputError, match=f"{name} has nothing to search"):
        read_space(name, {}, specs)
