"""What the assistant says is true to the result, short, varied, and passes the rules."""

import json
import random
from typing import Any

import pytest

from tastemaker.records import Message, Outcome, Task, ToolCall, ToolSpec, Trajectory
from tastemaker.synthesis.api import Api
from tastemaker.synthesis.context_tree import default_tree
from tastemaker.synthesis.dialogues import answers, results
from tastemaker.synthesis.dialogues.argument import call_arguments
from tastemaker.synthesis.dialogues.telling import label_of, phrases, shown
from tastemaker.synthesis.dialogues.values import Values
from tastemaker.synthesis.evolution import Block
from tastemaker.synthesis.verification.experts import repetition
from tastemaker.synthesis.verification.rules import verify
from tastemaker.synthesis.verification.sample import Sample

Told = tuple[Api, dict[str, Any], Any]
TEXT = {"type": "string"}


@pytest.fixture(scope="module")
def told() -> list[Told]:
    """Calls of APIs of many domains, with their results."""
    tree, rng = default_tree(), random.Random(9)
    values = Values(rng)
    found = []
    for name in rng.sample(sorted(tree.domains), 60):
        for one in Block(tree.domains[name], tree.types, f"answers {name}").apis(12):
            arguments = call_arguments(values.arguments(one, optional=0.4))
            found.append((one, arguments, results.result(one, arguments, rng)))
    return found


def api(verb: str, thing: str, returns: dict[str, str], **parameters: Any) -> Api:
    parameters = parameters or {"city": TEXT}
    return Api(
        id="x",
        spec=ToolSpec(
            name=f"{verb}_{thing}",
            description=f"{verb.capitalize()} the {thing}.",
            parameters={"type": "object", "properties": parameters, "required": list(parameters)},
            result={"type": "object"},
        ),
        area="a",
        domain="d",
        path=(thing, verb),
        returns=returns,
    )


def dialogue(calls: list[Told], said: str) -> Trajectory:
    made = [
        ToolCall(id=f"call{n}", name=one.spec.name, arguments=arguments)
        for n, (one, arguments, _) in enumerate(calls)
    ]
    return Trajectory(
        id="d",
        task=Task(kind="dialogue", id="d", inputs={"kind": "single"}),
        tools=tuple({one.spec.name: one.spec for one, _, _ in calls}.values()),
        messages=(
            Message(role="user", text="Please do it."),
            Message(role="assistant", calls=tuple(made)),
            *(
                Message(role="tool", text=json.dumps(result, ensure_ascii=False), call_id=call.id)
                for call, (_, _, result) in zip(made, calls, strict=True)
            ),
            Message(role="assistant", text=said),
        ),
        outcome=Outcome(kind="answered"),
    )


def check(calls: list[Told], said: str) -> None:
    sample = dialogue(calls, said)
    faults = [fault for fault in verify(sample).faults if not fault.where.startswith("tools")]
    assert not faults, (said, faults)
    assert not [s for s in repetition(Sample(sample)) if s.confidence > 0.6], said


def test_answers_pass_the_rules_and_are_short(told: list[Told]) -> None:
    rng = random.Random(2)
    lengths = []
    for call in told:
        said = answers.answer(*call, rng)
        check([call], said)
        lengths.append(len(said.split()))
        assert "{" not in said
        assert "  " not in said
    lengths.sort()
    assert lengths[len(lengths) * 95 // 100] <= 40
    assert lengths[-1] <= 90


def test_several_answers_pass_the_rules(told: list[Told]) -> None:
    rng = random.Random(3)
    for place in range(0, len(told) - 3, 3):
        calls = told[place : place + rng.choice((2, 3))]
        if len({one.spec.name for one, _, _ in calls}) == len(calls):
            check(calls, answers.answers(calls, rng))


def test_decimals_in_an_answer_are_of_the_result(told: list[Told]) -> None:
    """Whatever is said with a decimal point stands in the result, digit by digit, or in the arguments."""
    rng = random.Random(4)
    seen = 0
    for one, arguments, result in told:
        known = json.dumps([result, arguments], ensure_ascii=False)
        for word in answers.answer(one, arguments, result, rng).split():
            bare = word.strip('.,;:()"%')
            if bare.replace(".", "", 1).replace("-", "", 1).isdigit() and "." in bare:
                seen += 1
                assert bare in known, (bare, known)
    assert seen > 30


@pytest.mark.parametrize("seed", range(30))
def test_values_are_said_as_they_stand(seed: int) -> None:
    rng = random.Random(seed)
    weather = api("get", "weather", {"temperature": "temperature", "humidity": "humidity"})
    said = answers.answer(weather, {"city": "Oslo"}, {"temperature": -3.5, "humidity": 81}, rng)
    assert "-3.5 °C" in said
    assert "81%" in said
    hotels = api(
        "search",
        "hotel",
        {"results[].name": "~Ritz|Grand", "results[].price": "price", "total": "0..5000"},
    )
    rows = [{"name": "Ritz", "price": 210.5}, {"name": "Grand", "price": 99}]
    said = answers.answer(hotels, {"city": "Oslo"}, {"results": rows, "total": 12}, rng)
    assert all(word in said for word in ("Ritz", "210.5", "Grand", "99"))
    said = answers.answer(hotels, {"city": "Oslo"}, {"results": [], "total": 0}, rng)
    assert "hotels" in said
    booking = api("book", "hotel", {"id": "@x/hotel", "status": "confirmed|rejected"})
    said = answers.answer(booking, {}, {"id": "HT-1", "status": "confirmed"}, rng)
    assert "HT-1" in said
    assert "confirmed" in said
    check_one = api("check", "form", {"valid": "bool", "problems[]": "text"})
    said = answers.answer(check_one, {}, {"valid": False, "problems": ["The date is wrong."]}, rng)
    assert "the date is wrong" in said.lower()


def test_calls_of_one_api_are_told_apart() -> None:
    weather = api("get", "weather", {"temperature": "temperature"})
    calls: list[Told] = [
        (weather, {"city": "Oslo"}, {"temperature": 4}),
        (weather, {"city": "Rome"}, {"temperature": 21}),
    ]
    for seed in range(30):
        said = answers.answers(calls, random.Random(seed))
        assert said.index("Oslo") < said.index("4 °C") < said.index("Rome") < said.index("21 °C")


def test_questions_ask_for_what_is_missing_alone() -> None:
    one = api("book", "hotel", {}, hotel_id=TEXT, checkInDate=TEXT, guests={"type": "integer"})
    for seed in range(60):
        said = answers.ask_for(one, ["hotel_id", "checkInDate"], random.Random(seed))
        assert "hotel ID" in said
        assert "check in date" in said
        assert "guests" not in said
        assert 4 <= len(said.split()) <= 30
    wordings = {answers.ask_for(one, ["guests"], random.Random(seed)) for seed in range(400)}
    assert len(wordings) >= 40


def test_refusals_are_short_and_many() -> None:
    specs = [api("get", "weather", {}).spec]
    said = {answers.decline(random.Random(seed), specs) for seed in range(3000)}
    assert len(said) >= 60
    assert all(len(text.split()) <= 25 for text in said)
    assert all(any(word in text.lower() for word in ("function", "tool")) for text in said)
    asked = answers.decline(random.Random(1), specs, "book a table")
    assert "book a table" in asked


def test_a_failure_is_told_with_its_reason(told: list[Told]) -> None:
    rng = random.Random(6)
    for one, arguments, _ in told[:200]:
        failure = results.failure(one, arguments, rng)
        said = answers.confirm_failure(one, failure, rng)
        assert failure.reason in said
        check([(one, arguments, failure.content)], said)


def test_what_the_tools_do() -> None:
    specs = [api("get", "weather", {}).spec, api("book", "hotel", {}).spec]
    for seed in range(20):
        said = answers.about_tools(specs, random.Random(seed))
        assert "Get the weather" in said
        assert "Book the hotel" in said
        assert "Book" not in answers.about_tools(specs[:1], random.Random(seed))
    assert answers.about_tools([], random.Random(0))


def test_talk_is_varied_and_ends_as_texts_end() -> None:
    pairs = {answers.chat(random.Random(seed)) for seed in range(4000)}
    assert len({asked for asked, _ in pairs}) >= 30
    assert all(asked[-1] in ".?!" and told[-1] in '.?!"' for asked, told in pairs)
    assert all(len(told.split()) <= 30 for _, told in pairs)


def test_thoughts_name_the_calls() -> None:
    weather, hotel = api("get", "weather", {}), api("book", "hotel", {})
    for seed in range(20):
        rng = random.Random(seed)
        assert "get_weather" in answers.thought([(weather, {"city": "Oslo"})], rng)
        both = answers.thought([(weather, {"city": "Oslo"}), (hotel, {}), (weather, {"city": "Rome"})], rng)
        assert "get_weather 2 times" in both
        assert "book_hotel" in both
        assert "call" in answers.thought([], rng).lower() or "function" in answers.thought([], rng)


def test_every_kind_has_eight_patterns() -> None:
    for kind, patterns in phrases()["clauses"].items():
        assert len(set(patterns)) >= 8, kind


def test_the_same_seed_gives_the_same(told: list[Told]) -> None:
    for call in told[:100]:
        assert answers.answer(*call, random.Random(8)) == answers.answer(*call, random.Random(8))


def test_words_for_values_and_names() -> None:
    assert shown(12.5, "kg") == "12.5 kg"
    assert shown(40, "%") == "40%"
    assert shown(["a", "b", "c"]) == "a, b and c"
    assert shown("2026-03-14T09:30:00Z") == "2026-03-14 09:30"
    assert label_of("hotelId") == "hotel ID"
