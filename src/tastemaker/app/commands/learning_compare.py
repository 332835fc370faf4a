"""`tastemaker learning compare`: methods and seeds side by side, from nothing to the table.

Each training and each test is a process of its own with a run folder of its own, so that no model is left in
memory, what is finished is not done again, and one that fails can be gone on with.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tastemaker.app.commands.learning_settings import flat, nested, part
from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table, read_settings
from tastemaker.errors import InputError, TastemakerError


@dataclass(frozen=True)
class _Variant:
    """A method with settings of its own."""

    name: str
    method: str
    settings: Mapping[str, str]


def compare(
    model: Annotated[str, typer.Option("--model", help="Local model that all begin with.")],
    folder: Annotated[Path, typer.Option("--runs", help="Folder of the runs; it is gone on with.")],
    methods: Annotated[
        str | None,
        typer.Option("--methods", help="Names, separated by commas, or NAME=METHOD; all eight by default."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Runs of each method.")] = 3,
    n: Annotated[int, typer.Option("--n", min=1, help="Test tasks.")] = 300,
    reference: Annotated[
        str, typer.Option("--reference", help="What others are set against, or start.")
    ] = "sft",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="A setting of all runs, key=value, or of one method's, NAME:key=value; repeatable."
        ),
    ] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Write a results file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train by several methods and seeds and compare them, and the model as it was at first, on the same test
    tasks.

    Example: tastemaker learning compare --model local:runs/ft/model --runs runs/cmp --methods sft,steptool

    Example: tastemaker learning compare --model local:runs/small/model --runs runs/alpha --reference steptool
    --methods steptool,double=steptool --set double:credit.step_weights.success=0.4
    """
    started = time.monotonic()
    common, variants = _plan(methods, settings)
    _check(model, common, variants)
    names = ["start", *(variant.name for variant in variants)]
    if reference not in names:
        raise InputError(f"--reference {reference}: it is none of those compared: {', '.join(names)}")
    tests: dict[str, dict[int, Path]] = {"start": {0: folder / "start"}}
    jobs = [_test("start", model, folder / "start", n, common, {})]
    for seed in range(seeds):
        for variant in variants:
            run = folder / f"{variant.name}-{seed}"
            test = folder / f"{variant.name}-{seed}-test"
            tests.setdefault(variant.name, {})[seed] = test
            jobs.append(_train(model, run, variant, seed, common))
            jobs.append(_test(variant.name, f"local:{run / 'model'}", test, n, common, variant.settings))
    _do([job for job in jobs if not (job.folder / "done.json").exists()])
    rows, protocol = _rows(folder, tests, reference, seeds)
    keep_results(results, rows, protocol=protocol, seeds=list(range(seeds)), started=started)
    if as_json:
        print_json({"protocol": protocol, "rows": rows})
        return
    hidden = ("pass_rate_by_seed", "curve")
    shown = [{k: v for k, v in row.items() if k not in hidden} for row in rows]
    print_table(shown, title=f"Learning from {model}", caption=protocol)


@dataclass(frozen=True)
class _Job:
    """A command, and the run folder that it finishes."""

    name: str
    folder: Path
    words: Sequence[str]


def _plan(methods: str | None, settings: Sequence[str] | None) -> tuple[dict[str, str], list[_Variant]]:
    """The settings of all runs, and what is compared."""
    from tastemaker.learning.objectives.methods import METHODS

    common: dict[str, str] = {}
    own: dict[str, dict[str, str]] = {}
    for key, value in read_settings(settings).items():
        name, colon, inner = key.partition(":")
        if colon:
            own.setdefault(name, {})[inner] = value
        else:
            common[key] = value
    variants = []
    for word in methods.split(",") if methods is not None else METHODS:
        name, equals, method = word.strip().partition("=")
        variants.append(_Variant(name, method if equals else name, own.pop(name, {})))
    if own:
        raise InputError(f"--set {next(iter(own))}:…: it is none of those compared")
    named = [variant.name for variant in variants]
    if len(set(named)) < len(named) or "start" in named:
        raise InputError("--methods: each needs a name of its own, other than start")
    return common, variants


def _check(model: str, common: Mapping[str, str], variants: Sequence[_Variant]) -> None:
    """Refuse before anything is run what a run would refuse."""
    from tastemaker.config import validated
    from tastemaker.learning.stepwise_config import StepwiseConfig
    from tastemaker.llm.models import parse_local

    if not model.startswith("local:"):
        raise InputError(f"{model!r} is not trained here; give a local model, such as local:smollm2")
    parse_local(model)
    for variant in variants:
        told = nested(_pairs(common, variant.settings))
        given = {"model": model, "method": variant.method} | told
        validated(StepwiseConfig, given, f"learning compare: {variant.name}")


def _pairs(*settings: Mapping[str, str]) -> list[str]:
    return [f"{key}={value}" for one in settings for key, value in one.items()]


def _train(model: str, run: Path, variant: _Variant, seed: int, common: Mapping[str, str]) -> _Job:
    words = ["train", "--method", variant.method, "--model", model, "--run", str(run), "--seed", str(seed)]
    return _Job(f"{variant.name}, seed {seed}", run, [*words, *_set({**common, **variant.settings})])


def _test(
    name: str, model: str, run: Path, n: int, common: Mapping[str, str], own: Mapping[str, str]
) -> _Job:
    """Test tasks are like those of the training, but for their tools, and are tried once each."""
    told = nested(_pairs({**common, **own}))
    kept = {"tasks": part(told, "tasks"), "rollouts": part(told, "rollouts")}
    for config, names in (
        ("tasks", ("split", "first", "count", "seed")),
        ("rollouts", ("samples", "temperature", "seed")),
    ):
        kept[config] = {key: value for key, value in kept[config].items() if key not in names}
    words = ["evaluate", "--model", model, "--run", str(run), "--n", str(n)]
    pairs = dict(pair.split("=", 1) for pair in flat(kept))
    return _Job(f"test of {name}", run, [*words, *_set(pairs)])


def _set(settings: Mapping[str, str]) -> list[str]:
    return [word for pair in _pairs(settings) for word in ("--set", pair)]


def _do(jobs: Sequence[_Job]) -> None:
    """One after another; the first that fails ends it."""
    for number, job in enumerate(jobs, 1):
        err.print(f"{number}/{len(jobs)} {job.name}", markup=False, highlight=False)
        words = [sys.executable, "-m", "tastemaker", "learning", *job.words, "--json"]
        done = subprocess.run(words, stdout=subprocess.DEVNULL, check=False)
        if done.returncode:
            told = shlex.join(["tastemaker", *words[3:-1]])
            raise TastemakerError(f"{job.name} ended with code {done.returncode}: {told}")


def _rows(
    folder: Path, tests: Mapping[str, Mapping[int, Path]], reference: str, seeds: int
) -> tuple[list[dict[str, Any]], str]:
    """The table, with each method's learning curve, and what it depends on."""
    from tastemaker.learning.stepwise_config import StepwiseConfig
    from tastemaker.learning.trials import EvaluationConfig, curve, table
    from tastemaker.records import read_jsonl
    from tastemaker.runs import Run, load_config

    tries = {
        name: {seed: list(read_jsonl(path / "trajectories.jsonl")) for seed, path in by_seed.items()}
        for name, by_seed in tests.items()
    }
    config = load_config(folder / "start" / "config.toml", EvaluationConfig)
    rows = table(config.tasks, tries, reference)
    trained: StepwiseConfig | None = None
    for row in rows[1:]:
        runs = []
        for seed in tests[row["method"]]:
            path = folder / f"{row['method']}-{seed}"
            trained = load_config(path / "config.toml", StepwiseConfig)
            runs.append(Run(path, trained))
        row["curve"] = curve(runs)
    assert trained is not None
    protocol = (
        f"{seeds} seeds; {trained.rounds} rounds of {trained.tasks_per_round} × {trained.rollouts.samples}"
        f" tries and {trained.updates} updates each; weights best on {trained.evaluate_tasks} validation"
        f" tasks; {config.protocol}, each task's mean over seeds"
    )
    return rows, protocol
