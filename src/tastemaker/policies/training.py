"""Training a policy by its name, in a run folder: what it learns from, going on after a kill, its learning
curve, and how it did in the end.

A policy of kind "world" learns in a world whose users give what a user model predicts; one of kind "log"
learns from the log alone. Neither sees the truth, by which it is judged.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray

from tastemaker import assets, checkpoint
from tastemaker.config import Config, validated
from tastemaker.errors import InputError
from tastemaker.policies import baselines, evaluation, registry
from tastemaker.policies.base import LearnedPolicy, Policy
from tastemaker.policies.evaluation import MODES, Judge
from tastemaker.records import canonical
from tastemaker.runs import Run, load_config
from tastemaker.simulation import training_rewards, user_model
from tastemaker.simulation.scenario import Scenario
from tastemaker.simulation.world import Mode

OnEpoch = Callable[[Mapping[str, Any]], None]
"""Told of each row of a training: epoch, epochs, what the policy tells (loss, reward), seconds, and at some
epochs true_reward and true_length."""

CURVE_POINTS = 20
"""Evaluations during a training."""
CURVE_USERS = 200
"""Users who play in them."""
CHECKPOINT_SECONDS = 5.0
"""Seconds between checkpoints; a killed run loses no more."""
_PARTS = ("user_model", "reward")


class PolicyRun(Config):
    """The config of the run folder: what is trained, and on what."""

    policy: str
    """Its name in the registry."""
    world: str
    """Name of the scenario."""
    fingerprint: str
    """Of the scenario: what it is learnt from and judged by."""
    settings: dict[str, Any]
    """All of the policy's; those that are None are left out."""
    user_model: dict[str, Any]
    """All of the user model's; empty for a policy that learns from the log."""
    reward: dict[str, Any]
    """Those of the training reward that differ from its defaults."""

    @classmethod
    def of(cls, name: str, scenario: Scenario, settings: Mapping[str, Any]) -> Self:
        """The config of training a policy with some settings changed: its own by their names, the user
        model's as `user_model.…`, the training reward's as `reward.…`.

        Raises InputError for unknown names and settings, and values that do not fit.
        """
        kind = registry.policy_type(name)
        own = {key: value for key, value in settings.items() if key.partition(".")[0] not in _PARTS}
        if kind.learns_from == "log" and len(own) < len(settings):
            raise InputError(
                f"{name} learns from the log; it has no user model and no training reward to set"
            )
        model: dict[str, Any] = {}
        reward = _numbers(_part(settings, "reward"))
        if kind.learns_from == "world":
            model = _dump(user_model_config(scenario, _part(settings, "user_model")))
            training_rewards.config(registry.entry(name).reward, reward)
        return cls(
            policy=name,
            world=scenario.name,
            fingerprint=fingerprint(scenario),
            settings=_dump(registry.config(name, own)),
            user_model=model,
            reward=reward,
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The config of a run folder. Raises InputError when it is none of a policy's training."""
        return load_config(folder / "config.toml", cls)

    @property
    def home(self) -> Path:
        """Its place in the cache."""
        key = hashlib.sha256(canonical(self.model_dump(mode="json")).encode()).hexdigest()[:16]
        return assets.cache_folder() / "policies" / f"{self.world}-{self.policy}-{key}"


@dataclass(frozen=True)
class Trained:
    """A policy whose training has ended."""

    policy: Policy
    seconds: float
    """That its epochs took, on this or earlier days."""
    evaluations: Mapping[str, Mapping[str, float]]
    """Means of each measure, by mode."""
    rows: list[dict[str, Any]]
    """One an epoch, as `OnEpoch` was told."""


def train(judge: Judge, config: PolicyRun, folder: Path, on_epoch: OnEpoch | None = None) -> Trained:
    """Train in a run folder on the judge's scenario, go on with what was begun there, or load what is
    finished.

    What an interruption leaves is the last checkpoint, and going on from it gives what an uninterrupted
    training would have given. Raises InputError when the folder holds another run, or something else.
    """
    run = Run.open(folder, config)
    policy = registry.create(config.policy, judge.scenario, config.settings)
    seconds = _restore(policy, run.checkpoints)
    if not run.finished:
        with _threads(policy.config.threads):
            seconds = _epochs(policy, judge, config, run, seconds, on_epoch)
        evaluations = {
            mode: judge.evaluate(policy, mode, seed=policy.config.seed).means()
            for mode in fitting(judge.scenario)
        }
        run.finish({"seconds": seconds, "evaluations": evaluations})
    return Trained(policy, seconds, run.summary()["evaluations"], run.metrics())


def load(folder: Path, scenario: Scenario) -> LearnedPolicy[Any, Any]:
    """The policy of a finished run. Raises InputError when the folder holds none, or another scenario's."""
    config = PolicyRun.read(folder)
    if config.world != scenario.name or config.fingerprint != fingerprint(scenario):
        raise InputError(
            f"{folder}: trained on {config.world} ({config.fingerprint}), "
            f"not on {scenario.name} as it is now ({fingerprint(scenario)})"
        )
    if not Run(folder, config).finished:
        raise InputError(f"{folder}: the training has not ended; give the same train command again to go on")
    policy = registry.create(config.policy, scenario, config.settings)
    _restore(policy, folder / "checkpoints")
    return policy


def find(what: str, scenario: Scenario, modes: Sequence[Mode], seed: int) -> list[Policy]:
    """For each mode the policy that `what` means: a baseline, the policy of a run folder, or by its name
    the one that was trained with default settings and this seed and is in the cache.

    Raises InputError when there is none.
    """
    if what in baselines.NAMES:
        expected = predicted(scenario) if what == "user-model-avoid" else None
        return [baselines.baseline(what, scenario, mode, expected) for mode in modes]
    if what in registry.LEARNED:
        folder = PolicyRun.of(what, scenario, {"seed": seed}).home
        if not folder.is_dir():
            raise InputError(
                f"{what} was not trained yet: "
                f"tastemaker policy train {what} --world {scenario.name} --seed {seed}"
            )
    else:
        folder = Path(what)
        if not folder.is_dir():
            raise InputError(
                f"{what!r} is neither a run folder nor a policy; {', '.join(registry.names())} are"
            )
    return [load(folder, scenario)] * len(modes)


def predicted(scenario: Scenario) -> NDArray[np.float32]:
    """[n_users, n_items] what the user model with its default settings expects."""
    return user_model.fit_cached(scenario, user_model_config(scenario, {})).mean


def user_model_config(scenario: Scenario, settings: Mapping[str, Any]) -> user_model.UserModelConfig:
    """The user model's config, its defaults but for `settings`; on a log without ratings items that were not
    taken stand against those that were. Raises InputError for what it does not know or take.
    """
    default = {"loss": "point-negative"} if scenario.log.rating is None else {}
    return validated(user_model.UserModelConfig, {**default, **settings}, "the user model")


def fingerprint(scenario: Scenario) -> str:
    """16 hex digits that change with the log, the truth, the quit rule and the length of a session."""
    digest = hashlib.sha256(scenario.log.fingerprint.encode())
    digest.update(np.ascontiguousarray(scenario.truth).tobytes())
    digest.update(f"{scenario.quit_rule.describe()} {scenario.max_turns}".encode())
    return digest.hexdigest()[:16]


def fitting(scenario: Scenario) -> list[str]:
    """Those of `MODES` for which the scenario has items enough."""
    n_items = scenario.log.n_items
    needed = {"FreeB": 1, "NX_0": scenario.max_turns, "NX_10": 10}
    return [mode for mode in MODES if needed[mode] <= n_items]


def _epochs(
    policy: LearnedPolicy[Any, Any],
    judge: Judge,
    config: PolicyRun,
    run: Run,
    seconds: float,
    on_epoch: OnEpoch | None,
) -> float:
    """Train to the last epoch; gives the seconds of training."""
    epochs = policy.config.epochs
    if policy.epochs_done >= epochs:
        return seconds
    source = _source(policy, judge.scenario, config)
    every = -(-epochs // CURVE_POINTS)
    logged = len(run.metrics())
    saved = time.monotonic()
    while policy.epochs_done < epochs:
        started = time.perf_counter()
        figures = policy.epoch(source)
        seconds += time.perf_counter() - started
        epoch = policy.epochs_done
        row: dict[str, Any] = {"epoch": epoch, "epochs": epochs, **figures, "seconds": seconds}
        if epoch % every == 0 or epoch == epochs:
            row |= _true_figures(policy, judge.scenario)
        if epoch > logged:
            run.log(row)
        if on_epoch:
            on_epoch(row)
        if time.monotonic() - saved > CHECKPOINT_SECONDS or epoch == epochs:
            tensors, values = policy.state()
            checkpoint.write(run.checkpoints, tensors, {"policy": values, "seconds": seconds})
            saved = time.monotonic()
    return seconds


@contextmanager
def _threads(count: int) -> Iterator[None]:
    former = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(former)


def _restore(policy: LearnedPolicy[Any, Any], folder: Path) -> float:
    """Load the last checkpoint, if there is one; gives the seconds of training up to it."""
    found = checkpoint.read(folder)
    if found is None:
        return 0.0
    tensors, state = found
    policy.load_state(tensors, state["policy"])
    return float(state["seconds"])


def _source(policy: LearnedPolicy[Any, Any], scenario: Scenario, config: PolicyRun) -> Any:
    """What the policy learns from: a world of the user model's users, or the turns of the log."""
    if policy.learns_from == "log":
        from tastemaker.policies.offline.buffers import transitions

        return transitions(scenario, policy.config)
    model = user_model.fit_cached(scenario, user_model_config(scenario, config.user_model))
    name = registry.entry(config.policy).reward
    reward = training_rewards.training_reward(name, scenario, model, **config.reward)
    return scenario.world(policy.config.sessions, reward=reward, window=policy.window)


def _true_figures(policy: Policy, scenario: Scenario) -> dict[str, float]:
    """What some users truly give, and how long they stay, in FreeB."""
    n = scenario.log.n_users
    users = np.random.default_rng(0).permutation(n)[:CURVE_USERS]
    played = evaluation.play(policy, scenario, "FreeB", users, np.random.default_rng(0))
    return {
        "true_reward": float(played.rewards.sum(1, dtype=np.float64).mean()),
        "true_length": float((played.items >= 0).sum(1).mean()),
    }


def _part(settings: Mapping[str, Any], part: str) -> dict[str, Any]:
    return {
        key.removeprefix(f"{part}."): value for key, value in settings.items() if key.startswith(f"{part}.")
    }


def _numbers(settings: Mapping[str, Any]) -> dict[str, float]:
    try:
        return {key: float(value) for key, value in settings.items()}
    except ValueError as error:
        raise InputError(f"the settings of a training reward are numbers: {error}") from None


def _dump(config: Config) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude_none=True)
