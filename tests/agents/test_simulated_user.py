"""A simulated user and the policy tool, in a session that can be followed by hand."""

from __future__ import annotations

import asyncio
import re
import runpy
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tastemaker.agents.simulated_user import SimulatedUser, tools
from tastemaker.data.dataset import Dataset, Source
from tastemaker.errors import InputError, ToolError
from tastemaker.policies.baselines import baseline
from tastemaker.simulation.quit_rules import DistanceQuit
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import FREE

TRUTH = np.array([[5, 4, 1, 2], [1, 2, 5, 4]], np.float32)


@pytest.fixture
def scenario() -> Scenario:
    log = Dataset.build(
        "shop",
        pl.DataFrame({"id": ["ann", "bob"]}),
        pl.DataFrame(
            {
                "id": list("abcd"),
                "title": ["Anorak", "Blazer", "Cape", "Duffel"],
                "categories": [["coat"]] * 4,
            }
        ),
        np.array([0, 1]),
        np.array([0, 2]),
        source=Source("here", "none"),
    )
    positions = np.array([[0.0], [0.1], [5.0], [9.0]])
    return Scenario("shop", log, TRUTH, DistanceQuit(positions, 1.0, 1), 4, "by hand")


def call(tool_name: str, offered: list, **arguments: str) -> str:  # type: ignore[type-arg]
    (tool,) = (one for one in offered if one.spec.name == tool_name)
    return str(asyncio.run(tool.call(arguments)))


def test_a_user_accepts_what_is_above_their_mean_and_leaves_when_bored(scenario: Scenario) -> None:
    ann = SimulatedUser(scenario, "ann")
    first, second, third = ann.react("a"), ann.react("c"), ann.react("b")
    assert [first.accepted, second.accepted, third.accepted] == [True, False, True]
    assert first.stays
    assert ann.react("a") == ann.reactions[-1][1]
    assert not ann.stays
    assert ann.total == 5 + 1 + 4 + 5
    with pytest.raises(InputError, match="has left"):
        ann.react("d")


def test_the_last_turn_ends_a_session(scenario: Scenario) -> None:
    ann = SimulatedUser(scenario, "ann", threshold=2)
    said = [ann.react(item) for item in "acad"]
    assert [one.accepted for one in said] == [True, False, True, True]
    assert [one.stays for one in said] == [True, True, True, False]


def test_who_and_what_there_is_not(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="no user 'cid'"):
        SimulatedUser(scenario, "cid")
    with pytest.raises(InputError, match="no item 'z'"):
        SimulatedUser(scenario, "ann").react("z")
    once = SimulatedUser(scenario, "ann", mode="NX_0")
    once.react("a")
    with pytest.raises(InputError, match="NX_0"):
        once.react("a")


def test_a_policy_as_a_tool_keeps_the_user_to_the_last_turn(scenario: Scenario) -> None:
    bob = SimulatedUser(scenario, "bob")
    offered = tools(bob, baseline("oracle", scenario, FREE))
    shown = []
    while bob.stays:
        line = call("keep_user", offered)
        shown.append(line.split()[0].rstrip("|"))
        answer = call("recommend", offered, item=shown[-1])
    assert shown == ["c", "d", "c", "d"]
    assert bob.total == 18
    assert answer == "accepted (gives 4); the user has left"


def test_what_a_model_does_wrong_comes_back_as_text(scenario: Scenario) -> None:
    ann = SimulatedUser(scenario, "ann")
    offered = tools(ann, baseline("oracle", scenario, FREE))
    with pytest.raises(ToolError, match="no item 'z'"):
        call("recommend", offered, item="z")
    call("recommend", offered, item="a")
    call("recommend", offered, item="b")
    with pytest.raises(ToolError, match="has left"):
        call("keep_user", offered)


def test_the_example_in_the_docs_runs(data_folder: Path, tmp_path: Path) -> None:
    if not (data_folder / "coat").is_dir():
        pytest.skip("TASTEMAKER_DATA has no folder coat")
    page = (Path(__file__).parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "page.py").write_text(block, encoding="utf-8")
    person = runpy.run_path(str(tmp_path / "page.py"))["person"]
    assert [item for item, _ in person.reactions] == ["3"]
