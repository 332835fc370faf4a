"""Depth-first search over what a model may do (DFSDT): where a run gets nowhere, it goes on from an earlier
output with another one.

ToolLLM (arXiv:2307.16789, section 3.2) in its pre-order form: no output is compared with another, the search
just goes back from a node that fails to the deepest one before it that may have another child. A node is one
output of the model; it fails when it cannot be used, is the same as an earlier child in its place, follows a
turn that failed without mending it, or gives up. Outputs that lead to a node are gone through again, never
sampled again. In ToolLLM a prompt names what was tried before; here that prompt stays what it is, so that
what is found can be trained on, and other seeds make other children. Knows nothing of tasks or how runs are
made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart

from tastemaker.records import Trajectory, Usage, canonical
from tastemaker.tools.loop import REPEATED, Event

PATIENCE = 2
"""Turns in a row without a call that succeeds, after which a run gets nowhere: one error may be mended."""


@dataclass
class Watch:
    """Notices when a run gets nowhere. It is told what happens, and asked before each output."""

    known: int = 0
    """Outputs that are gone through again."""
    avoid: Collection[str] = ()
    """What was said before in place of the first new output."""
    room: int | None = None
    """New outputs that there may be; None for any number."""
    _rejected: bool = False
    _turn: list[bool] = field(default_factory=list)
    _failed: int = 0

    def __call__(self, event: Event) -> None:
        self._rejected |= event.kind == "rejected"
        if event.kind == "observation":
            self._turn.append(event.text == REPEATED or event.text.startswith("error:"))

    def objection(self, outputs: Sequence[ModelResponse]) -> str | None:
        """Why there should be no output after these."""
        if self._turn:
            self._failed = self._failed + 1 if all(self._turn) else 0
            self._turn = []
        if len(outputs) <= self.known:
            return None
        if self._rejected:
            return "an output could not be used"
        if said(outputs[self.known]) in self.avoid:
            return "the same was tried before"
        if self._failed >= PATIENCE:
            return f"{PATIENCE} turns in a row failed"
        if self.room is not None and len(outputs) - self.known >= self.room:
            return "no more outputs may be drawn"
        return None


class Dive(NamedTuple):
    """One run, from the question to where it ended."""

    trajectory: Trajectory
    """Its usage is that of the new outputs."""
    outputs: tuple[ModelResponse, ...]
    """All of them, those that were gone through again included."""


class Diver(Protocol):
    """Makes a run that goes through `path` and then on until `watch` objects; a run that ends so did not
    answer. `attempt` tells runs apart.
    """

    async def __call__(self, path: Sequence[ModelResponse], attempt: int, watch: Watch) -> Dive: ...


async def depth_first(
    dive: Diver, *, width: int, nodes: int, gives_up: Callable[[Trajectory], bool]
) -> Trajectory:
    """The first run that answers without giving up; else the first that gave up, else the first of all. One
    whose model is down ends the search and is its result. The usage is that of the whole search, which draws
    `nodes` outputs at most, `width` in one place.
    """
    children: dict[tuple[str, ...], list[str]] = {}
    path: tuple[ModelResponse, ...] = ()
    runs: list[Trajectory] = []
    drawn = 0
    while True:
        place = tuple(map(said, path))
        watch = Watch(len(path), tuple(children.get(place, ())), nodes - drawn)
        run, outputs = await dive(path, len(runs), watch)
        runs.append(run)
        drawn += len(outputs) - len(path)
        texts = tuple(map(said, outputs))
        for depth in range(len(path), len(outputs)):
            children.setdefault(texts[:depth], []).append(texts[depth])
        answered = run.outcome.kind == "answered" and not gives_up(run)
        open_places = [depth for depth in range(len(outputs)) if len(children[texts[:depth]]) < width]
        down = run.outcome.kind == "failed"
        if answered or down or len(outputs) == len(path) or drawn >= nodes or not open_places:
            break
        path = outputs[: open_places[-1]]
    gave_up = (one for one in runs if one.outcome.kind == "answered")
    best = run if answered or down else next(gave_up, runs[0])
    return best.model_copy(update={"usage": sum((one.usage for one in runs), Usage())})


def said(output: ModelResponse) -> str:
    """The same for outputs that say the same."""
    parts = [
        [part.tool_name, part.args] if isinstance(part, ToolCallPart) else part.content
        for part in output.parts
        if isinstance(part, ToolCallPart | TextPart)
    ]
    return canonical(parts)
