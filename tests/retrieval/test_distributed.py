"""Two processes train as one does: the same losses and tables to the last bit, and checkpoints that either
can go on from.

This file is also the program that the two processes run: see `main`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix, load_npz, save_npz
from typer.testing import CliRunner

from tastemaker import checkpoint, processes
from tastemaker.app.cli import app
from tastemaker.data import store
from tastemaker.data.dataset import Dataset
from tastemaker.data.splits import Split
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval import trainer
from tastemaker.retrieval.embedding import EmbeddingConfig
from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.encoders.lightgcn import LightGCN
from tastemaker.retrieval.encoders.mf import MatrixFactorization
from tastemaker.retrieval.objectives.base import Objective
from tastemaker.retrieval.objectives.buir import BUIR
from tastemaker.retrieval.objectives.directau import DirectAU
from tastemaker.retrieval.objectives.enmf import ENMF
from tastemaker.retrieval.objectives.mawu import MAWU
from tastemaker.retrieval.objectives.pairwise import BPR
from tastemaker.retrieval.torchrun import joined

CONFIG = EmbeddingConfig(embedding_size=12, learning_rate=0.02, weight_decay=1e-4, batch_size=64, epochs=6)
FIGURES = [0.1, 0.3, 0.2, 0.25, 0.9, 0.9]
"""Of the epochs in turn: with a patience of 2 the fourth is the last, and the second the best."""

CASES: dict[str, dict[str, Any]] = {
    "directau-mf": {},
    "bpr-lightgcn": {"encoder": "lightgcn"},
    "mawu-lightgcn": {"encoder": "lightgcn", "layers": 1},
    "buir-lightgcn": {"encoder": "lightgcn"},
    "enmf-mf": {"optimizer": "lazy-adam"},
    "stops-early": {"patience": 2},
}


def objective_of(case: str) -> Objective:
    kinds: dict[str, Objective] = {
        "bpr": BPR(),
        "mawu": MAWU(0.2, 0.3),
        "buir": BUIR(0.9),
        "enmf": ENMF(0.2),
    }
    return kinds.get(case.partition("-")[0], DirectAU(0.5))


def train(matrix: csr_matrix, case: str, folder: Path | None = None, **changes: Any) -> dict[str, Any]:
    """Losses and tables of a training; only process 0 may measure."""
    config = CONFIG.model_copy(update=CASES.get(case, {}) | changes)
    n_users, n_items = matrix.shape
    size = config.embedding_size
    encoder: Encoder = MatrixFactorization(n_users, n_items, size, config.seed)
    if config.encoder == "lightgcn":
        encoder = LightGCN(matrix, size, config.layers, config.seed)
    rows: list[Mapping[str, Any]] = []

    def measure(users: torch.Tensor, items: torch.Tensor) -> dict[str, float]:
        assert processes.number() == 0
        return {"ndcg@20": FIGURES[len(rows)], "mean": float(users.mean() + items.mean())}

    job = trainer.Job(
        case,
        encoder,
        objective_of(case),
        matrix,
        config,
        "data",
        measure if case == "stops-early" else None,
    )
    users, items = trainer.train(job, folder, rows.append)
    return {"loss": [row["loss"] for row in rows], "users": users, "items": items}


def main(folder: Path) -> None:
    """What each of the two processes does; it writes into a folder of its own."""
    matrix = load_npz(folder / "matrix.npz")
    mine = folder / os.environ["RANK"]
    mine.mkdir()
    try:
        with joined() as first:
            for case in CASES:
                np.savez(mine / f"{case}.npz", **train(matrix, case))
            resumed = train(matrix, "buir-lightgcn", folder / "one" if first else None)
            np.savez(mine / "resumed.npz", **resumed)
            train(matrix, "buir-lightgcn", mine / "two", epochs=3)
            start = str(folder / "other" if first else "nowhere")
            np.savez(mine / "warm.npz", **train(matrix, "directau-mf", start_from=start))
            with pytest.raises(InputError) as refused:
                train(matrix, "directau-mf", embedding_size=5)
            (mine / "refused").write_text(str(refused.value))
            if first:
                train(matrix, "directau-mf")
    except TastemakerError as lost:
        (mine / "lost").write_text(str(lost))


@pytest.fixture(scope="module")
def matrix(small: Split) -> csr_matrix:
    return small.train.matrix()


@pytest.fixture(scope="module")
def two_processes(matrix: csr_matrix, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes of this program have done their work."""
    folder = tmp_path_factory.mktemp("two")
    save_npz(folder / "matrix.npz", matrix)
    train(matrix, "buir-lightgcn", folder / "one", epochs=3)
    train(matrix, "directau-mf", folder / "other", seed=5, epochs=2)
    for ran in in_two_processes(__file__, str(folder)):
        assert ran.returncode == 0, ran.stderr
    return folder


def in_two_processes(*words: str) -> list[subprocess.CompletedProcess[str]]:
    """Run Python with these words twice, in an environment as torchrun makes it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, *words],
            env=os.environ | common | {"RANK": number, "LOCAL_RANK": number},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        for number in "01"
    ]
    told = [one.communicate() for one in started]
    return [
        subprocess.CompletedProcess(one.args, one.returncode, *texts)
        for one, texts in zip(started, told, strict=True)
    ]


def assert_same(folder: Path, name: str, wanted: Mapping[str, Any]) -> None:
    for process in "01":
        with np.load(folder / process / f"{name}.npz") as found:
            np.testing.assert_array_equal(found["users"], wanted["users"])
            np.testing.assert_array_equal(found["items"], wanted["items"])
            if process == "0":
                assert found["loss"].tolist() == wanted["loss"]
            else:
                assert found["loss"].size == 0


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_as_one(two_processes: Path, matrix: csr_matrix, case: str) -> None:
    alone = train(matrix, case)
    assert len(alone["loss"]) == (4 if case == "stops-early" else 6)
    assert_same(two_processes, case, alone)


def test_two_go_on_from_the_checkpoint_of_one(two_processes: Path, matrix: csr_matrix) -> None:
    straight = train(matrix, "buir-lightgcn")
    assert_same(two_processes, "resumed", straight | {"loss": straight["loss"][3:]})


def test_one_goes_on_from_the_checkpoint_of_two(
    two_processes: Path, matrix: csr_matrix, tmp_path: Path
) -> None:
    shutil.copytree(two_processes / "0" / "two", tmp_path / "two")
    straight = train(matrix, "buir-lightgcn")
    resumed = train(matrix, "buir-lightgcn", tmp_path / "two")
    assert resumed["loss"] == straight["loss"][3:]
    np.testing.assert_array_equal(resumed["users"], straight["users"])


def test_a_checkpoint_is_the_same_file_and_is_written_once(
    two_processes: Path, matrix: csr_matrix, tmp_path: Path
) -> None:
    train(matrix, "buir-lightgcn", tmp_path, epochs=3)
    alone = (tmp_path / checkpoint.NAME).read_bytes()
    assert (two_processes / "0" / "two" / checkpoint.NAME).read_bytes() == alone
    assert not (two_processes / "1" / "two").exists()


def test_the_first_reads_for_all_what_they_start_from(two_processes: Path, matrix: csr_matrix) -> None:
    alone = train(matrix, "directau-mf", start_from=str(two_processes / "other"))
    assert_same(two_processes, "warm", alone)


def test_an_embedding_size_that_cannot_be_shared_out_is_refused(two_processes: Path) -> None:
    for process in "01":
        text = (two_processes / process / "refused").read_text()
        assert text == (
            "embedding_size=5 cannot be shared out evenly over 2 processes; choose a multiple of 2"
        )


def test_a_process_that_is_left_alone_says_so(two_processes: Path) -> None:
    text = (two_processes / "0" / "lost").read_text()
    assert text.startswith("another process ended, or has not been heard of for 10 minutes; see what it said")
    assert not (two_processes / "1" / "lost").exists()


def test_the_command_under_torchrun(toy: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASTEMAKER_CACHE", str(tmp_path / "cache"))
    store.save(toy, tmp_path / "cache" / "datasets" / "toy")

    def words(folder: str) -> list[str]:
        settings = ["--set", "batch_size=8", "--set", "epochs=3"]
        return ["retrieval", "train", "bpr", "--data", "toy", *settings, "--run", str(tmp_path / folder)]

    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "--", "tastemaker", *words("two"), "--json"]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    alone = CliRunner().invoke(app, [*words("one"), "--json"])
    rows = [json.loads(output)["row"] | {"fit_seconds": 0} for output in (ran.stdout, alone.stdout)]
    assert rows[0] == rows[1]
    kept = [(tmp_path / name / "metrics.jsonl").read_text().splitlines() for name in ("two", "one")]
    losses = [[json.loads(line)["loss"] for line in lines] for lines in kept]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 3

    first, second = in_two_processes("-m", "tastemaker", *words("one"), "--json")
    assert (first.returncode, second.returncode) == (0, 0)
    assert json.loads(first.stdout)["row"] == json.loads(alone.stdout)["row"]
    assert second.stdout == second.stderr == ""


@pytest.mark.parametrize(
    ("model", "told"),
    [
        ("ease", "ease is fitted by one process alone; leave out torchrun"),
        ("bpr", "WORLD_SIZE is set, but torchrun did not do it"),
    ],
)
def test_what_torchrun_does_not_serve_is_refused(model: str, told: str) -> None:
    ran = CliRunner().invoke(app, ["retrieval", "train", model, "--data", "toy"], env={"WORLD_SIZE": "2"})
    assert isinstance(ran.exception, InputError)
    assert str(ran.exception).startswith(told)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
