"""APIs with descriptions that rule the form of values: they stay APIs, and calls of them fit."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import jsonschema
import pytest

from tastemaker.records import ToolSpec
from tastemaker.synthesis.api import Api, fault
from tastemaker.synthesis.dialogues.argument import Argument, call_arguments
from tastemaker.synthesis.dialogues.dressing import as_pooled, dressed
from tastemaker.synthesis.dialogues.form import MARK, Formed
from tastemaker.synthesis.dialogues.given import tree
from tastemaker.synthesis.dialogues.results import result
from tastemaker.synthesis.dialogues.values import Values
from tastemaker.synthesis.evolution import Block


@pytest.fixture(scope="module")
def apis() -> list[Api]:
    """Some 1,000 APIs of all domains."""
    domains = tree().domains
    return [
        api
        for name, domain in domains.items()
        for api in Block(domain, tree().types, f"dressed {name}").apis(-(-1000 // len(domains)))
    ]


def api(properties: dict[str, Any], types: dict[str, str]) -> Api:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    spec = ToolSpec(name="do", description="It does.", parameters=parameters, result={"type": "string"})
    return Api(id="x", spec=spec, area="a", domain="d", path=("thing", "get"), types=types)


def leaves(arguments: tuple[Argument, ...]) -> Iterator[Argument]:
    for argument in arguments:
        inner = (*argument.members, *argument.entries)
        yield from leaves(inner) if inner else (argument,)


def test_calls_fit_and_lead_back(apis: list[Api]) -> None:
    values = Values(Random(3))
    for number, one in enumerate(apis):
        offered = dressed(one, Random(number))
        assert fault(offered.spec) is None
        call = call_arguments(values.arguments(offered))
        assert jsonschema.Draft202012Validator(offered.spec.parameters).is_valid(call), offered.spec.name
        before, arguments = as_pooled(offered, call)
        assert all(
            before.types[path] == text or "|" in before.types[path] for path, text in one.types.items()
        )
        made = result(before, arguments, Random(number))
        assert jsonschema.Draft202012Validator(one.spec.result or {}).is_valid(made)


def test_about_a_quarter_of_the_parameters_have_a_form(apis: list[Api]) -> None:
    types = [text for number, one in enumerate(apis) for text in dressed(one, Random(number)).types.values()]
    assert 0.2 < sum(MARK in text for text in types) / len(types) < 0.3


def test_names_and_what_is_required_stay(apis: list[Api]) -> None:
    for number, one in enumerate(apis):
        offered = dressed(one, Random(number))
        assert offered == dressed(one, Random(number))
        assert offered.spec.parameters["properties"].keys() == one.spec.parameters["properties"].keys()
        assert offered.spec.parameters.get("required") == one.spec.parameters.get("required")
        assert offered.spec.model_copy(update={"parameters": {}}) == one.spec.model_copy(
            update={"parameters": {}}
        )


def test_a_form_is_told_where_it_is_drawn() -> None:
    rate = {"type": "number", "minimum": 0.0, "maximum": 20.0, "description": "Yearly rate in %."}
    one = api({"rate": rate}, {"rate": "0.0..20.0 %"})
    seen = set()
    for number in range(60):
        offered = dressed(one, Random(number))
        part = offered.spec.parameters["properties"]["rate"]
        [argument] = Values(Random(number)).arguments(offered)
        if "decimal" in offered.types["rate"]:
            assert (part["minimum"], part["maximum"]) == (0, 0.2)
            assert any(word in part["description"] for word in ("decimal", "fraction", "between 0 and 1"))
            assert isinstance(argument, Formed)
            assert argument.pooled == pytest.approx(100 * argument.value)
        seen.add(offered.types["rate"].partition(MARK)[0])
    assert {"percent decimal", "percent percent"} <= seen


def test_ends_of_a_range_have_one_form_and_stay_in_order() -> None:
    day = {"type": "string", "format": "date"}
    one = api(
        {
            "start_date": day,
            "end_date": day,
            "min_length": {"type": "number"},
            "max_length": {"type": "number"},
        },
        {
            "start_date": "date",
            "end_date": "date",
            "min_length": "1.0..50.0 km",
            "max_length": "1.0..50.0 km",
        },
    )
    for number in range(150):
        offered = dressed(one, Random(number))
        assert offered.types["start_date"] == offered.types["end_date"]
        assert offered.types["min_length"] == offered.types["max_length"]
        call = call_arguments(Values(Random(number)).arguments(offered))
        _, back = as_pooled(offered, call)
        if MARK not in offered.types["start_date"] or "/" in offered.types["start_date"]:
            assert back["start_date"][:4] <= back["end_date"][:4] or len(back["start_date"]) < 10
        if isinstance(back["min_length"], int | float):
            assert back["min_length"] <= back["max_length"]


def test_lists_may_be_one_text() -> None:
    tags = {"type": "array", "items": {"type": "string"}, "description": "Tags."}
    one = api({"tags": tags}, {"tags[]": "tag"})
    joined = 0
    for number in range(80):
        offered = dressed(one, Random(number))
        part = offered.spec.parameters["properties"]["tags"]
        [argument] = Values(Random(number)).arguments(offered)
        if part["type"] == "string":
            joined += 1
            mark = ";" if "semicolon" in part["description"] else ","
            said = argument.said.replace(" and ", ", ").replace("'", "").replace('"', "")
            assert all(entry.strip() in said for entry in argument.value.split(mark))
        else:
            assert argument.value == [entry.value for entry in argument.entries]
    assert joined > 5


def test_choices_may_stand_in_the_description_alone() -> None:
    size = {"type": "string", "enum": ["small", "medium", "large"], "default": "small"}
    one = api({"size": size}, {"size": "small|medium|large"})
    told = [dressed(one, Random(number)).spec.parameters["properties"]["size"] for number in range(80)]
    without = [part for part in told if "enum" not in part]
    assert without
    assert all("small" in part["description"] and part["default"] == "small" for part in without)


def test_idle_descriptions_become_telling() -> None:
    one = api({"who": {"type": "string", "description": "Who."}}, {"who": "company"})
    told = {dressed(one, Random(n)).spec.parameters["properties"]["who"]["description"] for n in range(30)}
    assert told == {"Who.", "Name of the company."}


def test_what_has_no_form_stays_as_it_is() -> None:
    one = api({"note": {"type": "string", "description": "Words to add."}}, {"note": "notes"})
    assert all(dressed(one, Random(number)) == one for number in range(20))
