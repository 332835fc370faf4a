"""Mult-VAE: its loss against one written with torch's distributions, and its training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from tastemaker.data.splits import Split
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval.evaluator import evaluate
from tastemaker.retrieval.multvae import MultVAE, MultVAEConfig, _Training
from tastemaker.retrieval.popularity import Popularity

SMALL = {"hidden_size": 24, "latent_size": 8, "batch_size": 20, "learning_rate": 5e-3}


def config(**settings: Any) -> MultVAEConfig:
    return MultVAEConfig.model_validate(SMALL | settings)


def test_loss_is_the_negative_evidence_bound(small: Split) -> None:
    matrix = small.train.matrix()
    training = _Training(config(dropout=0.0), matrix, None)
    for table in training.tables.values():
        table.data += 0.1 * torch.randn(table.shape, generator=torch.Generator().manual_seed(1))
    rows, beta = matrix[:7], 0.3
    loss = training._loss(rows, beta, torch.Generator().manual_seed(5))

    noise = torch.Generator().manual_seed(5)
    torch.rand(rows.nnz, generator=noise)
    x, t = torch.from_numpy(rows.toarray()), training.tables
    hidden = torch.tanh(torch.nn.functional.normalize(x) @ t["encoder"] + t["encoder_bias"])
    gaussian = hidden @ t["gaussian"] + t["gaussian_bias"]
    posterior = torch.distributions.Normal(gaussian[:, :8], (gaussian[:, 8:] / 2).exp())
    drawn = posterior.mean + posterior.stddev * torch.randn(7, 8, generator=noise)
    logits = torch.tanh(drawn @ t["decoder"] + t["decoder_bias"]) @ t["items"] + t["items_bias"]
    standard = torch.distributions.Normal(torch.zeros(8), torch.ones(8))
    divergence = torch.distributions.kl_divergence(posterior, standard).sum()
    likelihood = (x * logits.log_softmax(dim=1)).sum()
    torch.testing.assert_close(loss, beta * divergence - likelihood, rtol=1e-5, atol=1e-4)


def test_dropout_hides_items_and_keeps_the_expected_input(small: Split) -> None:
    matrix = small.train.matrix()
    training = _Training(config(dropout=0.5), matrix, None)
    with torch.no_grad():
        for name in ("gaussian", "decoder", "items"):
            training.tables[name].zero_()
        training.tables["items_bias"].uniform_(-1, 1, generator=torch.Generator().manual_seed(0))
        one = training._loss(matrix, 1.0, torch.Generator().manual_seed(1))
        other = training._loss(matrix, 1.0, torch.Generator().manual_seed(2))
    wanted = -(matrix @ training.tables["items_bias"].detach().log_softmax(0).numpy()).sum()
    assert one.item() == other.item() == pytest.approx(wanted, rel=1e-5)


def test_learns_what_is_not_popular(small: Split) -> None:
    rows: list[Mapping[str, Any]] = []
    model = MultVAE(config(epochs=60, patience=60)).fit(small.train, small.valid, on_epoch=rows.append)
    assert [row["epoch"] for row in rows] == list(range(1, 61))
    assert rows[-1]["loss"] < rows[0]["loss"] - 0.5
    best = max(rows, key=lambda row: row["ndcg@20"])
    assert rows[-1]["best"] == best["epoch"]
    assert evaluate(model, small, "valid").means["ndcg@20"] == pytest.approx(best["ndcg@20"])


def test_a_history_without_items_scores_near_to_popularity(small: Split) -> None:
    model = MultVAE(config(epochs=100)).fit(small.train)
    nobody = model.score_histories(csr_matrix((1, 40), dtype=np.float32))[0]
    popular = Popularity().fit(small.train).score(np.array([0]))[0]
    assert np.corrcoef(nobody, popular)[0, 1] > 0.8


def test_an_interrupted_training_ends_the_same(small: Split, tmp_path: Path) -> None:
    whole = MultVAE(config(epochs=6)).fit(small.train, small.valid)

    def interrupt(row: Mapping[str, Any]) -> None:
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        MultVAE(config(epochs=6)).fit(small.train, small.valid, folder=tmp_path, on_epoch=interrupt)
    rows: list[Mapping[str, Any]] = []
    again = MultVAE(config(epochs=6)).fit(small.train, small.valid, folder=tmp_path, on_epoch=rows.append)
    assert [row["epoch"] for row in rows] == [4, 5, 6]
    assert np.array_equal(whole.score(np.arange(60)), again.score(np.arange(60)))
    with pytest.raises(InputError, match="another model, config or data"):
        MultVAE(config(epochs=6, seed=1)).fit(small.train, small.valid, folder=tmp_path)


def test_stops_when_it_gets_no_better(small: Split) -> None:
    rows: list[Mapping[str, Any]] = []
    MultVAE(config(patience=3)).fit(small.train, small.valid, on_epoch=rows.append)
    assert rows[-1]["epoch"] - rows[-1]["best"] == 3
    assert len(rows) < 200


def test_a_diverging_loss_is_told(small: Split) -> None:
    with pytest.raises(TastemakerError, match=r"multvae: the loss is .* lower learning_rate"):
        MultVAE(config(learning_rate=1e6, epochs=20)).fit(small.train, small.valid)


def test_users_without_items_are_left_out(small: Split) -> None:
    some = small.train.take(small.train.user >= 30)
    scores = MultVAE(config(epochs=2, batch_size=7)).fit(some).score(np.array([0, 59]))
    assert np.isfinite(scores).all()
