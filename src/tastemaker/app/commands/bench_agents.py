"""`tastemaker bench agents`: what a team takes beside its model, and how many requests it keeps in flight.

The model answers at once, or after a fixed time, with the first call that it has not made and arguments that
fit. What is timed is thus all but the model; the time inside tools is taken off.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import ModelRequestParameters
    from pydantic_ai.models.function import AgentInfo

    from tastemaker.agents.prepare import Ground
    from tastemaker.agents.tasks import Request
    from tastemaker.tools.loop import Event

REQUESTS, SLOW_REQUESTS = 48, 64
"""Requests whose overhead is timed, and requests to a slow model."""

DELAY = 0.1
"""Seconds that the slow model takes."""


def agents(
    data: Annotated[str, typer.Option("--data", help="Data set with interactions in order.")] = "ml-100k",
    results: Annotated[
        Path | None, typer.Option("--results", help="Write the table as a results file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Time a team's work beside its model for each model call, and many requests at once to a slow model.

    Example: tastemaker bench agents
    """
    from tastemaker.agents.evaluate import CONCURRENCY
    from tastemaker.agents.prepare import ground
    from tastemaker.agents.tasks import ranking_tasks
    from tastemaker.app.commands.bench import report
    from tastemaker.data import registry

    started = time.monotonic()
    rows: list[dict[str, Any]] = []
    with err.status("") as status:
        made = ground(registry.load(data), tell=lambda what: status.update(f"{what} …"))
        drawn = ranking_tasks(made.dataset, made.split, requests=SLOW_REQUESTS)
        for workflow in ("single", "analyse"):
            status.update(f"{workflow} …")
            rows.append(overhead(made, drawn.requests[:REQUESTS], workflow))
        status.update("many at once …")
        rows.append(in_flight(made, drawn.requests))
    protocol = (
        f"{made.dataset.name}, rankings of the whole catalogue; a model that answers at once, time inside "
        "tools taken off, one request at a time; reference: model_request of pydantic-ai with the same "
        f"messages; in flight: a model that takes {DELAY:g} s, {CONCURRENCY} requests at once, reference: "
        "these waits alone"
    )
    report("Agents", rows, protocol, started, results, as_json)


class FittingModel:
    """Makes the first call offered that it has not made, with arguments that fit, after `delay` seconds."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.asked: list[tuple[list[ModelMessage], ModelRequestParameters]] = []
        self.now = self.peak = 0

    async def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        from pydantic_ai.messages import ModelResponse, ToolCallPart
        from pydantic_ai.usage import RequestUsage

        self.asked.append((list(messages), info.model_request_parameters))
        self.now += 1
        self.peak = max(self.peak, self.now)
        if self.delay:
            await asyncio.sleep(self.delay)
        self.now -= 1
        made = {part.tool_name for m in messages for part in m.parts if isinstance(part, ToolCallPart)}
        offered = [*info.function_tools, *info.output_tools]
        tool = next((tool for tool in offered if tool.name not in made), offered[-1])
        call = ToolCallPart(tool.name, fitting(tool.parameters_json_schema))
        return ModelResponse(parts=[call], usage=RequestUsage(input_tokens=1, output_tokens=1))


def fitting(schema: dict[str, Any]) -> Any:
    """A value that fits a schema of ours: the first of an enumeration, the least of a range."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema["type"] == "object":
        required = schema.get("required", ())
        return {name: fitting(inner) for name, inner in schema["properties"].items() if name in required}
    if schema["type"] == "array":
        items, length = schema["items"], schema.get("minItems", 0)
        return items["enum"][:length] if "enum" in items else [fitting(items)] * length
    return {"string": "Because it fits."}.get(schema["type"], schema.get("minimum", 0))


class ToolTime:
    """Adds up wall-clock and CPU seconds inside the toolbox's tools; asking another agent is not one."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._name, self._began = "", (0.0, 0.0)

    def __call__(self, event: Event) -> None:
        from tastemaker.tools.toolbox import NAMES

        now = time.perf_counter(), time.process_time()
        if event.kind == "call":
            self._name, self._began = event.text.partition("(")[0], now
        elif event.kind == "observation" and self._name in NAMES:
            self.wall += now[0] - self._began[0]
            self.cpu += now[1] - self._began[1]
            self._name = ""


def overhead(ground: Ground, requests: list[Request], workflow: str) -> dict[str, Any]:
    """Milliseconds beside the model for each model call, of a team and of pydantic-ai's plain request."""
    from pydantic_ai.direct import model_request
    from pydantic_ai.models.function import FunctionModel

    from tastemaker.agents.team import Team, TeamConfig

    fitting_model = FittingModel()
    model = FunctionModel(fitting_model)
    team = Team(ground.bench, model, TeamConfig(workflow=workflow))
    inside = ToolTime()

    async def ours() -> None:
        for request in requests:
            run = await team.run(request, inside)
            assert run.outcome.kind == "answered", run.root.error

    async def plain() -> None:
        for messages, parameters in asked:
            await model_request(model, messages, model_request_parameters=parameters)

    asyncio.run(team.run(requests[0]))
    fitting_model.asked.clear()
    wall, cpu = _timed(ours())
    asked = list(fitting_model.asked)
    reference_wall, reference_cpu = _timed(plain())
    calls = len(asked)
    ours_cpu = (cpu - inside.cpu) / calls
    return {
        "what": f"overhead, {workflow}",
        "size": calls,
        "ms_per_call": 1000 * (wall - inside.wall) / calls,
        "cpu_ms_per_call": 1000 * ours_cpu,
        "tool_ms_per_call": 1000 * inside.wall / calls,
        "reference_ms_per_call": 1000 * reference_wall / calls,
        "reference_cpu_ms_per_call": 1000 * reference_cpu / calls,
        "times_reference": ours_cpu * calls / reference_cpu,
    }


def in_flight(ground: Ground, requests: list[Request]) -> dict[str, Any]:
    """Seconds for many requests at once to a slow model, beside the least that its waits allow."""
    import tempfile

    from pydantic_ai.models.function import FunctionModel

    from tastemaker.agents.evaluate import CONCURRENCY, EvaluationConfig, run_all
    from tastemaker.agents.journal import Journal
    from tastemaker.agents.team import Team, TeamConfig
    from tastemaker.runs import Run

    slow = FittingModel(DELAY)
    config = TeamConfig(workflow="single")
    team = Team(ground.bench, FunctionModel(slow), config)
    about = EvaluationConfig(data=ground.dataset.name, fingerprint="", model="slow", team=config)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Run.open(Path(folder) / "run", about))
        wall, _ = _timed(run_all(team, requests, journal))
    floor = DELAY * len(slow.asked) / CONCURRENCY
    return {
        "what": "in flight, single",
        "size": len(requests),
        "peak": slow.peak,
        "seconds": wall,
        "reference_seconds": floor,
        "times_reference": wall / floor,
    }


def _timed(work: Any) -> tuple[float, float]:
    """Wall-clock and CPU seconds of a coroutine."""
    wall, cpu = time.perf_counter(), time.process_time()
    asyncio.run(work)
    return time.perf_counter() - wall, time.process_time() - cpu
