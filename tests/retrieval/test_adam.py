"""Adam with steps put off, against torch's dense and sparse Adam."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tastemaker.retrieval.adam import Adam
from tastemaker.retrieval.encoders.base import Gradient

ROWS, SIZE, RATE = 40, 5, 0.01


def table(seed: int = 0) -> Tensor:
    return torch.randn(ROWS, SIZE, generator=torch.Generator().manual_seed(seed))


def gradients(steps: int, seed: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """For each step some rows, rare ones among them, and their gradient."""
    generator = torch.Generator().manual_seed(seed)
    often = 1 / torch.arange(1.0, ROWS + 1) ** 2
    for _ in range(steps):
        rows = torch.multinomial(often, 6, generator=generator).sort().values
        yield rows, torch.randn(6, SIZE, generator=generator)


def run(optimiser: Adam, steps: Iterator[tuple[Tensor, Tensor]]) -> None:
    for rows, values in steps:
        optimiser.catch_up({"t": rows})
        optimiser.step({"t": Gradient(rows, values)})


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_is_torchs_dense_adam(weight_decay: float) -> None:
    ours, theirs = table(), torch.nn.Parameter(table())
    optimiser = Adam({"t": ours}, RATE, weight_decay)
    reference = torch.optim.Adam([theirs], lr=RATE, weight_decay=weight_decay)
    for rows, values in gradients(300):
        optimiser.catch_up({"t": rows})
        torch.testing.assert_close(ours[rows], theirs.detach()[rows], rtol=1e-4, atol=1e-5)
        optimiser.step({"t": Gradient(rows, values)})
        theirs.grad = torch.zeros(ROWS, SIZE).index_add(0, rows, values)
        reference.step()
    optimiser.catch_up()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-5)
    state = reference.state[theirs]
    torch.testing.assert_close(optimiser.state()["mean.t"], state["exp_avg"], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(optimiser.state()["square.t"], state["exp_avg_sq"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("decay_over", [0, 150])
def test_putting_off_changes_no_bit(decay_over: int) -> None:
    late, prompt, dense = table(), table(), table()
    lagging = Adam({"t": late}, RATE, 0.01, decay_over=decay_over)
    whole = Adam({"t": dense}, RATE, 0.01, decay_over=decay_over)
    run(lagging, gradients(200))
    punctual = Adam({"t": prompt}, RATE, 0.01, decay_over=decay_over)
    for rows, values in gradients(200):
        punctual.catch_up()
        punctual.step({"t": Gradient(rows, values)})
        whole.step({"t": Gradient(None, torch.zeros(ROWS, SIZE).index_add(0, rows, values))})
    assert not torch.equal(late, prompt)
    lagging.catch_up()
    punctual.catch_up()
    assert torch.equal(late, prompt)
    assert torch.equal(late, dense)


def test_the_step_size_falls_linearly_to_nothing() -> None:
    ours, theirs = table(), torch.nn.Parameter(table())
    optimiser = Adam({"t": ours}, RATE, 0.0, decay_over=50)
    reference = torch.optim.Adam([theirs], lr=RATE)
    schedule = torch.optim.lr_scheduler.LambdaLR(reference, lambda step: max(1 - step / 50, 0))
    for rows, values in gradients(70):
        whole = torch.zeros(ROWS, SIZE).index_add(0, rows, values)
        optimiser.step({"t": Gradient(None, whole)})
        theirs.grad = whole
        reference.step()
        schedule.step()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-5)


def test_lazy_is_torchs_sparse_adam() -> None:
    ours, theirs = table(), torch.nn.Parameter(table())
    optimiser = Adam({"t": ours}, RATE, 0.0, lazy=True)
    reference = torch.optim.SparseAdam([theirs], lr=RATE)
    for rows, values in gradients(300):
        optimiser.catch_up({"t": rows})
        optimiser.step({"t": Gradient(rows, values)})
        theirs.grad = torch.sparse_coo_tensor(rows[None], values, (ROWS, SIZE), check_invariants=True)
        reference.step()
    optimiser.catch_up()
    torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("lazy", [False, True])
def test_goes_on_after_a_break_as_if_there_had_been_none(lazy: bool) -> None:
    straight, first = table(), table()
    whole = Adam({"t": straight}, RATE, 0.01, lazy)
    before = Adam({"t": first}, RATE, 0.01, lazy)
    run(whole, gradients(80, seed=1))
    run(before, gradients(80, seed=1))
    before.catch_up()
    whole.catch_up()
    run(whole, gradients(80, seed=2))
    second = first.clone()
    after = Adam({"t": second}, RATE, 0.01, lazy)
    for name, moment in after.state().items():
        moment.copy_(before.state()[name])
    after.resume(before.steps)
    run(after, gradients(80, seed=2))
    whole.catch_up()
    after.catch_up()
    assert torch.equal(second, straight)


def test_vectors_and_scalars_are_tables_too() -> None:
    for shape in ((7,), ()):
        ours, theirs = torch.ones(shape), torch.nn.Parameter(torch.ones(shape))
        optimiser, reference = (
            Adam({"t": ours}, RATE, 0.1),
            torch.optim.Adam([theirs], RATE, weight_decay=0.1),
        )
        for seed in range(5):
            values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
            optimiser.step({"t": Gradient(None, values)})
            theirs.grad = values
            reference.step()
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-5, atol=1e-6)
