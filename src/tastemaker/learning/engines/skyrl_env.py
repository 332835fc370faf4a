"""Our tool tasks inside SkyRL: the environment that it plays, and the entry point that trains on them.

Run with what `skyrl.export` wrote, and settings of SkyRL's own (whose number of turns is else 1):

    python -m tastemaker.learning.engines.skyrl_env data.train_data="['FOLDER/train.parquet']"
        generator.max_turns=8 trainer.policy.model.path=MODEL

Interfaces as in skyrl-gym 0.4 and skyrl 0.3. Without SkyRL the module imports and the environment plays.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from tastemaker.errors import InputError
from tastemaker.learning.engines.play import ChatMessages, Play, PlayConfig
from tastemaker.learning.engines.skyrl_credit import MARK, turn_advantages
from tastemaker.learning.tasks.task import ToolTask

ENVIRONMENT: Final = "tastemaker"
"""Name of the environment in a row's `env_class`."""
ESTIMATOR: Final = "tastemaker_turns"
"""Name of the advantage estimator, for `trainer.algorithm.advantage_estimator`."""


class ToolEnv:
    """One play, as SkyRL's `BaseTextEnv` has it. `extras` is a row of the exported file; SkyRL adds
    `max_turns`.
    """

    def __init__(self, env_config: Any = None, extras: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        extras = extras or {}
        if "task" not in extras:
            raise InputError("the row has no task: use the files that `tastemaker learning export` writes")
        self.turns = 0
        self.max_turns = extras.get("max_turns")
        config = PlayConfig.model_validate_json(extras.get("config", "{}"))
        self._play = Play(ToolTask.model_validate_json(extras["task"]), config, self.max_turns)
        self._scores: dict[str, float] = {}

    def init(self, prompt: ChatMessages) -> tuple[ChatMessages, dict[str, Any]]:
        """The first messages as they are."""
        return prompt, {}

    def step(self, action: str) -> dict[str, Any]:
        """Play one turn: `observations` are the next messages, and `metadata` the rewards by name."""
        self.turns += 1
        turned = self._play.turn(action)
        for name, score in turned.scores.items():
            self._scores[name] = self._scores.get(name, 0.0) + score
        return {
            "observations": turned.messages,
            "reward": turned.reward + MARK,
            "done": turned.done,
            "metadata": turned.scores,
        }

    def close(self) -> None:
        """There is nothing to be closed."""

    def get_metrics(self) -> dict[str, Any]:
        """The whole play's rewards by name, and how many turns and calls it took."""
        return {**self._scores, "turns": self.turns, "calls": self._play.calls}


def _base() -> tuple[type, ...]:
    try:
        return (import_module("skyrl_gym.envs.base_text_env").BaseTextEnv,)
    except ImportError:
        return ()


SkyRLToolEnv: Any = type("SkyRLToolEnv", (ToolEnv, *_base()), {"__doc__": ToolEnv.__doc__})
"""`ToolEnv` as SkyRL wants it: a `BaseTextEnv` where skyrl-gym is installed."""


def register() -> None:
    """Make the environment known to skyrl-gym by its name."""
    gym = import_module("skyrl_gym")
    if ENVIRONMENT not in gym.registry:
        gym.register(id=ENVIRONMENT, entry_point=f"{__name__}:SkyRLToolEnv")


def register_estimator() -> None:
    """Make the advantage estimator known to SkyRL's trainer by its name."""
    known = import_module("skyrl.backends.skyrl_train.utils.ppo_utils").AdvantageEstimatorRegistry
    if ESTIMATOR not in known.list_available():
        known.register(ESTIMATOR, turn_advantages)


def _run(settings: Any) -> None:
    register()
    register_estimator()
    import_module("skyrl.train.entrypoints.main_base").BasePPOExp(settings).run()


def main() -> None:
    """Train with SkyRL's settings from the command line."""
    ray, utils = import_module("ray"), import_module("skyrl.train.utils")
    settings = import_module("skyrl.train.config").SkyRLTrainConfig.from_cli_overrides(sys.argv[1:])
    settings.trainer.algorithm.advantage_estimator = ESTIMATOR
    register_estimator()
    utils.validate_cfg(settings)
    import_module("skyrl.train.utils.utils").initialize_ray(settings)
    ray.get(ray.remote(num_cpus=1)(_run).remote(settings))


if __name__ == "__main__":
    main()
