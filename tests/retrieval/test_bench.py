"""The benchmark's rows, and that the plain way which ours is timed beside comes to the same."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from tastemaker.data.splits import Split
from tastemaker.retrieval import bench, trainer
from tastemaker.retrieval.adam import Adam
from tastemaker.retrieval.embedding import EmbeddingConfig
from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.encoders.lightgcn import LightGCN
from tastemaker.retrieval.encoders.mf import MatrixFactorization
from tastemaker.retrieval.objectives.directau import DirectAU


def test_rows_have_the_same_figures_whatever_is_timed(small: Split) -> None:
    rows = [
        *bench.step_rows(small, (64, 4096), steps=4),
        *bench.step_rows(small, (64,), layers=2, steps=4),
        bench.propagation_row(small, 2, batch_size=64),
        bench.evaluation_row(small, most_users=20),
    ]
    assert len({row["what"] for row in rows}) == 5
    for row in rows:
        assert row["size"] == small.train.name
        figures = [row[key] for key in ("ours_per_cpu_second", "reference_per_cpu_second", "ratio")]
        assert np.isfinite(figures).all()
        assert min(figures) > 0
        assert figures[2] == pytest.approx(figures[0] / figures[1])


@pytest.mark.parametrize("layers", [0, 2])
def test_the_plain_step_and_ours_come_to_the_same_tables(small: Split, layers: int) -> None:
    matrix = small.train.matrix()
    encoder: Encoder = MatrixFactorization(60, 40, bench.SIZE, seed=0)
    if layers:
        encoder = LightGCN(matrix, bench.SIZE, layers, seed=0)
    config = EmbeddingConfig(batch_size=32)
    job = trainer.Job("directau", encoder, DirectAU(bench.GAMMA), matrix, config, "")
    plain = bench._Plain(encoder, matrix, layers)
    optimiser = Adam(encoder.parameters(), bench.LEARNING_RATE, bench.WEIGHT_DECAY)
    before = [table.detach().clone() for table in encoder.parameters().values()]
    for batch in islice(trainer.batches(job, 1), 8):
        assert trainer.step(job, optimiser, batch) == pytest.approx(plain.step(batch), abs=1e-4)
    optimiser.catch_up()
    for old, ours, other in zip(
        before, encoder.parameters().values(), (plain.users, plain.items), strict=True
    ):
        moved = (ours - old).abs().max()
        assert moved > 4 * bench.LEARNING_RATE
        torch.testing.assert_close(ours, other, rtol=0, atol=1e-4)
