"""Models with the settings that are known to suit a data set, and what was published for them.

A recipe without settings is a model with its defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tastemaker.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """One row of a comparison."""

    name: str
    """What the row is called."""
    model: str
    """Name of the model in the registry."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the model's defaults."""
    published: Mapping[str, float] = field(default_factory=dict)
    """Figures of the paper named in the protocol of `RECIPES`, by metric."""


@dataclass(frozen=True)
class Reproduction:
    """The recipes of one data set and split."""

    data: str
    split: str
    """Kind of split, as `data.registry.split_of` takes it."""
    recipes: tuple[Recipe, ...]


def reproduction(name: str) -> Reproduction:
    """The reproduction of a name. Raises InputError listing the names when there is none."""
    if name not in REPRODUCTIONS:
        raise InputError(f"no recipes are named {name!r}; there are {', '.join(REPRODUCTIONS)}")
    return REPRODUCTIONS[name]


def _paper(recall: float, ndcg: float) -> dict[str, float]:
    return {"recall@20": recall, "ndcg@20": ndcg}


def _blend(*recipes: Recipe) -> dict[str, Any]:
    """The settings of a blend of recipes."""
    return {"members": [{"model": one.model, "settings": dict(one.settings)} for one in recipes]}


_POPULARITY = Recipe("popularity", "popularity")

_BEAUTY_EASE = Recipe("ease", "ease", {"reg": 100})
_BEAUTY_MF = Recipe(
    "directau",
    "directau",
    {
        "gamma": 0.5,
        "batch_size": 512,
        "learning_rate": 3e-3,
        "weight_decay": 3e-5,
        "epochs": 80,
        "schedule": "linear",
        "patience": 20,
    },
    _paper(0.1400, 0.0686),
)
_BEAUTY_LIGHTGCN = Recipe(
    "directau, LightGCN-1",
    "directau",
    {
        "encoder": "lightgcn",
        "layers": 1,
        "gamma": 1.0,
        "batch_size": 1024,
        "learning_rate": 1e-3,
        "weight_decay": 1e-5,
        "epochs": 60,
        "patience": 5,
    },
    _paper(0.1444, 0.0700),
)
_BEAUTY = (
    _POPULARITY,
    _BEAUTY_EASE,
    Recipe("bpr", "bpr", {"learning_rate": 2e-3, "weight_decay": 1e-5}, _paper(0.1153, 0.0534)),
    Recipe(
        "bpr, LightGCN-2",
        "bpr",
        {
            "encoder": "lightgcn",
            "layers": 2,
            "learning_rate": 2e-3,
            "weight_decay": 0.0,
            "epochs": 60,
            "patience": 5,
        },
        _paper(0.1201, 0.0581),
    ),
    _BEAUTY_MF,
    _BEAUTY_LIGHTGCN,
    Recipe("blend of ease and both directau", "blend", _blend(_BEAUTY_EASE, _BEAUTY_MF, _BEAUTY_LIGHTGCN)),
)

_GOWALLA_EASE = Recipe("ease", "ease", {"reg": 150})
_GOWALLA_GFCF = Recipe("gfcf, tuned", "gfcf", {"n_factors": 1024, "score_exponent": 0.3, "alpha": 0.5})
_GOWALLA_MF = Recipe(
    "directau",
    "directau",
    {
        "gamma": 5,
        "batch_size": 1024,
        "learning_rate": 3e-3,
        "weight_decay": 1e-6,
        "epochs": 60,
        "schedule": "linear",
    },
    _paper(0.2014, 0.1170),
)
_GOWALLA = (
    _POPULARITY,
    _GOWALLA_EASE,
    Recipe("gfcf", "gfcf"),
    _GOWALLA_GFCF,
    Recipe(
        "bpr",
        "bpr",
        {"learning_rate": 3e-3, "weight_decay": 1e-6, "batch_size": 2048},
        _paper(0.1263, 0.0736),
    ),
    Recipe(
        "bpr, LightGCN-2",
        "bpr",
        {
            "encoder": "lightgcn",
            "layers": 2,
            "batch_size": 16384,
            "learning_rate": 2e-2,
            "weight_decay": 0.0,
            "epochs": 60,
            "patience": 5,
            "schedule": "linear",
        },
        _paper(0.1871, 0.1097),
    ),
    _GOWALLA_MF,
    Recipe("blend of ease, gfcf and directau", "blend", _blend(_GOWALLA_EASE, _GOWALLA_GFCF, _GOWALLA_MF)),
)

_OFFICIAL_MF = Recipe("directau", "directau", {**_GOWALLA_MF.settings, "schedule": "constant"})
_OFFICIAL_RECENT = Recipe("gfcf, tuned, with recency", "gfcf", {**_GOWALLA_GFCF.settings, "recency": 2.0})
_OFFICIAL = (
    _POPULARITY,
    _GOWALLA_EASE,
    Recipe("gfcf", "gfcf", {}, _paper(0.1849, 0.1518)),
    _GOWALLA_GFCF,
    _OFFICIAL_RECENT,
    _OFFICIAL_MF,
    Recipe(
        "directau, LightGCN-1",
        "directau",
        {
            "encoder": "lightgcn",
            "layers": 1,
            "gamma": 5,
            "batch_size": 2048,
            "learning_rate": 2e-3,
            "weight_decay": 1e-6,
            "epochs": 20,
        },
    ),
)

REPRODUCTIONS = {
    "beauty": Reproduction("amazon-beauty", "ratio", _BEAUTY),
    "gowalla": Reproduction("gowalla", "ratio", _GOWALLA),
    "gowalla-official": Reproduction("gowalla", "official", _OFFICIAL),
}
"""By name. `beauty` and `gowalla` are the protocol of the DirectAU paper (arXiv 2206.12811, table 3), whose
figures stand beside ours; `gowalla-official` is LightGCN's split (arXiv 2002.02126), with those of the papers
that use it.
"""
