"""The seed tree, files of trees, merging, and trees from documents."""

from pathlib import Path

import pytest

from tastemaker.errors import InputError
from tastemaker.records import ToolSpec
from tastemaker.synthesis.context_tree import ContextTree, default_tree, load_tree
from tastemaker.synthesis.functions import BUILDERS
from tastemaker.synthesis.speciation import guess, originals, speciate, toolbox
from tastemaker.tools.importers import ApiDocument
from tastemaker.tools.toolbox import NAMES


@pytest.fixture(scope="module")
def tree() -> ContextTree:
    return default_tree()


def test_the_seed_is_wide(tree: ContextTree) -> None:
    assert len(tree.domains) >= 420
    assert len(tree.areas) >= 40
    assert sum(len(domain.things) for domain in tree.domains.values()) >= 2 * len(tree.domains)


def test_every_verb_of_the_seed_is_known(tree: ContextTree) -> None:
    unknown = {
        (domain.name, thing.name, verb)
        for domain in tree.domains.values()
        for thing in domain.things
        for verb in thing.verbs
        if verb not in BUILDERS
    }
    assert not unknown


@pytest.mark.parametrize("name", ["tree.toml", "tree.json"])
def test_files_keep_the_tree(tree: ContextTree, tmp_path: Path, name: str) -> None:
    tree.save(tmp_path / name)
    again = load_tree(tmp_path / name)
    assert again.domains == tree.domains
    assert again.types.named == tree.types.named


def test_merging_joins_what_both_have(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[A.shop]\nbook = ["get", "title:~Dune|Emma; pages:1..9"]\n')
    (tmp_path / "b.toml").write_text(
        '[B.shop]\nbook = ["get order", "title:~Other|Name; price:1.0..9.0"]\npen = ["get", "width:1..3"]\n'
    )
    merged = load_tree(tmp_path / "a.toml").merge(load_tree(tmp_path / "b.toml"))
    book, pen = merged.domains["shop"].things
    assert (merged.domains["shop"].area, pen.name) == ("A", "pen")
    assert book.verbs == ("get", "order")
    assert [(a.name, a.type) for a in book.attributes] == [
        ("title", "~Dune|Emma"),
        ("pages", "1..9"),
        ("price", "1.0..9.0"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1", "must hold domains"),
        ("[A.b]", "must hold things"),
        ('[A.b]\nc = ["get"]', "write .verbs, attributes"),
        ('[A.b]\nc = ["get", "d:nowhere"]', "A: b: c: .*nowhere"),
        ('[A.b]\nc = ["", "d:1..2"]', "at least one"),
        ("[", "no context tree"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(InputError, match=said):
        load_tree(tmp_path / "t.toml")


def _spec(name: str, **properties: object) -> ToolSpec:
    return ToolSpec(name=name, description="d", parameters={"type": "object", "properties": properties})


def test_tools_become_things_and_verbs(tree: ContextTree) -> None:
    document = ApiDocument(
        name="Travel API",
        domain="Trips & Hotels",
        tools=(
            _spec("searchHotels", destinationCity={"type": "string"}, limit={"type": "integer"}),
            _spec(
                "book_hotel",
                check_in={"type": "string", "format": "date"},
                guests={"type": "integer", "minimum": 1, "maximum": 8},
            ),
        ),
    )
    (domain,) = speciate([document], tree.types).domains.values()
    (hotel,) = domain.things
    assert (domain.name, hotel.name, hotel.verbs) == ("trips hotels", "hotel", ("search", "book"))
    assert [(a.name, a.type) for a in hotel.attributes] == [
        ("destination_city", "city"),
        ("check_in", "date"),
        ("guests", "1..8"),
    ]


@pytest.mark.parametrize(
    ("name", "schema", "text"),
    [
        ("countryCode", {"type": "string"}, "country_code"),
        ("hotel_id", {"type": "string"}, "@d/hotel"),
        ("when", {"type": "string", "format": "date-time"}, "datetime"),
        ("emails", {"type": "array", "items": {"type": "string"}}, "email[]"),
        ("flag", {"type": "boolean"}, "bool"),
        ("year", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, "year"),
        ("x", {"type": "string", "enum": ["a;b", "c"], "example": "q"}, "~q"),
        (
            "box",
            {"type": "object", "properties": {"w": {"type": "number", "minimum": 0, "maximum": 2}}},
            "{w:0.0..2.0}",
        ),
    ],
)
def test_types_are_guessed(tree: ContextTree, name: str, schema: object, text: str) -> None:
    assert guess(name, schema, "d", tree.types) == text
    tree.types.read(text)


def test_the_recommenders_tools_are_members(tree: ContextTree) -> None:
    apis = originals([toolbox()], tree.types, "Recommending")
    assert [api.spec.name for api in apis] == list(NAMES)
    assert {api.domain for api in apis} == {"recommender toolbox"}
    assert all(api.spec.result for api in apis)
