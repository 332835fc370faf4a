"""`tastemaker retrieval tune` as it is called from a shell."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("optuna", reason="Optuna is not installed: pip install 'tastemaker[tune]'")

from tastemaker.retrieval.ease import EASE

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(tastemaker: Call) -> Call:
    return tastemaker


TUNE = ["retrieval", "tune", "ease", "--data", "toy", "--search", "reg=0.1:1000:log", "--run", "run"]


def test_the_printed_command_trains_what_was_found(call: Call) -> None:
    words = (
        "retrieval tune bpr --data toy --set epochs=6 --set embedding_size=4 --seed 3 --trials 5 --run run"
    )
    words += " --search learning_rate=1e-4:0.5:log --search weight_decay=1e-6:0.1:log --json"
    code, out, _ = call(*words.split())
    found = json.loads(out)
    assert code == 0
    assert found["best"]["value"] == max(trial["value"] for trial in found["trials"])
    assert found["trials"][0]["settings"] == {"learning_rate": 0.002, "weight_decay": 2e-05}
    program, *train = shlex.split(found["command"])
    assert (program, train[1]) == ("tastemaker", "train")
    trained = json.loads(call(*train, "--json")[1])["row"]
    assert trained["ndcg@20"]["mean"] == found["best"]["value"]
    assert trained["config"]["epochs"] == 6


def test_the_table_shows_five_and_what_was_gained(call: Call) -> None:
    code, out, err = call(*TUNE, "--trials", "12")
    assert code == 0
    table = [line.split("│")[1:-1] for line in out.splitlines() if line.startswith("│")]
    values = [float(row[2]) for row in table]
    assert len(table) == 5
    assert values == sorted(values, reverse=True)
    for text in ("ratio 0.8/0.1/0.1 within user, seed 0; valid part", "12 trials: 12 done", "ndcg@20", "%)"):
        assert text in out
    assert out.splitlines()[-1].startswith(
        "tastemaker retrieval train ease --data toy --split ratio --seed 0"
    )
    assert "plot: run/plots/tuning.png" in err
    assert Path("run/plots/tuning.png").read_bytes().startswith(b"\x89PNG")
    assert out.splitlines()[-1] in Path("run/report.md").read_text()


def test_a_finished_search_is_shown_again_and_can_be_taken_further(call: Call) -> None:
    shown = call(*TUNE, "--trials", "3")
    rows = Path("run/metrics.jsonl").read_text()
    assert call(*TUNE, "--trials", "3") == shown
    assert Path("run/metrics.jsonl").read_text() == rows
    assert "2 fewer than asked for" in call(*TUNE, "--trials", "5", "--timeout", "0")[1]
    assert call(*TUNE, "--trials", "5")[0] == 0
    assert Path("run/metrics.jsonl").read_text().startswith(rows)
    assert len(Path("run/metrics.jsonl").read_text().splitlines()) == 5


def test_interrupted_it_ends_with_one_line_and_goes_on(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    fit, fits = EASE.fit, iter(range(100))

    def interrupted(model: EASE, *parts: Any, **more: Any) -> EASE:
        if next(fits) == 2:
            raise KeyboardInterrupt
        return fit(model, *parts, **more)

    with monkeypatch.context() as patch:
        patch.setattr(EASE, "fit", interrupted)
        code, out, err = call(*TUNE, "--trials", "4")
    assert (code, out) == (130, "")
    assert len(err.strip().splitlines()) == 1
    assert "run the same command again" in err
    assert len(Path("run/metrics.jsonl").read_text().splitlines()) == 2
    resumed = json.loads(call(*TUNE, "--trials", "4", "--json")[1])["trials"]
    whole = json.loads(call(*TUNE[:-1], "whole", "--trials", "4", "--json")[1])["trials"]
    assert [trial["settings"] for trial in resumed] == [trial["settings"] for trial in whole]


def test_failed_trials_are_shown_with_their_errors(call: Call) -> None:
    words = "retrieval tune directau --data toy --set epochs=2 --trials 3 --run run"
    code, out, _ = call(*words.split(), "--search", "learning_rate=1e-3,1e35")
    assert code == 0
    assert "3 trials: 2 done, 0 pruned, 1 failed" in out
    failed = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    error = next(trial["error"] for trial in failed if trial["state"] == "failed")
    assert error[:30] in out[out.index("Failed") :]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("magic", "--data", "toy"), "no retrieval model is named 'magic'"),
        (("ease", "--data", "nowhere"), "no data set is named 'nowhere'"),
        (("ease", "--data", "toy", "--search", "reg=5"), "--search 'reg=5': write key=low:high"),
        (("ease", "--data", "toy", "--search", "lambda=1:2"), "ease has no setting 'lambda'"),
        (("ease", "--data", "toy", "--search", "reg=-1:2"), "Input should be greater than 0"),
        (("ease", "--data", "toy", "--set", "reg"), "--set 'reg': write key=value"),
        (("ease", "--data", "toy", "--metric", "auc"), "--metric 'auc': write NAME@K"),
        (("popularity", "--data", "toy"), "popularity has nothing to search"),
        (("bias", "--data", "toy"), "bias has no setting that is usually searched; name one"),
        (("blend", "--data", "toy"), "blend has nothing to search"),
        (
            ("gfcf", "--data", "toy", "--search", "score_exponent=0:1"),
            "--search score_exponent: it has no value to begin with; add --set score_exponent=VALUE",
        ),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(call: Call, words: tuple[str, ...], message: str) -> None:
    code, out, err = call("retrieval", "tune", *words, "--run", "run")
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not Path("run").exists()


def test_a_folder_of_another_search_is_not_gone_on_with(call: Call) -> None:
    call(*TUNE, "--trials", "1")
    code, _, err = call(*TUNE, "--trials", "1", "--seed", "1")
    assert code == 2
    assert "run holds a run with another config" in err
