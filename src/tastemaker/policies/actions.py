"""From a vector to an item: logits over all items, or the item nearest to a point among their embeddings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tastemaker.errors import InputError


def head(size: int, hidden_size: int, outputs: int) -> nn.Sequential:
    """A network with one hidden layer: [n, size] -> [n, outputs]. Its outputs begin near 0."""
    last = nn.Linear(hidden_size, outputs)
    nn.init.normal_(last.weight, std=0.01)
    nn.init.zeros_(last.bias)
    return nn.Sequential(nn.Linear(size, hidden_size), nn.ReLU(), last)


def masked(logits: Tensor, allowed: Tensor | None) -> Tensor:
    """[n, n_items] logits or values, -inf where an item is not allowed."""
    return logits if allowed is None else logits.masked_fill(~allowed, -torch.inf)


def repeated(logits: Tensor, items: Tensor, added: Tensor) -> Tensor:
    """[n, n_items] logits, more by `added` [n, window] where an item stands in the windows `items`
    [n, window]; an empty place, n_items, adds nothing.

    Whether to show an item again is so learnt once for all items (as RepeatNet, Ren et al. 2019, arXiv
    1812.02646, learns when to repeat).
    """
    taken = items < logits.shape[1]
    return logits.scatter_add(1, items.where(taken, 0), added * taken)


def nearest(vectors: Tensor, items: Tensor, allowed: Tensor | None) -> Tensor:
    """[n] int64 the allowed item whose embedding, of `items` [n_items, d], has the largest dot product with
    each of `vectors` [n, d].

    Raises InputError for vectors of another length than the embeddings'.
    """
    if vectors.ndim != 2 or vectors.shape[1] != items.shape[1]:
        raise InputError(
            f"a continuous action is {items.shape[1]} numbers for each user, as the items' embeddings are,"
            f" not an array of shape {list(vectors.shape)}"
        )
    found: Tensor = masked(vectors @ items.T, allowed).argmax(1)
    return found
