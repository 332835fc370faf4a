"""All policies on one scenario, over several seeds, as rows of one table; beside them always the baselines.

A seed starts a training and draws in evaluation; the user model is the same for all. Trainings live in run
folders, so a comparison that was cut goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tastemaker.errors import InputError
from tastemaker.policies import baselines, registry, training
from tastemaker.policies.evaluation import Judge, protocol
from tastemaker.policies.metrics import over_seeds
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Mode

OnPolicyEpoch = Callable[[str, int, Mapping[str, Any]], None]
"""Told of a policy's name, the seed, and one row of its training."""


@dataclass(frozen=True)
class Comparison:
    """Rows of a table, and the terms on which they were measured."""

    protocol: str
    rows: list[dict[str, Any]]
    """One a mode and policy: data, mode, policy, kind, each measure with its interval over seeds; of those
    that learn also epochs, train_seconds, config, and in FreeB their curve: epoch, and mean, low and high of
    the true reward.
    """


def compare(
    scenario: Scenario,
    policies: Sequence[str],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    settings: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    on_epoch: OnPolicyEpoch | None = None,
) -> Comparison:
    """Train and measure policies that learn, with their defaults but for `settings`, and all baselines.

    A setting is one of all the policies, or as `NAME.key` one of that policy alone. `folder` holds the run
    folders, `NAME-SEED`; by default the cache does.

    Raises InputError for an unknown name or setting before anything is trained.
    """
    own = {name: _own(name, settings or {}, policies) for name in policies}
    for name in own:
        training.PolicyRun.of(name, scenario, own[name])
    judge = Judge(scenario)
    modes = training.fitting(scenario)
    predicted = training.predicted(scenario)
    found: dict[str, list[Mapping[str, Mapping[str, float]]]] = {}
    about: dict[str, dict[str, Any]] = {}
    curves: dict[str, list[dict[str, Any]]] = {}
    for name in baselines.NAMES:
        about[name] = {"kind": "baseline"}
        found[name] = [measure_baseline(name, judge, modes, predicted, seed) for seed in seeds]
    for name in own:
        trained = []
        for seed in seeds:

            def tell(row: Mapping[str, Any], name: str = name, seed: int = seed) -> None:
                if on_epoch:
                    on_epoch(name, seed, row)

            config = training.PolicyRun.of(name, scenario, {**own[name], "seed": seed})
            home = config.home if folder is None else folder / f"{name}-{seed}"
            trained.append(training.train(judge, config, home, tell))
        found[name] = [one.evaluations for one in trained]
        curves[name] = curve([one.rows for one in trained])
        chosen = {key: value for key, value in config.settings.items() if key != "seed"}
        about[name] = {
            "kind": registry.entry(name).kind,
            "epochs": chosen["epochs"],
            "train_seconds": sum(one.seconds for one in trained) / len(trained),
            "config": {**chosen, "user_model": config.user_model, "reward": config.reward},
        }
    rows = []
    for mode in modes:
        for name, by_seed in found.items():
            measures = {key: over_seeds([one[mode][key] for one in by_seed]) for key in by_seed[0][mode]}
            row = {"data": scenario.name, "mode": mode, "policy": name, **about[name], **measures}
            if mode == "FreeB" and name in curves:
                row["curve"] = curves[name]
            rows.append(row)
    return Comparison(_protocol(scenario, modes, seeds), rows)


def measure_baseline(
    name: str, judge: Judge, modes: Sequence[str], predicted: Any, seed: int
) -> dict[str, dict[str, float]]:
    """Means of each measure of a baseline, by mode."""
    return {
        mode: judge.evaluate(
            baselines.baseline(name, judge.scenario, Mode.parse(mode), predicted), mode, seed=seed
        ).means()
        for mode in modes
    }


def curve(by_seed: Sequence[Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Over the seeds, at each epoch that was evaluated: `epoch`, and the true reward's mean and interval."""
    points: dict[int, list[float]] = {}
    for rows in by_seed:
        for row in rows:
            if "true_reward" in row:
                points.setdefault(row["epoch"], []).append(row["true_reward"])
    return [{"epoch": epoch, **over_seeds(values)} for epoch, values in sorted(points.items())]


def read(path: Path, policies: Sequence[str] | None = None) -> Comparison:
    """The comparison that a results file holds: all of it, or the baselines and some policies.

    Raises InputError for a file that is none, and a policy that it lacks.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        found = Comparison(stored["protocol"], stored["rows"])
        there = dict.fromkeys(row["policy"] for row in found.rows)
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; measure with --train, or name another with --results FILE"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: not a file of results ({error})") from None
    for name in policies or ():
        if name not in there:
            raise InputError(f"{path} has no policy {name!r}; it has {', '.join(there)}")
    wanted = {*(there if policies is None else policies), *baselines.NAMES}
    return Comparison(found.protocol, [row for row in found.rows if row["policy"] in wanted])


def _own(name: str, settings: Mapping[str, Any], policies: Sequence[str]) -> dict[str, Any]:
    """The settings that are a policy's: those of all, and those of its own in their place."""
    shared, own = {}, {}
    for key, value in settings.items():
        whose, _, rest = key.partition(".")
        if whose == name:
            own[rest] = value
        elif whose not in registry.LEARNED:
            shared[key] = value
        elif whose not in policies:
            raise InputError(f"{key}: {whose} is not among the policies of this comparison")
    return {**shared, **own}


def _protocol(scenario: Scenario, modes: Sequence[str], seeds: Sequence[int]) -> str:
    drawn = ", ".join(map(str, seeds))
    name = "seed" if len(seeds) == 1 else "seeds"
    how = "" if len(seeds) == 1 else "; mean and 95% interval over seeds by Student's t"
    return f"{protocol(scenario, modes, 1)}; {name} {drawn}{how}"
