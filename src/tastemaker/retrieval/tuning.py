"""Search of a model's settings by their value on the valid part; the test part is never looked at.

Trial 0 has the settings that the model begins with, so the best is never worse than those. The others are
drawn by Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), and ended early where the
median of the finished ones is ahead at the same epoch. `metrics.jsonl` of the run folder is the only record:
each trial is drawn by a fresh study made of it, with a seed that follows from (seed, trial), so a search that
was interrupted goes on as if it had not been. Knows nothing of any one model but the usual ranges of
settings, by name.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tastemaker.config import Config
from tastemaker.data.splits import Split
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval import metrics, registry
from tastemaker.retrieval.evaluator import evaluate, questions
from tastemaker.retrieval.search_space import Space, Value, read_space
from tastemaker.runs import Run

if TYPE_CHECKING:
    import optuna

_WARM_UP = 10
"""Epochs that every trial may run before it is compared with others."""
_COMPARED = 5
"""Finished trials before any is ended early."""
_REDRAWS = 100
"""Draws in a row that give nothing new before the space counts as searched through."""
_MOST_TELLING = 10
"""Finished trials from which on the importance of settings is estimated."""


class Search(Config):
    """What is searched, and on what terms: the config of the search's run folder.

    How many trials are run is not part of it: a search can be taken further.
    """

    model: str
    version: int
    """Version of the model's code: values of different ones do not compare."""
    data: str
    train: str
    """Fingerprint of the train part."""
    valid: str
    """Fingerprint of the valid part."""
    protocol: str
    metric: str
    """What is to be as high as possible on the valid part, such as `ndcg@20`."""
    seed: int
    """Of the draws."""
    settings: dict[str, Any]
    """All settings of trial 0; those in `space` are changed in the others."""
    space: Space


class Trial(Config):
    """One set of settings, and how it did."""

    number: int
    state: Literal["done", "pruned", "failed"]
    """Pruned: ended early, as others were ahead. Failed: ended in `error`, for example a diverging loss."""
    settings: dict[str, Value]
    """The searched settings."""
    value: float | None
    """The metric on the valid part, of a trial that is done."""
    epochs: int
    """Epochs run; 0 for a model in closed form."""
    curve: dict[int, float]
    """ndcg@20 on the valid part by epoch."""
    seconds: float
    """Wall-clock time of fitting and measuring."""
    error: str = ""


def plan(
    name: str,
    split: Split,
    specs: Sequence[str] = (),
    begin: Mapping[str, Any] | None = None,
    *,
    metric: str = "ndcg@20",
    seed: int = 0,
) -> Search:
    """A search of the model's settings: `specs` as `key=low:high`, `key=low:high:log` or `key=a,b,c`.

    Without any, the usual ones are searched. `begin` are settings of trial 0 that are not the model's
    defaults; a model that has a seed starts from `seed` unless they name another. Raises InputError for a
    model, setting, value, range or metric that does not exist, and for a valid part that holds nothing to
    rank.
    """
    kind = registry.model_type(name)
    begun = {**registry.seed_of(name, seed), **(begin or {})}
    settings = registry.create(name, **begun).config.model_dump(mode="json", exclude_none=True)
    _length(metric)
    questions(split.train, split.valid)
    space = read_space(name, settings, specs)
    for key in space:
        if key not in settings:
            raise InputError(f"--search {key}: it has no value to begin with; add --set {key}=VALUE")
    return Search(
        model=name,
        version=kind.version,
        data=split.train.name,
        train=split.train.fingerprint,
        valid=split.valid.fingerprint,
        protocol=split.protocol,
        metric=metric,
        seed=seed,
        settings=settings,
        space=space,
    )


def tune(
    search: Search,
    split: Split,
    run: Run,
    *,
    trials: int,
    timeout: float | None = None,
    on_epoch: Callable[[int, Mapping[str, Any]], None] | None = None,
    on_trial: Callable[[Trial], None] | None = None,
) -> list[Trial]:
    """Run trials until the run folder holds `trials` of them, and return all that it holds.

    No trial but the first begins later than `timeout` seconds after the call. The search ends early when 100
    draws in a row give nothing that was not tried. A trial that is interrupted leaves nothing; the next call
    draws the same one. `on_epoch` is told of a trial's number and each of its rows, `on_trial` of each trial
    that ended.
    """
    done = [Trial.model_validate(row) for row in run.metrics()]
    ends = time.monotonic() + (math.inf if timeout is None else timeout)
    while len(done) < trials and (not done or time.monotonic() < ends):
        asked = _draw(search, done) if done else None
        if done and asked is None:
            break
        trial = _attempt(search, split, len(done), asked, on_epoch)
        run.log(trial.model_dump(mode="json"))
        done.append(trial)
        if on_trial:
            on_trial(trial)
    return done


def best_first(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that are done, highest value first; of equals the earlier.

    Raises TastemakerError when there is none.
    """
    found = [trial for trial in trials if trial.value is not None]
    if not found:
        error = next((trial.error for trial in trials if trial.error), "none was run")
        raise TastemakerError(f"none of {len(trials)} trials gave a value; the first: {error}")
    return sorted(found, key=lambda trial: (-(trial.value or 0), trial.number))


def importance(search: Search, trials: Sequence[Trial]) -> dict[str, float]:
    """How much each setting has to do with being among the best quarter; the shares sum to 1.

    PED-ANOVA (Watanabe, Bansal & Hutter, IJCAI 2023). Empty where fewer than ten trials are done.
    """
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    done = [trial for trial in trials if trial.state == "done"]
    if len(done) < _MOST_TELLING:
        return {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Target and region quantiles select the same")
        found = get_param_importances(
            _study(search, done), evaluator=PedAnovaImportanceEvaluator(target_quantile=0.25)
        )
    return {key: float(share) for key, share in found.items()}


def _length(metric: str) -> int:
    """The k of `ndcg@k`."""
    name, _, k = metric.partition("@")
    if name not in metrics.NAMES or not k.isdecimal() or int(k) < 1:
        raise InputError(
            f"--metric {metric!r}: write NAME@K, for example ndcg@20; names: {', '.join(metrics.NAMES)}"
        )
    return int(k)


def _study(search: Search, trials: Sequence[Trial]) -> optuna.Study:
    """Optuna's view of the trials. A failed one counts as ended before its first epoch, which the sampler
    ranks last; where trial 0 lies outside the space, that setting of it is left out.
    """
    import optuna
    from optuna.trial import TrialState

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=_COMPARED, n_warmup_steps=_WARM_UP)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for trial in trials:
        inside = [key for key, value in trial.settings.items() if search.space[key].holds(value)]
        study.add_trial(
            optuna.create_trial(
                state=TrialState.COMPLETE if trial.state == "done" else TrialState.PRUNED,
                value=trial.value,
                params={key: trial.settings[key] for key in inside},
                distributions={key: search.space[key].distribution() for key in inside},
                intermediate_values={} if trial.state == "failed" else dict(trial.curve),
            )
        )
    return study


def _draw(search: Search, done: Sequence[Trial]) -> optuna.Trial | None:
    """The next trial, of settings that were not tried yet; None where no such are found."""
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    study = _study(search, done)
    space = {key: dimension.distribution() for key, dimension in search.space.items()}
    tried = [trial.settings for trial in done]
    for draw in range(_REDRAWS):
        stream = np.random.SeedSequence([search.seed, len(done), draw])
        study.sampler = TPESampler(seed=int(stream.generate_state(1)[0]))
        asked = study.ask(space)
        if asked.params not in tried:
            return asked
        study.tell(asked, state=TrialState.FAIL)
    return None


def _attempt(
    search: Search,
    split: Split,
    number: int,
    asked: optuna.Trial | None,
    on_epoch: Callable[[int, Mapping[str, Any]], None] | None,
) -> Trial:
    """Fit and measure once. Without `asked` it is trial 0, which no other can end, and whose wrong input is
    the caller's.
    """
    import optuna

    settings = asked.params if asked else {key: search.settings[key] for key in search.space}
    curve: dict[int, float] = {}
    epochs = 0

    def listen(row: Mapping[str, Any]) -> None:
        nonlocal epochs
        epochs = row["epoch"]
        if on_epoch:
            on_epoch(number, row)
        if "ndcg@20" in row:
            curve[epochs] = row["ndcg@20"]
            if asked:
                asked.report(curve[epochs], epochs)
                if asked.should_prune():
                    raise optuna.TrialPruned

    state: Literal["done", "pruned", "failed"] = "done"
    value, error = None, ""
    started = time.perf_counter()
    try:
        model = registry.create(search.model, **search.settings | settings)
        model.fit(split.train, split.valid, on_epoch=listen)
        value = evaluate(model, split, "valid", (_length(search.metric),)).means[search.metric]
    except optuna.TrialPruned:
        state = "pruned"
    except TastemakerError as failure:
        if asked is None and isinstance(failure, InputError):
            raise
        state, error = "failed", str(failure)
    return Trial(
        number=number,
        state=state,
        settings=settings,
        value=value,
        epochs=epochs,
        curve=curve,
        seconds=time.perf_counter() - started,
        error=error,
    )
