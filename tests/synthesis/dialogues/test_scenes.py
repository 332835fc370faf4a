"""Dialogues of all kinds: valid by the rules, with values that are said before they are used."""

import json
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tastemaker.records import Trajectory
from tastemaker.synthesis.api import Api, is_nested
from tastemaker.synthesis.context_tree import default_tree
from tastemaker.synthesis.dialogues.scenes import KINDS, SceneConfig, Scenes
from tastemaker.synthesis.dialogues.toolset import Tools, alike
from tastemaker.synthesis.evolution import Block
from tastemaker.synthesis.verification.grounding import Known, doubt
from tastemaker.synthesis.verification.rules import verify
from tastemaker.tools.arguments import ArgumentReader


@pytest.fixture(scope="module")
def apis() -> list[Api]:
    tree = default_tree()
    domains = random.Random(3).sample(list(tree.domains.values()), 25)
    return [api for domain in domains for api in Block(domain, tree.types, f"t/{domain.name}").apis(20)]


@pytest.fixture(scope="module")
def made(apis: list[Api]) -> list[Trajectory]:
    scenes = Scenes(apis, SceneConfig(seed=1, mix=dict.fromkeys(KINDS, 1.0)))
    return [scenes.dialogue(number) for number in range(600)]


def gold(trajectory: Trajectory) -> list[list[str]]:
    """Names of the tools called, by message."""
    return [[call.name for call in message.calls] for message in trajectory.messages if message.calls]


def test_the_rules_accept_nearly_all(made: list[Trajectory]) -> None:
    verdicts = [verify(trajectory) for trajectory in made]
    assert sum(verdict.accepted for verdict in verdicts) >= 0.99 * len(made)


def test_every_kind_does_what_its_name_says(made: list[Trajectory]) -> None:
    seen = Counter(t.task.inputs["kind"] for t in made)
    assert set(seen) == set(KINDS)
    for trajectory in made:
        kind, calls = trajectory.task.inputs["kind"], gold(trajectory)
        users = sum(message.role == "user" for message in trajectory.messages)
        if kind == "single":
            assert [len(names) for names in calls] == [1]
        elif kind == "parallel":
            assert len(calls) == 1
            assert len(set(calls[0])) == 1
        elif kind == "no-tool":
            assert not calls
            assert trajectory.tools
        elif kind == "missing" and calls:
            assert users == 2
            assert trajectory.messages[1].role == "assistant"
            assert not trajectory.messages[1].calls
        elif kind == "multi-turn":
            assert users >= 2
    several = [t for t in made if t.task.inputs["kind"] == "parallel-multiple"]
    assert sum(len(set(gold(t)[0])) > 1 for t in several) > 0.9 * len(several)
    chains = [t for t in made if t.task.inputs["kind"] == "dependent" and gold(t)]
    assert chains
    assert all(len(gold(t)) == 2 for t in chains)


def test_a_dependent_call_takes_what_was_returned(made: list[Trajectory]) -> None:
    for trajectory in made:
        if trajectory.task.inputs["kind"] == "dependent" and gold(trajectory):
            first = next(m for m in trajectory.messages if m.role == "tool")
            second = [m for m in trajectory.messages if m.calls][1].calls[0]
            asked = trajectory.messages[0].text
            taken = [v for v in second.arguments.values() if isinstance(v, str) and v in first.text]
            assert any(value not in asked for value in taken)


def test_arguments_fit_their_tools_and_are_said(made: list[Trajectory]) -> None:
    doubted = values = 0.0
    for trajectory in made:
        specs = {spec.name: spec for spec in trajectory.tools}
        said: list[str] = []
        for message in trajectory.messages:
            for call in message.calls:
                ArgumentReader(call.name, specs[call.name].parameters).read(call.arguments)
                known = Known(said)
                for value in call.arguments.values():
                    doubted += doubt(value, known) if not isinstance(value, bool) else 0
                    values += 1
            said.append(message.text)
    assert doubted / values < 0.03


def test_tools_offered_together_are_not_alike(made: list[Trajectory], apis: list[Api]) -> None:
    tools = Tools(apis)
    for seed in range(200):
        offered = tools.several(5, random.Random(seed))
        assert len(offered) == 5
        for place, one in enumerate(offered):
            assert not any(alike(one, other) for other in offered[place + 1 :])
        other = tools.missing(offered, random.Random(seed))
        assert other is None or other not in offered
    for trajectory in made:
        names = [spec.name for spec in trajectory.tools]
        assert len(set(names)) == len(names)


def test_dialogues_in_a_row_share_their_tools(made: list[Trajectory]) -> None:
    sharing = SceneConfig().sharing
    groups = [made[place : place + sharing] for place in range(0, len(made), sharing)]
    assert all(t.tools == group[0].tools for group in groups for t in group)
    distinct = {tuple(spec.name for spec in group[0].tools) for group in groups}
    assert len(distinct) > 0.95 * len(groups)


@settings(max_examples=20, deadline=None)
@given(number=st.integers(0, 10**6), seed=st.integers(0, 99))
def test_a_number_always_gives_the_same_dialogue(apis: list[Api], number: int, seed: int) -> None:
    config = SceneConfig(seed=seed)
    one, other = (Scenes(apis, config).dialogue(number) for _ in range(2))
    assert one == other
    assert one.id == f"dialogue-{number}"


def test_levels_differ_in_tools_and_words(apis: list[Api]) -> None:
    def mean(level: str) -> tuple[float, float]:
        scenes = Scenes(apis, SceneConfig.model_validate({"complexity": level}))
        made = [scenes.dialogue(number) for number in range(120)]
        calls = [call for t in made for m in t.messages for call in m.calls]
        return sum(len(t.tools) for t in made) / len(made), sum(len(c.arguments) for c in calls) / len(calls)

    low, medium, high = mean("low"), mean("medium"), mean("high")
    assert low[0] < medium[0] < high[0]
    assert low[1] < high[1]


def test_without_nested_parameters(apis: list[Api]) -> None:
    assert any(is_nested(api.spec.parameters) for api in apis)
    scenes = Scenes(apis, SceneConfig(nested=False))
    offered = [spec for number in range(60) for spec in scenes.dialogue(number).tools]
    assert offered
    assert not any(is_nested(spec.parameters) for spec in offered)


def test_requests_are_worded_in_many_ways(apis: list[Api]) -> None:
    scenes = Scenes(apis, SceneConfig(mix={"single": 1.0}))
    texts = [scenes.dialogue(number).messages[0].text for number in range(400)]
    assert len(set(texts)) == len(texts)
    assert len({" ".join(text.split()[:3]).lower() for text in texts}) > 200
    assert not [text for text in texts if "{" in text and "}" in text and '"' not in text]


def test_results_are_json_that_the_schema_allows(made: list[Trajectory]) -> None:
    for trajectory in made[:100]:
        for message in trajectory.messages:
            if message.role == "tool":
                json.loads(message.text)
