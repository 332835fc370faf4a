"""Who works in a team, and how: roles and workflows as data.

The built-in ones stand in `roster.toml` and follow MACRec (arXiv 2402.15235): a Manager who answers, analysts
who look at one user or one item, a Searcher, a Task Interpreter who says what a conversation comes to, a
Reflector who judges answers; and a Planner, who has the tools called in one go. A file in the same form
changes them, adds others, and gives them tools of its own (`tools.source`), without code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.tools.source import Source
from tastemaker.tools.toolbox import NAMES

AnswerKind = Literal["ranking", "rating", "explanation", "analysis", "verdict", "plan"]
TaskKind = Literal["ranking", "rating", "explanation", "conversation"]
TASKS: dict[TaskKind, AnswerKind] = {
    "ranking": "ranking",
    "rating": "rating",
    "explanation": "explanation",
    "conversation": "ranking",
}
"""What is asked of teams, and what their Manager answers with."""

ANSWERS = ("recommend", "rate", "explain_choice", "report", "judge", "plan")
"""Names of the calls that answer; no tool may have one of them."""


class Role(Config):
    """One agent's job."""

    name: str
    """What people see."""
    instructions: str
    """The system prompt: two to four sentences."""
    tools: tuple[str, ...] = ()
    """Names of its tools: the toolbox's, the roster's sources, and the `asked_as` of other roles."""
    required: tuple[str, ...] = ()
    """Tools that must have been called before it may answer."""
    steps: int = Field(ge=0)
    """Rounds of tool calls before only the answer is offered; at least as many as `required` has tools,
    except for a Manager with a Planner, whose tools are called before it begins."""
    answer: AnswerKind
    """What it answers with."""
    shown_history: int = Field(default=0, ge=0)
    """So many of the user's last interactions stand in its prompt."""
    opening: str = ""
    """How its sentence begins. Decoding in this process is held to it: a small model, left to itself, begins
    with a number out of its prompt."""
    question: str = ""
    """What it is asked last, when it may answer: a small model holds to that."""
    asked_as: str = ""
    """Name of the tool by which others ask it; empty where nobody does."""
    about: Literal["user", "item", "question"] = "question"
    """What it is asked about: the request's user, an item, or anything."""


class Workflow(Config):
    """How a team goes about a request. Roles stand by their keys in the roster."""

    about: str
    """In one line, for people."""
    ranking: str = ""
    """The Manager for rankings; empty, as for the other tasks, where the workflow is not for them."""
    rating: str = ""
    """The Manager for ratings."""
    explanation: str = ""
    """The Manager who explains why an item suits a user."""
    conversation: str = ""
    """The Manager who recommends in a conversation; what it says is the reason of its ranking."""
    interpreter: str = ""
    """Who says first what a conversation comes to; empty where nobody does."""
    planner: str = ""
    """Who names the Manager's tools beforehand; empty where the Manager calls them itself."""
    reflector: str = ""
    """Who judges the answer; empty where nobody does."""
    trials: int = Field(default=2, ge=1)
    """How often the Manager answers at most; it tries again where the Reflector is not content."""
    remember: Literal["none", "last_trial", "reflection", "both"] = "both"
    """What it is told when it tries again: its last answer, what the Reflector said, both or nothing."""


class Roster(Config):
    """Roles, workflows and sources by name. Whether they fit together is checked when it is made."""

    roles: dict[str, Role]
    workflows: dict[str, Workflow]
    sources: dict[str, Source] = Field(default_factory=dict)
    """Tools of the user's own; each has its source's name."""

    @property
    def asked(self) -> dict[str, Role]:
        """The roles that others ask, by the name of the tool that does it."""
        return {role.asked_as: role for role in self.roles.values() if role.asked_as}

    def workflow(self, name: str) -> Workflow:
        """The workflow of that name. Raises InputError listing the names when there is none."""
        if name not in self.workflows:
            raise InputError(f"no workflow {name!r}; there are: {', '.join(self.workflows)}")
        return self.workflows[name]

    def manager(self, name: str, task: TaskKind) -> Role:
        """The Manager of a workflow for a task. Raises InputError where the workflow is not for it."""
        key = getattr(self.workflow(name), task)
        if not key:
            fit = [other for other, workflow in self.workflows.items() if getattr(workflow, task)]
            others = f"; these are: {', '.join(fit)}" if fit else ""
            raise InputError(f"the workflow {name} is not for the task {task}{others}")
        return self.roles[key]

    def only(self, name: str) -> Roster:
        """The workflow of that name, the roles that work in it, and the sources that these use."""
        chosen = self.workflow(name)
        keys = {getattr(chosen, part) for part in _PARTS}
        called = {tool for key in keys if key for tool in self.roles[key].tools}
        keys |= {key for key, role in self.roles.items() if role.asked_as in called}
        roles = {key: role for key, role in self.roles.items() if key in keys}
        used = {tool for role in roles.values() for tool in role.tools}
        sources = {tool: source for tool, source in self.sources.items() if tool in used}
        return Roster(roles=roles, workflows={name: chosen}, sources=sources)

    @model_validator(mode="after")
    def _check(self) -> Self:
        asked = [role.asked_as for role in self.roles.values() if role.asked_as]
        named = [*NAMES, *ANSWERS, *asked, *self.sources]
        for name in (*asked, *self.sources):
            if named.count(name) > 1:
                raise ValueError(f"two tools would have the name {name}")
        for key, role in self.roles.items():
            known = {*NAMES, *self.sources} if role.asked_as else {*NAMES, *self.sources, *asked}
            for tool in role.tools:
                if tool not in known:
                    why = "a role that is asked asks nobody" if tool in asked else "there is no such tool"
                    raise ValueError(f"role {key}: {tool}: {why}")
            if missing := [tool for tool in role.required if tool not in role.tools]:
                raise ValueError(f"role {key}: {missing[0]} is required but not among its tools")
        for name, workflow in self.workflows.items():
            self._check_workflow(name, workflow)
        return self

    def _check_workflow(self, name: str, workflow: Workflow) -> None:
        for part, answer in _PARTS.items():
            key = getattr(workflow, part)
            if not key:
                continue
            role = self.roles.get(key)
            if role is None:
                raise ValueError(f"workflow {name}: {part}: there is no role {key!r}")
            if role.answer != answer:
                raise ValueError(f"workflow {name}: {part}: {key} answers with a {role.answer}")
            if part in TASKS and not workflow.planner and role.steps < len(role.required):
                raise ValueError(f"role {key}: {len(role.required)} tools are required in {role.steps} steps")
        if not any(getattr(workflow, task) for task in TASKS):
            raise ValueError(f"workflow {name}: names no Manager; give one for {', '.join(TASKS)}")


_PARTS: dict[str, AnswerKind] = {
    **{str(task): answer for task, answer in TASKS.items()},
    "interpreter": "analysis",
    "planner": "plan",
    "reflector": "verdict",
}
"""The parts of a workflow that name a role, and what it answers with."""


@cache
def built_in() -> Roster:
    """The roles and workflows that come with the package."""
    return _made(_shipped(), "roster.toml")


def load(path: Path | None) -> Roster:
    """The built-in roster with what a file changes and adds.

    Raises InputError for a file that cannot be read, unknown fields, and roles that do not fit together.
    """
    if path is None:
        return built_in()
    try:
        own = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: no readable roster ({error})") from None
    whole = _shipped()
    for part, entries in own.items():
        if part not in whole or not all(isinstance(entry, dict) for entry in _entries(entries)):
            raise InputError(
                f"{path}: {part}: a roster has tables [roles.NAME], [workflows.NAME] and [sources.NAME]"
            )
        for name, entry in entries.items():
            whole[part][name] = {**whole[part].get(name, {}), **entry}
    return _made(whole, str(path))


def _shipped() -> dict[str, Any]:
    """The tables that come with the package, anew."""
    text = (files("tastemaker.agents") / "roster.toml").read_text(encoding="utf-8")
    return {"sources": {}, **tomllib.loads(text)}


def _entries(table: Any) -> list[Any]:
    return list(table.values()) if isinstance(table, dict) else [table]


def _made(table: Mapping[str, Any], where: str) -> Roster:
    try:
        roles = {key: _extended(key, table["roles"], ()) for key in table["roles"]}
        return Roster.model_validate({**table, "roles": roles})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{where}: {place}: {message}" if place else f"{where}: {message}") from None
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def _extended(key: str, roles: Mapping[str, Any], below: tuple[str, ...]) -> dict[str, Any]:
    """A role's fields, those of the role that it extends first."""
    if key not in roles:
        raise ValueError(f"role {below[-1]} extends {key!r}, which there is not")
    if key in below:
        raise ValueError(f"role {key} extends itself")
    own = dict(roles[key])
    base = own.pop("extends", None)
    return own if base is None else {**_extended(base, roles, (*below, key)), **own}
