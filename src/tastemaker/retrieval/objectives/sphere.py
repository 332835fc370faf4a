"""Alignment and uniformity of unit rows, exactly, from a batch's distinct rows.

A row that occurs c times makes c(c−1)/2 pairs at distance 0, and rows with counts c, c′ make c·c′ pairs, so
the u² products of distinct rows do for the b² of the batch. For unit rows −2‖a − b‖² = 4 a·b − 4, so one
matrix product gives all distances and another the gradient (Wang & Isola, ICML 2020; arXiv 2005.10242). Knows
nothing of users, items and encoders.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from tastemaker.errors import InputError

_SHORTEST = 1e-12


def unit(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows [u, d] at unit length (a row of zeros stays one), and the lengths [u, 1] they had."""
    length = rows.norm(dim=1, keepdim=True).clamp_min(_SHORTEST)
    return rows / length, length


def tangent(rows: Tensor, length: Tensor, gradient: Tensor) -> Tensor:
    """The gradient by rows of any length, given what `unit` made of them and the gradient by that."""
    along = (gradient * rows).sum(dim=1, keepdim=True)
    return (gradient - along * rows) / length


def counts(place: Tensor, rows: Tensor) -> Tensor:
    """[u] how often each of `rows` [u, d] occurs among the places [b], in the type of the rows."""
    return torch.bincount(place, minlength=len(rows)).to(rows.dtype)


def alignment(x: Tensor, y: Tensor) -> Tensor:
    """mean ‖x − y‖² over the pairs; x, y [b, d] of unit length."""
    return (x - y).square().sum(dim=1).mean()


def uniformity(rows: Tensor, count: Tensor) -> Tensor:
    """log mean_{j<k} exp(−2 ‖z_j − z_k‖²) over the pairs of a batch, given its distinct rows [u, d] of unit
    length and how often each occurs, `count` [u] with sum b ≥ 2. Raises InputError for a smaller batch.
    """
    b = _size(count)
    itself = torch.eye(len(rows), dtype=torch.bool)
    near = torch.exp(4 * (rows @ rows.T) - 4).masked_fill(itself, 0)
    return torch.log((count @ near @ count + (count * (count - 1)).sum()) / (b * (b - 1)))


def uniformity_gradient(rows: Tensor, count: Tensor, weight: float) -> tuple[float, Tensor]:
    """`uniformity`, and `weight` times its gradient by the unit rows, up to parts along the rows; both are 0
    where `weight` is.
    """
    b = _size(count)
    if weight == 0:
        return 0.0, torch.zeros_like(rows)
    doubled = 2 * rows
    near = (doubled @ doubled.T).exp_().fill_diagonal_(0)
    weighed = count[:, None] * rows
    far = math.exp(-4)
    total = far * float(count @ (near @ count)) + float((count * (count - 1)).sum())
    gradient = (near @ weighed).mul_(count[:, None] * (8 * far * weight / total))
    return math.log(total / (b * (b - 1))), gradient


def _size(count: Tensor) -> float:
    b = float(count.sum())
    if b < 2:
        raise InputError("uniformity needs batches of at least two pairs; raise batch_size")
    return b
