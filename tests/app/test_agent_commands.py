"""`tastemaker recommend` and `tastemaker agents evaluate`, with a model over HTTP that fits the schema."""

from __future__ import annotations

import asyncio
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tastemaker.app.commands import agents
from tastemaker.assets import cache_folder
from tastemaker.data import registry
from tastemaker.errors import InputError
from tastemaker.llm.weights import Weights

pytestmark = pytest.mark.usefixtures("place")

APP = typer.Typer()
APP.command()(agents.recommend)
APP.add_typer(agents.app, name="agents")

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "same_team.py"
CACHE = cache_folder()
"""The cache as it is before each test gets one of its own."""


def invoke(server: Any, *arguments: str, code: int = 0) -> tuple[str, str]:
    model = f"openai:m@http://127.0.0.1:{server.server_address[1]}/v1"
    result = CliRunner().invoke(APP, [*arguments, "--data", "mine", "--model", model], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


@pytest.mark.parametrize("workflow", ["single", "analyse"])
@pytest.mark.parametrize("answers", ["own", "edits"])
def test_recommend_shows_steps_and_a_table(server: Any, workflow: str, answers: str) -> None:
    options = ["--user", "u3", "--n", "4", "--workflow", workflow, "--answers", answers]
    table, steps = invoke(server, "recommend", *options)
    assert "For user u3" in table
    assert server.reason in table
    assert "Title [" in table
    assert "Drama/[War]" in table
    assert "Manager      → retrieve()" in steps
    assert ("User Analyst → history" in steps) == (workflow == "analyse")
    assert f"{server.asked} model calls" in table


def test_workflows_and_roles_of_ones_own(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[workflows.mine]\nabout = "as single"\nranking = "ranker"\nrating = "rater"\n'
        '[roles.ranker]\nname = "Chief"\n'
    )
    listed = CliRunner().invoke(APP, ["agents", "list", "--roster", str(path)], catch_exceptions=False)
    assert "as single" in listed.stdout
    assert "reflect-analyse-search" in listed.stdout
    as_json = CliRunner().invoke(APP, ["agents", "list", "--json"], catch_exceptions=False)
    assert set(json.loads(as_json.stdout)) == {"roles", "workflows", "sources"}
    _, steps = invoke(server, "recommend", "--user", "u3", "--workflow", "mine", "--roster", str(path))
    assert "Chief        → retrieve()" in steps


def test_a_tool_of_ones_own_is_listed_and_called(server: Any, tmp_path: Path) -> None:
    (tmp_path / "prices_of_mine.py").write_text("def price(item: str) -> str:\n    return f'{item}: 4.99'\n")
    path = tmp_path / "mine.toml"
    path.write_text(
        '[sources.price]\nabout = "What an item costs."\npython = "prices_of_mine:price"\n'
        '[roles.item_analyst]\ntools = ["item_info", "price"]\n'
    )
    listed = CliRunner().invoke(APP, ["agents", "list", "--roster", str(path)], catch_exceptions=False)
    assert "What an item costs." in listed.stdout
    _, steps = invoke(server, "recommend", "--user", "u3", "--roster", str(path))
    assert "Item Analyst → price()" in steps
    assert ": 4.99" in steps
    asked = server.asked
    path.write_text(path.read_text().replace("prices_of_mine", "prices_of_nobody"))
    with pytest.raises(InputError, match="source price: prices_of_nobody cannot be imported"):
        invoke(server, "agents", "evaluate", "--n", "2", "--roster", str(path))
    assert server.asked == asked


def test_the_same_team_on_a_hosted_model(server: Any) -> None:
    example = runpy.run_path(str(EXAMPLE))
    model = f"openai:some-model@http://127.0.0.1:{server.server_port}/v1"
    run = asyncio.run(example["recommend"](model, "u3", "mine"))
    assert (run.outcome.kind, len(run.answer["ids"]), run.usage.requests) == ("answered", 5, server.asked)


@pytest.mark.model
def test_the_same_team_in_this_process(smollm2: Weights, tmp_path: Path) -> None:
    for kept in ("assets", "models"):
        (CACHE / kept).mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / kept).symlink_to(CACHE / kept, target_is_directory=True)
    run = asyncio.run(runpy.run_path(str(EXAMPLE))["recommend"]("local:smollm2", "u3", "mine"))
    assert (run.outcome.kind, len(run.answer["ids"])) == ("answered", 5)


def test_recommend_as_json(server: Any) -> None:
    printed, _ = invoke(server, "recommend", "--user", "u3", "--n", "4", "--workflow", "single", "--json")
    made = json.loads(printed)
    data = registry.load("mine")
    taken = set(data.items["id"].to_numpy()[data.item[data.history(3)]])
    assert [item["rank"] for item in made["items"]] == [1, 2, 3, 4]
    assert not taken & {item["id"] for item in made["items"]}
    assert (made["outcome"], made["reason"], made["usage"]["requests"]) == ("answered", server.reason, 2)
    assert all(item["because"] for item in made["items"])


def test_a_model_that_refuses_gives_one_line_and_exit_code_1(server: Any) -> None:
    server.broken = True
    table, steps = invoke(server, "recommend", "--user", "u3", code=1)
    assert table == ""
    assert "no recommendation (failed)" in steps.splitlines()[-1]


def test_recordings_answer_the_same_requests_again(server: Any) -> None:
    options = ["recommend", "--user", "u3", "--workflow", "single", "--record", "kept.jsonl", "--json"]
    first, again = (json.loads(invoke(server, *options)[0]) for _ in range(2))
    assert server.asked == 2
    assert first["items"] == again["items"]
    assert (first["usage"]["replayed"], again["usage"]["replayed"]) == (0, 2)


def test_evaluate_rankings_beside_baselines(server: Any) -> None:
    options = [
        "agents",
        "evaluate",
        "--n",
        "6",
        "--workflow",
        "single",
        "--run",
        "run",
        "--results",
        "out.json",
    ]
    made = json.loads(invoke(server, *options, "--json")[0])
    assert [row["model"].split(" ")[0] for row in made["rows"]] == [
        "popularity", "itemknn", "ease", "bpr", "directau", "single",
    ]  # fmt: skip
    assert all(row["n"] == 6 and 0 <= row["hit@10"]["mean"] <= 1 for row in made["rows"])
    assert "full catalogue of 40 items" in made["protocol"]
    team = made["rows"][-1]
    assert (team["valid"], team["failed"], team["calls"], team["tokens"]) == (1.0, 0, 2.0, 110.0)
    assert len(Path("run/trajectories.jsonl").read_text().splitlines()) == 6
    results = json.loads(Path("out.json").read_text())
    assert results["protocol"] == made["protocol"]
    assert [{k: v for k, v in row.items() if k != "data"} for row in results["rows"]] == made["rows"]
    asked = server.asked
    table, _ = invoke(server, *options)
    assert server.asked == asked
    assert "seed 0" in table


def test_evaluate_ratings_beside_bias(server: Any) -> None:
    options = ["agents", "evaluate", "--task", "rating", "--n", "5", "--json"]
    rows = json.loads(invoke(server, *options)[0])["rows"]
    assert [row["model"].split(" ")[0] for row in rows] == ["bias", "residual-knn", "its", "analyse"]
    assert all(row["rmse"]["mean"] >= row["mae"]["mean"] >= 0 for row in rows)
    (folder,) = Path("runs").iterdir()
    assert folder.name.startswith("agents-mine-analyse-rating-")


def test_evaluate_explanations_beside_a_template(server: Any) -> None:
    options = ["agents", "evaluate", "--task", "explanation", "--workflow", "single", "--n", "5", "--json"]
    rows = json.loads(invoke(server, *options)[0])["rows"]
    assert [row["model"].split(" (")[0] for row in rows] == ["random history title", "template", "single"]
    assert rows[1]["grounded"]["mean"] == 1.0


def test_a_judge_grades_all_explanations(server: Any) -> None:
    options = ["agents", "evaluate", "--task", "explanation", "--workflow", "single", "--n", "5"]
    judge = f"openai:judge@http://127.0.0.1:{server.server_port}/v1"
    rows = json.loads(invoke(server, *options, "--judge", judge, "--json")[0])["rows"]
    assert [(row["judge"]["mean"], row["judged"]) for row in rows] == [(1.0, 5)] * 3
    assert server.asked == 5 * 2 + 5 * 3
    table, _ = invoke(server, *options)
    assert "judge" not in table


def test_sampled_candidates_are_named_in_the_protocol(server: Any) -> None:
    options = ["agents", "evaluate", "--candidates", "12", "--n", "5", "--workflow", "single", "--json"]
    assert "SAMPLED: 12 candidates" in json.loads(invoke(server, *options)[0])["protocol"]


def test_a_model_that_is_down_is_in_the_table_and_named(server: Any) -> None:
    server.broken = True
    printed, told = invoke(server, "agents", "evaluate", "--n", "3", "--workflow", "single", "--json")
    row = json.loads(printed)["rows"][-1]
    assert (row["valid"], row["failed"], row["hit@10"]["mean"], row["valid hit@10"]) == (0.0, 3, 0.0, None)
    assert "3 requests failed" in told


def test_a_run_is_shown_step_by_step(server: Any, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    invoke(server, "agents", "evaluate", "--n", "3", "--workflow", "analyse", "--run", run, "--json")
    shown = CliRunner().invoke(APP, ["agents", "show", run, "--n", "2"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert shown.stdout.count("mine/ranking/") == 2
    lines = shown.stdout.splitlines()
    assert "User Analyst ? Study user" in shown.stdout
    assert any(line.startswith("User Analyst → history(") for line in lines)
    assert "Manager      → retrieve()" in lines
    assert any(line.startswith('Manager      ✓ {"ids":[') for line in lines)
    assert lines[-1] == "Manager      ■ answered"

    as_json = CliRunner().invoke(APP, ["agents", "show", run, "--json"], catch_exceptions=False)
    found = json.loads(as_json.stdout)
    assert [len(one["trajectories"]) for one in found] == [3]
    one = CliRunner().invoke(APP, ["agents", "show", run, "--request", found[0]["request"], "--n", "9"])
    assert one.stdout.count("mine/ranking/") == 1
    with pytest.raises(InputError, match="no such request"):
        CliRunner().invoke(APP, ["agents", "show", run, "--wrong"], catch_exceptions=False)
    with pytest.raises(InputError, match="no such file; name a run folder"):
        CliRunner().invoke(APP, ["agents", "show", str(tmp_path / "none")], catch_exceptions=False)


def test_what_a_planner_had_called_is_shown(server: Any, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    invoke(server, "agents", "evaluate", "--n", "1", "--workflow", "plan", "--run", run, "--json")
    shown = CliRunner().invoke(APP, ["agents", "show", run, "--n", "1"], catch_exceptions=False)
    steps = [line for line in shown.stdout.splitlines() if line.startswith("Planner ")]
    assert "Planner      → retrieve()" in steps
    assert steps[-1] == "Planner      ■ answered"
    assert any(line.startswith('Planner      ✓ {"tools":["retrieve"') for line in steps)


def test_stored_results_of_agents_are_one_table_for_each_protocol(server: Any, tmp_path: Path) -> None:
    for workflow, task in (("single", "ranking"), ("plan", "ranking"), ("single", "rating")):
        results = str(tmp_path / f"agents-{workflow}-{task}.json")
        options = ["--workflow", workflow, "--task", task, "--results", results]
        invoke(server, "agents", "evaluate", "--n", "3", *options, "--json")
    words = ["agents", "compare", "--data", "mine", "--results", str(tmp_path)]
    tables = json.loads(CliRunner().invoke(APP, [*words, "--json"], catch_exceptions=False).stdout)
    names = [[row["model"].partition(" (")[0] for row in table["rows"]] for table in tables]
    assert names == [
        ["popularity", "itemknn", "ease", "bpr", "directau", "plan", "single"],
        ["bias", "residual-knn", "its tool predict_rating", "single"],
    ]
    printed = CliRunner().invoke(APP, words, catch_exceptions=False).stdout
    assert printed.count("Agents on mine") == 2
    with pytest.raises(InputError, match="no results of agents on yours; measure with"):
        CliRunner().invoke(APP, [*words[:3], "yours", *words[4:]], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["recommend", "--user", "u99", "--data", "mine"], "mine: no user 'u99'"),
        (["recommend", "--user", "u1", "--data", "yours"], "no data set is named 'yours'"),
        (
            ["recommend", "--user", "u1", "--workflow", "chat"],
            "the workflow chat is not for the task ranking; these are: single, analyse",
        ),
        (
            ["recommend", "--user", "u1", "--workflow", "none"],
            "no workflow 'none'; there are: single, analyse",
        ),
        (
            ["agents", "evaluate", "--task", "conversation", "--workflow", "single", "--data", "mine"],
            "has no dialogues",
        ),
        (["recommend", "--user", "u1", "--roster", "no.toml"], "no.toml: no readable roster"),
        (["agents", "list", "--roster", "no.toml"], "no.toml: no readable roster"),
        (["recommend", "--user", "u1", "--answers", "best"], "--answers is 'best'"),
        (["recommend", "--user", "u1", "--model", "local:huge"], "no local model 'huge'"),
        (
            ["recommend", "--user", "u1", "--data", "mine", "--retriever", "oracle"],
            "no retrieval model is named 'oracle'",
        ),
        (["agents", "evaluate", "--task", "chat"], "no task 'chat'; there are: ranking, rating, explanation"),
        (["recommend", "--user", "u1", "--search", "sense"], "--search is 'sense'; give words or meaning"),
        (["agents", "evaluate", "--search", "sense"], "--search is 'sense'; give words or meaning"),
        (["agents", "evaluate", "--judge", "openai:m"], "--judge grades the explanations of a team"),
        (["agents", "evaluate", "--candidates", "some"], "--candidates is 'some'"),
        (["agents", "evaluate", "--candidates", "1"], "--candidates is '1'"),
        (["agents", "evaluate", "--model", "gpt"], "model 'gpt' names no provider"),
        (["agents", "evaluate", "--data", "mine", "--candidates", "39"], "39 candidates cannot be drawn"),
    ],
)
def test_wrong_use_is_one_clear_line(arguments: list[str], words: str) -> None:
    with pytest.raises(InputError) as caught:
        CliRunner().invoke(APP, arguments, catch_exceptions=False)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert not Path("runs").exists()


def test_the_command_module_imports_nothing_heavy() -> None:
    program = (
        "import sys, tastemaker.app.commands.agents; "
        "print([m for m in ('numpy', 'polars', 'torch', 'pydantic_ai', 'scipy') if m in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == "[]"
