"""APIs from the seed: valid, typed, described, made again from their seed."""

import random
from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tastemaker.llm.signature import signature
from tastemaker.synthesis.api import Api, fault
from tastemaker.synthesis.context_tree import ContextTree, default_tree
from tastemaker.synthesis.evolution import Block
from tastemaker.synthesis.functions import BUILDERS, apply
from tastemaker.synthesis.indicators import INDICATORS
from tastemaker.synthesis.sheet import TYPE, Sheet
from tastemaker.tools.arguments import ArgumentReader


@pytest.fixture(scope="module")
def tree() -> ContextTree:
    return default_tree()


@pytest.fixture(scope="module")
def apis(tree: ContextTree) -> list[Api]:
    domains = random.Random(0).sample(list(tree.domains.values()), 8)
    return [api for domain in domains for api in Block(domain, tree.types, f"t/{domain.name}").apis(40)]


def test_every_api_is_a_tool(apis: list[Api]) -> None:
    assert len(apis) > 250
    for api in apis:
        assert fault(api.spec) is None
        assert TYPE not in api.model_dump_json()
        assert signature(api.spec)
    for api in apis[::9]:
        ArgumentReader(api.spec.name, api.spec.parameters)


def _described(schema: dict[str, Any]) -> bool:
    return all(part.get("description") for part in schema.get("properties", {}).values())


def test_parameters_are_described_and_required_ones_exist(apis: list[Api]) -> None:
    for api in apis:
        properties = api.spec.parameters["properties"]
        assert _described(api.spec.parameters), api.spec
        assert set(api.spec.parameters["required"]) <= set(properties)
        defaults = {name for name, part in properties.items() if "default" in part}
        assert not defaults & set(api.spec.parameters["required"])
        for part in properties.values():
            if "default" in part:
                Draft202012Validator(part).validate(part["default"])


def _scalars(schema: dict[str, Any], path: str = "") -> list[tuple[str, dict[str, Any]]]:
    if "properties" in schema:
        parts = schema["properties"].items()
        return [s for name, part in parts for s in _scalars(part, f"{path}.{name}" if path else name)]
    return _scalars(schema["items"], path + "[]") if "items" in schema else [(path, schema)]


def test_every_scalar_has_a_value_type_of_its_kind(apis: list[Api], tree: ContextTree) -> None:
    for api in apis:
        for path, schema in _scalars(api.spec.parameters):
            if path:
                assert tree.types.read(api.types[path]).kind == schema["type"], (api.spec.name, path)
                if "enum" in schema:
                    assert set(schema["enum"]) <= set(tree.types.read(api.types[path]).choices)


def test_all_indicators_occur(apis: list[Api]) -> None:
    found = Counter(step for api in apis for step in api.lineage.steps)
    assert set(found) == {indicator.__name__ for indicator in INDICATORS}
    known = {api.id for api in apis}
    assert all(api.lineage.parent in known for api in apis if api.lineage.steps)


def test_names_come_in_several_styles(apis: list[Api]) -> None:
    names = [api.spec.name for api in apis]
    for sign in ("_", ".", " "):
        assert sum(sign in name for name in names) > len(names) / 20
    assert sum(name.isalnum() and name[0].islower() for name in names) > len(names) / 20


def test_a_block_is_made_again_from_its_seed(tree: ContextTree) -> None:
    domain = tree.domains["hotel booking"]
    one, two, other = (list(Block(domain, tree.types, seed).apis(20)) for seed in ("a", "a", "b"))
    assert one == two
    assert one != other


@pytest.mark.parametrize("verb", sorted(BUILDERS))
def test_every_verb_makes_an_api(tree: ContextTree, verb: str) -> None:
    domain = tree.domains["product search"]
    thing = domain.things[0]
    made = 0
    for seed in range(8):
        sheet = Sheet(random.Random(seed), tree.types, domain, thing, verb, list(thing.attributes))
        if not apply(sheet):
            continue
        made += 1
        spec, _, _ = sheet.finish()
        assert fault(spec) is None
        assert "{" not in spec.name + spec.description
    assert made
