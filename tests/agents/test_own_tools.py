"""Roles and tools of a user's own in a team: the how-to's, word for word but for the host, and sources that
fail."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic_ai.models.function import FunctionModel

from tastemaker.agents.prepare import Ground
from tastemaker.agents.roles import Roster, load
from tastemaker.agents.tasks import ranking_tasks
from tastemaker.agents.team import Team, TeamConfig, TeamRun, opened_team
from tastemaker.errors import InputError

PAGE = (Path(__file__).parents[2] / "docs" / "agents.md").read_text(encoding="utf-8")
ROLE, SECTION = (PAGE.split(f"## A {what} of your own\n")[1].split("\n## ")[0] for what in ("role", "tool"))
LIBRARY = """
from mcp.server.mcpserver import MCPServer
server = MCPServer("library")

@server.tool()
def lends(query: str) -> str:
    return f"{query} is on the shelf"

server.run()
"""


class Wikipedia(BaseHTTPRequestHandler):
    """Answers searches in the form of MediaWiki's API."""

    def do_GET(self) -> None:
        words = parse_qs(urlsplit(self.path).query)["srsearch"][0]
        found = {"query": {"search": [{"title": words, "snippet": f"<b>{words}</b> is a film"}]}}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def wikipedia() -> Iterator[str]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), Wikipedia)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}/"
    http.shutdown()
    http.server_close()


def run(ground: Ground, model: FunctionModel, roster: Roster, workflow: str = "search") -> TeamRun:
    request = ranking_tasks(ground.dataset, ground.split, requests=1).requests[0]

    async def work() -> TeamRun:
        config = TeamConfig(workflow=workflow, roster=roster, backoff=0.0)
        async with opened_team(ground.bench, model, config) as team:
            return await team.run(request)

    return asyncio.run(work())


def searched(made: TeamRun) -> dict[str, str]:
    """What each of the Searcher's calls gave."""
    searcher = next(t for t in made.trajectories if t.agent == "Searcher")
    return {
        call.name: result
        for step in searcher.steps
        for call, result in zip(step.calls, step.observations, strict=True)
    }


def roster_of(tmp_path: Path, text: str) -> Roster:
    (tmp_path / "mine.toml").write_text(text)
    return load(tmp_path / "mine.toml")


def test_the_how_to_s_role_is_asked(ground: Ground, obedient_model: FunctionModel, tmp_path: Path) -> None:
    text = ROLE.split("```toml\n")[1].split("```")[0]
    made = run(ground, obedient_model, roster_of(tmp_path, text), "critical")
    assert made.outcome.kind == "answered"
    assert [t.agent for t in made.trajectories].count("Manager") == 3
    critic = next(t for t in made.trajectories if t.agent == "Critic")
    assert critic.messages[0].text.endswith("what speaks against it.")


def test_the_how_to_s_tools_answer_the_searcher(
    ground: Ground,
    obedient_model: FunctionModel,
    wikipedia: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("mcp")
    shown = {language: text for language, text in re.findall(r"```(\w+)\n(.*?)```", SECTION, re.DOTALL)}
    (tmp_path / "prices.py").write_text(shown["python"])
    (tmp_path / "library.py").write_text(LIBRARY)
    monkeypatch.chdir(tmp_path)
    text = shown["toml"].replace("https://en.wikipedia.org/", wikipedia)
    made = run(ground, obedient_model, roster_of(tmp_path, text.replace('"python ', f'"{sys.executable} ')))
    assert made.outcome.kind == "answered"
    found = searched(made)
    assert found["price"] == "not sold"
    assert found["wikipedia"] == "Title 3 is a film"
    assert found["library"] == "Title 3 is on the shelf"


def test_a_source_that_fails_is_told_to_the_model_and_the_run_goes_on(
    ground: Ground, obedient_model: FunctionModel, tmp_path: Path
) -> None:
    pytest.importorskip("httpx2")
    text = (
        '[sources.web]\nabout = "The web."\nurl = "http://127.0.0.1:9/{query}"\n'
        '[roles.searcher]\ntools = ["search", "web"]\n'
    )
    made = run(ground, obedient_model, roster_of(tmp_path, text))
    assert made.outcome.kind == "answered"
    assert searched(made)["web"].startswith("error: web cannot be reached")


def test_a_source_that_cannot_be_opened_is_said_before_any_call(
    ground: Ground, obedient_model: FunctionModel, tmp_path: Path
) -> None:
    text = (
        '[sources.gone]\nabout = "Nothing."\npython = "no_such_module:f"\n'
        '[roles.searcher]\ntools = ["search", "gone"]\n'
    )
    roster = roster_of(tmp_path, text)
    with pytest.raises(InputError, match="source gone: no_such_module cannot be imported") as error:
        run(ground, obedient_model, roster)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="the source gone is not open"):
        Team(ground.bench, obedient_model, TeamConfig(workflow="search", roster=roster))
    Team(ground.bench, obedient_model, TeamConfig(workflow="single", roster=roster))
