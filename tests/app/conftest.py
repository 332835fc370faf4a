"""Commands called as from a shell, on the small data set; and a model over HTTP that fits the schema."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tastemaker.app.cli import main
from tastemaker.data import registry, store
from tastemaker.data.dataset import Dataset, Source

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tastemaker(
    toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Call:
    """Runs `tastemaker` in a folder of its own, with a cache that holds the toy data: exit code, standard
    output, standard error.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")
    store.save(toy, registry.home("toy"))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["tastemaker", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        code = stop.value.code
        return code if isinstance(code, int) else 0, captured.out, captured.err

    return run


REASON = "Because [/red] of [bold]drama."


def example(schema: dict[str, Any]) -> Any:
    """A value that fits a schema: the first of an enumeration, the least of a range."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        return {
            name: example(inner) for name, inner in schema["properties"].items() if name in schema["required"]
        }
    if schema["type"] == "array":
        inner, length = schema["items"], schema["minItems"]
        return inner["enum"][:length] if "enum" in inner else [example(inner)] * length
    return {"string": REASON, "integer": schema.get("minimum"), "number": schema.get("minimum")}[
        schema["type"]
    ]


class Server(ThreadingHTTPServer):
    """Speaks the OpenAI chat protocol: calls the first function not called yet, with arguments that fit."""

    daemon_threads = True
    reason = REASON
    broken = False
    asked = 0

    def completion(self, request: dict[str, Any]) -> dict[str, Any]:
        made = {c["function"]["name"] for m in request["messages"] for c in m.get("tool_calls") or ()}
        offered = [tool["function"] for tool in request["tools"]]
        chosen = next((f for f in offered if f["name"] not in made), offered[-1])
        function = {"name": chosen["name"], "arguments": json.dumps(example(chosen["parameters"]))}
        message = {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]}
        return {
            "id": "1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55},
        }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked += 1
        body = json.dumps(self.server.completion(request)).encode()
        self.send_response(400 if self.server.broken else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    http = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield http
    http.shutdown()
    http.server_close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in, and a cache that holds one data set, `mine`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TASTEMAKER_OFFLINE", "1")
    monkeypatch.setenv("COLUMNS", "140")
    generator = np.random.default_rng(3)
    user, turn = np.repeat(np.arange(20), 15), np.tile(np.arange(15), 20)
    mine = Dataset.build(
        "mine",
        pl.DataFrame({"id": [f"u{number}" for number in range(20)]}),
        pl.DataFrame(
            {
                "id": [f"i{number}" for number in range(40)],
                "title": [f"Title [{number}]" for number in range(40)],
                "categories": [["Drama", "[War]"]] * 40,
            }
        ),
        user,
        np.concatenate([generator.choice(40, 15, replace=False) for _ in range(20)]),
        rating=generator.integers(1, 6, 300).astype(np.float32),
        time=turn * 20 + user,
        clock="timestamp",
        source=Source("made up", "Apache-2.0"),
        rating_range=(1.0, 5.0),
    )
    store.save(mine, registry.home("mine"))
