"""The experts on good dialogues and on planted faults."""

from __future__ import annotations

import random

import pytest

from tastemaker.records import Message, ToolCall, Trajectory
from tastemaker.synthesis.verification import experts, mutations
from tastemaker.synthesis.verification.sample import Sample
from tastemaker.synthesis.verification.specimens import specimens

GOOD = list(specimens(200, seed=3))


def test_good_dialogues_are_hardly_suspected() -> None:
    suspected = [sample.id for sample in GOOD if experts.suspect(Sample(sample))]
    assert len(suspected) <= 0.05 * len(GOOD)


def test_values_from_nowhere_are_found() -> None:
    def invent(call: ToolCall, spec: object) -> dict[str, object] | None:
        if call.name != "Tide Table API":
            return None
        return {"arguments": {**call.arguments, "station": "Valparaíso"}}

    bad = [mutations._change_call(sample, random.Random(0), invent) for sample in GOOD]
    planted = [sample for sample in bad if sample is not None]
    found = [experts.hallucinated_values(Sample(sample)) for sample in planted]
    assert len(planted) > 20
    assert all(any(s.where.endswith(".station") and s.confidence == 1.0 for s in each) for each in found)


def _reply(sample: Trajectory, text: str) -> Trajectory:
    place = mutations._numbers(sample, "assistant", calls=False)[-1]
    return mutations._with_message(sample, place, text=text)


@pytest.mark.parametrize(
    "text",
    [
        "The tide is high today. " * 4,
        "Your plot is {{plot_id}}.",
        "It is very very very good.",
        "Grxzvbnq trwqpsdf plkjhgfd.",
    ],
)
def test_repetition_and_words_without_meaning_are_found(text: str) -> None:
    found = experts.repetition(Sample(_reply(GOOD[0], text)))
    assert [suspicion.expert for suspicion in found] == ["repetition"]


def test_an_item_that_no_call_takes_up_is_found() -> None:
    ask = Message(role="user", text='Get high water at "Galway" and at "Whitby" for 3 days.')
    call = ToolCall(id="1", name="Tide Table API", arguments={"station": "Galway", "days": 3})
    rest = (
        Message(role="assistant", calls=(call,)),
        Message(role="tool", text='{"metres": [4.1]}', call_id="1"),
        Message(role="assistant", text="At Galway it is 4.1 m."),
    )
    sample = GOOD[0].model_copy(update={"messages": (ask, *rest)})
    (suspicion,) = experts.consistency(Sample(sample))
    assert suspicion.where == "messages[0]"
    assert "Whitby" in suspicion.why


@pytest.mark.parametrize(
    ("text", "suspected"),
    [
        ('{"metres": [4.1, 2]}', False),
        ('{"error": "no such station"}', False),
        ('{"metres": ["high"]}', True),
        ("high", True),
        ("{}", True),
    ],
)
def test_responses_are_held_against_the_result_schema(text: str, suspected: bool) -> None:
    sample = next(s for s in GOOD if any(c.name == "Tide Table API" for m in s.messages for c in m.calls))
    ids = {c.id for m in sample.messages for c in m.calls if c.name == "Tide Table API"}
    messages = [m.model_copy(update={"text": text}) if m.call_id in ids else m for m in sample.messages]
    found = experts.tool_response(Sample(sample.model_copy(update={"messages": tuple(messages)})))
    assert bool(found) is suspected
