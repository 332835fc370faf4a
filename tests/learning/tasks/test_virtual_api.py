"""The client against a small server that keeps to the protocol of StableToolBench's."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import ValidationError

from tastemaker.errors import ToolError
from tastemaker.learning.tasks.stabletoolbench import BenchApi, BenchTask
from tastemaker.learning.tasks.virtual_api import VirtualApi, VirtualApiConfig
from tastemaker.records import ToolSpec

FIELDS = {"category", "tool_name", "api_name", "tool_input", "strip", "toolbench_key"}


class Server(ThreadingHTTPServer):
    """Answers by the name of the API, and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[dict[str, Any]] = []
        self.followed = False


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/virtual" or set(body) != FIELDS or not isinstance(body["strip"], str):
            self.give({"detail": "unprocessable"}, 422)
            return
        self.server.asked.append(body)
        given = json.loads(body["tool_input"]) if body["tool_input"] else {}
        match body["api_name"]:
            case "echo":
                self.give({"error": "", "response": {"tool": body["tool_name"], "got": given}})
            case "text":
                self.give({"error": "", "response": "plain words"})
            case "long":
                self.give({"error": "", "response": "x" * 5000})
            case "broken":
                self.give({"error": "Tool input parse error...\n", "response": ""})
            case "shapeless":
                self.give(["no", "object"])
            case "huge":
                self.give({"error": "", "response": "x" * 3_000_000})
            case "status":
                self.give({}, 503)
            case "html":
                self.send(b"<html>", 200)
            case "drip":
                self.send_response(200)
                self.end_headers()
                for _ in range(40):
                    self.more(b" ")
                    time.sleep(0.05)
            case "away":
                self.send_response(302)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

    def do_GET(self) -> None:
        self.server.followed = True
        self.give({"error": "", "response": "followed"})

    def give(self, value: Any, status: int = 200) -> None:
        self.send(json.dumps(value).encode(), status)

    def send(self, content: bytes, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.more(content)

    def more(self, content: bytes) -> None:
        try:
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    served = Server()
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    served.shutdown()
    thread.join()
    served.server_close()


def api(name: str) -> BenchApi:
    parameters = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    spec = ToolSpec(name=f"{name}_for_tide", parameters=parameters)
    return BenchApi(category="Tide, Sea", tool="tide", api=name, spec=spec)


def client(server: Server, **settings: Any) -> VirtualApi:
    return VirtualApi(VirtualApiConfig(url=f"http://127.0.0.1:{server.server_port}/virtual", **settings))


def call(to: VirtualApi, name: str) -> str:
    return asyncio.run(to.call(api(name), {"id": "ü"}))


def test_a_call_and_its_result(server: Server) -> None:
    ours = client(server, key="k1")
    task = BenchTask(id="1", question="?", apis=(api("echo"),), relevant=())
    [tool] = ours.tools(task)
    assert asyncio.run(tool.call({"id": "ü"})) == '{"got":{"id":"ü"},"tool":"tide"}'
    assert server.asked == [
        {
            "category": "Tide, Sea",
            "tool_name": "tide",
            "api_name": "echo",
            "tool_input": json.dumps({"id": "ü"}),
            "strip": "truncate",
            "toolbench_key": "k1",
        }
    ]
    with pytest.raises(ToolError, match="argument id is missing"):
        asyncio.run(tool.call({}))
    assert len(server.asked) == 1
    assert call(ours, "text") == "plain words"
    assert [made.success for made in ours.called] == [True, True]


def test_a_long_result_is_cut(server: Server) -> None:
    assert call(client(server, longest=100), "long") == "x" * 100 + "..."


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "Tool input parse error"),
        ("shapeless", "has no response"),
        ("huge", "too long an answer"),
        ("status", "HTTP 503"),
        ("html", "no JSON"),
        ("away", "HTTP 302"),
        ("drip", "no answer within 0.4 s"),
    ],
)
def test_what_goes_wrong_is_told_and_recorded(server: Server, name: str, message: str) -> None:
    ours = client(server, seconds=0.4)
    with pytest.raises(ToolError, match=message):
        call(ours, name)
    [made] = ours.called
    assert not made.success
    assert message in made.text
    assert not server.followed


def test_a_server_that_is_not_there() -> None:
    ours = VirtualApi(VirtualApiConfig(url="http://127.0.0.1:9/virtual", seconds=1))
    with pytest.raises(ToolError, match="cannot be reached"):
        call(ours, "echo")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://host/x",
        "http:///virtual",
        "http://a:b@host/",
        "http://host:x/",
        "http://h/ a",
    ],
)
def test_only_web_addresses_are_taken(url: str) -> None:
    with pytest.raises(ValidationError):
        VirtualApiConfig(url=url)
