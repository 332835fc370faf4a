"""The search of settings: what is drawn and kept, how it goes on, and that the test part plays no role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'tastemaker[tune]'")

from tastemaker.data.splits import Split
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval import registry
from tastemaker.retrieval.evaluator import evaluate
from tastemaker.retrieval.tuning import Trial, best_first, importance, plan, tune
from tastemaker.retrieval.tuning_plot import plot
from tastemaker.runs import Run

MF = ["learning_rate=1e-5:0.1:log", "weight_decay=1e-8:1e-3:log", "batch_size=64,256"]


def search_in(
    folder: Path, split: Split, name: str, specs: list[str], trials: int, seed: int = 0, **begin: Any
) -> list[Trial]:
    """A search in a folder of its own."""
    search = plan(name, split, specs, begin, seed=seed)
    return tune(search, split, Run.open(folder, search), trials=trials)


def drawn(trials: list[Trial]) -> list[Trial]:
    """The trials without their times, so that two searches can be compared."""
    return [trial.model_copy(update={"seconds": 0}) for trial in trials]


def test_trial_0_has_the_settings_begun_with_and_values_are_the_evaluators(
    small: Split, tmp_path: Path
) -> None:
    search = plan("ease", small, ["reg=1:1000:log"], {"precision": "float64"}, metric="recall@5")
    trials = tune(search, small, Run.open(tmp_path, search), trials=4)
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert trials[0].settings == {"reg": 300.0}
    for trial in trials:
        assert 1 <= float(trial.settings["reg"]) <= 1000
        model = registry.create("ease", precision="float64", **trial.settings).fit(small.train)
        assert trial.value == evaluate(model, small, "valid", (5,)).means["recall@5"]
    assert best_first(trials)[0].value == max(trial.value or 0 for trial in trials)


def test_the_test_part_plays_no_role(small: Split, tmp_path: Path) -> None:
    nothing = small.test.take(np.zeros(len(small.test), bool))
    with_test = search_in(tmp_path / "with", small, "bpr", MF, 4, epochs=4)
    without = search_in(tmp_path / "without", replace(small, test=nothing), "bpr", MF, 4, epochs=4)
    assert drawn(with_test) == drawn(without)


def test_the_seed_decides_what_is_drawn(small: Split, tmp_path: Path) -> None:
    one, same, other = (
        search_in(tmp_path / str(n), small, "ease", ["reg=1:1000:log"], 4, seed=seed)
        for n, seed in enumerate((1, 1, 2))
    )
    assert drawn(one) == drawn(same)
    assert drawn(one)[1:] != drawn(other)[1:]
    assert len({trial.settings["reg"] for trial in one}) == 4
    assert plan("bpr", small, seed=3).settings["seed"] == 3
    assert plan("bpr", small, begin={"seed": 5}, seed=3).settings["seed"] == 5


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(small: Split, tmp_path: Path) -> None:
    whole = search_in(tmp_path / "whole", small, "bpr", MF, 9, epochs=14)
    search = plan("bpr", small, MF, {"epochs": 14})

    def interrupt(number: int, row: Mapping[str, Any]) -> None:
        if number == 6 and row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(search, small, Run.open(tmp_path / "cut", search), trials=9, on_epoch=interrupt)
    run = Run.open(tmp_path / "cut", search)
    assert len(run.metrics()) == 6
    assert drawn(tune(search, small, run, trials=9)) == drawn(whole)
    again = tune(search, small, run, trials=9, on_epoch=interrupt, on_trial=lambda trial: pytest.fail("ran"))
    assert drawn(again) == drawn(whole)


def test_trials_behind_the_median_are_ended_early_and_leave_nothing(small: Split, tmp_path: Path) -> None:
    specs = ["learning_rate=1e-6,2e-6,3e-6,4e-6,5e-6,1e-3,3e-3,5e-3,1e-2,2e-2"]
    trials = search_in(tmp_path, small, "bpr", specs, 10, epochs=30, patience=30)
    pruned = [trial for trial in trials if trial.state == "pruned"]
    assert pruned
    for trial in pruned:
        last = max(trial.curve)
        others = [
            one.curve[last] for one in trials[: trial.number] if one.state == "done" and last in one.curve
        ]
        assert 10 <= last == trial.epochs < 30
        assert max(trial.curve.values()) < np.median(others)
        assert trial.value is None
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_trial_that_diverges_fails_and_the_search_goes_on(small: Split, tmp_path: Path) -> None:
    specs = ["learning_rate=1e-3,1e-2,1e30,1e35"]
    trials = search_in(tmp_path, small, "directau", specs, 4, epochs=3, learning_rate=0.001)
    states = {trial.settings["learning_rate"]: trial.state for trial in trials}
    assert states == {1e-3: "done", 1e-2: "done", 1e30: "failed", 1e35: "failed"}
    assert all(bool(trial.error) == (trial.state == "failed") for trial in trials)
    assert best_first(trials)[0].state == "done"


def test_without_any_value_there_is_no_best(small: Split, tmp_path: Path) -> None:
    trials = search_in(
        tmp_path, small, "directau", ["learning_rate=1e30,1e35"], 2, epochs=3, learning_rate=1e30
    )
    with pytest.raises(TastemakerError, match=f"none of 2 trials gave a value; the first: {trials[0].error}"):
        best_first(trials)


def test_nothing_is_tried_twice(small: Split, tmp_path: Path) -> None:
    trials = search_in(
        tmp_path, small, "itemknn", ["neighbours=1:3", "shrink=0,5"], 50, neighbours=2, shrink=7
    )
    tried = [(trial.settings["neighbours"], trial.settings["shrink"]) for trial in trials]
    assert tried[0] == (2, 7.0)
    assert sorted(tried[1:]) == [(n, s) for n in (1, 2, 3) for s in (0.0, 5.0)]


def test_no_trial_but_the_first_begins_after_the_time(small: Split, tmp_path: Path) -> None:
    search = plan("ease", small, ["reg=1:1000:log"])
    assert len(tune(search, small, Run.open(tmp_path, search), trials=9, timeout=0)) == 1


def test_importance_finds_the_setting_that_matters(small: Split, tmp_path: Path) -> None:
    search = plan("ease", small, ["reg=0.01:1e6:log", "precision=float32,float64"])
    trials = tune(search, small, Run.open(tmp_path, search), trials=16)
    found = importance(search, trials)
    assert sum(found.values()) == pytest.approx(1)
    assert found["reg"] > 2 * found["precision"]
    assert importance(search, trials[:9]) == {}


def test_the_picture_is_whole_and_alone(small: Split, tmp_path: Path) -> None:
    from matplotlib.image import imread

    search = plan("directau", small, ["learning_rate=1e-3,1e30", "gamma=1:2:log"], {"epochs": 2})
    trials = tune(search, small, Run.open(tmp_path / "run", search), trials=6)
    assert {trial.state for trial in trials} == {"done", "failed"}
    plot(search, trials, tmp_path / "run" / "plots" / "tuning.png")
    picture = imread(tmp_path / "run" / "plots" / "tuning.png")
    assert picture.shape[1] > 3 * 400
    assert picture.std() > 0.05
    assert [path.name for path in (tmp_path / "run" / "plots").iterdir()] == ["tuning.png"]


@pytest.mark.parametrize("metric", ["ndcg", "ndcg@0", "ndcg@x", "auc@10", "@20"])
def test_a_metric_that_does_not_exist_is_refused(small: Split, metric: str) -> None:
    with pytest.raises(InputError, match="write NAME@K, for example ndcg@20; names: recall, ndcg"):
        plan("ease", small, metric=metric)


def test_without_anything_held_out_there_is_nothing_to_search_by(small: Split) -> None:
    nothing = small.valid.take(np.zeros(len(small.valid), bool))
    with pytest.raises(InputError, match="none of the 60 users has a held-out item"):
        plan("ease", replace(small, valid=nothing))
