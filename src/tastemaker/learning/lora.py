"""Low-rank adapters (Hu et al. 2021, arXiv:2106.09685): W + (alpha / rank)·B·A with W frozen.

Adapters stand on every linear layer of the transformer's blocks. Trained ones are merged into the weights, so
that nothing that runs a model has to know of them. Own code: what is needed of `peft` is this page, and one
dependency less.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear


class LoraLinear(nn.Module):  # type: ignore[misc]
    """A frozen linear layer without bias and its adapter, which begins as zero: x Wᵀ + s·(x Aᵀ) Bᵀ."""

    def __init__(self, layer: nn.Linear, rank: int, alpha: float, generator: torch.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(layer.in_features)
        start = torch.empty(rank, layer.in_features).uniform_(-bound, bound, generator=generator)
        self.weight = layer.weight  # [out, in]
        self.lora_a = nn.Parameter(start)  # [rank, in]
        self.lora_b = nn.Parameter(torch.zeros(layer.out_features, rank))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return linear(x, self.weight) + linear(linear(x, self.lora_a), self.lora_b * self.scale)

    def merged(self) -> Tensor:
        """The weight that does alone what layer and adapter do together [out, in]."""
        return self.weight + self.scale * self.lora_b @ self.lora_a


def add_lora(model: Any, rank: int, alpha: float, seed: int) -> None:
    """Freeze a causal model and put an adapter on each linear layer of its blocks, in place."""
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    layers = [
        (parent, name, child)
        for parent in model.model.layers.modules()
        for name, child in parent.named_children()
        if isinstance(child, nn.Linear)
    ]
    for parent, name, child in layers:
        setattr(parent, name, LoraLinear(child, rank, alpha, generator))


def merged_weights(model: Any) -> dict[str, Tensor]:
    """Every weight of a model under its usual name, adapters merged; tied weights once. The model stays as it
    is.
    """
    weights = {name: parameter.detach() for name, parameter in model.named_parameters()}
    for path, module in model.named_modules():
        if isinstance(module, LoraLinear):
            weights[f"{path}.weight"] = module.merged().detach()
            del weights[f"{path}.lora_a"], weights[f"{path}.lora_b"]
    return weights
