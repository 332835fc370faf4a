"""Distributions of actions, beside torch's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tastemaker.policies.on_policy.actors import ItemActor, Sight, VectorActor
from tastemaker.policies.state import State

SIZE, ITEMS, D, WINDOW = 4, 6, 3, 3


def sights(n: int) -> Sight:
    draw = torch.Generator().manual_seed(0)
    return Sight(
        torch.randn(n, SIZE, generator=draw) * 3,
        State(
            torch.zeros(n, dtype=torch.int64),
            torch.randint(ITEMS + 1, (n, WINDOW), generator=draw),
            torch.rand(n, WINDOW, generator=draw),
        ),
    )


def repeated(sight: Sight, n: int) -> Sight:
    """The first session n times."""
    first = torch.zeros(n, dtype=torch.int64)
    return Sight(sight.encoded[first], sight.state.rows(first))


def item_actor() -> ItemActor:
    torch.manual_seed(0)
    actor = ItemActor(SIZE, 16, ITEMS, WINDOW)
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.normal_()
    return actor


def some() -> torch.Tensor:
    return torch.tensor([True, False, True, True, False, True]).expand(5, ITEMS)


@pytest.mark.parametrize("allowed", [None, some()])
def test_items_are_judged_as_by_a_categorical_distribution(allowed: torch.Tensor | None) -> None:
    actor, x = item_actor(), sights(5)
    logits = actor.logits(x)
    places = torch.arange(ITEMS) if allowed is None else allowed[0].nonzero()[:, 0]
    reference = torch.distributions.Categorical(logits=logits[:, places])
    for place, item in enumerate(places.tolist()):
        log_prob, entropy = actor.judge(x, torch.full((5,), item), allowed)
        torch.testing.assert_close(log_prob, reference.log_prob(torch.tensor(place)))
        torch.testing.assert_close(entropy, reference.entropy())
    entropy.sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in actor.parameters())


@pytest.mark.parametrize("banned", [False, True])
def test_items_are_drawn_as_often_as_their_probability_says(banned: bool) -> None:
    actor, n = item_actor(), 20_000
    x = repeated(sights(1), n)
    allowed = some()[:1].expand(n, ITEMS) if banned else None
    with torch.no_grad():
        items, log_prob = actor.draw(x, allowed, torch.Generator().manual_seed(1))
        judged, _ = actor.judge(x, items, allowed)
        every, _ = actor.judge(repeated(x, ITEMS), torch.arange(ITEMS), None)
    assert torch.equal(log_prob, judged)
    share = np.bincount(items.numpy(), minlength=ITEMS) / n
    expected = every.exp().numpy() * (some()[0].numpy() if banned else 1)
    expected /= expected.sum()
    assert np.abs(share - expected).max() < 5 * np.sqrt(0.25 / n)


def test_the_best_item_is_the_likeliest_of_the_allowed() -> None:
    actor, x = item_actor(), sights(5)
    found = actor.best(x, some())
    judged = torch.stack([actor.judge(x, torch.full((5,), item), some())[0] for item in range(ITEMS)])
    assert torch.equal(found, judged.argmax(0))


def test_whether_to_repeat_an_item_is_learnt_by_how_long_ago_it_was_and_what_it_earned() -> None:
    actor = item_actor()
    with torch.no_grad():
        for parameter in actor.parameters():
            parameter.zero_()
        actor.again.copy_(torch.tensor([[1.0, 10.0, 100.0], [0.0, 2.0, 3.0]]))
    state = State(
        torch.zeros(2, dtype=torch.int64),
        torch.tensor([[4, 1, 4], [ITEMS, ITEMS, 0]]),
        torch.tensor([[5.0, 0.5, 1.0], [7.0, 7.0, 2.0]]),
    )
    logits = actor.logits(Sight(torch.zeros(2, SIZE), state))
    assert logits.tolist() == [[0, 11, 0, 0, 1 + 100 + 3, 0], [106, 0, 0, 0, 0, 0]]


def test_vectors_are_judged_as_by_a_normal_distribution() -> None:
    torch.manual_seed(0)
    actor, x = VectorActor(SIZE, 16, D, ITEMS, WINDOW), sights(5)
    with torch.no_grad():
        actor.log_deviation.copy_(torch.tensor([-1.0, 0.0, 0.5]))
    actions, log_prob = actor.draw(x, None, torch.Generator().manual_seed(0))
    reference = torch.distributions.Independent(
        torch.distributions.Normal(actor.mean(x), actor.log_deviation.exp()), 1
    )
    judged, entropy = actor.judge(x, actions, None)
    torch.testing.assert_close(judged, reference.log_prob(actions))
    torch.testing.assert_close(log_prob, judged)
    torch.testing.assert_close(entropy, reference.entropy())


def test_a_vector_stands_for_the_allowed_item_in_its_direction() -> None:
    actor = VectorActor(SIZE, 16, 2, 3, WINDOW)
    actor.directions.copy_(torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.0, 0.0]]))
    vector = torch.tensor([[1.0, 0.1]])
    assert actor.items(vector, None).tolist() == [0]
    assert actor.items(vector, torch.tensor([[False, True, True]])).tolist() == [1]
    assert actor.items(vector, torch.tensor([[False, False, True]])).tolist() == [2]


def test_a_vector_can_turn_away_from_the_items_of_the_window() -> None:
    actor = VectorActor(SIZE, 16, 2, 3, WINDOW)
    x = sights(1)._replace(
        state=State(torch.zeros(1, dtype=torch.int64), torch.tensor([[3, 0, 2]]), torch.zeros(1, WINDOW))
    )
    actor.directions.copy_(torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.0, 0.0]]))
    before = actor.mean(x)
    with torch.no_grad():
        actor.again.copy_(torch.tensor([5.0, -2.0, -3.0]))
    torch.testing.assert_close(actor.mean(x) - before, torch.tensor([[-2.0, -3.0]]))


def test_directions_are_of_length_one_and_part_of_the_state_but_are_not_trained() -> None:
    actor = VectorActor(SIZE, 16, D, ITEMS, WINDOW)
    torch.testing.assert_close(actor.directions.norm(dim=1), torch.tensor([1.0] * ITEMS + [0.0]))
    assert "directions" in actor.state_dict()
    assert not actor.directions.requires_grad
