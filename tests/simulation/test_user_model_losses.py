"""Losses against torch's own and numbers worked by hand."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn.functional import gaussian_nll_loss

from tastemaker.data.dataset import Dataset, Source
from tastemaker.simulation.user_model_losses import Negatives, gaussian, inverse_propensities, pairwise


def log_of(user: list[int], item: list[int], n_items: int) -> Dataset:
    return Dataset.build(
        "log",
        pl.DataFrame({"id": [str(u) for u in range(max(user) + 1)]}),
        pl.DataFrame({"id": [str(i) for i in range(n_items)]}),
        np.array(user),
        np.array(item),
        source=Source("here", "none"),
    )


def test_variance_learns_from_the_likelihood_and_mean_from_squared_errors() -> None:
    torch.manual_seed(0)
    mean, rating = torch.randn(6, 2, requires_grad=True), torch.randn(6, 1)
    log_variance, weight = torch.randn(6, 2, requires_grad=True), torch.rand(6, 2)
    gaussian(mean, log_variance, rating, weight).backward()
    other = log_variance.detach().clone().requires_grad_()
    likelihood = gaussian_nll_loss(mean.detach(), rating.expand(6, 2), other.exp(), reduction="none")
    ((likelihood * weight).sum() / weight.sum()).backward()
    torch.testing.assert_close(log_variance.grad, other.grad)
    error = mean.detach() - rating
    torch.testing.assert_close(mean.grad, error * weight / weight.sum() / error.square().mean())


def test_a_weight_of_zero_hides_an_interaction() -> None:
    weight = torch.tensor([[1.0], [0.0]])
    loss = pairwise(torch.tensor([[2.0], [9.0]]), torch.tensor([[0.5], [30.0]]), weight)
    assert loss.item() == pytest.approx(log(1 + np.exp(-1.5)))


def test_rare_items_weigh_more_up_to_the_limit() -> None:
    data = log_of([*range(9), 0], [0] * 9 + [1], 2)
    weights = inverse_propensities(data)
    mean = (9 * 1 + 3) / 10
    by_item = dict(zip(data.item.tolist(), weights.tolist(), strict=True))
    assert by_item[0] == pytest.approx(1 / mean)
    assert by_item[1] == pytest.approx(sqrt(9) / mean)
    assert inverse_propensities(log_of([*range(2000), 0], [0] * 2000 + [1], 2)).max() == 10


def test_negatives_are_drawn_evenly_among_items_not_in_the_log() -> None:
    negatives = Negatives(log_of([0, 0, 1], [1, 3, 4], 5))
    users = torch.tensor([0, 1]).repeat(6000)
    drawn = negatives.draw(users, torch.Generator().manual_seed(0))
    for user, free in ((0, {0, 2, 4}), (1, {0, 1, 2, 3})):
        values, counts = drawn[users == user].unique(return_counts=True)
        kept = counts > 50  # of a few, all tries hit the log
        assert set(values[kept].tolist()) == free
        assert (counts[kept] / 6000 - 1 / len(free)).abs().max() < 0.02
