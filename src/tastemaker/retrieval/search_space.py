"""What a search of settings may draw: ranges and choices, read from texts such as `gamma=0.1:10:log`.

The model's own config reads the values, so they have the setting's type and are ones that it takes. Knows
nothing of trials: `tuning` runs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tastemaker.config import Config
from tastemaker.errors import InputError
from tastemaker.retrieval import registry

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

USUAL = {
    "learning_rate": "1e-4:1e-2:log",
    "weight_decay": "1e-8:1e-3:log",
    "batch_size": "256,512,1024,2048",
    "layers": "1:3",
    "gamma": "0.1:10:log",
    "gamma_user": "0.01:10:log",
    "gamma_item": "0.001:10:log",
    "temperature": "0.05:1:log",
    "debias": "0:1",
    "margin": "0:0.9",
    "momentum": "0.9:0.999",
    "hops": "1:3",
    "decay": "0.1:1",
    "candidates": "2:32:log",
    "negatives": "16:256:log",
    "neighbours": "10:1000:log",
    "shrink": "0:100",
    "reg": "1:10000:log",
    "n_factors": "16:512:log",
    "score_exponent": "0:1",
    "dropout": "0:0.8",
    "kl_cap": "0.01:1:log",
}
"""What is searched when nothing is named: those of these settings that the model has."""

OWN = {
    "als": {"alpha": "0.5:10:log", "regularization": "0.2:200:log", "factors": "16:256:log"},
    "gfcf": {"alpha": "0.03:3:log"},
    "multvae": {"batch_size": "50,100,200,500"},
    "simplex": {"negative_weight": "1:200:log"},
    "enmf": {"negative_weight": "0.01:1:log"},
}
"""The same for settings whose scale is the model's own."""

_NEVER = {"seed", "threads", "members"}
"""Settings that a search has no use for."""

Value = bool | int | float | str


class Range(Config):
    """Numbers from `low` to `high`, both included; whole numbers where the setting is one."""

    low: int | float
    high: int | float
    log: bool = False
    """Whether equal ratios, not equal differences, are equally likely."""

    def holds(self, value: Value) -> bool:
        """Whether the value lies inside."""
        return not isinstance(value, str) and self.low <= value <= self.high

    def distribution(self) -> BaseDistribution:
        """The same for Optuna."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if isinstance(self.low, int) and isinstance(self.high, int):
            return IntDistribution(self.low, self.high, log=self.log)
        return FloatDistribution(self.low, self.high, log=self.log)


class Choices(Config):
    """A few values without order."""

    values: tuple[Value, ...]

    def holds(self, value: Value) -> bool:
        """Whether it is one of the values."""
        return value in self.values

    def distribution(self) -> BaseDistribution:
        """The same for Optuna."""
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution(self.values)


Space = dict[str, Range | Choices]


def read_space(name: str, settings: dict[str, Any], specs: Sequence[str]) -> Space:
    """The space of texts `key=low:high`, `key=low:high:log` or `key=a,b,c`.

    Without any it is that of `USUAL` and `OWN`. `settings` are those that the search begins with. Raises
    InputError for a text, setting, value or range that makes no sense, and where there is nothing to search.
    """
    known = registry.model_type(name).config_type.model_fields
    if known.keys() <= _NEVER:
        raise InputError(f"{name} has nothing to search: none of its settings is a number to choose")
    space: Space = {}
    for spec in specs or _usual(name, known, settings):
        key, dimension = _dimension(name, settings, spec)
        if key in space:
            raise InputError(f"--search {spec!r}: {key} is searched already; name each setting once")
        space[key] = dimension
    if not space:
        raise InputError(
            f"{name} has no setting that is usually searched; name one, --search key=low:high"
            f" (its settings: {', '.join(known) or 'none'})"
        )
    return space


def _usual(name: str, known: Iterable[str], settings: Mapping[str, Any]) -> Iterator[str]:
    """Specs of the usual settings, but for those that do nothing as the others stand."""
    usual = USUAL | OWN.get(name, {})
    idle = {key for key, value in settings.items() if value is None}
    if settings.get("encoder") == "mf":
        idle.add("layers")
    for key in known:
        if key in usual and key not in idle:
            yield f"{key}={usual[key]}"


def _dimension(name: str, settings: dict[str, Any], spec: str) -> tuple[str, Range | Choices]:
    key, _, text = spec.partition("=")
    ranged = ":" in text
    parts = text.split(":" if ranged else ",")
    log = ranged and parts[-1] == "log"
    if log:
        parts.pop()
    if not key or len(parts) < 2 or (ranged and len(parts) > 2):
        raise InputError(f"--search {spec!r}: write key=low:high, key=low:high:log or key=a,b,c")
    values = [_read(name, settings, spec, key, part.strip()) for part in parts]
    if not ranged:
        if len(set(values)) < len(values):
            raise InputError(f"--search {spec!r}: a value stands there twice")
        return key, Choices(values=tuple(values))
    low, high = values
    if isinstance(low, bool | str) or isinstance(high, bool | str):
        raise InputError(f"--search {spec!r}: {key} is no number; list its values, key=a,b,c")
    if not low < high:
        raise InputError(f"--search {spec!r}: the low end must be below the high one")
    if log and low <= 0:
        raise InputError(f"--search {spec!r}: a logarithmic range must begin above 0")
    return key, Range(low=low, high=high, log=log)


def _read(name: str, settings: dict[str, Any], spec: str, key: str, text: str) -> Value:
    try:
        config = registry.create(name, **settings | {key: text}).config
    except InputError as error:
        raise InputError(f"--search {spec!r}: {error}") from None
    value: Value = config.model_dump(mode="json")[key]
    return value
