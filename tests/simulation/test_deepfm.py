"""DeepFM against its formula, written out with loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tastemaker.simulation.deepfm import DeepFM, Half
from tastemaker.simulation.features import Features

FEATURES = Features(
    user_codes=np.array([[0, 3], [1, 4], [2, 3]]),
    item_codes=np.array([[0, 4], [1, 5], [2, 5], [3, 4]]),
    categories=np.array([[1, 0], [0.5, 0.5], [0, 0], [0, 1]], np.float32),
    n_user_codes=5,
    n_item_codes=6,
)


def network(seed: int = 0, members: int = 3) -> DeepFM:
    net = DeepFM(FEATURES, members=members, embedding_size=4, hidden_size=5, dropout=0.0, seed=seed)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            if name.endswith("bias"):
                parameter.uniform_(-1, 1)
    net.eval()
    return net


def test_score_is_that_of_the_formula() -> None:
    net = network()
    scores, log_variances = net.score(
        net.side("user", torch.tensor([2, 1])), net.side("item", torch.tensor([1, 3]))
    )
    for row, (user, item) in enumerate(((2, 1), (1, 3))):
        for m in range(3):
            fields = [net.user_table[code, m] for code in FEATURES.user_codes[user]]
            fields += [net.item_table[code, m] for code in FEATURES.item_codes[item]]
            shares = torch.from_numpy(FEATURES.categories[item])
            fields.append(sum(share * net.category_table[c, m] for c, share in enumerate(shares)))
            machine = sum(field[-1] for field in fields)
            machine = machine + sum(
                fields[a][:-1] @ fields[b][:-1] for a in range(len(fields)) for b in range(a)
            )
            layer = torch.cat((net.user_layer[m], net.item_layer[m]))
            first = torch.relu(torch.cat([field[:-1] for field in fields]) @ layer + net.first_bias[m])
            second = torch.relu(first @ net.second_layer[m] + net.second_bias[m])
            heads = second @ net.head_layer[m]
            assert scores[row, m].item() == pytest.approx((machine + heads[0]).item(), abs=1e-5)
            assert log_variances[row, m].item() == pytest.approx(heads[1].item(), abs=1e-5)


def test_all_pairs_at_once_equal_each_pair() -> None:
    net = network()
    users, items = torch.arange(3), torch.arange(4)
    whole, _ = net.score(
        Half(*(part[:, None] for part in net.side("user", users))),
        Half(*(part[None] for part in net.side("item", items))),
    )
    single, _ = net.score(net.side("user", users.repeat_interleave(4)), net.side("item", items.repeat(3)))
    torch.testing.assert_close(whole.reshape(12, 3), single)


def test_a_member_is_drawn_from_its_own_seed() -> None:
    few, many = network(members=2), network(members=4)
    assert torch.equal(few.user_table, many.user_table[:, :2])
    assert torch.equal(few.second_layer, many.second_layer[:2])
    assert not torch.equal(few.user_table[:, 0], few.user_table[:, 1])
    assert not torch.equal(few.user_table, network(seed=1, members=2).user_table)
