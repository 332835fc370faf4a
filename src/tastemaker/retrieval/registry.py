"""The models by name: make one with some settings changed, or get a fitted one from the cache.

Model modules are imported when they are asked for, so that a closed-form model does not wait for torch.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import shutil
from pathlib import Path
from typing import Any

from tastemaker import assets
from tastemaker.config import validated
from tastemaker.data.splits import Split
from tastemaker.errors import InputError
from tastemaker.records import canonical
from tastemaker.retrieval import saved
from tastemaker.retrieval.base import OnEpoch, Retriever

_MODELS = {
    "popularity": ("popularity", "Popularity"),
    "bias": ("bias", "BiasModel"),
    "residual-knn": ("residual_knn", "ResidualKNN"),
    "itemknn": ("itemknn", "ItemKNN"),
    "ease": ("ease", "EASE"),
    "gfcf": ("gfcf", "GFCF"),
    "als": ("als", "ALS"),
    "multvae": ("multvae", "MultVAE"),
    "bpr": ("embedding_models", "BPRModel"),
    "bprdns": ("embedding_models", "BPRDNSModel"),
    "clrec": ("embedding_models", "CLRecModel"),
    "simplex": ("embedding_models", "SimpleXModel"),
    "buir": ("embedding_models", "BUIRModel"),
    "enmf": ("embedding_models", "ENMFModel"),
    "directau": ("embedding_models", "DirectAUModel"),
    "mawu": ("embedding_models", "MAWUModel"),
    "graphau": ("embedding_models", "GraphAUModel"),
    "blend": ("blend", "Blend"),
}


def names() -> list[str]:
    """Names of all models."""
    return list(_MODELS)


def model_type(name: str) -> type[Retriever[Any]]:
    """The class of a name. Raises InputError listing the names when there is none."""
    if name not in _MODELS:
        near = difflib.get_close_matches(name, _MODELS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"no retrieval model is named {name!r}; there are {', '.join(_MODELS)}{hint}")
    module, attribute = _MODELS[name]
    found: type[Retriever[Any]] = getattr(
        importlib.import_module(f"tastemaker.retrieval.{module}"), attribute
    )
    return found


def seed_of(name: str, seed: int) -> dict[str, int]:
    """The setting `seed`, for a model that has one; nothing for the others."""
    return {"seed": seed} if "seed" in model_type(name).config_type.model_fields else {}


def create(name: str, **overrides: Any) -> Retriever[Any]:
    """An unfitted model with its default config but for `overrides` (values may be text, as from a command
    line).

    Raises InputError for an unknown name or setting, or a value that does not fit.
    """
    kind = model_type(name)
    return kind(validated(kind.config_type, overrides, name))


def fit_cached(
    name: str, split: Split, *, cache: Path | None = None, on_epoch: OnEpoch | None = None, **overrides: Any
) -> Retriever[Any]:
    """The model fitted on the split's train part: loaded when the cache holds the same fit, else fitted and
    kept.

    Same means: model, its version, config, and the train and valid interactions. A training that was
    interrupted goes on from its last epoch. `cache` is a folder; by default `retrieval` in Tastemaker's
    cache.
    """
    model = create(name, **overrides)
    root = assets.cache_folder() / "retrieval" if cache is None else cache
    key = canonical(
        {
            "version": model.version,
            "config": model.config.model_dump(mode="json"),
            "train": split.train.fingerprint,
            "valid": split.valid.fingerprint,
        }
    )
    folder = root / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if saved.exists(folder):
        try:
            return type(model).load(folder, split.train)
        except InputError:
            shutil.rmtree(folder)
    training = folder / "training"
    model.fit(split.train, split.valid, folder=training, on_epoch=on_epoch)
    model.save(folder)
    shutil.rmtree(training, ignore_errors=True)
    return model
