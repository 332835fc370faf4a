"""`tastemaker agents converse`: conversations with simulated users who have tastes and no item in mind."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table, progress_bar
from tastemaker.errors import InputError


def converse(
    data: Annotated[str, typer.Option("--data", help="Data set by name, with times.")] = "ml-100k",
    model: Annotated[
        str, typer.Option("--model", help="Language model of the team; none for the others alone.")
    ] = "local:smollm2",
    workflow: Annotated[str, typer.Option("--workflow", help="How the team works.")] = "single",
    n: Annotated[int, typer.Option("--n", min=1, help="How many conversations, at most.")] = 20,
    each: Annotated[int, typer.Option("--each", min=1, help="Conversations with one user, at most.")] = 1,
    turns: Annotated[int, typer.Option("--turns", min=1, help="Turns of a conversation.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the users and of what they say.")] = 0,
    run: Annotated[
        Path | None, typer.Option("--run", help="Run folder; one that was interrupted is gone on with.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="Write the table as a results file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Let a team, and recommenders without a model, converse with simulated users.

    A simulated user has the tastes of a real user's held-out history, by categories and a user model, but
    holds no item to be found. It names what it is in the mood for, accepts and refuses what it is shown, and
    says why.

    Example: tastemaker agents converse --model none --n 96
    """
    from tastemaker.agents import prepare
    from tastemaker.agents.journal import Journal
    from tastemaker.agents.sessions import (
        SessionsConfig,
        run_sessions,
        session_protocol,
        session_rows,
        user_values,
    )
    from tastemaker.agents.team import opened_team
    from tastemaker.app.commands.agents import NO_MODEL, describe_team
    from tastemaker.data import registry
    from tastemaker.llm.models import fetch_weights, resolve
    from tastemaker.runs import Run

    started = time.monotonic()
    if run is not None and model == NO_MODEL:
        raise InputError("--run keeps what a team does, and --model none has none; leave one out")
    dataset = registry.load(data)
    team_config = describe_team(workflow, "conversation", None, model, None)
    language_model = None if model == NO_MODEL else resolve(model)
    with err.status("") as status:
        ground = prepare.ground(dataset, seed=seed, tell=lambda what: status.update(f"{what} …"))
        values = user_values(ground.dataset, lambda what: status.update(f"{what} …"))
    journal = None
    if language_model is not None:
        fetch_weights(model)
        config = SessionsConfig(
            data=data,
            fingerprint=dataset.fingerprint,
            sessions=n,
            each=each,
            turns=turns,
            seed=seed,
            model=model,
            team=team_config,
        )
        folder = (
            run
            or Path("runs") / f"conversations-{data}-{workflow}-{model.replace(':', '-').replace('/', '-')}"
        )
        journal = Journal(Run.open(folder, config))

    async def hold() -> dict[str, Any]:
        opened: Any = (
            nullcontext()
            if language_model is None
            else opened_team(ground.bench, language_model, team_config)
        )
        async with opened as team:
            with progress_bar() as progress:
                bar = progress.add_task("conversations", total=None)
                return dict(
                    await run_sessions(
                        ground,
                        team,
                        values,
                        sessions=n,
                        each=each,
                        turns=turns,
                        seed=seed,
                        journal=journal,
                        on_done=lambda session: progress.advance(bar),
                    )
                )

    found = asyncio.run(hold())
    rows = session_rows(ground, found, seed)
    for row in rows:
        row["model"] = f"{workflow} ({model})" if row["model"] == "team" else row["model"]
    protocol = session_protocol(ground, rows[0]["n"], turns, seed)
    kept = [{"data": data, **row} for row in rows]
    keep_results(results, kept, protocol=protocol, seeds=[seed], started=started)
    if as_json:
        print_json({"protocol": protocol, "rows": rows})
    else:
        print_table(rows, title=f"Conversations on {data}", caption=protocol)
