"""Adam (Kingma & Ba, ICLR 2015) over tables of which a step touches few rows.

Dense Adam moves every row at every step, also those without a gradient: their moments fade, and the L2
penalty goes on. Here these steps are put off until a row is next needed and then done in one go while the row
lies in the processor's cache. It is the same arithmetic in the same order, so the result is dense Adam's to
the last bit, but the tables and both moments no longer pass through memory at every step. `lazy` leaves the
steps out instead (as torch's SparseAdam does): another algorithm, and with other results.

Knows nothing of encoders and objectives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from tastemaker.retrieval.encoders.base import Gradient

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8
"""Decay of the two moments, and what keeps the division safe: the paper's."""


class Adam:
    """Optimiser of named tables [n, d] (or [n]), which it changes in place.

    Between steps rows may lag behind: `catch_up` brings up to date what is about to be read.
    """

    def __init__(
        self,
        tables: Mapping[str, Tensor],
        learning_rate: float,
        weight_decay: float,
        lazy: bool = False,
        decay_over: int = 0,
    ) -> None:
        """`decay_over` is the number of steps over which the step size falls linearly to 0; 0 keeps it."""
        self.learning_rate = learning_rate
        self.decay_over = decay_over
        self.weight_decay = weight_decay
        self.lazy = lazy
        self.steps = 0
        self._tables = {name: _as_rows(table) for name, table in tables.items()}
        self._mean = {name: np.zeros_like(table) for name, table in self._tables.items()}
        self._square = {name: np.zeros_like(table) for name, table in self._tables.items()}
        self._last = {name: np.zeros(len(table), np.int64) for name, table in self._tables.items()}
        self._scales = np.zeros((0, 2), np.float32)

    def catch_up(self, rows: Mapping[str, Tensor] | None = None) -> None:
        """Do the steps put off for some rows of some tables; for all rows of all tables by default."""
        if self.lazy:
            return
        for name in self._tables if rows is None else rows:
            chosen = np.arange(len(self._tables[name])) if rows is None else rows[name].numpy()
            _replay(*self._parts(name), chosen, self.steps, self._until(self.steps), *self._constants())

    def step(self, gradients: Mapping[str, Gradient]) -> None:
        """One step of all tables. The rows with a gradient must be up to date."""
        self.steps += 1
        scales = self._until(self.steps)
        for name, gradient in gradients.items():
            table = self._tables[name]
            rows = np.arange(len(table)) if gradient.rows is None else gradient.rows.numpy()
            values = gradient.values.numpy().reshape(len(rows), -1)
            _update(*self._parts(name), rows, values, self.steps, scales, *self._constants())

    def state(self) -> dict[str, Tensor]:
        """Both moments of each table by name, sharing memory; all rows must be up to date."""
        return {
            f"{kind}.{name}": torch.from_numpy(moment)
            for kind, moments in (("mean", self._mean), ("square", self._square))
            for name, moment in moments.items()
        }

    def resume(self, steps: int) -> None:
        """Go on after so many steps, with the moments put into what `state` gave."""
        self.steps = steps
        for last in self._last.values():
            last[:] = steps

    def _parts(self, name: str) -> tuple[NDArray[Any], ...]:
        return self._tables[name], self._mean[name], self._square[name], self._last[name]

    def _constants(self) -> tuple[np.float32, ...]:
        return tuple(np.float32(value) for value in (self.weight_decay, BETA1, BETA2, EPSILON))

    def _until(self, step: int) -> NDArray[np.float32]:
        """[> step, 2] step size over 1 − β₁ˢ, and 1 / √(1 − β₂ˢ), for each step s."""
        if len(self._scales) <= step:
            s = np.maximum(np.arange(2 * step + 1024, dtype=np.float64), 1)
            rate = self.learning_rate * np.ones_like(s)
            if self.decay_over:
                rate *= np.maximum(1 - (s - 1) / self.decay_over, 0)
            self._scales = np.stack([rate / (1 - BETA1**s), 1 / np.sqrt(1 - BETA2**s)], axis=1).astype(
                np.float32
            )
        return self._scales


def _as_rows(table: Tensor) -> NDArray[np.float32]:
    view: NDArray[np.float32] = table.detach().numpy()
    return view.reshape(len(view), -1) if view.ndim else view.reshape(1, 1)


@njit(cache=True, error_model="numpy", inline="always")  # type: ignore[untyped-decorator]
def _move(
    weight: Any,
    mean: Any,
    square: Any,
    gradient: Any,
    scale: Any,
    decay: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
) -> None:
    for k in range(len(weight)):
        slope = gradient[k] + decay * weight[k]
        mean[k] = beta1 * mean[k] + (np.float32(1) - beta1) * slope
        square[k] = beta2 * square[k] + (np.float32(1) - beta2) * slope * slope
        weight[k] -= scale[0] * mean[k] / (np.sqrt(square[k]) * scale[1] + epsilon)


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _replay(
    table: Any,
    mean: Any,
    square: Any,
    last: Any,
    rows: Any,
    step: Any,
    scales: Any,
    decay: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
) -> None:
    nothing = np.zeros(table.shape[1], np.float32)
    for row in rows:
        for s in range(last[row] + 1, step + 1):
            _move(table[row], mean[row], square[row], nothing, scales[s], decay, beta1, beta2, epsilon)
        last[row] = step


@njit(cache=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _update(
    table: Any,
    mean: Any,
    square: Any,
    last: Any,
    rows: Any,
    values: Any,
    step: Any,
    scales: Any,
    decay: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
) -> None:
    for place in range(len(rows)):
        row = rows[place]
        _move(table[row], mean[row], square[row], values[place], scales[step], decay, beta1, beta2, epsilon)
        last[row] = step
