"""Pools: the same from the same settings, gone on with, distinct, with a writer."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from typer.testing import CliRunner

from tastemaker.app.commands.synthesize import app
from tastemaker.errors import InputError
from tastemaker.records import ToolSpec
from tastemaker.synthesis.api import Api, api_id, read_apis, shape
from tastemaker.synthesis.context_tree import ContextTree, default_tree
from tastemaker.synthesis.pool import PoolConfig, build_pool
from tastemaker.synthesis.statistics import statistics
from tastemaker.synthesis.writer import ModelWriter
from tastemaker.tools.importers import ApiDocument


@pytest.fixture(scope="module")
def tree() -> ContextTree:
    whole = default_tree()
    names = ("hotel booking", "algebra", "recipes", "smart lights", "recommender toolbox")
    return ContextTree({name: whole.domains[name] for name in names}, whole.types)


CONFIG = PoolConfig(size=80, seed=3)


def test_a_pool_is_distinct_and_carries_its_card(tmp_path: Path, tree: ContextTree) -> None:
    out = tmp_path / "apis.jsonl"
    seen: list[int] = []
    card = build_pool(CONFIG, out, tree=tree, workers=1, progress=lambda done, wanted: seen.append(done))
    apis = list(read_apis(out))
    assert len(apis) == card["statistics"]["APIs"] == seen[-1] == 80
    assert len({shape(api.spec) for api in apis}) == 80
    assert all(api.id == api_id(api.spec) for api in apis)
    assert {api.domain for api in apis} == set(tree.domains)
    assert json.loads((tmp_path / "apis.jsonl.card.json").read_text())["settings"]["seed"] == 3
    assert not (tmp_path / "apis.jsonl.part").exists()
    assert build_pool(CONFIG, out, tree=tree, workers=1) == card
    with pytest.raises(InputError, match="other settings"):
        build_pool(PoolConfig(size=9), out, tree=tree, workers=1)


def test_processes_and_interruptions_make_no_difference(tmp_path: Path, tree: ContextTree) -> None:
    whole, cut = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    build_pool(CONFIG, whole, tree=tree, workers=2)

    class Killed(Exception):
        pass

    def kill(done: int, wanted: int) -> None:
        if done > 45:
            raise Killed

    with pytest.raises(Killed):
        build_pool(CONFIG, cut, tree=tree, workers=1, progress=kill)
    with (tmp_path / "b.jsonl.part").open("a") as file:
        file.write('{"id": "half a li')
    build_pool(CONFIG, cut, tree=tree, workers=1)
    assert cut.read_bytes() == whole.read_bytes()


def test_a_tree_that_yields_no_more_ends(tmp_path: Path, tree: ContextTree) -> None:
    small = ContextTree({"algebra": tree.domains["algebra"]}, tree.types)
    card = build_pool(PoolConfig(size=120, near=0.3), tmp_path / "a.jsonl", tree=small, workers=1)
    assert 10 < card["statistics"]["APIs"] < 120


def test_another_file_is_left_alone(tmp_path: Path, tree: ContextTree) -> None:
    out = tmp_path / "mine.jsonl"
    out.write_text("precious")
    with pytest.raises(InputError, match="holds something else"):
        build_pool(CONFIG, out, tree=tree, workers=1)
    assert out.read_text() == "precious"


def test_statistics_worked_by_hand() -> None:
    def api(
        name: str,
        parameters: dict[str, Any],
        required: list[str],
        types: dict[str, str],
        returns: dict[str, str],
    ) -> Api:
        schema = {"type": "object", "properties": parameters, "required": required}
        spec = ToolSpec(name=name, description="d", parameters=schema)
        return Api(id=name, spec=spec, area="A", domain="d", path=("x", "get"), types=types, returns=returns)

    text, number = {"type": "string"}, {"type": "integer"}
    found = statistics(
        [
            api("a", {"q": text}, ["q"], {"q": "query"}, {"id": "@d/x"}),
            api("b", {"x_id": text, "n": number}, ["x_id"], {"x_id": "@d/x", "n": "1..5"}, {"id": "@d/x"}),
            api("c", {"box": {"type": "object", "properties": {"w": number}}}, [], {"box.w": "1..5"}, {}),
            api("d", {"y_id": text}, [], {"y_id": "@d/y"}, {"id": "@d/y"}),
        ]
    )
    assert [found[key] for key in ("APIs", "nested", "parallel", "dependent", "multi-type")] == [
        4,
        0.25,
        0.5,
        0.25,
        0.25,
    ]
    assert found["parameters per API"] == 1.25


THING = {"name": "kite", "verbs": "search order", "attributes": "colour:red|blue; wind:1..9 bft"}
GOOD = {
    "name": "predict_kite_lift",
    "description": "How much a kite can lift in a given wind.",
    "parameters": {
        "type": "object",
        "properties": {"wind": {"type": "integer", "description": "Wind."}},
        "required": ["wind"],
    },
    "result": {"type": "number"},
}


def _writer(api: dict[str, Any], thing: dict[str, Any] = THING) -> ModelWriter:
    def answer(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        (tool,) = info.output_tools
        wants_things = "things" in tool.parameters_json_schema["properties"]
        return ModelResponse(parts=[ToolCallPart(tool.name, {"things": [thing]} if wants_things else api)])

    return ModelWriter(FunctionModel(answer))


def test_a_writer_adds_domains_and_apis(tmp_path: Path, tree: ContextTree) -> None:
    kites = ApiDocument(name="Kite shop", description="All about kites")
    out = tmp_path / "a.jsonl"
    card = build_pool(CONFIG, out, tree=tree, documents=[kites], writer=_writer(GOOD), workers=1)
    apis = list(read_apis(out))
    written = [api for api in apis if api.lineage.origin.startswith("function")]
    assert [api.spec.name for api in written] == ["predict_kite_lift"]
    assert written[0].types == {"wind": "integer"}
    assert any(api.path[0] == "kite" for api in apis)
    assert card["faults"] == []


@pytest.mark.parametrize(
    "bad",
    [
        {**GOOD, "parameters": {"type": "object", "properties": {"a": {"type": "nonsense"}}}},
        {**GOOD, "parameters": {"type": "string"}},
        {**GOOD, "description": " "},
        {"name": "only"},
    ],
)
def test_a_writers_mistakes_are_recorded_and_skipped(tree: ContextTree, bad: dict[str, Any]) -> None:
    writer = _writer(bad, {**THING, "attributes": "colour:nowhere"})
    domain = tree.domains["recipes"]
    example = ToolSpec(name="get", description="d")

    async def ask() -> tuple[Any, Any]:
        return await writer.evolve(domain, example), await writer.things(ApiDocument(name="x"), tree.types)

    assert asyncio.run(ask()) == (None, None)
    assert len(writer.faults) == 2


def test_the_command(tmp_path: Path) -> None:
    page = tmp_path / "list.md"
    page.write_text("## Kites\n- [Kite shop](https://k.example) - All about kites\n")
    arguments = [
        "apis",
        "--size",
        "40",
        "--out",
        str(tmp_path / "a.jsonl"),
        "--from",
        str(page),
        "--workers",
        "1",
        "--json",
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["card"]["statistics"]["APIs"] == 40
    page.write_text("nothing")
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, InputError)
