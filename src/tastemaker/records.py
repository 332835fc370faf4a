"""The one record that every part exchanges: what a model was asked, what it did, what came of it.

An agent's run, a generated dialogue, a training roll-out and a benchmark row are all `Trajectory`, so one
viewer shows them and one trainer takes them. This module knows nothing of who writes or reads the records.

Records are frozen. They go through JSON Lines (`write_jsonl`, `read_jsonl`) and Parquet (`write_parquet`,
`read_parquet`) without loss. A line that names another `version` is refused, not guessed at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tastemaker.errors import InputError

VERSION: Final = 1


def _plain_json(value: Any) -> Any:
    """Pass through what JSON can hold exactly; refuse NaN, infinities and other types."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("NaN and infinities cannot be recorded")
        return value
    if isinstance(value, list | tuple):
        return [_plain_json(v) for v in value]
    if isinstance(value, dict):
        if not all(isinstance(k, str) for k in value):
            raise ValueError("object keys must be strings")
        return {k: _plain_json(v) for k, v in value.items()}
    raise ValueError(f"{type(value).__name__} is not a JSON value")


Json = Annotated[Any, AfterValidator(_plain_json)]
"""Any JSON value: null, boolean, integer, finite float, string, list or object."""

JsonObject = Annotated[dict[str, Any], AfterValidator(_plain_json)]
"""A JSON object."""


class Record(BaseModel):
    """Base of all records: frozen, and strict about unknown fields and non-finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ToolSpec(Record):
    """What a model is told of a tool."""

    name: str
    description: str = ""
    parameters: JsonObject = Field(default_factory=lambda: {"type": "object", "properties": {}})
    """JSON Schema of the arguments; always of type object."""
    result: JsonObject | None = None
    """JSON Schema of the result, where it is known."""


class ToolCall(Record):
    """One call of one tool, as the model made it."""

    id: str
    name: str
    arguments: JsonObject = Field(default_factory=dict)


class Message(Record):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    """Calls made by an assistant message."""
    call_id: str | None = None
    """The call that a tool message answers."""


class Step(Record):
    """One sampled action and what it met: the unit that a step reward belongs to."""

    text: str = ""
    """The raw output of the model, before any parsing."""
    calls: tuple[ToolCall, ...] = ()
    observations: tuple[str, ...] = ()
    """What each call returned, in the order of `calls`."""
    error: str | None = None
    """Why the output could not be used, as the model was told it."""
    prompt_ids: tuple[int, ...] = ()
    """Token ids of the whole prompt, where the engine gives them."""
    token_ids: tuple[int, ...] = ()
    """Token ids exactly as sampled, end token included."""
    log_probs: tuple[float, ...] = ()
    """Natural-log probability of each sampled token under the model alone: temperature 1, no constraint."""
    rewards: dict[str, float] = Field(default_factory=dict)
    seconds: float = 0.0


class Usage(Record):
    """What a run cost."""

    requests: int = 0
    """Model calls, replayed ones included."""
    replayed: int = 0
    """Model calls answered from a recording."""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    """Wall-clock seconds, waiting for other requests of the same batch included."""
    cost: float = 0.0
    """US dollars, 0 for local models."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{k: getattr(self, k) + getattr(other, k) for k in Usage.model_fields})


class Outcome(Record):
    """How a run ended."""

    kind: Literal["answered", "invalid", "limit", "failed"]
    """answered: a valid answer · invalid: no valid answer within the allowed tries · limit: a usage limit was
    reached · failed: the model did not respond."""
    answer: Json = None
    scores: dict[str, float] = Field(default_factory=dict)
    """Metrics of the answer against the label, by name. Never shown to the agent."""


class Task(Record):
    """What was asked. `inputs` holds what the agent may know; labels stay outside."""

    kind: str
    id: str
    inputs: JsonObject = Field(default_factory=dict)


class Provenance(Record):
    """Where a record comes from, so that it can be made again."""

    dataset: str = ""
    protocol: str = ""
    seed: int = 0
    model: str = ""
    code_version: str = ""


class Trajectory(Record):
    """One run of one agent on one task."""

    version: Literal[1] = VERSION
    id: str
    parent: str | None = None
    """The trajectory of the agent that delegated this one."""
    agent: str = ""
    task: Task
    tools: tuple[ToolSpec, ...] = ()
    messages: tuple[Message, ...] = ()
    steps: tuple[Step, ...] = ()
    outcome: Outcome
    usage: Usage = Usage()
    error: str | None = None
    provenance: Provenance = Provenance()


def parse_line(line: str | bytes, where: str = "record") -> Trajectory:
    """Read one JSON line. Raises InputError with the place when it is not a record of this version."""
    try:
        return Trajectory.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "line"
        raise InputError(f"{where}: not a trajectory of version {VERSION}: {field}: {first['msg']}") from None


def write_jsonl(path: Path, trajectories: Iterable[Trajectory]) -> None:
    """Append the trajectories to a JSON Lines file, one whole line a record."""
    with path.open("a", encoding="utf-8") as file:
        for trajectory in trajectories:
            file.write(trajectory.model_dump_json() + "\n")
            file.flush()


def read_jsonl(path: Path) -> Iterator[Trajectory]:
    """Yield the trajectories of a JSON Lines file.

    A last line without a line break was cut off by a killed process: it is left out, as it was never
    finished.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                yield parse_line(line, f"{path}:{number}")


_COLUMNS = (
    "id",
    "parent",
    "agent",
    "task",
    "dataset",
    "model",
    "outcome",
    "requests",
    "input_tokens",
    "output_tokens",
)


def write_parquet(path: Path, trajectories: Iterable[Trajectory]) -> None:
    """Write a Parquet file: plain columns to query by, and the whole record as JSON in the column
    `record`."""
    import polars as pl

    rows = [
        (
            t.id,
            t.parent,
            t.agent,
            t.task.kind,
            t.provenance.dataset,
            t.provenance.model,
            t.outcome.kind,
            t.usage.requests,
            t.usage.input_tokens,
            t.usage.output_tokens,
            t.model_dump_json(),
        )
        for t in trajectories
    ]
    kinds = [pl.String] * 7 + [pl.Int64] * 3 + [pl.String]
    schema = dict(zip((*_COLUMNS, "record"), kinds, strict=True))
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(path)


def read_parquet(path: Path) -> Iterator[Trajectory]:
    """Yield the trajectories of a file that `write_parquet` wrote."""
    import polars as pl

    for number, line in enumerate(pl.read_parquet(path, columns=["record"])["record"], 1):
        yield parse_line(line, f"{path} row {number}")


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: one text for one value, to hash and to compare."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
