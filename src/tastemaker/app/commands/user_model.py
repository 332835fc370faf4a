"""`tastemaker world user-model`: how good a world's user model is, beside plainer ones."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tastemaker.app.console import JsonOption, err, keep_results, print_json, print_table, read_settings

if TYPE_CHECKING:
    from tastemaker.simulation.scenario import Scenario


def user_model(
    name: Annotated[str, typer.Argument(help="The world; `tastemaker world list` shows the names.")],
    every: Annotated[
        bool, typer.Option("--all", help="Every loss, with and without inverse propensity.")
    ] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of the user model, key=value; may be repeated."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0.")] = 1,
    results: Annotated[Path | None, typer.Option(help="Write the table as a results file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit a world's user model and tell its error, order, calibration and doubts on ratings it has not seen:
    unbiased ones where the world has any, else a tenth of its log.

    Example: tastemaker world user-model coat

    Example: tastemaker world user-model coat --all --seeds 3 --results results/user-models-coat.json
    """
    from typing import get_args

    from tastemaker.policies.metrics import over_seeds
    from tastemaker.policies.training import user_model_config
    from tastemaker.simulation.scenarios import scenario
    from tastemaker.simulation.user_model import fit_cached
    from tastemaker.simulation.user_model_losses import Loss
    from tastemaker.simulation.user_model_quality import judged, quality

    kinds: list[dict[str, Any]] = [dict(read_settings(settings))]
    if every:
        ways = [(loss, weighted) for loss in get_args(Loss) for weighted in (False, True)]
        kinds = [{**kinds[0], "loss": loss, "inverse_propensity": weighted} for loss, weighted in ways]
    started = time.monotonic()
    with err.status(f"building the world {name}") as status:
        whole = scenario(name)
        found = judged(whole)
        every_seed = [
            [user_model_config(found, {**kind, "seed": seed}) for seed in range(seeds)] for kind in kinds
        ]
        rows = _plain(found)
        for by_seed in every_seed:
            label = by_seed[0].loss + (", inverse propensity" if by_seed[0].inverse_propensity else "")
            measured = []
            for config in by_seed:
                status.update(f"{label}, seed {config.seed} …")
                measured.append(quality(found, fit_cached(found, config)))
            pooled = {key: over_seeds([one[key] for one in measured]) for key in measured[0]}
            rows.append({"user model": label, **(measured[0] if seeds == 1 else pooled)})
    judges = f"{len(found.unbiased or ()):,} {'unbiased ones' if found is whole else 'held out'}"
    over = "1 seed" if seeds == 1 else f"{seeds} seeds; mean and 95% interval over them by Student's t"
    protocol = f"{name}: {len(found.log):,} interactions to learn from, {judges} to judge by; {over}"
    keep_results(results, rows, protocol=protocol, seeds=range(seeds), started=started)
    if as_json:
        print_json({"protocol": protocol, "rows": rows})
        return
    print_table(rows, title=f"User models of {name}", caption=protocol)


def _plain(scenario: Scenario) -> list[dict[str, Any]]:
    """The measures of what needs no network, which predicts no variance."""
    import numpy as np

    from tastemaker.policies.baselines import item_means
    from tastemaker.simulation.completion import complete
    from tastemaker.simulation.user_model_quality import measure

    log, judge = scenario.log, scenario.unbiased
    if judge is None or log.rating is None:
        return []
    means = np.broadcast_to(item_means(log), (log.n_users, log.n_items))
    return [
        {"user model": "item means, shrunk", **measure(judge, means)},
        {"user model": "biased matrix factorisation", **measure(judge, complete(log))},
    ]
