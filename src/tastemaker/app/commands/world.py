"""`tastemaker world`: the simulated worlds that there are, and what one is like."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tastemaker.app.commands.user_model import user_model
from tastemaker.app.console import JsonOption, err, print_json, print_table

app = typer.Typer(help="Worlds of simulated users, and how good their models are.", no_args_is_help=True)

_QUIT_AFTER = (1, 3, 10)
"""Turns of random items after which the probability of quitting is told."""


@app.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the worlds.

    Example: tastemaker world list
    """
    from tastemaker.simulation import scenarios

    rows = [{"world": name, "what": what} for name, what in scenarios.NAMES.items()]
    if as_json:
        print_json(rows)
        return
    print_table(rows, caption="every prepared data set is a world, too")


@app.command()
def describe(
    name: Annotated[str, typer.Argument(help="The world; `tastemaker world list` shows the names.")],
    as_json: JsonOption = False,
) -> None:
    """Show a world's users, items and rules, how soon a random item drives users away, and what the baselines
    that need no user model earn.

    Example: tastemaker world describe coat
    """
    from tastemaker.policies.baselines import NAMES, baseline
    from tastemaker.policies.evaluation import METRICS, Judge, quit_probability
    from tastemaker.simulation.scenarios import scenario
    from tastemaker.simulation.world import Mode

    with err.status(f"building the world {name}"):
        found = scenario(name)
        truth = found.truth
        facts: dict[str, Any] = {
            "world": name,
            "users": found.log.n_users,
            "items": found.log.n_items,
            "interactions in the log": len(found.log),
            "unbiased interactions": None if found.unbiased is None else len(found.unbiased),
            "truth, mean": float(truth.mean()),
            "truth, range": f"{truth.min():g} to {truth.max():g}",
            "quit rule": found.quit_rule.describe(),
            "turns at most": found.max_turns,
            "protocol": found.protocol,
        }
        for turns in _QUIT_AFTER:
            facts[f"quits over a random item after {turns} random ones"] = quit_probability(found, turns)
        judge = Judge(found)
        rows: list[dict[str, Any]] = []
        for policy in NAMES:
            if policy != "user-model-avoid":
                measured = judge.evaluate(baseline(policy, found, Mode.parse("FreeB")))
                rows.append({"policy": policy, **measured.intervals()})
    if as_json:
        print_json({"world": facts, "baselines": rows})
        return
    print_table([{"what": key, "value": _told(value)} for key, value in facts.items()], title=f"World {name}")
    columns = ("policy", *(metric for metric in METRICS if metric not in ("novelty", "gini")))
    print_table(
        [{column: row[column] for column in columns} for row in rows],
        title="Baselines in FreeB",
        caption="every user plays once; mean and 95% bootstrap interval over users",
    )


def _told(value: Any) -> str:
    if value is None:
        return "none"
    return (
        f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )


app.command("user-model")(user_model)
