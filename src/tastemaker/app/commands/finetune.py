"""`tastemaker finetune`: train a local model on dialogues."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, print_json, print_table, progress_bar, read_settings


def finetune(
    data: Annotated[
        list[Path], typer.Argument(help="JSON Lines files of dialogues (trajectories).", show_default=False)
    ],
    folder: Annotated[Path, typer.Option("--run", help="Run folder; a run that was cut off goes on.")],
    model: Annotated[
        str, typer.Option("--model", help="Local model, or local:FOLDER of a trained one.")
    ] = "local:smollm2",
    lora: Annotated[bool, typer.Option("--lora", help="Train adapters; they are merged at the end.")] = False,
    epochs: Annotated[float | None, typer.Option("--epochs", help="Passes over the dialogues.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Steps in all, in place of epochs.")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="Time after which it ends.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the order of the dialogues.")] = 0,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another setting, key=value, such as valid=100; may be repeated."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fine-tune a local model on dialogues; the loss counts the assistant's words only.

    The trained model lies in the run folder's `model` and is named local:RUN/model. Several processes share
    the work, each on an accelerator of its own: torchrun --nproc-per-node 2 -m -- tastemaker finetune …

    Example: tastemaker finetune dialogues.jsonl --run runs/ft --lora --minutes 30 --set valid=100
    """
    given = {
        "model": model,
        "lora": lora,
        "epochs": epochs,
        "steps": steps,
        "minutes": minutes,
        "seed": seed,
    }
    chosen = {key: value for key, value in given.items() if value is not None} | read_settings(settings)
    summary = train(data, folder, chosen)
    if not summary:
        return
    if as_json:
        print_json(summary)
        return
    print_table([summary], title=f"Fine-tuned {model}")
    err.print(f"trained model: {summary['model']}", markup=False, highlight=False, soft_wrap=True)


def train(data: list[Path], folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Train, or go on with, the run in `folder`; its summary, with the name of the trained model (nothing in
    processes after the first).
    """
    from tastemaker import processes
    from tastemaker.config import validated
    from tastemaker.errors import InputError
    from tastemaker.learning.examples import fingerprint, read_examples
    from tastemaker.learning.finetune import FinetuneConfig, finetune
    from tastemaker.learning.packing import load
    from tastemaker.llm.chat import ChatTemplate
    from tastemaker.llm.models import base, cpu_threads, parse_local, weights
    from tastemaker.runs import Run

    missing = [str(file) for file in data if not file.is_file()]
    if missing:
        raise InputError(f"{missing[0]}: there is no such file; give JSON Lines files of dialogues")
    config = validated(FinetuneConfig, {**settings, "data": fingerprint(data)}, "finetune")
    if not config.model.startswith("local:"):
        raise InputError(f"{config.model!r} is not trained here; give a local model, such as local:smollm2")
    which, _ = parse_local(config.model)
    trained = folder / "model"
    told = {"model": f"local:{trained}"}
    with processes.connected():
        run = processes.in_turn(lambda: Run.open(folder, config))
        if run.finished:
            return told | run.summary() if processes.first() else {}
        start = weights(which)
        with err.status("reading dialogues"):
            template = ChatTemplate(start.tokenizer)
            found = read_examples(
                data, template, config.max_tokens, until_calls=config.until_calls, described=config.described
            )
        with _progress() if processes.first() else nullcontext() as on_step:
            summary = finetune(
                config,
                load(processes.in_turn(start.to_transformers)),
                found.kept,
                run,
                lambda tensors: start.keep_trained(trained, base(which), tensors, described=config.described),
                counts=found.counts(),
                threads=cpu_threads(),
                on_step=on_step,
            )
    return told | summary if summary else {}


@contextmanager
def _progress() -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """A bar of steps with the last loss and speed."""
    with progress_bar() as progress:
        task = progress.add_task("fine-tuning", total=None)
        valid = ""

        def on_step(line: Mapping[str, Any]) -> None:
            nonlocal valid
            if "valid_loss" in line:
                valid = f", held out {line['valid_loss']:.4f}"
                return
            told = f"loss {line['loss']:.4f}{valid}, {line['tokens_per_second']:.0f} tokens/s"
            progress.update(task, total=line["steps"], completed=line["step"], description=told)

        yield on_step
