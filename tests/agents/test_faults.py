"""Whole evaluations against a server that fails in every way that a model behind HTTP can fail.

The server draws each reply from a seeded schedule. Whatever it does, each request ends with a typed outcome,
and the records count the model calls that the server counted.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.tools import ToolDefinition

from tastemaker.agents.evaluate import EvaluationConfig, run_all
from tastemaker.agents.journal import Journal
from tastemaker.agents.prepare import Ground
from tastemaker.agents.roles import built_in
from tastemaker.agents.scoring import team_row
from tastemaker.agents.tasks import TaskSet, ranking_tasks, rating_tasks
from tastemaker.agents.team import Team, TeamConfig, TeamRun
from tastemaker.records import read_jsonl
from tastemaker.retrieval.itemknn import ItemKNN
from tastemaker.runs import Run
from tastemaker.tools.workbench import Workbench

WORKFLOWS = [name for name, workflow in built_in().workflows.items() if workflow.ranking and workflow.rating]
TIMEOUT = 1.0
"""Seconds that a request may take here; the server hangs for longer."""

JUNK = (
    "{",
    "[]",
    "null",
    '"text"',
    '{"ids": null, "rating": null, "reason": null, "user": null, "item": null, "summary": null}',
    '{"ids": ["i1", "nowhere"], "item": "nowhere", "user": "nobody", "reason": ""}',
    '{"ids": [1, 2, {}], "rating": "four", "item": 7, "user": [], "correct": "maybe"}',
    '{"rating": NaN, "reason": "x"}',
    '{"rating": 1e999, "n": -1, "reason": "x"}',
    '{"rating": true, "ids": [true], "reason": "x"}',
    '{"n": ' + "9" * 5000 + "}",
    '{"item": ' + "[" * 3000 + "]" * 3000 + "}",
    '{"item": ' + "[" * 150 + "]" * 150 + "}",
    '{"item": "\\ud800", "user": "\\u0000", "question": "\\u202e"}',
    '{"item": "' + "long " * 20_000 + '"}',
)
"""Arguments that no call may be given."""


def completion(message: Any, usage: Any = None, finish: Any = "tool_calls") -> dict[str, Any]:
    counts = {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45} if usage is None else usage
    choice = {"index": 0, "message": message, "finish_reason": finish}
    whole = {"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini"}
    return whole | {"choices": [choice], "usage": counts}


def calling(*calls: tuple[Any, Any]) -> dict[str, Any]:
    made = [
        {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
        for name, arguments in calls
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


Reply = tuple[int, dict[str, str], bytes]
"""Status, headers and body of a response."""


class Server(ThreadingHTTPServer):
    """Speaks the OpenAI chat protocol as the obedient model does, with a fault in every so many replies."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self, arguments: Callable[[ToolDefinition], Any], faults: Sequence[str], every: int, seed: int
    ) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.arguments = arguments
        self.random = random.Random(seed)
        self.kinds = faults
        self.every = every
        self.asked = 0
        self.bugs: list[BaseException | None] = []
        self.faults: Counter[str] = Counter()
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no news; anything else is a fault of this test."""
        error = sys.exception()
        if not isinstance(error, OSError):
            self.bugs.append(error)

    @property
    def model(self) -> Model:
        url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        return OpenAIChatModel("gpt-4o-mini", provider=OpenAIProvider(base_url=url, api_key="none"))

    def reply(self, request: dict[str, Any]) -> Reply | str:
        """A response, or what happens instead of one: `hang`, `close`, `reset`, `cut`."""
        with self.lock:
            self.asked += 1
            if not self.every or self.asked % self.every:
                return 200, {}, json.dumps(self.right(request)).encode()
            fault = self.random.choice(self.kinds)
            self.faults[fault] += 1
            junk = self.random.choice(JUNK)
        if fault in ("hang", "close", "reset", "cut"):
            return fault
        return self.wrong(fault, junk, request)

    def right(self, request: dict[str, Any]) -> dict[str, Any]:
        made = {c["function"]["name"] for m in request["messages"] for c in m.get("tool_calls") or ()}
        offered = [tool["function"] for tool in request["tools"]]
        chosen = next((f for f in offered if f["name"] not in made), offered[-1])
        definition = ToolDefinition(name=chosen["name"], parameters_json_schema=chosen["parameters"])
        return completion(calling((chosen["name"], json.dumps(self.arguments(definition)))))

    def wrong(self, fault: str, junk: str, request: dict[str, Any]) -> Reply:
        names = [tool["function"]["name"] for tool in request["tools"]]
        text = {
            "role": "assistant",
            "content": "As an AI, {I} would \ufffd rather \x00 not.",
            "tool_calls": [],
        }
        bodies: dict[str, Any] = {
            "text": completion(text, finish="stop"),
            "empty message": completion({"role": "assistant", "content": None}, finish="stop"),
            "too long": completion(text | {"content": "na " * 60_000}, finish="length"),
            "null message": completion(None),
            "null fields": {k: None for k in completion(None)},
            "null call": completion(calling((None, None))),
            "unknown call": completion(calling(("drop_tables", "{}"))),
            "arguments": completion(calling((names[0], junk))),
            "answer": completion(calling((names[-1], junk))),
            "many calls": completion(calling(*[(name, junk) for name in names * 20])),
            "object": completion(calling((names[-1], {"ids": None}))),
            "no usage": self.right(request) | {"usage": None},
            "odd usage": self.right(request) | {"usage": {"prompt_tokens": "many", "completion_tokens": -4}},
            "no choice": self.right(request) | {"choices": []},
            "error as 200": {"error": {"message": "overloaded", "code": None}},
            "list": [],
        }
        if fault in bodies:
            return 200, {}, json.dumps(bodies[fault]).encode()
        plain: dict[str, Reply] = {
            "html": (200, {"Content-Type": "text/html"}, b"<html>busy</html>"),
            "no body": (200, {}, b""),
            "bytes": (200, {}, bytes(range(256))),
            "500": (500, {}, b"oops"),
            "503": (503, {"Retry-After": "0"}, b'{"error": {"message": "later"}}'),
            "429": (429, {"Retry-After": "0.05"}, b'{"error": {"message": "slow down"}}'),
            "429 at odds": (429, {"Retry-After": "soon"}, b"null"),
            "400": (400, {}, b'{"error": null}'),
        }
        return plain[fault]


FAULTS = (
    *("hang", "close", "reset", "cut", "text", "empty message", "too long", "null message", "null fields"),
    *("null call", "unknown call", "arguments", "arguments", "answer", "answer", "many calls", "object"),
    *("no usage", "odd usage", "no choice", "error as 200", "list", "html", "no body", "bytes"),
    *("500", "503", "429", "429 at odds", "400"),
)


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        reply = self.server.reply(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        if isinstance(reply, str):
            self.fail(reply)
            return
        status, headers, body = reply
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, how: str) -> None:
        self.close_connection = True
        if how == "hang":
            time.sleep(TIMEOUT + 0.2)
        elif how == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif how == "cut":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"id": "1", "choices": [')

    def log_message(self, *arguments: Any) -> None:
        pass


@contextmanager
def serving(obedient: Callable[[], Any], faults: Sequence[str], every: int, seed: int) -> Iterator[Server]:
    server = Server(obedient().arguments, faults, every, seed)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
    assert not server.bugs


class Moody(ItemKNN):
    """Item-kNN that raises for every fourth user."""

    def score(self, users: NDArray[np.integer]) -> NDArray[np.float32]:
        if (users % 4 == 0).any():
            raise RuntimeError("out of order")
        return super().score(users)


@pytest.fixture(scope="module")
def moody(ground: Ground) -> Ground:
    """The town with a retrieval tool that raises for every fourth user."""
    old = ground.bench
    retrieval = Moody().fit(ground.split.train)
    return replace(
        ground, bench=Workbench(old.dataset, train=old.train, retrieval=retrieval, ratings=old.ratings)
    )


def evaluated(
    ground: Ground, server: Server, folder: Path, kind: str, requests: int = 4, **config: Any
) -> tuple[TaskSet, dict[str, TeamRun]]:
    make = ranking_tasks if kind == "ranking" else rating_tasks
    tasks = make(ground.dataset, ground.split, requests=requests)
    team = TeamConfig(backoff=0.0, request_seconds=TIMEOUT, **config)
    journal = Journal(Run.open(folder, EvaluationConfig(data="town", fingerprint="f", model="m", team=team)))
    made = asyncio.run(run_all(Team(ground.bench, server.model, team), tasks.requests, journal))
    return tasks, made


@pytest.mark.parametrize(
    ("workflow", "kind"), [(name, ("ranking", "rating")[i % 2]) for i, name in enumerate(WORKFLOWS)]
)
def test_whatever_fails_every_request_ends_with_a_typed_outcome(
    moody: Ground, obedient: Callable[[], Any], tmp_path: Path, workflow: str, kind: str
) -> None:
    with serving(obedient, FAULTS, every=3, seed=WORKFLOWS.index(workflow)) as server:
        tasks, runs = evaluated(moody, server, tmp_path / "run", kind, workflow=workflow)
    assert list(runs) == [request.id for request in tasks.requests]
    assert server.faults
    for run in runs.values():
        for trajectory in run.trajectories:
            assert (trajectory.outcome.kind == "answered") == (trajectory.error is None)
            assert trajectory.error is None or (trajectory.error and "\n" not in trajectory.error)
    lines = list(read_jsonl(tmp_path / "run" / "trajectories.jsonl"))
    assert sum(line.usage.requests for line in lines) == server.asked
    assert sum(run.usage.requests for run in runs.values()) == server.asked
    assert Counter(line.task.id for line in lines if line.parent is None) == Counter(list(runs))
    row = team_row("team", moody, tasks, runs)
    assert row["failed"] == sum(run.outcome.kind == "failed" for run in runs.values())
    assert (row["n"], row["calls"]) == (len(runs), server.asked / len(runs))


@pytest.mark.parametrize("fault", sorted({*FAULTS} - {"hang"}))
def test_a_server_that_always_fails_in_one_way(
    ground: Ground, obedient: Callable[[], Any], tmp_path: Path, fault: str
) -> None:
    with serving(obedient, (fault,), every=1, seed=1) as server:
        _, runs = evaluated(ground, server, tmp_path / "run", "ranking", requests=2, workflow="single")
    down = (
        "close",
        "reset",
        "cut",
        "bytes",
        "no body",
        "no choice",
        "500",
        "503",
        "429",
        "429 at odds",
        "400",
    )
    kind = "answered" if fault == "no usage" else "failed" if fault in down else "invalid"
    assert {run.outcome.kind for run in runs.values()} == {kind}
    assert sum(run.usage.requests for run in runs.values()) == server.asked
    once = ("400", "bytes", "no body", "no choice")
    assert (server.asked == len(runs)) == (fault in once)


def test_the_list_price_of_every_call_is_counted(
    ground: Ground, obedient: Callable[[], Any], tmp_path: Path
) -> None:
    """40 tokens in for $0.15 a million and 5 out for $0.60, as the price list has it for gpt-4o-mini."""
    with serving(obedient, (), every=0, seed=0) as server:
        _, runs = evaluated(ground, server, tmp_path / "free", "ranking", requests=3, workflow="analyse")
        assert sum(run.usage.cost for run in runs.values()) == pytest.approx(
            server.asked * (40 * 0.15e-6 + 5 * 0.60e-6)
        )
