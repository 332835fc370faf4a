"""Results fit their schemas and the arguments, calculations are right, errors say what would do."""

import math
import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tastemaker.records import ToolSpec
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.context_tree import default_tree
from tastemaker.synthesis.dialogues import results
from tastemaker.synthesis.dialogues.argument import call_arguments
from tastemaker.synthesis.dialogues.formulas import computed
from tastemaker.synthesis.dialogues.values import Values
from tastemaker.synthesis.evolution import Block

TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}


def api(
    verb: str,
    parameters: dict[str, Any],
    result: dict[str, Any],
    types: dict[str, str],
    returns: dict[str, str],
    thing: str = "hotel",
) -> Api:
    return Api(
        id="x",
        spec=ToolSpec(
            name=f"{verb}_{thing}",
            description=f"{verb} {thing}",
            parameters={"type": "object", "properties": parameters},
            result=result,
        ),
        area="Travel",
        domain="hotel booking",
        path=(thing, verb),
        types=types,
        returns=returns,
    )


def rows(**properties: Any) -> dict[str, Any]:
    item = {"type": "object", "properties": properties, "required": list(properties)}
    total = {"total": WHOLE}
    return {
        "type": "object",
        "properties": {"results": {"type": "array", "items": item}, **total},
        "required": ["results", "total"],
    }


SEARCH = api(
    "search",
    {name: TEXT for name in ("city", "sort_by", "order", "from_date", "to_date")}
    | {"min_price": NUMBER, "max_price": NUMBER, "limit": WHOLE},
    rows(id=TEXT, name=TEXT, city=TEXT, price=NUMBER, open_from=TEXT),
    {
        "city": "city",
        "min_price": "price",
        "max_price": "price",
        "limit": "1..50",
        "from_date": "date",
        "to_date": "date",
    },
    {
        "results[].id": "@hotel booking/hotel",
        "results[].name": "~Grand|Palace|Inn|Lodge|Villa",
        "results[].city": "city",
        "results[].price": "price",
        "results[].open_from": "date",
        "total": "0..5000",
    },
)


@pytest.fixture(scope="module")
def made() -> list[tuple[Api, dict[str, Any], Any]]:
    """At least 1,000 APIs of all domains, evolved ones among them, with arguments and results."""
    tree, rng = default_tree(), random.Random(5)
    share = -(-1020 // len(tree.domains))
    values = Values(rng)
    found = []
    for name, domain in tree.domains.items():
        for one in Block(domain, tree.types, f"results {name}").apis(share):
            arguments = call_arguments(values.arguments(one, optional=0.4))
            found.append((one, arguments, results.result(one, arguments, rng)))
    return found


def test_results_are_valid(made: list[tuple[Api, dict[str, Any], Any]]) -> None:
    assert len(made) >= 1000
    for one, arguments, result in made:
        errors = list(Draft202012Validator(one.spec.result or {}).iter_errors(result))
        assert not errors, (one.spec.name, arguments, result, errors[0].message)


def test_members_have_the_values_that_were_asked_for(made: list[tuple[Api, dict[str, Any], Any]]) -> None:
    compared = 0
    for one, arguments, result in made:
        places = {path.rpartition(".")[2]: text for path, text in one.returns.items()}
        for name, value in arguments.items():
            if (
                isinstance(value, dict | list)
                or places.get(name) != one.types.get(name)
                or not places.get(name)
            ):
                continue
            spec = (one.spec.result or {}).get("properties", {}).get(name)
            if spec is not None and "items" not in spec and "enum" not in spec and name in result:
                compared += 1
                if one.path[1] not in ("calculate", "convert"):
                    assert result[name] == value, (one.spec.name, arguments, result)
    assert compared > 50


def test_identifiers_are_kept(made: list[tuple[Api, dict[str, Any], Any]]) -> None:
    compared = 0
    for one, arguments, result in made:
        for name, value in arguments.items():
            kind = one.types.get(name, "")
            if isinstance(value, str) and kind[:1] == "@" and one.returns.get("id") == kind:
                compared += 1
                assert result["id"] == value
    assert compared > 50


def test_totals_count_at_least_the_entries(made: list[tuple[Api, dict[str, Any], Any]]) -> None:
    for one, _, result in made:
        if isinstance(result, dict) and "total" in result and one.path[1] in ("search", "list"):
            lists = [part for part in result.values() if isinstance(part, list)]
            assert all(result["total"] >= len(part) for part in lists)
            assert all(len(part) <= results.MOST for part in lists)


@pytest.mark.parametrize("seed", range(60))
def test_a_search_keeps_to_its_conditions(seed: int) -> None:
    arguments = {
        "city": "Oslo",
        "min_price": 80,
        "max_price": 95.5,
        "limit": 3,
        "sort_by": "price",
        "order": "descending" if seed % 2 else "ascending",
        "from_date": "2026-03-01",
        "to_date": "2026-03-09",
    }
    found = results.result(SEARCH, arguments, random.Random(seed))
    prices = results.find(found, "results[].price")
    assert set(results.find(found, "results[].city")) <= {"Oslo"}
    assert len(prices) <= 3
    assert all(80 <= price <= 95.5 for price in prices)
    assert prices == sorted(prices, reverse=bool(seed % 2))
    assert all("2026-03-01" <= day <= "2026-03-09" for day in results.find(found, "results[].open_from"))
    assert len(set(results.find(found, "results[].name"))) == len(prices)
    assert found["total"] >= len(prices)


def test_a_list_of_identifiers_gives_one_entry_each() -> None:
    item = {"type": "object", "properties": {"id": TEXT, "stars": WHOLE}, "required": ["id", "stars"]}
    one = api(
        "get",
        {"hotel_ids": {"type": "array", "items": TEXT}},
        {"type": "array", "items": item},
        {"hotel_ids[]": "@hotel booking/hotel"},
        {"[].id": "@hotel booking/hotel", "[].stars": "1..5"},
    )
    found = results.result(one, {"hotel_ids": ["H-1", "H-9", "H-4"]}, random.Random(0))
    assert results.find(found, "[].id") == ["H-1", "H-9", "H-4"]
    assert all(1 <= stars <= 5 for stars in results.find(found, "[].stars"))


def test_a_history_lies_between_its_days() -> None:
    item = {"type": "object", "properties": {"time": TEXT, "price": NUMBER}, "required": ["time", "price"]}
    one = api(
        "history",
        {"start_date": TEXT, "end_date": TEXT, "interval": TEXT},
        {
            "type": "object",
            "properties": {"history": {"type": "array", "items": item}},
            "required": ["history"],
        },
        {"start_date": "date", "end_date": "date", "interval": "interval"},
        {"history[].time": "datetime", "history[].price": "price"},
    )
    for seed in range(20):
        arguments = {"start_date": "2026-01-10", "end_date": "2026-02-20", "interval": "week"}
        times = results.find(results.result(one, arguments, random.Random(seed)), "history[].time")
        assert (
            times == ["2026-01-10", "2026-01-17", "2026-01-24", "2026-01-31"][: len(times)]
            or times
            == [f"{day}T00:00:00Z" for day in ("2026-01-10", "2026-01-17", "2026-01-24", "2026-01-31")][
                : len(times)
            ]
        )


def test_availability_and_checks_agree_with_themselves() -> None:
    free = api(
        "available",
        {"date": TEXT},
        {
            "type": "object",
            "properties": {"available": {"type": "boolean"}, "next_date": TEXT},
            "required": ["available", "next_date"],
        },
        {"date": "date"},
        {"available": "bool", "next_date": "date"},
    )
    seen = set()
    for seed in range(40):
        found = results.result(free, {"date": "2026-05-05"}, random.Random(seed))
        seen.add(found["available"])
        assert (found["next_date"] == "2026-05-05") == found["available"]
        assert found["next_date"] >= "2026-05-05"
    assert seen == {True, False}


CALCULATIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("tip", {"bill": 80.0, "percentage": 15.0, "people": 4}, {"tip": 12.0, "per_person": 23.0}),
    ("bill split", {"total": 90.0, "people": 3, "tip": 10.0}, {"per_person": [33.0, 33.0, 33.0]}),
    (
        "compound interest",
        {"principal": 1000, "annual_rate": 10.0, "years": 2, "compounding": "yearly"},
        {"final_amount": 1210.0, "interest": 210.0},
    ),
    ("mortgage payment", {"loan_amount": 100000, "annual_rate": 6.0, "term": 30}, {"payment": 599.55}),
    ("body mass index", {"weight": 80.0, "height": 200}, {"bmi": 20.0, "category": "normal"}),
    ("return on investment", {"invested": 100.0, "returned": 121.0, "years": 2}, {"yearly_return": 10.0}),
    ("profit margin", {"revenue": 200.0, "costs": 150.0}, {"margin": 25.0, "profit": 50.0}),
    ("break-even point", {"fixed_costs": 1000, "unit_price": 12.0, "unit_cost": 7.0}, {"units": 200}),
    ("discount", {"original_price": 50.0, "discount_rate": 20.0, "quantity": 2}, {"final_price": 80.0}),
    ("trip fuel cost", {"distance": 200.0, "consumption": 5.0, "fuel_price": 2.0}, {"cost": 20.0}),
    ("ohms law", {"voltage": 12.0, "resistance": 6.0}, {"current": 2.0, "power": 24.0}),
    ("resistor network", {"resistors": [6, 3], "arrangement": "parallel"}, {"total_resistance": 2.0}),
    ("kinetic energy", {"mass": 2.0, "velocity": 3.0}, {"energy": 9.0}),
    ("quadratic equation", {"a": 1.0, "b": -5.0, "c": 6.0}, {"roots": [2.0, 3.0], "discriminant": 1.0}),
    ("polynomial value", {"coefficients": [2, 0, 1], "x": 3.0}, {"value": 19.0}),
    ("greatest common divisor", {"numbers": [12, 18, 30]}, {"divisor": 6}),
    ("combinations", {"total_items": 5, "chosen": 2}, {"count": 10}),
    ("point distance", {"point_a": [0, 0], "point_b": [3, 4]}, {"distance": 5.0}),
    ("circle", {"radius": 2.0, "quantity": "diameter"}, {"value": 4.0}),
    ("prime factors", {"value": 84}, {"factors": [2, 2, 3, 7]}),
    (
        "summary statistics",
        {"values": [1, 2, 3, 6], "measures": ["mean", "median", "range"]},
        {"results": [3.0, 2.5, 5]},
    ),
    ("roman numeral", {"number": 1994}, {"numeral": "MCMXCIV"}),
    (
        "date difference",
        {"start_date": "2024-02-28", "end_date": "2024-03-01", "unit": "days"},
        {"difference": 2},
    ),
    (
        "date shift",
        {"start": "2026-03-01", "amount": 1, "direction": "backward"},
        {"result": "2026-02-28", "day": "Saturday"},
    ),
    ("age", {"birth_date": "2000-05-10", "on_date": "2026-05-09", "unit": "years"}, {"age": 25}),
    ("length", {"value": 1, "from_unit": "mile", "to_unit": "metre"}, {"converted_value": 1609.344}),
    (
        "temperature",
        {"value": 100, "from_scale": "celsius", "to_scale": "fahrenheit"},
        {"converted_value": 212.0},
    ),
    ("data size", {"value": 2, "from_unit": "GB", "to_unit": "MB"}, {"converted_value": 2000.0}),
]


@pytest.mark.parametrize(("thing", "given", "wanted"), CALCULATIONS)
def test_formulas(thing: str, given: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = computed(thing, given)
    for name, value in wanted.items():
        if isinstance(value, float):
            assert math.isclose(found[name], value, rel_tol=1e-4)
        elif isinstance(value, list):
            assert found[name] == pytest.approx(value)
        else:
            assert found[name] == value


def test_formulas_are_of_the_tree_and_name_its_outputs() -> None:
    things = {
        thing.name: {a.name for a in thing.outputs}
        for domain in default_tree().domains.values()
        for thing in domain.things
        if thing.outputs
    }
    for thing, given, _ in CALCULATIONS:
        assert thing in things
        assert next(iter(computed(thing, given))) in things[thing]


def test_a_calculation_is_worked_out() -> None:
    one = api(
        "calculate",
        {"values": {"type": "object", "properties": {"sideA": NUMBER}}},
        {
            "type": "object",
            "properties": {"current": NUMBER, "power": NUMBER},
            "required": ["current", "power"],
        },
        {},
        {"current": "number", "power": "number"},
        thing="ohms law",
    )
    found = results.result(one, {"values": {"voltage": 10, "resistance": 3}}, random.Random(0))
    assert found == {"current": 3.33, "power": 33.33}


def test_failures_say_what_would_do(made: list[tuple[Api, dict[str, Any], Any]]) -> None:
    rng = random.Random(1)
    kinds = {"retry": 0, "repair": 0, "tell": 0}
    for one, arguments, _ in made:
        failure = results.failure(one, arguments, rng)
        assert any("error" in key for key in failure.content)
        assert failure.reason in str(failure.content) or failure.reason.replace("'", "\\'") in str(
            failure.content
        )
        if failure.repair:
            kinds["repair"] += 1
            assert not failure.retryable
            (name, value), *others = failure.repair.items()
            assert not others
            assert arguments[name] != value
            assert str(value) in failure.reason
            assert not list(
                Draft202012Validator(one.spec.parameters).iter_errors({**arguments, **failure.repair})
            )
        else:
            kinds["retry" if failure.retryable else "tell"] += 1
    assert all(count > 50 for count in kinds.values()), kinds


def test_the_same_seed_gives_the_same(made: list[tuple[Api, dict[str, Any], Any]]) -> None:
    for one, arguments, _ in made[:200]:
        first, second = (results.result(one, arguments, random.Random("7/a")) for _ in range(2))
        assert first == second
        assert results.failure(one, arguments, random.Random(3)) == results.failure(
            one, arguments, random.Random(3)
        )


def test_find_follows_paths() -> None:
    result = {"data": {"rooms": [{"id": 1, "beds": ["a", "b"]}, {"id": 2, "beds": []}]}}
    assert results.find(result, "data.rooms[].id") == [1, 2]
    assert results.find(result, "data.rooms[].beds[]") == ["a", "b"]
    assert results.find([3, 4], "[]") == [3, 4]
    assert results.find(5, "") == [5]
    assert results.find(result, "data.none") == []
