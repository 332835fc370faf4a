"""DeepFM (Guo et al. 2017, arXiv 1703.04247) as an ensemble whose members are computed together, with a mean
and a variance.

Every field belongs to a user or to an item. So the factorisation machine's sum over pairs of fields is a bias
of the user, one of the item and a dot product, and the first layer of the deep part is a sum of the user's
half and the item's. `side` computes those halves once for each user or item, and `pair` puts two together, by
broadcasting also for all pairs. Knows nothing of losses and logs.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tastemaker.simulation.features import Features


class Half(NamedTuple):
    """What a user or an item brings to each member's prediction."""

    bias: Tensor
    """[..., members]."""
    vector: Tensor
    """[..., members, embedding_size] sum of the embeddings of the fields."""
    hidden: Tensor
    """[..., members, hidden_size] its part of the first layer."""


class DeepFM(nn.Module):
    """Scores pairs of users and items."""

    codes_user: Tensor
    codes_item: Tensor
    categories: Tensor

    def __init__(
        self,
        features: Features,
        *,
        members: int,
        embedding_size: int,
        hidden_size: int,
        dropout: float,
        seed: int,
    ) -> None:
        """Member m draws its initial parameters from `seed` and m alone."""
        super().__init__()
        self.dropout = dropout
        self.size = embedding_size
        self.register_buffer("codes_user", torch.from_numpy(features.user_codes), persistent=False)
        self.register_buffer("codes_item", torch.from_numpy(features.item_codes), persistent=False)
        self.register_buffer("categories", torch.from_numpy(features.categories), persistent=False)
        n_user_fields = self.codes_user.shape[1]
        n_item_fields = self.codes_item.shape[1] + 1
        generators = [torch.Generator().manual_seed(seed * 1000 + member) for member in range(members)]

        def draw(*shape: int, std: float) -> nn.Parameter:
            return nn.Parameter(
                torch.stack([torch.randn(shape, generator=own) * std for own in generators], -2)
            )

        def draw_layers(inputs: int, outputs: int) -> nn.Parameter:
            std = (2 / inputs) ** 0.5
            return nn.Parameter(
                torch.stack([torch.randn(inputs, outputs, generator=own) * std for own in generators])
            )

        width = embedding_size + 1
        self.user_table = draw(features.n_user_codes, width, std=0.05)
        self.item_table = draw(features.n_item_codes, width, std=0.05)
        self.category_table = draw(self.categories.shape[1], width, std=0.05)
        fields = n_user_fields + n_item_fields
        first = draw_layers(fields * embedding_size, hidden_size)
        self.user_layer = nn.Parameter(first[:, : n_user_fields * embedding_size].detach().clone())
        self.item_layer = nn.Parameter(first[:, n_user_fields * embedding_size :].detach().clone())
        self.second_layer = draw_layers(hidden_size, hidden_size)
        self.first_bias = nn.Parameter(torch.zeros(members, hidden_size))
        self.second_bias = nn.Parameter(torch.zeros(members, hidden_size))
        self.head_layer = nn.Parameter(draw_layers(hidden_size, 2).detach() * 0.1)
        self.scale = nn.Parameter(torch.ones(members))
        self.offset = nn.Parameter(torch.zeros(members))
        self.log_variance = nn.Parameter(torch.zeros(members))

    def side(self, side: Literal["user", "item"], which: Tensor) -> Half:
        """The halves of users or items `which` [n]."""
        if side == "user":
            fields = F.embedding(self.codes_user[which], self.user_table.flatten(1))
            fields = fields.unflatten(-1, self.user_table.shape[1:])
            layer = self.user_layer
        else:
            fields = F.embedding(self.codes_item[which], self.item_table.flatten(1))
            shared = self.categories @ self.category_table.flatten(1)
            fields = torch.cat((fields, shared[which][:, None]), 1)
            fields = fields.unflatten(-1, self.item_table.shape[1:])
            layer = self.item_layer
        embeddings = fields[..., : self.size]
        vector = embeddings.sum(1)
        within = (vector.square().sum(-1) - embeddings.square().sum((1, 3))) / 2
        inputs = F.dropout(embeddings, self.dropout, self.training).permute(2, 0, 1, 3).flatten(2)
        return Half(
            fields[..., self.size].sum(1) + within,
            vector,
            torch.bmm(inputs, layer).transpose(0, 1),
        )

    def score(self, user: Half, item: Half) -> tuple[Tensor, Tensor]:
        """The members' scores and log variances [..., members] of pairs, whose halves broadcast."""
        hidden = F.relu(user.hidden + item.hidden + self.first_bias)
        hidden = F.dropout(hidden, self.dropout, self.training)
        flat = hidden.flatten(0, -3).transpose(0, 1)
        second = F.relu(torch.baddbmm(self.second_bias[:, None], flat, self.second_layer))
        second = F.dropout(second, self.dropout, self.training)
        heads = torch.bmm(second, self.head_layer).transpose(0, 1).unflatten(0, hidden.shape[:-2])
        machine = user.bias + item.bias + (user.vector * item.vector).sum(-1)
        return machine + heads[..., 0], (self.log_variance + heads[..., 1]).clamp(-6, 6)

    def calibrated(self, score: Tensor) -> Tensor:
        """Scores on the scale of ratings."""
        return self.offset + self.scale * score
