"""A team of agents: one request goes in, an answer with the trajectories of all who worked on it comes out.

Who works and how is said by a workflow (`roles`). A Manager answers, with the recommender's tools or by
asking others, each of whom runs its own loop (MACRec, arXiv 2402.15235); a Task Interpreter may say first
what a conversation comes to, a Planner may have the tools called beforehand, and a Reflector may judge the
answer and have the Manager try again. One budget holds for the whole team. A team keeps nothing between
requests, so any number may run at once. It never sees a label. Tools of the user's own are there for as long
as the team is open (`opened_team`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

import tastemaker
from tastemaker.agents.answers import AnalysisAnswer, Manner, PlanAnswer, VerdictAnswer
from tastemaker.agents.binding import bind, one_of, pending, worded
from tastemaker.agents.briefing import SHOWN, Briefing, line, told, toolbox
from tastemaker.agents.roles import Role, Roster, built_in
from tastemaker.agents.tasks import Request
from tastemaker.errors import InputError, LimitReached, ToolError
from tastemaker.records import Json, Outcome, Provenance, Step, Task, ToolCall, ToolSpec, Trajectory, Usage
from tastemaker.tools.limits import Budget, Limits
from tastemaker.tools.loop import Answer, Event, Observe, act
from tastemaker.tools.request import clean
from tastemaker.tools.source import Source
from tastemaker.tools.sources import opened
from tastemaker.tools.tool import Tool
from tastemaker.tools.toolbox import Toolbox
from tastemaker.tools.workbench import Workbench

OPENINGS = {"question": "What about", "query": "about"}
"""How a small model's questions and searches begin."""

LONG_ANSWER = 4096
"""Tokens that an answer with more than ten items may take."""


class TeamConfig(BaseModel):
    """How a team works and what it may use for one request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow: str = "analyse"
    """Name of a workflow of the roster."""
    roster: Roster = Field(default_factory=built_in)
    """Roles and workflows."""
    answers: Literal["own", "edits"] = "own"
    """How requests are answered: with a list of ids or a number of the model's own, or by editing what its
    tools gave (a score for each item that was offered, a change of the predicted rating). In the latter a
    small model whose output is constrained to the schema cannot go wrong, and destroys little."""
    answer_tries: int = Field(default=3, ge=1)
    """Unusable outputs of one agent before it gives up."""
    requests: int | None = Field(default=24, ge=1)
    """Model calls of the whole team."""
    tokens: int | None = Field(default=None, ge=1)
    """Tokens of the whole team, in and out."""
    seconds: float | None = Field(default=None, gt=0)
    """Wall-clock seconds of the whole team."""
    cost: float | None = Field(default=None, gt=0)
    """US dollars of the whole team, by list prices; a model of unknown price counts as free."""
    request_seconds: float = Field(default=120.0, gt=0)
    """Seconds that one model call may take."""
    backoff: float = Field(default=0.5, ge=0)
    """Seconds before a model that was down is asked again."""
    temperature: float | None = Field(default=0.0, ge=0)
    """Sampling temperature; None leaves it to the model."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.roster.workflow(self.workflow)
        return self


@dataclass(frozen=True)
class TeamRun:
    """What came of one request."""

    trajectories: tuple[Trajectory, ...]
    """That of the Manager's answer first, then all others in the order in which they ended."""

    @property
    def root(self) -> Trajectory:
        """The Manager's trajectory."""
        return self.trajectories[0]

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.root.outcome

    @property
    def answer(self) -> Json:
        """The Manager's answer; None unless it was a valid one."""
        return self.outcome.answer if self.outcome.kind == "answered" else None

    @property
    def usage(self) -> Usage:
        """What all agents used. Seconds of those who were asked while another worked count once."""
        total = sum((t.usage for t in self.trajectories), Usage())
        own = sum(t.usage.seconds for t in self.trajectories if t.task.kind != "analysis")
        return total.model_copy(update={"seconds": own})


class Team:
    """Agents who share a workbench and a model.

    `tools` are the opened sources of the workflow, by name. Raises InputError when one is missing:
    `opened_team` opens them.
    """

    def __init__(
        self,
        bench: Workbench,
        model: Model,
        config: TeamConfig | None = None,
        *,
        provenance: Provenance | None = None,
        tools: Mapping[str, Tool] | None = None,
    ) -> None:
        self.bench = bench
        self.model = model
        self.config = config or TeamConfig()
        self.tools = dict(tools or {})
        if missing := [name for name in _sources(self.config) if name not in self.tools]:
            raise InputError(f"the source {missing[0]} is not open; open the team with opened_team")
        self.provenance = provenance or Provenance(
            dataset=bench.dataset.name, model=model.model_name, code_version=tastemaker.__version__
        )

    async def run(self, request: Request, observe: Observe | None = None) -> TeamRun:
        """Work on one request.

        Raises InputError when the request cannot be asked of this data (unknown user or item, no
        ratings). What goes wrong later is in the outcome.
        """
        return await _Job(self, request, observe).run()


@asynccontextmanager
async def opened_team(
    bench: Workbench,
    model: Model,
    config: TeamConfig | None = None,
    *,
    provenance: Provenance | None = None,
) -> AsyncIterator[Team]:
    """A team with the sources of its workflow open for as long as the context lasts. Enter and leave it in
    the same task.

    Raises InputError for a source that cannot be opened. Without sources nothing is opened and nothing more
    is needed.
    """
    config = config or TeamConfig()
    async with opened(_sources(config)) as tools:
        yield Team(bench, model, config, provenance=provenance, tools=tools)


@dataclass
class _Job:
    """One request under way."""

    team: Team
    request: Request
    observe: Observe | None
    budget: Budget = field(init=False)
    others: list[Trajectory] = field(default_factory=list)
    """Of all but the Manager's last trial."""
    asked: int = 0

    def __post_init__(self) -> None:
        config = self.team.config
        shared = config.model_dump(
            include={"requests", "tokens", "seconds", "cost", "request_seconds", "backoff"}
        )
        self.limits = Limits(answer_tries=config.answer_tries, **shared)
        self.budget = Budget(self.limits)
        self.id = f"{config.workflow}:{self.request.id}"
        self.roster = config.roster
        self.workflow = self.roster.workflow(config.workflow)

    async def run(self) -> TeamRun:
        """Answer, and answer again as long as the Reflector is not content and trials are left."""
        workflow = self.workflow
        wants = await self._interpreted() if workflow.interpreter and self.request.turns else ""
        answered, number = await self._trial(wants, ""), 1
        for later in range(2, workflow.trials + 1):
            verdict = None
            if workflow.reflector and answered.outcome.kind in ("answered", "invalid"):
                verdict = await self._judge(answered)
            if verdict is None or verdict["correct"]:
                break
            again = await self._trial(wants, self._memory(answered, verdict["reason"]))
            if again.outcome.kind == "answered":
                self.others.append(self._superseded(answered, number))
                answered, number = again, later
            else:
                self.others.append(self._superseded(again, later))
        return TeamRun((answered, *self.others))

    async def _interpreted(self) -> str:
        """What the Task Interpreter makes of the conversation; empty where it gives nothing."""
        role = self.roster.roles[self.workflow.interpreter]
        said = self._briefing("").said()
        done = await self._side(role, said, "interpretation", AnalysisAnswer(_manner(role, ())))
        return str(done.outcome.answer["summary"]) if done.outcome.kind == "answered" else ""

    async def _trial(self, wants: str, memory: str) -> Trajectory:
        """The Manager's work from the start; `memory` is what is told of an earlier trial."""
        role = self.roster.manager(self.team.config.workflow, self.request.kind)
        brief = self._briefing(wants)
        made: dict[str, None] = {}
        answer = brief.answer(_manner(role, made))
        bound = self._bound(role, brief.toolbox, brief.fixed, made)
        prompt = brief.prompt(role)
        if self.workflow.planner:
            prompt = await self._planned(role, bound, prompt)
        asking = [tool for tool in bound if tool.spec.name in self.roster.asked]
        tools = self._narrowing(bound, brief.toolbox, asking)
        whole = "\n".join(filter(None, (prompt, memory)))
        return await self._act(role, self.id, None, whole, brief.task(), tools, answer)

    def _briefing(self, wants: str) -> Briefing:
        return Briefing(self.team.bench, self.request, self._edits, wants)

    async def _planned(self, manager: Role, tools: Sequence[Tool], prompt: str) -> str:
        """The prompt with what the tools gave that the Planner named, and those that the Manager needs; where
        there is no plan, the latter alone.
        """
        free = {tool.spec.name: tool for tool in tools if not tool.spec.parameters.get("required")}
        if not free:
            return prompt
        role = self.roster.roles[self.workflow.planner]
        answer = PlanAnswer([tool.spec for tool in free.values()], _manner(role, ()))
        plan = await self._side(role, prompt, "plan", answer)
        named = plan.outcome.answer["tools"] if plan.outcome.kind == "answered" else []
        wanted = dict.fromkeys([*named, *(name for name in manager.required if name in free)])
        called = await self._called(role, [free[name] for name in wanted])
        where = self.others.index(plan)
        self.others[where] = plan.model_copy(
            update={"steps": (*plan.steps, called), "usage": plan.usage + Usage(seconds=called.seconds)}
        )
        found = [f"{c.name}:\n{text}" for c, text in zip(called.calls, called.observations, strict=True)]
        return "\n".join([prompt, *found])

    async def _called(self, role: Role, tools: Sequence[Tool]) -> Step:
        """The tools called without arguments in their order, as a step of the role that named them; not one
        more when the team's limits are reached."""
        start = time.monotonic()
        tell = self.observe or (lambda event: None)
        calls: list[ToolCall] = []
        observations: list[str] = []
        for tool in tools:
            try:
                self.budget.check()
            except LimitReached:
                break
            call = ToolCall(id=f"planned_{len(calls) + 1}", name=tool.spec.name)
            tell(Event(role.name, "call", f"{call.name}()"))
            try:
                async with asyncio.timeout(self.budget.seconds_left):
                    found = clean(await tool.call({}))
            except ToolError as error:
                found = clean(f"error: {error}")
            except (LimitReached, TimeoutError):
                found = "stopped: a limit of the team is reached"
            tell(Event(role.name, "observation", found))
            calls.append(call)
            observations.append(found)
        seconds = time.monotonic() - start
        return Step(calls=tuple(calls), observations=tuple(observations), seconds=seconds)

    async def _judge(self, answered: Trajectory) -> dict[str, Any] | None:
        """The Reflector's verdict on a trial; None where it gave none, which leaves the answer as it is."""
        role = self.roster.roles[self.workflow.reflector]
        asked = answered.messages[1].text
        prompt = f"The request:\n{asked}\nThe answer:\n{told(self.team.bench, answered.outcome)}"
        verdict = await self._side(role, prompt, "verdict", VerdictAnswer(_manner(role, ())))
        return verdict.outcome.answer if verdict.outcome.kind == "answered" else None

    async def _side(self, role: Role, prompt: str, kind: str, answer: Answer) -> Trajectory:
        """Run an agent without tools beside the Manager."""
        self.asked += 1
        task = Task(kind=kind, id=f"{self.request.id}/{self.asked}", inputs={"user": self.request.user})
        done = await self._act(role, f"{self.id}/{self.asked}", self.id, prompt, task, [], answer)
        self.others.append(done)
        return done

    def _memory(self, answered: Trajectory, reason: str) -> str:
        """What the Manager is told of its last trial."""
        remember = self.workflow.remember
        lines = []
        if remember in ("last_trial", "both"):
            lines.append(f"Your last answer:\n{told(self.team.bench, answered.outcome)}")
        if remember in ("reflection", "both"):
            lines.append(f"It was judged wrong: {reason}")
        return "\n".join(lines)

    def _superseded(self, trial: Trajectory, number: int) -> Trajectory:
        """A trial of the Manager's that another took the place of, as one of the others. Its id says which
        it was; the root is the one that is missing."""
        return trial.model_copy(update={"id": f"{self.id}/trial{number}", "parent": self.id})

    def _bound(self, role: Role, box: Toolbox, fixed: dict[str, Any], made: dict[str, None]) -> list[Tool]:
        """The role's tools with what the request fixes filled in."""
        bound = [bind(tool, fixed, made) for tool in self._tools(role, box)]
        return [worded(tool, OPENINGS) for tool in bound] if self._edits else bound

    def _narrowing(
        self, bound: Sequence[Tool], box: Toolbox, narrowed: Sequence[Tool]
    ) -> Callable[[], list[Tool]]:
        """The tools at any moment; those `narrowed` take only items that are on offer then."""

        def tools() -> list[Tool]:
            ids = list(box.offered)[:SHOWN]
            found = (one_of(tool, "item", ids) if tool in narrowed else tool for tool in bound)
            return [tool for tool in found if tool is not None]

        return tools

    @property
    def _edits(self) -> bool:
        return self.team.config.answers == "edits"

    def _tools(self, role: Role, box: Toolbox) -> list[Tool]:
        """The role's tools as far as the models at hand allow them; roles that are asked and sources are
        tools too."""
        asked, own = self.roster.asked, self.team.tools
        return [
            self._asking(asked[name]) if name in asked else own.get(name) or box.tools([name])[0]
            for name in role.tools
            if name in asked or name in own or name in box.names
        ]

    def _asking(self, role: Role) -> Tool:
        """The tool that asks a role: about the request's user, an item, or anything."""
        user = self.request.user

        async def about_user(user: str) -> str:
            return await self._ask(role, {"user": user}, f"Study user {user}.")

        async def about_item(item: str) -> str:
            found, _ = self.team.bench.catalogue.find(item)
            id = self.team.bench.catalogue.ids[found]
            return await self._ask(
                role, {"user": user, "item": id}, f"Study this item:\n{line(self.team.bench, id)}"
            )

        async def about_question(question: str) -> str:
            return await self._ask(role, {"user": user}, question)

        function = {"user": about_user, "item": about_item, "question": about_question}[role.about]
        parameters = {
            "type": "object",
            "properties": {role.about: {"type": "string"}},
            "required": [role.about],
            "additionalProperties": False,
        }
        what = {"user": "about the user", "item": "about an item", "question": "a question"}[role.about]
        spec = ToolSpec(name=role.asked_as, description=f"Ask the {role.name} {what}.", parameters=parameters)
        return Tool(spec, function)

    async def _ask(self, role: Role, fixed: dict[str, Any], prompt: str) -> str:
        """Run the loop of a role that is asked. Returns its summary; raises ToolError when it gave none."""
        self.asked += 1
        made: dict[str, None] = {}
        box = toolbox(self.team.bench, self.request)
        bound = self._bound(role, box, fixed, made)
        tools = self._narrowing(bound, box, bound if self._edits else ())
        task = Task(kind="analysis", id=f"{self.request.id}/{self.asked}", inputs=fixed)
        answer = AnalysisAnswer(_manner(role, made))
        trajectory = await self._act(role, f"{self.id}/{self.asked}", self.id, prompt, task, tools, answer)
        self.others.append(trajectory)
        if trajectory.outcome.kind != "answered":
            raise ToolError(f"the {role.name} gave no analysis: {trajectory.error}")
        return str(trajectory.outcome.answer["summary"])

    async def _act(
        self,
        role: Role,
        id: str,
        parent: str | None,
        prompt: str,
        task: Task,
        tools: Sequence[Tool] | Callable[[], Sequence[Tool]],
        answer: Answer,
    ) -> Trajectory:
        temperature = self.team.config.temperature
        settings = ModelSettings() if temperature is None else ModelSettings(temperature=temperature)
        if self.request.n > 10:
            settings["max_tokens"] = LONG_ANSWER
        return await act(
            self.team.model,
            id=id,
            agent=role.name,
            instructions=role.instructions,
            prompt=prompt,
            task=task,
            tools=tools,
            answer=answer,
            limits=self.limits.model_copy(update={"steps": role.steps}),
            budget=self.budget,
            observe=self.observe,
            parent=parent,
            provenance=self.team.provenance,
            settings=settings,
        )


def _sources(config: TeamConfig) -> dict[str, Source]:
    """The sources that the team's workflow uses."""
    return config.roster.only(config.workflow).sources


def _manner(role: Role, made: Collection[str]) -> Manner:
    """How the role answers, given the tools called so far."""
    return Manner(lambda: pending(role.required, made), role.opening, role.question)
