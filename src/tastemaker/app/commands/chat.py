"""`tastemaker chat`: a conversation with a team of agents in the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.commands.agents import (
    Answers,
    Data,
    ModelOption,
    Record,
    Retriever,
    RosterOption,
    WorkflowOption,
    describe_team,
    show,
)
from tastemaker.app.console import JsonOption, err, out, print_json, print_table
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.agents.chat import Chat
    from tastemaker.agents.team import TeamRun

_HELP = "/profile shows what was understood of you, /forget TEXT takes it back, /quit ends"


def chat(
    data: Data = "ml-100k",
    user: Annotated[
        str | None, typer.Option("--user", help="Id of a user of the data, whose history counts.")
    ] = None,
    person: Annotated[
        str | None,
        typer.Option("--as", help="Your name: what you like is kept under it for the next conversation."),
    ] = None,
    say: Annotated[
        list[str] | None, typer.Option("--say", help="Say this and end; may be given several times.")
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, max=10, help="How many items at a time.")] = 5,
    workflow: WorkflowOption = "interpret",
    model: ModelOption = "local:smollm2",
    answers: Answers = None,
    retriever: Retriever = None,
    record: Record = None,
    roster: RosterOption = None,
    steps: Annotated[bool, typer.Option("--steps", help="Show each agent's steps.")] = False,
    memory: Annotated[
        Path | None, typer.Option("--memory", help="The file of profiles (default: in the cache folder).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Talk with a team of agents that recommends.

    Say what you like and what you do not; titles and categories are understood, and nothing is recommended
    twice. With --as NAME your likes and dislikes are kept (`tastemaker memory` shows and erases them).

    Example: tastemaker chat --say "Something like Alien (1979), but no horror"
    """
    from tastemaker.agents import prepare
    from tastemaker.agents.chat import Chat
    from tastemaker.agents.memory import Memory
    from tastemaker.agents.team import opened_team
    from tastemaker.data import registry
    from tastemaker.llm.models import fetch_weights, resolve
    from tastemaker.tools.talk import VISITOR

    if memory is not None and person is None:
        raise InputError("--memory keeps what is said under a name: add --as NAME")
    if as_json and not say:
        raise InputError("--json needs what to say: add --say TEXT")
    config = describe_team(workflow, "conversation", answers, model, roster)
    language_model = resolve(model, record=record)
    dataset = registry.load(data)
    if user is not None:
        dataset.user_index(user)
    with err.status("") as status:
        bench = prepare.whole(dataset, retriever=retriever, tell=lambda what: status.update(f"{what} …"))
    fetch_weights(model)

    async def talk() -> list[dict[str, Any]]:
        async with opened_team(bench, language_model, config) as team:
            with Memory(memory) if person is not None else nullcontext() as kept:
                began = datetime.now(UTC).isoformat(timespec="seconds")
                conversation = Chat(team, began, user or VISITOR, n, kept, person or "")
                return await _talk(conversation, say, steps and not as_json, as_json)

    turns = asyncio.run(talk())
    if as_json:
        print_json({"data": data, "workflow": workflow, "model": model, "turns": turns})
    if say and turns[-1]["outcome"] != "answered":
        raise typer.Exit(1)


async def _talk(chat: Chat, say: Sequence[str] | None, steps: bool, quiet: bool) -> list[dict[str, Any]]:
    """The conversation, turn by turn, and its record."""
    told = []
    for text in say or _typed():
        if text.startswith("/"):
            if text == "/quit":
                break
            _command(chat, text)
            continue
        with nullcontext() if steps or quiet else err.status("…"):
            run = await chat.say(text, show if steps else None)
        told.append(_record(chat, text, run))
        if not quiet:
            _print(chat, run, said=text if say else None)
    return told


def _typed() -> Iterator[str]:
    """What the user types, until the end of the input."""
    err.print(f"[dim]{_HELP}[/]")
    while True:
        try:
            text = err.input("[bold green]you[/] ").strip()
        except EOFError:
            return
        if text:
            yield text


def _command(chat: Chat, text: str) -> None:
    name, _, rest = text.partition(" ")
    if name == "/profile":
        titles = chat.team.bench.catalogue
        data = chat.team.bench.dataset
        talk = chat.talk
        rows = [
            {"what": what, "which": f"{id} {titles.titles[data.item_index(id)]}".strip()}
            for what, ids in (("likes", talk.likes), ("dislikes", talk.dislikes))
            for id in ids
        ]
        rows += [{"what": "seeks", "which": x} for x in talk.seeks]
        rows += [{"what": "avoids", "which": x} for x in talk.avoids]
        rows += [{"what": "note", "which": x} for x in talk.notes]
        print_table(rows) if rows else out.print("nothing yet")
    elif name == "/forget" and rest.strip():
        gone = chat.forget(rest.strip())
        out.print("forgotten" if gone else "there is no such thing; /profile shows what there is")
    else:
        out.print(_HELP, markup=False)


def _record(chat: Chat, text: str, run: TeamRun) -> dict[str, Any]:
    answer = run.answer or {"ids": [], "reason": ""}
    titles = chat.team.bench.catalogue.titles
    items = [{"id": id, "title": titles[chat.team.bench.dataset.item_index(id)]} for id in answer["ids"]]
    return {
        "said": text,
        "outcome": run.outcome.kind,
        "error": run.root.error,
        "reply": answer["reason"],
        "items": items,
        "usage": run.usage.model_dump(),
    }


def _print(chat: Chat, run: TeamRun, said: str | None) -> None:
    if said is not None:
        out.print(f"you  {said}", style="green", markup=False, highlight=False, soft_wrap=True)
    if run.answer is None:
        err.print(f"[red]no answer[/] ({run.outcome.kind}): ", end="")
        err.print(run.root.error or "", markup=False, highlight=False, soft_wrap=True)
        return
    out.print(f"team {run.answer['reason']}", style="cyan", markup=False, highlight=False, soft_wrap=True)
    for id in run.answer["ids"]:
        line = chat.team.bench.catalogue.line(chat.team.bench.dataset.item_index(id))
        out.print(f"     {line}", markup=False, highlight=False, soft_wrap=True)
