"""`tastemaker learning`: a local model tries tool tasks and learns step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.commands import learning_compare
from tastemaker.app.commands.learning_settings import nested, part
from tastemaker.app.console import JsonOption, err, keep_results, out, print_json, print_table, progress_bar
from tastemaker.errors import InputError

app = typer.Typer(help="Let a local model try tool tasks and learn from its steps.", no_args_is_help=True)
app.command()(learning_compare.compare)

SettingsOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Another setting, key=value, such as kl.weight=0.05; may be repeated."),
]
RunOption = Annotated[Path, typer.Option("--run", help="Run folder; a run that was cut off goes on.")]
SplitOption = Annotated[str, typer.Option("--split", help="Which tools: train, valid or test.")]


@app.callback()
def root() -> None:
    """Let a local model try tool tasks and learn from its steps."""


@app.command()
def tasks(
    split: SplitOption = "train",
    n: Annotated[int, typer.Option("--n", min=1, help="How many.")] = 3,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws the tasks.")] = 0,
    dialogues: Annotated[
        Path | None,
        typer.Option("--dialogues", help="Write the right dialogues to this file, to fine-tune on."),
    ] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show tool tasks with their right solutions, or write these as dialogues for `tastemaker finetune`.

    Example: tastemaker learning tasks --split test --n 2

    Example: tastemaker learning tasks --n 5000 --dialogues gold.jsonl
    """
    from tastemaker.config import validated
    from tastemaker.learning.evaluation import transcript
    from tastemaker.learning.tasks.generate import TaskConfig, make_tasks
    from tastemaker.learning.tasks.gold import play_gold
    from tastemaker.runs import write_whole

    given = {"split": split, "count": n, "seed": seed, **nested(settings)}
    config = validated(TaskConfig, given, "learning tasks")
    if dialogues is not None:
        with err.status("drawing tasks"):
            lines = [play_gold(task).model_dump_json() + "\n" for task in make_tasks(config)]
        write_whole(dialogues, "".join(lines))
        err.print(f"{len(lines)} dialogues: {dialogues}", markup=False, highlight=False, soft_wrap=True)
        return
    drawn = list(make_tasks(config))
    if as_json:
        print_json([task.model_dump(mode="json") for task in drawn])
        return
    for task in drawn:
        out.print(transcript(task, {"gold": play_gold(task)}), markup=False, highlight=False, soft_wrap=True)


@app.command()
def small(
    folder: RunOption,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws weights and the order.")] = 0,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Time after which it ends.")] = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring up a small model from nothing on right dialogues. It lies in the run folder's `model`.

    Example: tastemaker learning small --run runs/small --minutes 30
    """
    from tastemaker.config import validated
    from tastemaker.learning.small_model import SmallConfig, train_small
    from tastemaker.llm.models import cpu_threads, parse_local, weights
    from tastemaker.runs import Run

    given = {"seed": seed, "minutes": minutes, **nested(settings)}
    config = validated(SmallConfig, given, "learning small")
    which, _ = parse_local(f"local:{config.base}")
    run = Run.open(folder, config)
    told = {"model": f"local:{folder / 'model'}"}
    if run.finished:
        summary = told | run.summary()
    else:
        with _bar("bringing up", "step", "steps", "loss") as on_step:
            summary = told | train_small(config, weights(which), run, threads=cpu_threads(), on_step=on_step)
    _show(summary, "A small model", as_json)


@app.command()
def train(
    folder: RunOption,
    method: Annotated[str, typer.Option("--method", help="How it learns, such as steptool.")] = "steptool",
    model: Annotated[
        str, typer.Option("--model", help="Local model, or local:FOLDER of a trained one.")
    ] = "local:smollm2",
    rounds: Annotated[int | None, typer.Option("--rounds", help="Rounds of tries and updates.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of tries and updates.")] = 0,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a local model learn by one of eight methods: sft, rft, ppo-final, ppo-token, eto, archer, grpo or
    steptool. The weights that solve the most validation tasks lie in the run folder's `model`. Several
    processes share the work: torchrun --nproc-per-node 2 -m -- tastemaker learning train …

    Example: tastemaker learning train --method steptool --model local:runs/ft/model --run runs/steptool
    """
    from tastemaker import processes
    from tastemaker.config import validated
    from tastemaker.learning.stepwise_config import StepwiseConfig
    from tastemaker.learning.trials import train_local
    from tastemaker.llm.models import parse_local, resolve
    from tastemaker.runs import Run

    given = {"method": method, "model": model, "rounds": rounds, "seed": seed}
    chosen = {key: value for key, value in given.items() if value is not None} | nested(settings)
    config = validated(StepwiseConfig, chosen, "learning train")
    if not config.model.startswith("local:"):
        raise InputError(f"{config.model!r} is not trained here; give a local model, such as local:smollm2")
    parse_local(config.model)
    if config.annotator is not None:
        resolve(config.annotator)
    with processes.connected():
        run = processes.in_turn(lambda: Run.open(folder, config))
        bar = _bar("learning", "round", "rounds", "solved", "valid_solved")
        with bar if processes.first() else nullcontext() as on_round:
            summary = train_local(config, run, on_round)
    if summary:
        _show({"model": f"local:{folder / 'model'}"} | summary, f"Trained {model} by {method}", as_json)


@app.command()
def evaluate(
    model: Annotated[str, typer.Option("--model", help="Language model, such as local:FOLDER.")],
    folder: RunOption,
    split: SplitOption = "test",
    n: Annotated[int, typer.Option("--n", min=1, help="Tasks.")] = 300,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws the tasks.")] = 0,
    settings: SettingsOption = None,
    results: Annotated[Path | None, typer.Option("--results", help="Write a results file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """How many tool tasks a model solves, with intervals, over all tasks and by their kind.

    Example: tastemaker learning evaluate --model local:runs/steptool/model --run runs/steptool-test
    """
    from tastemaker.config import validated
    from tastemaker.learning.trials import EvaluationConfig, rows_of, try_out
    from tastemaker.llm.models import resolve
    from tastemaker.runs import Run

    started = time.monotonic()
    more = nested(settings)
    given = {
        "tasks": {"split": split, "count": n, "seed": seed} | part(more, "tasks"),
        "rollouts": {"samples": 1, "temperature": 0.0} | part(more, "rollouts"),
    }
    given = more | given | {"model": model}
    config = validated(EvaluationConfig, given, "learning evaluate")
    resolve(config.model)
    run = Run.open(folder, config)
    with progress_bar() as progress:
        bar = progress.add_task("trying", total=config.tasks.count * config.rollouts.samples)
        tries = try_out(config, run, lambda one: progress.advance(bar))
    rows = rows_of(config, tries)
    keep_results(results, rows, protocol=config.protocol, seeds=[seed], started=started)
    if as_json:
        print_json({"protocol": config.protocol, "rows": rows})
        return
    print_table([{k: v for k, v in row.items() if k != "run"} for row in rows], model, config.protocol)
    err.print(f"trajectories: {run.trajectories}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def export(
    folder: Annotated[Path, typer.Option("--out", help="Folder for the files.")],
    to: Annotated[str, typer.Option("--to", help="The engine: skyrl.")] = "skyrl",
    n: Annotated[int, typer.Option("--n", min=1, help="Tasks of the split train.")] = 5000,
    valid: Annotated[int, typer.Option("--valid", min=0, help="Tasks of the split valid.")] = 200,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws the tasks.")] = 0,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write tool tasks for an engine that trains on many accelerators.

    Example: tastemaker learning export --to skyrl --out skyrl-tasks
    """
    from tastemaker.config import validated
    from tastemaker.learning.engines.play import PlayConfig
    from tastemaker.learning.engines.skyrl import export as to_skyrl
    from tastemaker.learning.tasks.generate import TaskConfig, make_tasks

    if to != "skyrl":
        raise InputError(f"--to is {to!r}; there is: skyrl")
    config = validated(PlayConfig, nested(settings), "learning export")
    train = TaskConfig(split="train", count=n, seed=seed)
    held_out = TaskConfig(split="valid", count=valid, seed=seed)
    with err.status("drawing tasks"):
        files = to_skyrl([*make_tasks(train), *make_tasks(held_out)], folder, config)
    if as_json:
        print_json({"files": [str(file) for file in files]})
        return
    for file in files:
        out.print(str(file), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _bar(what: str, place: str, total: str, *told: str) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A bar of steps or rounds, with the last figures that are to be told."""
    last: dict[str, str] = {}
    with progress_bar() as progress:
        task = progress.add_task(what, total=None)

        def on_line(line: Mapping[str, Any]) -> None:
            last.update({name: f"{name} {line[name]:.4f}" for name in told if name in line})
            progress.update(
                task, total=line[total], completed=line[place], description=", ".join([what, *last.values()])
            )

        yield on_line


def _show(summary: Mapping[str, Any], title: str, as_json: bool) -> None:
    if as_json:
        print_json(dict(summary))
        return
    print_table([summary], title=title)
    err.print(f"trained model: {summary['model']}", markup=False, highlight=False, soft_wrap=True)
