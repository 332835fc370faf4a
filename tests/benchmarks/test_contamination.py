"""What is taken from BFCL is found, what is not is not; nothing that makes training data reads BFCL."""

import re
from pathlib import Path

import tastemaker
from tastemaker.benchmarks.bfcl_data import load
from tastemaker.benchmarks.contamination import overlap
from tastemaker.records import Message, Outcome, Task, ToolSpec, Trajectory
from tastemaker.synthesis.context_tree import default_tree
from tastemaker.synthesis.dialogues.scenes import SceneConfig, Scenes
from tastemaker.synthesis.evolution import Block


def dialogue(text: str, *tools: ToolSpec) -> Trajectory:
    messages = (Message(role="user", text=text), Message(role="assistant", text="Yes."))
    task = Task(kind="dialogue", id="1")
    return Trajectory(id="1", task=task, tools=tools, messages=messages, outcome=Outcome(kind="answered"))


OWN = ToolSpec(
    name="zorble_frobnicate",
    description="Turns a grumbling zorble three times about, so that it may frobnicate.",
    parameters={"type": "object", "properties": {"zorble": {"type": "string"}, "turns": {"type": "integer"}}},
)


def test_what_is_bfcls_is_found_in_every_way() -> None:
    rows = load("multiple")
    found = overlap(
        [spec for row in rows for spec in row.tools],
        [dialogue(row.messages[-1].text.upper()) for row in rows],
    )
    for kind in ("question", "name", "parameters", "schema"):
        assert found[kind].found == found[kind].of > 0, kind
    assert found["question"].of == 200
    assert found["description"].found == found["description"].of


def test_what_is_ours_is_not_found() -> None:
    found = overlap(
        [OWN, OWN], [dialogue("Please let my favourite zorble frobnicate until the cows come home.", OWN)]
    )
    assert {kind: (o.of, o.found) for kind, o in found.items()} == {
        "question": (1, 0),
        "description": (1, 0),
        "name": (1, 0),
        "parameters": (1, 0),
        "schema": (1, 0),
    }


def test_made_dialogues_hold_no_question_and_no_schema_of_bfcl() -> None:
    tree = default_tree()
    apis = [api for domain in tree.domains.values() for api in Block(domain, tree.types, "overlap").apis(3)]
    scenes = Scenes(apis, SceneConfig(seed=5))
    found = overlap((api.spec for api in apis), (scenes.dialogue(number) for number in range(1500)))
    assert found["question"].of > 1500
    assert found["schema"].of > 1000
    assert found["question"].found == found["schema"].found == 0
    assert found["description"].found < 0.001 * found["description"].of


def test_an_example_says_what_is_shared_and_where_it_stands() -> None:
    row = load("simple_python")[0]
    words = re.findall(r"\w+", row.messages[-1].text.lower())[:8]
    found = overlap([], [dialogue("Hello, " + " ".join(words) + " indeed")])["question"]
    assert found.examples[0]["shared"] == " ".join(words)
    assert found.examples[0]["theirs"].startswith("simple_python")
    assert overlap([], [dialogue(" ".join(words[:7]) + " indeed")])["question"].found == 0


def test_one_name_of_bfcl_is_no_schema_of_it() -> None:
    theirs = load("simple_python")[0].tools[0]
    found = overlap([OWN.model_copy(update={"name": theirs.name})])
    assert (found["name"].found, found["schema"].found) == (1, 0)


def test_nothing_but_the_benchmarks_names_bfcls_package() -> None:
    """import-linter sees imports of ours; this sees the package itself, however it would be read."""
    sources = Path(tastemaker.__file__).parent
    found = [
        path
        for path in sources.rglob("*.py")
        if "benchmarks" not in path.relative_to(sources).parts
        and re.search(r"bfcl[_-]eval", path.read_text())
    ]
    assert found == []
    for room in ("synthesis", "learning", "agents", "tools", "llm", "data"):
        for path in (sources / room).rglob("*.py"):
            assert "tastemaker.benchmarks" not in path.read_text(), path
