"""`tastemaker recommend` and `tastemaker agents`: a team at work for one user, and its evaluation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from tastemaker.app.commands import agents_results, converse
from tastemaker.app.commands.use import recommend_from_history
from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table
from tastemaker.app.steps import step
from tastemaker.errors import InputError

if TYPE_CHECKING:
    from tastemaker.agents.evaluate import EvaluationConfig
    from tastemaker.agents.prepare import Ground, Search
    from tastemaker.agents.roles import TaskKind
    from tastemaker.agents.tasks import Negatives, Request, TaskSet
    from tastemaker.agents.team import TeamConfig, TeamRun
    from tastemaker.tools.loop import Event
    from tastemaker.tools.workbench import Workbench

app = typer.Typer(help="Teams of agents: evaluate, compare and watch them.", no_args_is_help=True)

Data = Annotated[str, typer.Option("--data", help="Data set by name; `tastemaker data list` shows them.")]
WorkflowOption = Annotated[
    str, typer.Option("--workflow", help="How the team works; `tastemaker agents list` shows the names.")
]
RosterOption = Annotated[
    Path | None,
    typer.Option("--roster", help="TOML file that changes or adds roles, workflows and tools."),
]
NO_MODEL = "none"
"""The name of no language model, for the baselines alone."""

ModelOption = Annotated[
    str, typer.Option("--model", help="Language model, such as local:smollm2 or openai:NAME.")
]
Record = Annotated[
    Path | None,
    typer.Option(
        "--record", help="Keep the model's responses in this file; the same requests are answered from it."
    ),
]
Answers = Annotated[
    str | None,
    typer.Option(
        "--answers",
        help="own (a list of ids, a number) or edits of what tools gave (scores of items, a change of the "
        "predicted rating); local models edit.",
    ),
]
Retriever = Annotated[
    str | None,
    typer.Option("--retriever", help="Retrieval model behind the tools (default: by catalogue size)."),
]

SearchOption = Annotated[
    str,
    typer.Option("--search", help="What the search tool goes by: words, or their meaning too (extra embed)."),
]


def recommend(
    context: typer.Context,
    user: Annotated[str | None, typer.Option("--user", help="Id of a user of the data set.")] = None,
    history: Annotated[
        str | None,
        typer.Option("--history", help="Ids of items, separated by commas, of someone not in the data."),
    ] = None,
    data: Data = "ml-100k",
    workflow: WorkflowOption = "analyse",
    model: ModelOption = "local:smollm2",
    n: Annotated[int, typer.Option("--n", min=1, max=25, help="How many items.")] = 10,
    answers: Answers = None,
    retriever: Retriever = None,
    search: SearchOption = "words",
    record: Record = None,
    roster: RosterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a team of agents recommend items to one user, now, from the whole catalogue.

    Shows each agent's steps as they happen, then the recommendations with what speaks for them. With
    --history it is for someone who is not in the data: the retrieval model answers, no agent is asked.

    Example: tastemaker recommend --user 196 --n 5
    """
    if history is not None:
        _only_retrieval(context)
        recommend_from_history(history, data, retriever, n, as_json)
        return
    if user is None:
        raise InputError("say for whom: --user ID, or --history ID,ID,… for someone who is not in the data")
    import asyncio

    from tastemaker.agents import prepare
    from tastemaker.agents.tasks import Request
    from tastemaker.agents.team import opened_team
    from tastemaker.data import registry
    from tastemaker.llm.models import fetch_weights, resolve

    config = describe_team(workflow, "ranking", answers, model, roster)
    by = search_by(search)
    language_model = resolve(model, record=record)
    dataset = registry.load(data)
    dataset.user_index(user)
    with err.status("") as status:
        bench = prepare.whole(
            dataset, retriever=retriever, search=by, tell=lambda what: status.update(f"{what} …")
        )
    fetch_weights(model)
    request = Request(id=f"{data}/now/{user}", kind="ranking", user=user, n=n)

    async def work() -> TeamRun:
        async with opened_team(bench, language_model, config) as team:
            return await team.run(request, show)

    run = asyncio.run(work())
    ids = run.answer["ids"] if run.answer is not None else []
    rows = recommended(bench, request, ids)
    if as_json:
        print_json(
            {
                "user": user,
                "data": data,
                "workflow": workflow,
                "model": model,
                "outcome": run.outcome.kind,
                "error": run.root.error,
                "items": rows,
                "reason": run.answer["reason"] if run.answer else "",
                "usage": run.usage.model_dump(),
            }
        )
    elif rows:
        print_recommendations(rows, run)
    if run.answer is None:
        err.print(f"[red]no recommendation[/] ({run.outcome.kind}): ", end="")
        err.print(run.root.error or "", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1)


@app.command("list")
def list_(roster: RosterOption = None, as_json: JsonOption = False) -> None:
    """List the workflows, the roles, and the tools that a roster adds.

    Example: tastemaker agents list
    """
    from tastemaker.agents.roles import TASKS, load

    found = load(roster)
    if as_json:
        print_json(found.model_dump(mode="json"))
        return
    print_table(
        [
            {"workflow": name, "what": one.about, "tasks": ", ".join(t for t in TASKS if getattr(one, t))}
            for name, one in found.workflows.items()
        ]
    )
    print_table(
        [
            {"role": key, "name": role.name, "answers with": role.answer, "tools": ", ".join(role.tools)}
            for key, role in found.roles.items()
        ],
        caption="--json shows all fields; --roster FILE changes and adds roles, workflows and tools",
    )
    if found.sources:
        print_table(
            [
                {"tool": name, "is": source.kind, "what": source.about}
                for name, source in found.sources.items()
            ]
        )


@app.command()
def evaluate(
    data: Data = "ml-100k",
    workflow: WorkflowOption = "analyse",
    task: Annotated[
        str, typer.Option("--task", help="ranking, rating, explanation or conversation.")
    ] = "ranking",
    n: Annotated[int, typer.Option("--n", min=1, help="How many requests, at most.")] = 50,
    each: Annotated[int, typer.Option("--each", min=1, help="Requests about one user, at most.")] = 1,
    model: ModelOption = "local:smollm2",
    split: Annotated[
        str,
        typer.Option("--split", help="auto (by time where the data has it) or last (each user's last ones)."),
    ] = "auto",
    candidates: Annotated[
        str,
        typer.Option("--candidates", help="full (the whole catalogue), or how many real items to sample."),
    ] = "full",
    negatives: Annotated[
        str,
        typer.Option("--negatives", help="How they are sampled: popularity (in proportion to it), uniform."),
    ] = "popularity",
    answers: Answers = None,
    retriever: Retriever = None,
    search: SearchOption = "words",
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="Language model that grades explanations from 1 to 5, baselines' too."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the sample.")] = 0,
    concurrency: Annotated[
        int, typer.Option("--concurrency", min=1, help="Requests under way at once.")
    ] = 16,
    run: Annotated[
        Path | None, typer.Option("--run", help="Run folder; one that was interrupted is gone on with.")
    ] = None,
    record: Record = None,
    roster: RosterOption = None,
    results: Annotated[
        Path | None, typer.Option("--results", help="Write the table as a results file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a team of agents on held-out interactions, beside baselines on the same requests.

    Each finished request is kept in the run folder, so an interrupted evaluation goes on where it was.

    Example: tastemaker agents evaluate --workflow single --n 20 --run runs/first
    """
    from tastemaker.agents.evaluate import EvaluationConfig, prepared
    from tastemaker.agents.roles import TASKS
    from tastemaker.agents.scoring import baseline_rows, team_row
    from tastemaker.data import registry
    from tastemaker.llm.models import fetch_weights, resolve

    started = time.monotonic()
    sampled = _candidates(candidates)
    if task not in TASKS:
        raise InputError(f"no task {task!r}; there are: {', '.join(TASKS)}")
    team = describe_team(workflow, task, answers, model, roster)
    if split not in ("auto", "last"):
        raise InputError(f"--split is {split!r}; give auto or last")
    if negatives not in ("popularity", "uniform"):
        raise InputError(f"--negatives is {negatives!r}; give popularity or uniform")
    if judge is not None and (task != "explanation" or model == NO_MODEL):
        raise InputError("--judge grades the explanations of a team; leave it out")
    drawn, by = cast("Negatives", negatives), search_by(search)
    language_model = None if model == NO_MODEL else resolve(model, record=record)
    judging_model = None if judge is None else resolve(judge, record=record)
    dataset = registry.load(data)
    config = EvaluationConfig(
        data=data,
        fingerprint=dataset.fingerprint,
        task=task,
        requests=n,
        each=each,
        last=split == "last",
        candidates=sampled,
        negatives=drawn,
        seed=seed,
        retriever=retriever,
        search=by,
        model=model,
        team=team,
    )
    with err.status("") as status:
        ground, tasks = prepared(config, dataset, lambda what: status.update(f"{what} …"))
    for name in filter(None, (model, judge)):
        fetch_weights(name)
    runs: dict[str, TeamRun] = {}
    rows = []
    if language_model is not None:
        runs = run_evaluation(config, ground, tasks, language_model, run, concurrency)
        rows = [team_row(f"{workflow} ({model})", ground, tasks, runs, seed)]
    with err.status("") as status:
        rows = baseline_rows(ground, tasks, lambda what: status.update(f"{what} …"), seed) + rows
        if judging_model is not None:
            status.update(f"{judge} judges …")
            rows = _judged(rows, ground, tasks, runs, judging_model, seed, concurrency)
    kept = [{"data": data, **row} for row in rows]
    keep_results(results, kept, protocol=tasks.protocol, seeds=[seed], started=started)
    if as_json:
        print_json({"protocol": tasks.protocol, "rows": rows})
    else:
        print_table(rows, title=f"{task} on {data}", caption=tasks.protocol)
    down = [r.root.error for r in runs.values() if r.outcome.kind == "failed"]
    if down:
        told = f"[yellow]{len(down)} requests failed[/] and count as wrong; the same command asks them again."
        err.print(f"{told} The last one: ", end="")
        err.print(down[-1] or "", markup=False, highlight=False, soft_wrap=True)


def run_evaluation(
    config: EvaluationConfig,
    ground: Ground,
    tasks: TaskSet,
    model: Any,
    folder: Path | None,
    concurrency: int,
) -> dict[str, TeamRun]:
    """Run what is not done yet, with a progress bar."""
    import asyncio
    import hashlib

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    import tastemaker
    from tastemaker.agents.evaluate import run_all
    from tastemaker.agents.journal import Journal
    from tastemaker.agents.team import opened_team
    from tastemaker.records import Provenance
    from tastemaker.runs import Run

    if folder is None:
        key = hashlib.sha256(config.model_dump_json().encode()).hexdigest()[:8]
        folder = Path("runs") / f"agents-{config.data}-{config.team.workflow}-{config.task}-{key}"
    opened = Run.open(folder, config)
    journal = Journal(opened)
    provenance = Provenance(
        dataset=config.data,
        protocol=tasks.protocol,
        seed=config.seed,
        model=config.model,
        code_version=tastemaker.__version__,
    )
    kept = sum(request.id in journal.runs for request in tasks.requests)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err) as progress:
        bar = progress.add_task(
            f"{config.team.workflow} {config.task}", total=len(tasks.requests), completed=kept
        )

        async def work() -> dict[str, TeamRun]:
            async with opened_team(ground.bench, model, config.team, provenance=provenance) as team:
                return await run_all(
                    team,
                    tasks.requests,
                    journal,
                    concurrency=concurrency,
                    on_done=lambda done: progress.advance(bar),
                )

        runs = asyncio.run(work())
    failed = any(run.outcome.kind == "failed" for run in runs.values())
    if not opened.finished and not failed:
        opened.finish({"requests": len(runs)})
    err.print(f"trajectories: {journal.path}", markup=False, highlight=False, soft_wrap=True)
    return runs


def _judged(
    rows: list[dict[str, Any]],
    ground: Ground,
    tasks: TaskSet,
    runs: dict[str, TeamRun],
    model: Any,
    seed: int,
    concurrency: int,
) -> list[dict[str, Any]]:
    """The rows with what a judge gives the explanations behind them; the team's is the last."""
    import asyncio

    from tastemaker.agents.baselines import baseline_answers
    from tastemaker.agents.judging import judged

    answers = {**baseline_answers(ground, tasks.requests, seed=seed)}
    answers[rows[-1]["model"]] = [runs[request.id].answer for request in tasks.requests]
    work = judged(model, ground.bench, tasks.requests, answers, concurrency=concurrency, seed=seed)
    found = asyncio.run(work)
    return [row | found[row["model"]] for row in rows]


def show(event: Event) -> None:
    """Print one step of an agent to standard error: what an observer of a team may be."""
    if event.kind != "start":
        err.print(step(event), soft_wrap=True)


def recommended(bench: Workbench, request: Request, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Recommended items as rows: what each is, and what the user liked that speaks for it."""
    toolbox = bench.at(request.moment, request.user)
    return [
        {
            "rank": rank,
            "id": id,
            "title": toolbox.title(id),
            "categories": "/".join(bench.catalogue.categories[bench.dataset.item_index(id)]),
            "because": toolbox.because(id),
        }
        for rank, id in enumerate(ids, 1)
    ]


def print_recommendations(rows: Sequence[dict[str, Any]], run: TeamRun) -> None:
    """The rows as a table, with the Manager's own words and what the run cost below it."""
    usage = run.usage
    tokens = usage.input_tokens + usage.output_tokens
    said = run.answer["reason"] if run.answer is not None else ""
    caption = f"{usage.requests} model calls, {tokens:,} tokens, {usage.seconds:.1f} s"
    shown = [
        {k: v for k, v in row.items() if k != "because"} | {"because they liked": "; ".join(row["because"])}
        for row in rows
    ]
    user = run.root.task.inputs["user"]
    print_table(
        shown, title=f"For user {user}", caption=f"The Manager: {said}\n{caption}" if said else caption
    )


def describe_team(
    workflow: str, task: TaskKind, answers: str | None, model: str, roster: Path | None
) -> TeamConfig:
    """The team that the options describe."""
    from tastemaker.agents.roles import load
    from tastemaker.agents.team import TeamConfig

    whole = load(roster)
    whole.manager(workflow, task)
    if answers not in (None, "own", "edits"):
        raise InputError(f"--answers is {answers!r}; give own or edits")
    form = answers or ("edits" if model.startswith("local:") else "own")
    return TeamConfig(workflow=workflow, roster=whole.only(workflow), answers=cast("Any", form))


def search_by(text: str) -> Search:
    """What `--search` names."""
    if text not in ("words", "meaning"):
        raise InputError(f"--search is {text!r}; give words or meaning")
    return cast("Search", text)


def _only_retrieval(context: typer.Context) -> None:
    """InputError where an option was given that --history has no use for."""
    for name in ("user", "workflow", "model", "answers", "search", "record", "roster"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise InputError(f"--{name} does not go with --history, which asks no agent; leave one out")


def _candidates(text: str) -> int | None:
    if text == "full":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 2:
        raise InputError(f"--candidates is {text!r}; give full, or a number from 2 on, such as 20")
    return int(text)


app.command("show")(agents_results.show)
app.command("compare")(agents_results.compare)
app.command("converse")(converse.converse)
