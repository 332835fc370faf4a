"""BUIR: a user is to foretell where the item will be, and the item where the user will be; no negatives."""

from __future__ import annotations

import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn.functional import cosine_similarity

from tastemaker.retrieval.encoders.base import Encoder
from tastemaker.retrieval.objectives.base import Batch, Objective


class BUIR(Objective):
    """L = mean over pairs of ‖q(u) − i′‖² + ‖q(i) − u′‖², all at unit length, q a linear predictor and u′, i′
    targets that follow the embeddings: t ← m t + (1 − m) e after each step (Lee et al., SIGIR 2021; arXiv
    2105.06323). Recommends by q(u)·i + u·q(i).

    With the encoder mf this is BUIR-ID, with lightgcn BUIR-NB, without the paper's random dropping of
    neighbours. There the targets come from an encoder of its own whose tables follow; the encoders here are
    linear, so its embeddings are what the embeddings' own followers are, and no second propagation is needed.
    """

    whole = True

    def __init__(self, momentum: float) -> None:
        self.momentum = momentum

    def start(self, matrix: csr_matrix, encoder: Encoder, seed: int) -> None:
        users, items = encoder.embed()
        self._targets = {"users": users.clone(), "items": items.clone()}
        size = users.shape[1]
        weight = torch.nn.init.xavier_normal_(
            torch.empty(size, size), generator=torch.Generator().manual_seed(seed)
        )
        self._predictor = {"weight": weight.requires_grad_(), "bias": torch.zeros(size, requires_grad=True)}

    def parameters(self) -> dict[str, Tensor]:
        return self._predictor

    def state(self) -> dict[str, Tensor]:
        return self._targets

    def embed(self, users: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
        return torch.cat([self._predict(users), users], dim=1), torch.cat(
            [items, self._predict(items)], dim=1
        )

    def loss(self, x: Tensor, y: Tensor, batch: Batch) -> Tensor:
        users, items = batch.user, batch.item
        to_item = cosine_similarity(self._predict(x[users]), self._targets["items"][items])
        to_user = cosine_similarity(self._predict(y[items]), self._targets["users"][users])
        return (4 - 2 * to_item - 2 * to_user).mean()

    def gradient(self, x: Tensor, y: Tensor, batch: Batch) -> tuple[float, Tensor, Tensor]:
        # The embeddings are those after the last step: the targets take theirs now.
        for target, embedding in zip(self._targets.values(), (x, y), strict=True):
            target.lerp_(embedding.detach(), 1 - self.momentum)
        return super().gradient(x, y, batch)

    def _predict(self, rows: Tensor) -> Tensor:
        return rows @ self._predictor["weight"].T + self._predictor["bias"]
