"""`tastemaker recipe`: from nothing to a trained model and its figures, by one command that resumes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table, progress_bar

app = typer.Typer(
    help="Whole recipes: from nothing to a trained model and its figures.", no_args_is_help=True
)

CATEGORIES = (
    *("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance"),
    *("live_simple", "live_multiple"),
)
TRAINING: dict[str, Any] = {
    "until_calls": True,
    "described": True,
    "epochs": 100,
    "max_tokens": 512,
    "batch_size": 6,
    "pack_tokens": 2048,
    "learning_rate": 3e-4,
    "valid": 120,
    "valid_steps": 200,
}
"""How the model is trained, besides the time."""
VARIANTS: dict[str, dict[str, Any]] = {
    "all": {},
    "no verification": {"verify": False},
    "no non-tool-use": {"without": ("no-tool",)},
    "no parallel": {"without": ("parallel", "parallel-multiple", "multi-turn")},
    "no nested": {"nested": False},
    "low complexity": {"complexity": "low"},
    "medium complexity": {"complexity": "medium"},
    "high complexity": {"complexity": "high"},
}
"""What the ablations change (ToolACE, arXiv 2409.00920, tables 4 and 5)."""

RunOption = Annotated[
    Path, typer.Option("--run", help="Folder of everything that is made; it is gone on with.")
]
PoolOption = Annotated[int, typer.Option("--apis", min=1, help="APIs in the pool.")]
SizeOption = Annotated[int, typer.Option("--dialogues", min=1, help="Dialogues to learn from.")]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="Rows of each category of BFCL.")]
ResultsOption = Annotated[Path | None, typer.Option("--results", help="Write the figures to this file.")]


@app.callback()
def root() -> None:
    """Whole recipes: from nothing to a trained model and its figures."""


@app.command()
def tools(
    folder: RunOption = Path("runs/tools"),
    minutes: Annotated[float, typer.Option("--minutes", min=0.01, help="Time of the training.")] = 180.0,
    apis: PoolOption = 30_000,
    dialogues: SizeOption = 20_000,
    limit: LimitOption = None,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Teach the local model to call functions: a pool of APIs, dialogues without a model, fine-tuning, BFCL.

    Example: tastemaker recipe tools --run runs/tools --minutes 180
    """
    started = time.monotonic()
    rows = _variant(folder, folder, "all", minutes, apis, dialogues, limit, seed)
    _show(rows, results, started, seed, as_json)


@app.command()
def ablations(
    folder: RunOption = Path("runs/tool-ablations"),
    minutes: Annotated[float, typer.Option("--minutes", min=0.01, help="Time of each training.")] = 15.0,
    apis: PoolOption = 30_000,
    dialogues: SizeOption = 4_000,
    limit: LimitOption = 100,
    seed: Annotated[int, typer.Option("--seed", help="Of everything that is drawn.")] = 0,
    results: ResultsOption = None,
    as_json: JsonOption = False,
) -> None:
    """What each part of the data is good for: the same short training on sets that lack it, judged by BFCL.

    Example: tastemaker recipe ablations --minutes 15 --limit 100 --results results/synthesis-ablations.json
    """
    started = time.monotonic()
    rows = [
        row
        for name in VARIANTS
        for row in _variant(
            folder, folder / name.replace(" ", "-"), name, minutes, apis, dialogues, limit, seed
        )
    ]
    _show(rows, results, started, seed, as_json)


def _variant(
    root: Path, folder: Path, name: str, minutes: float, apis: int, size: int, limit: int | None, seed: int
) -> list[dict[str, Any]]:
    """Figures of one training, one row a category; what is made already is not made again."""
    from tastemaker.app.commands.benchmark import ask
    from tastemaker.app.commands.finetune import train
    from tastemaker.benchmarks.bfcl import BfclConfig, figures

    data = _data(root, folder, name, apis, size, seed)
    err.print(f"[bold]{name}[/]: training")
    settings = {**TRAINING, "model": "local:smollm2", "minutes": minutes, "seed": seed}
    trained = train([data], folder / "finetune", settings)
    err.print(f"[bold]{name}[/]: BFCL")
    config = BfclConfig(
        model=trained["model"], categories=CATEGORIES, limit=limit, seed=seed, decoding="constrained"
    )
    told = {"steps": trained["steps"], "minutes": trained["seconds"] / 60}
    return [{"data": name, **row, **told} for row in figures(config, ask(config, folder / "bfcl"))]


def _data(root: Path, folder: Path, name: str, apis: int, size: int, seed: int) -> Path:
    from tastemaker.synthesis.dialogues.generate import DialogueConfig, build_dialogues, load_scenes
    from tastemaker.synthesis.dialogues.scenes import SceneConfig
    from tastemaker.synthesis.pool import PoolConfig, build_pool

    change = dict(VARIANTS[name])
    verify, without = change.pop("verify", True), change.pop("without", ())
    scenes = SceneConfig(seed=seed, **change)
    mix = {kind: 0.0 if kind in without else weight for kind, weight in scenes.mix.items()}
    pool, out = root / "apis.jsonl", folder / "dialogues.jsonl"
    root.mkdir(parents=True, exist_ok=True)
    with progress_bar() as bar:
        task = bar.add_task("APIs", total=apis)
        build_pool(
            PoolConfig(size=apis, seed=seed),
            pool,
            progress=lambda done, wanted: bar.update(task, completed=done, total=wanted),
        )
        task = bar.add_task(f"dialogues: {name}", total=size)
        build_dialogues(
            DialogueConfig(size=size, verify=verify),
            scenes.model_copy(update={"mix": mix}),
            pool,
            out,
            load=load_scenes,
            progress=lambda done, wanted: bar.update(task, completed=done, total=wanted),
        )
    return out


def _show(rows: list[dict[str, Any]], results: Path | None, started: float, seed: int, as_json: bool) -> None:
    shown = [{key: row[key] for key in ("data", "category", "accuracy", "n", "malformed")} for row in rows]
    protocol = "BFCL v4 single-turn, constrained decoding, greedy; data made without a model"
    keep_results(results, rows, protocol=protocol, seeds=[seed], started=started)
    if as_json:
        print_json({"protocol": protocol, "rows": rows})
    else:
        print_table(shown, title="Function calling", caption=protocol)
