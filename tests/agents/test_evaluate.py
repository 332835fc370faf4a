"""Evaluations that are killed, interrupted, or meet a model that is down: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models.function import AgentInfo, FunctionModel

from tastemaker.agents.evaluate import EvaluationConfig, run_all
from tastemaker.agents.journal import Journal
from tastemaker.agents.prepare import Ground
from tastemaker.agents.tasks import Request, ranking_tasks
from tastemaker.agents.team import Team, TeamConfig, TeamRun
from tastemaker.errors import InputError
from tastemaker.records import read_jsonl
from tastemaker.runs import Run

CONFIG = EvaluationConfig(data="town", fingerprint="f", model="obedient")


def requests_of(ground: Ground, users: int = 12) -> list[Request]:
    return ranking_tasks(ground.dataset, ground.split, requests=users).requests


def evaluate(
    ground: Ground, model: Any, folder: Path, requests: list[Request], **more: Any
) -> dict[str, TeamRun]:
    team = Team(ground.bench, FunctionModel(model), TeamConfig(backoff=0.0))
    return asyncio.run(run_all(team, requests, Journal(Run.open(folder, CONFIG)), **more))


def whole_once(folder: Path, requests: list[Request], each: int = 3) -> None:
    """Every request's Manager stands in the file once, and each one's analysts before it and once."""
    lines = list(read_jsonl(folder / "trajectories.jsonl"))
    roots = [line for line in lines if line.parent is None]
    assert Counter(root.task.id for root in roots) == Counter(request.id for request in requests)
    assert len({line.id for line in lines}) == len(lines) == each * len(requests)
    seen: set[str] = set()
    for line in lines:
        assert line.parent not in seen
        seen.add(line.id)


def test_a_second_run_asks_nothing_again(ground: Ground, obedient: Callable[[], Any], tmp_path: Path) -> None:
    requests = requests_of(ground)
    first, second = obedient(), obedient()
    done = evaluate(ground, first, tmp_path / "run", requests[:5])
    assert list(done) == [request.id for request in requests[:5]]
    text = (tmp_path / "run" / "trajectories.jsonl").read_bytes()
    again = evaluate(ground, second, tmp_path / "run", requests)
    assert len(second.seen) == len(first.seen) // 5 * 7
    assert (tmp_path / "run" / "trajectories.jsonl").read_bytes().startswith(text)
    assert {id: run.trajectories for id, run in done.items()}.items() <= {
        i: r.trajectories for i, r in again.items()
    }.items()
    whole_once(tmp_path / "run", requests)
    third = evaluate(ground, obedient(), tmp_path / "run", requests)
    assert {i: r.trajectories for i, r in third.items()} == {i: r.trajectories for i, r in again.items()}


@pytest.mark.parametrize("cut", [1, 40, 5000, 60_000])
def test_what_a_killed_process_left_unfinished_is_done_again(
    ground: Ground, obedient: Callable[[], Any], tmp_path: Path, cut: int
) -> None:
    """Cutting bytes off the end leaves half a line, analysts without their Manager, or nothing at all."""
    requests = requests_of(ground, 4)
    evaluate(ground, obedient(), tmp_path / "run", requests, concurrency=1)
    path = tmp_path / "run" / "trajectories.jsonl"
    os.truncate(path, max(0, path.stat().st_size - cut))
    evaluate(ground, obedient(), tmp_path / "run", requests)
    whole_once(tmp_path / "run", requests)


def test_another_config_is_refused(ground: Ground, obedient: Callable[[], Any], tmp_path: Path) -> None:
    evaluate(ground, obedient(), tmp_path / "run", requests_of(ground, 1))
    with pytest.raises(InputError, match="seed is 0 there and 3 here"):
        Run.open(tmp_path / "run", CONFIG.model_copy(update={"seed": 3}))


def test_a_damaged_file_is_refused(ground: Ground, obedient: Callable[[], Any], tmp_path: Path) -> None:
    evaluate(ground, obedient(), tmp_path / "run", requests_of(ground, 2))
    path = tmp_path / "run" / "trajectories.jsonl"
    path.write_text("{}\n" + path.read_text())
    with pytest.raises(InputError, match=r"trajectories.jsonl:1: not a trajectory"):
        Journal(Run.open(tmp_path / "run", CONFIG))


def test_no_more_requests_are_under_way_than_allowed(
    ground: Ground, obedient: Callable[..., Any], tmp_path: Path
) -> None:
    under_way, most = 0, 0
    follower = obedient(delay=0.002)

    async def counting(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        nonlocal under_way, most
        under_way, most = under_way + 1, max(most, under_way + 1)
        response: ModelResponse = await follower(messages, info)
        under_way -= 1
        return response

    evaluate(ground, counting, tmp_path / "run", requests_of(ground), concurrency=3)
    assert most == 3


def test_a_model_that_is_down_gives_failed_runs_and_the_rest_goes_on(
    ground: Ground, obedient: Callable[[], Any], tmp_path: Path
) -> None:
    follower = obedient()
    requests = requests_of(ground)

    async def moody(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if f"user {requests[2].user}." in str(messages):
            raise ModelHTTPError(500, "moody", "out of order")
        response: ModelResponse = await follower(messages, info)
        return response

    runs = evaluate(ground, moody, tmp_path / "run", requests)
    kinds = [runs[request.id].outcome.kind for request in requests]
    assert kinds == ["answered"] * 2 + ["failed"] + ["answered"] * 9
    assert "out of order" in (runs[requests[2].id].root.error or "")
    assert evaluate(ground, moody, tmp_path / "run", requests)[requests[2].id].outcome.kind == "failed"
    well = obedient()
    again = evaluate(ground, well, tmp_path / "run", requests)
    assert [again[request.id].outcome.kind for request in requests] == ["answered"] * 12
    others = [request.user for request in requests if request.user != requests[2].user]
    assert well.seen
    assert not any(f"to user {other}." in text for other in others for text in well.seen)
    assert evaluate(ground, moody, tmp_path / "run", requests)[requests[2].id].outcome.kind == "answered"


def test_a_fault_of_ours_stops_everything_and_keeps_what_was_done(
    ground: Ground, obedient: Callable[[], Any], tmp_path: Path
) -> None:
    requests = requests_of(ground, 3)
    unknown = Request(id="x", kind="ranking", user="nobody", moment=requests[0].moment)
    with pytest.raises(InputError, match="no user 'nobody'"):
        evaluate(ground, obedient(), tmp_path / "run", [*requests, unknown], concurrency=1)
    whole_once(tmp_path / "run", requests)


PROGRAM = """
import asyncio, importlib.util, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("town", sys.argv[1])
town = importlib.util.module_from_spec(spec)
spec.loader.exec_module(town)
from pydantic_ai.models.function import FunctionModel
from tastemaker.agents.evaluate import EvaluationConfig, run_all
from tastemaker.agents.journal import Journal
from tastemaker.agents.tasks import ranking_tasks
from tastemaker.agents.team import Team, TeamConfig
from tastemaker.runs import Run
ground = town.ground_of(town.town())
requests = ranking_tasks(ground.dataset, ground.split, requests=12).requests
config = EvaluationConfig(data="town", fingerprint="f", model="obedient")
team = Team(ground.bench, FunctionModel(town.Obedient(delay=0.03)), TeamConfig(backoff=0.0))
journal = Journal(Run.open(Path(sys.argv[2]), config))
try:
    asyncio.run(run_all(team, requests, journal, concurrency=3))
except KeyboardInterrupt:
    sys.exit(130)
"""


@contextmanager
def under_way(conftest_file: Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program in another process, once it has finished some requests and not all."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(conftest_file), str(folder)])
    path = folder / "trajectories.jsonl"
    try:
        for _ in range(1500):
            if path.exists() and path.read_bytes().count(b"\n") >= 9:
                break
            assert process.poll() is None
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_was_stopped_is_gone_on_with(
    ground: Ground, obedient: Callable[[], Any], conftest_file: Path, tmp_path: Path, how: signal.Signals
) -> None:
    folder = tmp_path / "run"
    with under_way(conftest_file, folder) as process:
        process.send_signal(how)
        assert process.wait(timeout=20) == (130 if how == signal.SIGINT else -signal.SIGKILL)
    requests = requests_of(ground)
    kept = Journal(Run.open(folder, CONFIG)).runs
    assert 0 < len(kept) < len(requests)
    follower = obedient()
    runs = evaluate(ground, follower, folder, requests)
    whole_once(folder, requests)
    assert len(follower.seen) == 10 * (len(requests) - len(kept))
    assert all(runs[id].trajectories == run.trajectories for id, run in kept.items())
