"""Defects planted into good samples, to measure how many of them each rule finds.

Each mutation belongs to the rule that must find it. Where a sample has no place for it, it gives None.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from tastemaker.records import Message, ToolCall, ToolSpec, Trajectory
from tastemaker.synthesis.verification.rules import RULES, verify

Mutation = Callable[[Trajectory, random.Random], Trajectory | None]


def measure(samples: Sequence[Trajectory], seed: int = 0) -> list[dict[str, Any]]:
    """One row for each rule and one for all: `planted` defects, the share `found` of them by that rule, the
    `good` samples, and the share of these that the rule is `false` about.

    Each mutation is planted once into every sample that has a place for it.
    """
    good = [verify(sample) for sample in samples]
    rows = []
    for rule in RULES:
        planted = [bad for mutation in MUTATIONS[rule.name] for bad in _planted(samples, mutation, seed)]
        found = sum(any(fault.rule == rule.name for fault in verify(bad).faults) for bad in planted)
        false = sum(any(fault.rule == rule.name for fault in verdict.faults) for verdict in good)
        rows.append(_row(rule.name, rule.aspect, len(planted), found, len(good), false))
    planted_all, found_all = (sum(row[key] for row in rows) for key in ("planted", "found"))
    false_all = sum(not verdict.accepted for verdict in good)
    return [*rows, _row("all", "", planted_all, found_all, len(good), false_all)]


def _row(rule: str, aspect: str, planted: int, found: int, good: int, false: int) -> dict[str, Any]:
    return {
        "rule": rule,
        "aspect": aspect,
        "planted": planted,
        "found": found,
        "found share": found / planted if planted else None,
        "good": good,
        "false share": false / good if good else None,
    }


def _planted(samples: Iterable[Trajectory], mutation: Mutation, seed: int) -> list[Trajectory]:
    draw = random.Random(f"{seed} {mutation.__name__}")
    return [bad for sample in samples if (bad := mutation(sample, draw)) is not None]


def _with_messages(sample: Trajectory, messages: Iterable[Message]) -> Trajectory:
    return sample.model_copy(update={"messages": tuple(messages)})


def _with_message(sample: Trajectory, number: int, **changes: Any) -> Trajectory:
    messages = list(sample.messages)
    messages[number] = messages[number].model_copy(update=changes)
    return _with_messages(sample, messages)


def _numbers(sample: Trajectory, role: str, calls: bool | None = None) -> list[int]:
    """The places of a role's messages; `calls` keeps those with, or without, calls."""
    return [
        number
        for number, message in enumerate(sample.messages)
        if message.role == role and (calls is None or bool(message.calls) is calls)
    ]


def _some(sample: Trajectory, draw: random.Random, role: str, calls: bool | None = None) -> int | None:
    places = _numbers(sample, role, calls)
    return draw.choice(places) if places else None


def _change_tool(
    sample: Trajectory, draw: random.Random, change: Callable[[ToolSpec], ToolSpec]
) -> Trajectory | None:
    """The sample with a tool changed, one that has parameters."""
    places = [n for n, spec in enumerate(sample.tools) if spec.parameters.get("properties")]
    if not places:
        return None
    place = draw.choice(places)
    tools = list(sample.tools)
    tools[place] = change(tools[place])
    return sample.model_copy(update={"tools": tuple(tools)})


def _change_parameter(sample: Trajectory, draw: random.Random, **keywords: Any) -> Trajectory | None:
    def change(spec: ToolSpec) -> ToolSpec:
        name = draw.choice(list(spec.parameters["properties"]))
        properties = spec.parameters["properties"]
        properties = {**properties, name: {**properties[name], **keywords}}
        return spec.model_copy(update={"parameters": {**spec.parameters, "properties": properties}})

    return _change_tool(sample, draw, change)


def _change_call(
    sample: Trajectory, draw: random.Random, change: Callable[[ToolCall, ToolSpec], dict[str, Any] | None]
) -> Trajectory | None:
    """The sample with a call changed for which `change` gives new fields."""
    tools = {spec.name: spec for spec in sample.tools}
    places = [(n, c) for n, m in enumerate(sample.messages) for c in range(len(m.calls))]
    draw.shuffle(places)
    for number, place in places:
        calls = list(sample.messages[number].calls)
        changes = change(calls[place], tools[calls[place].name])
        if changes is not None:
            calls[place] = calls[place].model_copy(update=changes)
            return _with_message(sample, number, calls=tuple(calls))
    return None


def foreign_type(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _change_parameter(sample, draw, type=draw.choice(("dict", "float", "str", "any", ["string", 3])))


def bound_as_text(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _change_parameter(sample, draw, minimum="3")


def broken_pattern(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _change_parameter(sample, draw, pattern="^[a-z")


def parameters_not_of_object(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    def change(spec: ToolSpec) -> ToolSpec:
        return spec.model_copy(update={"parameters": {**spec.parameters, "type": "array"}})

    return _change_tool(sample, draw, change)


def dangling_reference(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _change_parameter(sample, draw, **{"$ref": "#/$defs/Nowhere"})


def no_description(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _change_tool(sample, draw, lambda spec: spec.model_copy(update={"description": " "}))


def no_properties(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _change_tool(sample, draw, lambda spec: spec.model_copy(update={"parameters": {"type": "object"}}))


def requires_unknown(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    def change(spec: ToolSpec) -> ToolSpec:
        required = [*spec.parameters.get("required", ()), "nowhere_defined"]
        return spec.model_copy(update={"parameters": {**spec.parameters, "required": required}})

    return _change_tool(sample, draw, change)


def tool_twice(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    if not sample.tools:
        return None
    return sample.model_copy(update={"tools": (*sample.tools, draw.choice(sample.tools))})


def renamed_call(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    def change(call: ToolCall, spec: ToolSpec) -> dict[str, Any]:
        wrong = (
            call.name + "s",
            call.name.upper() + "_",
            call.name[1:] + "x",
            call.name.split(" ")[0] + "API",
        )
        return {"name": draw.choice(wrong)}

    return _change_call(sample, draw, change)


def tool_not_offered(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    called = [call.name for message in sample.messages for call in message.calls]
    gone = draw.choice(called) if called else None
    tools = tuple(spec for spec in sample.tools if spec.name != gone)
    return sample.model_copy(update={"tools": tools}) if called else None


def argument_left_out(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    def change(call: ToolCall, spec: ToolSpec) -> dict[str, Any] | None:
        needed = spec.parameters.get("required")
        if not needed:
            return None
        gone = draw.choice(needed)
        return {"arguments": {name: value for name, value in call.arguments.items() if name != gone}}

    return _change_call(sample, draw, change)


def nested_argument_left_out(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    def change(call: ToolCall, spec: ToolSpec) -> dict[str, Any] | None:
        for name, value in call.arguments.items():
            needed = spec.parameters["properties"][name].get("items", {}).get("required")
            if needed and isinstance(value, list) and value:
                first = dict(value[0])
                first.pop(draw.choice(needed), None)
                return {"arguments": {**call.arguments, name: [first, *value[1:]]}}
        return None

    return _change_call(sample, draw, change)


def wrong_type(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    def change(call: ToolCall, spec: ToolSpec) -> dict[str, Any] | None:
        typed = [name for name in call.arguments if "type" in spec.parameters["properties"][name]]
        if not typed:
            return None
        name = draw.choice(typed)
        value = call.arguments[name]
        wrong: Any = str(value) if not isinstance(value, str) else [value]
        return {"arguments": {**call.arguments, name: wrong}}

    return _change_call(sample, draw, change)


def unknown_argument(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _change_call(
        sample, draw, lambda call, spec: {"arguments": {**call.arguments, "verbosity": draw.choice((1, "a"))}}
    )


def outside_bounds(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    """A value that breaks the choice, format, pattern or bound that its parameter has."""

    def change(call: ToolCall, spec: ToolSpec) -> dict[str, Any] | None:
        for name in draw.sample(sorted(call.arguments), len(call.arguments)):
            part = spec.parameters["properties"][name]
            if {"enum", "format", "pattern"} & part.keys():
                return {"arguments": {**call.arguments, name: f"{call.arguments[name]}?!"}}
            if {"minimum", "exclusiveMinimum"} & part.keys():
                return {"arguments": {**call.arguments, name: -1}}
        return None

    return _change_call(sample, draw, change)


def emptied_message(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    places = [n for n, message in enumerate(sample.messages) if not message.calls]
    if not places:
        return None
    return _with_message(sample, draw.choice(places), text=draw.choice(("", "  \n")))


def response_without_id(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "tool")
    return None if place is None else _with_message(sample, place, call_id=None)


def id_twice(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    ids = [call.id for message in sample.messages for call in message.calls]
    if len(ids) < 2:
        return None
    return _change_call(sample, draw, lambda call, spec: {"id": ids[0]} if call.id != ids[0] else None)


def nobody_asks(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _with_messages(sample, (m for m in sample.messages if m.role != "user"))


def user_calls(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "user")
    call = ToolCall(id="planted", name="planted")
    return None if place is None else _with_message(sample, place, calls=(call,))


def endless_response(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "assistant", calls=False)
    if place is None:
        return None
    text = sample.messages[place].text
    return _with_message(sample, place, text=f"{text} " * (draw.randint(6100, 9000) // len(text) + 1))


_BAD = ("\ufffd", "\x00", "\x1b[0m", "\u202e", "\ue001", "\u200b", "Ã©", "â€™", "\x85")


def bad_character(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = draw.randrange(len(sample.messages))
    text = sample.messages[place].text
    at = draw.randint(0, len(text))
    return _with_message(sample, place, text=text[:at] + draw.choice(_BAD) + text[at:])


def bad_character_in_call(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    def change(call: ToolCall, spec: ToolSpec) -> dict[str, Any] | None:
        texts = sorted(name for name, value in call.arguments.items() if isinstance(value, str))
        if not texts:
            return None
        name = draw.choice(texts)
        return {"arguments": {**call.arguments, name: call.arguments[name] + draw.choice(_BAD)}}

    return _change_call(sample, draw, change)


_FOREIGN = (
    "Конечно, вот что мне удалось найти по вашему запросу сегодня утром.",
    "好的，这是我根据您的要求找到的全部结果，请您查收。",
    "بالتأكيد، هذه هي النتائج التي وجدتها لك اليوم.",
    "もちろんです。ご依頼の結果は次のとおりです。",
    "물론입니다. 요청하신 결과는 다음과 같습니다.",
    "ज़रूर, आपके अनुरोध का परिणाम यहाँ दिया गया है।",
    "Βεβαίως, αυτά είναι τα αποτελέσματα που βρήκα.",
)


def foreign_sentence(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "assistant", calls=False)
    if place is None:
        return None
    text = sample.messages[place].text
    return _with_message(sample, place, text=f"{text} {draw.choice(_FOREIGN)}")


def foreign_response(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "assistant", calls=False)
    return None if place is None else _with_message(sample, place, text=draw.choice(_FOREIGN))


def cut_off(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    """A response that ends after a word in the middle of a sentence."""
    place = _some(sample, draw, "assistant", calls=False)
    if place is None:
        return None
    text = sample.messages[place].text
    spaces = [n for n, letter in enumerate(text) if letter == " " and text[n - 1].isalnum() and n > 3]
    return _with_message(sample, place, text=text[: draw.choice(spaces)]) if spaces else None


def open_code(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "assistant", calls=False)
    if place is None:
        return None
    return _with_message(sample, place, text=f"{sample.messages[place].text}\n```json\n{{}}")


def response_of_another(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    """A response that says it is of another API than was called."""
    calls = {call.id: call for message in sample.messages for call in message.calls}
    own_name = {spec.name for spec in sample.tools if "name" in (spec.result or {}).get("properties", {})}
    places = [
        n for n in _numbers(sample, "tool") if calls[sample.messages[n].call_id or ""].name not in own_name
    ]
    if not places or len(sample.tools) < 2:
        return None
    place = draw.choice(places)
    called = calls[sample.messages[place].call_id or ""].name
    other = draw.choice([spec.name for spec in sample.tools if spec.name != called])
    wrapped = {"name": other, "results": _result(sample.messages[place].text)}
    text = json.dumps(draw.choice((wrapped, [wrapped])), ensure_ascii=False)
    return _with_message(sample, place, text=text)


def _result(text: str) -> Any:
    """What a response holds, without the name of its API."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value.get("results", value) if isinstance(value, dict) else value


def call_in_text(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    """A call that is written into the text instead of being made."""
    place = _some(sample, draw, "assistant", calls=False)
    if place is None or not sample.tools:
        return None
    name = draw.choice(sample.tools).name
    written = (
        f'<tool_call>{{"name": "{name}", "arguments": {{}}}}</tool_call>',
        f"[{name}(place='there')]",
        f'{{"name": "{name}", "arguments": {{"place": "there"}}}}',
        f'{{"name": "{name}", "parameters": {{}}}}',
    )
    text = f"{sample.messages[place].text}\n{draw.choice(written)}"
    return _with_message(sample, place, text=text)


def text_beside_calls(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "assistant", calls=True)
    alone = sample.messages[0].role == "system" and "NO other text" in sample.messages[0].text
    if place is None or not alone:
        return None
    return _with_message(sample, place, text="Sure, I will call this function now.")


def not_in_json(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    """A prompt that wants JSON, before answers in prose."""
    wanted = Message(role="system", text=draw.choice(("Answer only in JSON.", "Reply as a JSON object.")))
    rest = sample.messages[1:] if sample.messages[0].role == "system" else sample.messages
    return _with_messages(sample, (wanted, *rest)) if _numbers(sample, "assistant", calls=False) else None


def user_twice(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "user")
    if place is None:
        return None
    messages = list(sample.messages)
    messages.insert(place, Message(role="user", text="And one more thing."))
    return _with_messages(sample, messages)


def late_system(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    messages = list(sample.messages)
    messages.insert(draw.randint(2, len(messages)), Message(role="system", text="You are helpful."))
    return _with_messages(sample, messages)


def last_word_of_user(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    return _with_messages(sample, (*sample.messages, Message(role="user", text="Are you there?")))


def question_dropped(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "user")
    return _with_messages(sample, (m for n, m in enumerate(sample.messages) if n != place))


def response_dropped(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "tool")
    if place is None:
        return None
    return _with_messages(sample, (m for n, m in enumerate(sample.messages) if n != place))


def response_twice(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "tool")
    if place is None:
        return None
    messages = list(sample.messages)
    messages.insert(place, messages[place])
    return _with_messages(sample, messages)


def response_to_nothing(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    place = _some(sample, draw, "tool")
    return None if place is None else _with_message(sample, place, call_id="nowhere")


def response_late(sample: Trajectory, draw: random.Random) -> Trajectory | None:
    """A response that stands after the answer that should build on it."""
    place = _some(sample, draw, "tool")
    if place is None:
        return None
    messages = list(sample.messages)
    after = next((n for n in range(place, len(messages)) if messages[n].role == "assistant"), None)
    if after is None:
        return None
    messages.insert(after, messages.pop(place))
    return _with_messages(sample, messages)


MUTATIONS: Final[dict[str, tuple[Mutation, ...]]] = {
    "schema-valid": (
        foreign_type,
        bound_as_text,
        broken_pattern,
        parameters_not_of_object,
        dangling_reference,
    ),
    "definition-complete": (no_description, no_properties, requires_unknown, tool_twice),
    "known-name": (renamed_call, tool_not_offered),
    "required-arguments": (argument_left_out, nested_argument_left_out),
    "argument-values": (wrong_type, unknown_argument, outside_bounds),
    "dialogue-fields": (emptied_message, response_without_id, id_twice, nobody_asks, user_calls),
    "response-length": (endless_response,),
    "valid-characters": (bad_character, bad_character_in_call),
    "one-language": (foreign_sentence, foreign_response),
    "response-complete": (cut_off, open_code),
    "response-names": (response_of_another,),
    "prompt-format": (call_in_text, text_beside_calls, not_in_json),
    "role-order": (user_twice, late_system, last_word_of_user, question_dropped),
    "response-follows-call": (response_dropped, response_twice, response_to_nothing, response_late),
}
"""The mutations that each rule must find, by the rule's name."""
