"""`tastemaker demo`: from an empty machine to recommendations by agents on real data, and what they are
worth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.commands.agents import print_recommendations, recommended, run_evaluation, show
from tastemaker.app.console import JsonOption, err, out, print_json, print_table

if TYPE_CHECKING:
    from rich.status import Status

    from tastemaker.agents.tasks import Labelled, Request
    from tastemaker.agents.team import Team
    from tastemaker.data.splits import Split

DATA = "ml-100k"
MODEL = "local:smollm2"
SHOWN_ITEMS = 5


def demo(
    people: Annotated[int, typer.Option("--people", min=1, help="Users to watch the team work for.")] = 3,
    users: Annotated[int, typer.Option("--users", min=1, help="Users to measure the team on.")] = 40,
    folder: Annotated[Path, typer.Option("--run", help="Run folder.")] = Path("runs/demo"),
    as_json: JsonOption = False,
) -> None:
    """Fetch MovieLens-100K and SmolLM2-135M, train, let agents recommend and rate, and measure all of it.

    Interrupted, it goes on where it was. A second time most is read from the cache and the run folder.

    Example: tastemaker demo --people 1 --users 8
    """
    from tastemaker.agents import prepare
    from tastemaker.agents.baselines import RANKERS, RATERS
    from tastemaker.agents.evaluate import EvaluationConfig
    from tastemaker.agents.scoring import baseline_rows, team_row
    from tastemaker.agents.tasks import ranking_tasks, rating_tasks, split_for_agents
    from tastemaker.agents.team import Team, TeamConfig
    from tastemaker.data import registry
    from tastemaker.llm.models import fetch_weights, resolve

    started = time.monotonic()
    _say("1. Data and weights")
    dataset = registry.load(DATA)
    fetch_weights(MODEL)
    err.print(f"{DATA}: {dataset.n_users:,} users, {dataset.n_items:,} films, {len(dataset):,} ratings")
    err.print(f"terms of use: {dataset.source.licence}", style="dim", soft_wrap=True)

    _say("2. Retrieval models, fitted on what happened before the test part")
    _fit((*RANKERS, *RATERS), split_for_agents(dataset))
    ground = prepare.ground(dataset)
    rankings = ranking_tasks(dataset, ground.split, requests=users)
    ratings = rating_tasks(dataset, ground.split, requests=people)
    model = resolve(MODEL, record=folder / "answers.jsonl")
    config = EvaluationConfig(
        data=DATA,
        fingerprint=dataset.fingerprint,
        requests=users,
        model=MODEL,
        team=TeamConfig(workflow="analyse", answers="edits"),
    )
    team = Team(ground.bench, model, config.team)

    _say(f"3. A Manager and two analysts on {MODEL} recommend from the full catalogue")
    lists = [_recommend(team, request, as_json) for request in rankings.requests[:people]]
    _say("4. The same team predicts ratings")
    predictions = [_rate(team, task) for task in ratings.tasks]
    if not as_json:
        print_table(predictions, caption=ratings.protocol)
    _say(f"5. The team measured on {len(rankings.tasks)} users, beside baselines on the same requests")
    runs = run_evaluation(config, ground, rankings, model, folder / "ranking", concurrency=16)
    rows = [*baseline_rows(ground, rankings), team_row("agent team", ground, rankings, runs)]
    seconds = time.monotonic() - started
    if as_json:
        protocol = rankings.protocol
        print_json(
            {"lists": lists, "ratings": predictions, "protocol": protocol, "rows": rows, "seconds": seconds}
        )
        return
    print_table(rows, title="Next film from the full catalogue", caption=rankings.protocol)
    out.print(
        f"Done in {seconds:.0f} s. Every step of every agent: {folder / 'ranking' / 'trajectories.jsonl'}"
    )


def _say(title: str) -> None:
    err.print(f"\n[bold]{title}[/]", highlight=False)


def _fit(names: Sequence[str], split: Split) -> None:
    """Fit the models that the cache does not hold, and say how long each took."""
    from tastemaker.retrieval.registry import fit_cached

    for name in names:
        before = time.monotonic()
        with err.status(f"{name} …") as status:

            def on_epoch(row: Mapping[str, Any], name: str = name, status: Status = status) -> None:
                status.update(f"{name}: epoch {row['epoch']} of at most {row['epochs']}")

            fit_cached(name, split, on_epoch=on_epoch)
        err.print(f"  {name:<12}{time.monotonic() - before:6.1f} s", highlight=False)


def _recommend(team: Team, request: Request, quiet: bool) -> dict[str, Any]:
    """Let the team recommend to one user, its steps shown as they happen."""
    run = asyncio.run(team.run(request, show))
    rows = recommended(team.bench, request, run.answer["ids"] if run.answer else [])
    if not quiet:
        print_recommendations(rows[:SHOWN_ITEMS], run)
    return {"user": request.user, "outcome": run.outcome.kind, "items": rows, "usage": run.usage.model_dump()}


def _rate(team: Team, task: Labelled) -> dict[str, Any]:
    """Let the team predict one rating; the real one is put beside it afterwards."""
    request = task.request
    run = asyncio.run(team.run(request, show))
    return {
        "user": request.user,
        "film": team.bench.at(request.moment, request.user).title(str(request.item)),
        "predicted": None if run.answer is None else run.answer["rating"],
        "actual": task.label,
        "the Manager": "" if run.answer is None else run.answer["reason"],
    }
