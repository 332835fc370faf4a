"""What holds for every tracker, whatever it computes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tastemaker.policies.state import State
from tastemaker.policies.trackers.base import Tracker, TrackerConfig
from tastemaker.policies.trackers.nextitnet import NextItNetTracker
from tastemaker.policies.trackers.registry import build
from tastemaker.policies.trackers.sasrec import SASRecTracker

USERS, ITEMS, WINDOW = 5, 20, 8
NAMES = ["average", "gru", "caser", "sasrec", "nextitnet"]
ORDERED = [name for name in NAMES if name != "average"]


def tracker(name: str, **settings: object) -> Tracker:
    torch.manual_seed(1)
    config = TrackerConfig.model_validate(
        {"tracker": name, "window": WINDOW, "embedding_size": 6, **settings}
    )
    return build(config, USERS, ITEMS)


def sessions(lengths: list[int], window: int) -> State:
    """Sessions of so many items, the latest last."""
    generator = torch.Generator().manual_seed(3)
    items = torch.full((len(lengths), window), ITEMS)
    rewards = torch.zeros(len(lengths), window)
    for row, length in enumerate(lengths):
        full = torch.randint(ITEMS, (WINDOW,), generator=generator)
        given = torch.rand(WINDOW, generator=generator)
        items[row, window - length :] = full[:length]
        rewards[row, window - length :] = given[:length]
    return State(torch.arange(len(lengths)) % USERS, items, rewards)


def close(one: Tensor, other: Tensor) -> bool:
    return bool(torch.allclose(one, other, atol=1e-5))


@pytest.mark.parametrize("reward_in_state", ["none", "concatenate", "multiply"])
@pytest.mark.parametrize("name", NAMES)
def test_what_stands_at_empty_places_never_counts(name: str, reward_in_state: str) -> None:
    model = tracker(name, reward_in_state=reward_in_state)
    state = sessions([0, 1, 3, WINDOW], WINDOW)
    before = model(state)
    with torch.no_grad():
        model.items.weight[ITEMS] = 100.0
    noisy = state._replace(rewards=state.rewards.masked_fill(state.items == ITEMS, 9.0))
    assert before.shape == (4, model.size)
    assert close(before, model(noisy))


@pytest.mark.parametrize("name", NAMES)
def test_a_session_is_encoded_alike_in_a_longer_window(name: str) -> None:
    model = tracker(name)
    lengths = [0, 1, 2, 5]
    assert close(model(sessions(lengths, 5)), model(sessions(lengths, WINDOW)))


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_window_is_the_user_alone(name: str) -> None:
    model = tracker(name)
    encoded = model(sessions([0, 0], WINDOW))
    assert torch.equal(encoded[:, :6], model.users.weight[:2])
    assert torch.equal(encoded[:, 6:], torch.zeros(2, 6))


@pytest.mark.parametrize("name", NAMES)
def test_a_session_does_not_depend_on_its_neighbours(name: str) -> None:
    model = tracker(name)
    state = sessions([1, 4, WINDOW], WINDOW)
    assert close(model(state)[1:2], model(state.rows(torch.tensor([1]))))


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_shown_item_and_no_other(name: str) -> None:
    model = tracker(name)
    state = sessions([3, WINDOW], WINDOW)
    generator = torch.Generator().manual_seed(0)
    (model(state) * torch.randn(2, model.size, generator=generator)).sum().backward()
    moved = model.items.weight.grad.abs().sum(1) > 0
    shown = torch.zeros(ITEMS + 1, dtype=torch.bool)
    shown[state.items.unique()] = True
    shown[ITEMS] = False
    assert torch.equal(moved, shown)
    assert (model.users.weight.grad[state.user].abs().sum(1) > 0).all()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_order_matters_except_to_the_average(name: str) -> None:
    model = tracker(name)
    state = sessions([WINDOW], WINDOW)
    swapped = state._replace(items=state.items.flip(1), rewards=state.rewards.flip(1))
    assert close(model(state), model(swapped)) == (name not in ORDERED)


@pytest.mark.parametrize("name", NAMES)
def test_rewards_enter_unless_they_are_left_out(name: str) -> None:
    state = sessions([4], WINDOW)
    other = state._replace(rewards=state.rewards * 3)
    for kind in ("none", "concatenate", "multiply"):
        model = tracker(name, reward_in_state=kind)
        assert close(model(state), model(other)) == (kind == "none")


@pytest.mark.parametrize("name", ["sasrec", "nextitnet"])
def test_an_encoding_never_looks_ahead(name: str) -> None:
    model = tracker(name)
    assert isinstance(model, SASRecTracker | NextItNetTracker)
    entries = torch.randn(2, WINDOW, model.input_size)
    taken = torch.ones(2, WINDOW, dtype=torch.bool)
    changed = entries.clone()
    changed[:, 5] += 1.0
    before, after = model.sequence(entries, taken), model.sequence(changed, taken)
    assert close(before[:, :5], after[:, :5])
    assert not close(before[:, 5], after[:, 5])
    assert not close(before[:, -1], after[:, -1])


def test_average_is_a_projected_mean() -> None:
    model = tracker("average", reward_in_state="none")
    state = sessions([3], WINDOW)
    mean = model.items.weight[state.items[0, -3:]].mean(0)
    assert close(model(state)[0, 6:], model.get_parameter("project.weight") @ mean)


def test_gru_is_the_unit_run_over_the_taken_places() -> None:
    model = tracker("gru")
    state = sessions([3], WINDOW)
    entries = torch.cat((model.items(state.items[:, -3:]), state.rewards[:, -3:, None]), -1)
    _, hidden = model.get_submodule("gru")(entries)
    assert close(model(state)[0, 6:], hidden[0, 0])
