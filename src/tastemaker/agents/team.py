"""A team of agents: one request goes in, an answer with the trajectories of all who worked on it comes out.

Who works and how is said by a workflow (`roles`). A Manager answers, with the recommender's tools or by
asking others, each of whom runs its own loop (MACRec, arXiv 2402.15235); a Planner may have the tools called
beforehand, and a Reflector may judge the answer and have the Manager try again. One budget holds for the
whole team. A team keeps nothing between requests, so any number may run at once. It never sees a label.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_ai.models import Model
from pydantic_ai.settings import ModelSettings

import tastemaker
from tastemaker.agents.answers import (
    AnalysisAnswer,
    ChangeAnswer,
    Manner,
    PlanAnswer,
    RankingAnswer,
    RatingAnswer,
    ScoringAnswer,
    VerdictAnswer,
    pool,
)
from tastemaker.agents.binding import bind, one_of, pending
from tastemaker.agents.roles import Role, Roster, built_in
from tastemaker.agents.tasks import Request
from tastemaker.errors import InputError, ToolError
from tastemaker.records import Json, Outcome, Provenance, Task, ToolSpec, Trajectory, Usage
from tastemaker.tools.limits import Budget, Limits
from tastemaker.tools.loop import Answer, Event, Observe, act
from tastemaker.tools.tool import Tool
from tastemaker.tools.toolbox import Toolbox, Workbench

SHOWN = 50
"""Items that a tool shows at most."""

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
    """Agents who share a workbench and a model."""

    def __init__(
        self,
        bench: Workbench,
        model: Model,
        config: TeamConfig | None = None,
        *,
        provenance: Provenance | None = None,
    ) -> None:
        self.bench = bench
        self.model = model
        self.config = config or TeamConfig()
        self.provenance = provenance or Provenance(
            dataset=bench.dataset.name, model=model.model_name, code_version=tastemaker.__version__
        )

    async def run(self, request: Request, observe: Observe | None = None) -> TeamRun:
        """Work on one request.

        Raises InputError when the request cannot be asked of this data (unknown user or item, no
        ratings). What goes wrong later is in the outcome.
        """
        return await _Job(self, request, observe).run()


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
        shared = config.model_dump(include={"requests", "tokens", "seconds", "request_seconds", "backoff"})
        self.limits = Limits(answer_tries=config.answer_tries, **shared)
        self.budget = Budget(self.limits)
        self.data = self.team.bench.dataset
        self.id = f"{config.workflow}:{self.request.id}"
        self.roster = config.roster
        self.workflow = self.roster.workflow(config.workflow)

    async def run(self) -> TeamRun:
        """Answer, and answer again as long as the Reflector is not content and trials are left."""
        workflow = self.workflow
        answered = await self._trial("")
        for _ in range(workflow.trials - 1):
            verdict = None
            if workflow.reflector and answered.outcome.kind in ("answered", "invalid"):
                verdict = await self._judge(answered)
            if verdict is None or verdict["correct"]:
                break
            again = await self._trial(self._memory(answered, verdict["reason"]))
            kept, dropped = (answered, again) if again.outcome.kind != "answered" else (again, answered)
            self.others.append(self._superseded(dropped))
            answered = kept
        return TeamRun((answered, *self.others))

    async def _trial(self, memory: str) -> Trajectory:
        """The Manager's work from the start; `memory` is what is told of an earlier trial."""
        request = self.request
        role = self.roster.roles[getattr(self.workflow, request.kind)]
        toolbox = self._toolbox()
        made: dict[str, None] = {}
        n = self._length(toolbox) if request.kind == "ranking" else request.n
        answer = self._answer(toolbox, n, _manner(role, made))
        fixed = {"user": request.user, "n": min(pool(n), SHOWN)}
        fixed |= {} if request.item is None else {"item": request.item}
        bound = [bind(tool, fixed, made) for tool in self._tools(role, toolbox)]
        prompt = self._prompt(role, toolbox, n)
        if self.workflow.planner:
            prompt = await self._planned(role, bound, prompt)

        def tools() -> list[Tool]:
            ids = list(toolbox.offered)[:SHOWN]
            narrowed = (
                one_of(tool, "item", ids) if tool.spec.name in self.roster.asked else tool for tool in bound
            )
            return [tool for tool in narrowed if tool is not None]

        return await self._act(
            role, self.id, None, "\n".join(filter(None, (prompt, memory))), self._task(), tools, answer
        )

    def _answer(self, toolbox: Toolbox, n: int, manner: Manner) -> Answer:
        """What the Manager answers with."""
        edits = self.team.config.answers == "edits"
        if self.request.kind == "ranking":
            return (ScoringAnswer if edits else RankingAnswer)(toolbox.offered, n, manner)
        scale = self.data.rating_range
        if scale is None or "predict_rating" not in toolbox.names:
            raise InputError(f"{self.data.name} has no ratings, so none can be predicted; ask for rankings")
        return ChangeAnswer(scale, toolbox.predicted, manner) if edits else RatingAnswer(scale, manner)

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
        tell = self.observe or (lambda event: None)
        lines = [prompt]
        for name in dict.fromkeys([*named, *(name for name in manager.required if name in free)]):
            tell(Event(role.name, "call", f"{name}()"))
            try:
                found = await free[name].call({})
            except ToolError as error:
                found = f"error: {error}"
            tell(Event(role.name, "observation", found))
            lines.append(f"{name}:\n{found}")
        return "\n".join(lines)

    async def _judge(self, answered: Trajectory) -> dict[str, Any] | None:
        """The Reflector's verdict on a trial; None where it gave none, which leaves the answer as it is."""
        role = self.roster.roles[self.workflow.reflector]
        asked = answered.messages[1].text
        prompt = f"The request:\n{asked}\nThe answer:\n{self._told(answered)}"
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
        told = []
        if remember in ("last_trial", "both"):
            told.append(f"Your last answer:\n{self._told(answered)}")
        if remember in ("reflection", "both"):
            told.append(f"It was judged wrong: {reason}")
        return "\n".join(told)

    def _told(self, answered: Trajectory) -> str:
        """An answer as text."""
        given = answered.outcome.answer if answered.outcome.kind == "answered" else None
        if given is None:
            return "none"
        lines = [self._line(id) for id in given["ids"]] if "ids" in given else [f"{given['rating']:g}"]
        return "\n".join([*lines, given["reason"]])

    def _superseded(self, trial: Trajectory) -> Trajectory:
        """A trial of the Manager's that another took the place of, as one of the others."""
        self.asked += 1
        return trial.model_copy(update={"id": f"{self.id}/{self.asked}", "parent": self.id})

    def _task(self) -> Task:
        request = self.request
        inputs = request.model_dump(mode="json", exclude_none=True)
        return Task(kind=request.kind, id=request.id, inputs=inputs)

    def _toolbox(self) -> Toolbox:
        toolbox = self.team.bench.at(self.request.moment, self.request.user)
        if self.request.candidates is not None:
            toolbox.restrict_to(self.request.candidates)
            toolbox.offer(self.request.candidates)
        return toolbox

    def _length(self, toolbox: Toolbox) -> int:
        """The ranking's length: no longer than what there is to recommend."""
        if self.request.candidates is not None:
            there = len(toolbox.offered)
        else:
            taken = self.data.item[self.data.history(self._user, self.request.moment)]
            there = self.data.n_items - len(set(taken.tolist()))
        if there == 0:
            raise InputError(f"{self.data.name}: nothing is left to recommend to user {self.request.user}")
        return min(self.request.n, there)

    @property
    def _user(self) -> int:
        return self.data.user_index(self.request.user)

    def _tools(self, role: Role, toolbox: Toolbox) -> list[Tool]:
        """The role's tools as far as the models at hand allow them; roles that are asked are tools too."""
        asked = self.roster.asked
        return [
            self._asking(asked[name]) if name in asked else toolbox.tools([name])[0]
            for name in role.tools
            if name in asked or name in toolbox.names
        ]

    def _prompt(self, role: Role, toolbox: Toolbox, n: int) -> str:
        request = self.request
        lines = []
        if role.shown_history:
            taken = toolbox.history(request.user, role.shown_history)
            lines += [f"User {request.user} took last, newest first:", taken]
        if request.kind == "rating":
            low, high = self.data.rating_range or (0.0, 0.0)
            lines.append(f"Predict how user {request.user} rates this item, from {low:g} to {high:g}:")
            lines.append(self._line(str(request.item)))
        elif request.candidates is None:
            lines.append(f"Recommend {n} items to user {request.user}.")
        else:
            lines.append(f"Recommend {n} of these items to user {request.user}:")
            lines += map(self._line, request.candidates)
        return "\n".join(lines)

    def _line(self, item: str) -> str:
        return self.team.bench.catalogue.line(self.data.item_index(item))

    def _asking(self, role: Role) -> Tool:
        """The tool that asks a role: about the request's user, an item, or anything."""
        user = self.request.user

        async def about_user(user: str) -> str:
            return await self._ask(role, {"user": user}, f"Study user {user}.")

        async def about_item(item: str) -> str:
            found, _ = self.team.bench.catalogue.find(item)
            id = self.team.bench.catalogue.ids[found]
            return await self._ask(role, {"user": user, "item": id}, f"Study this item:\n{self._line(id)}")

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
        toolbox = self._toolbox()
        made: dict[str, None] = {}
        tools = [bind(tool, fixed, made) for tool in self._tools(role, toolbox)]
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


def _manner(role: Role, made: Collection[str]) -> Manner:
    """How the role answers, given the tools called so far."""
    return Manner(lambda: pending(role.required, made), role.opening, role.question)
