"""The run folder of `tastemaker retrieval train --run`: its config, fitting in it, and having the model back.

What the folder itself is like is `tastemaker.runs`'s; this module knows what a training puts into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tastemaker.config import Config
from tastemaker.data.dataset import Dataset
from tastemaker.data.registry import split_of
from tastemaker.data.splits import Split
from tastemaker.errors import InputError
from tastemaker.retrieval import registry, saved
from tastemaker.retrieval.base import OnEpoch, Retriever
from tastemaker.retrieval.embedding import EmbeddingRetriever, Embeddings
from tastemaker.runs import Run, load_config


class TrainingRun(Config):
    """The config of the run folder: what is trained, and on what."""

    model: str
    """Its name in the registry."""
    data: str
    """Name of the data set."""
    split: str
    """Kind of the split, as `data.registry.split_of` takes it."""
    seed: int
    """Of the split."""
    protocol: str
    """The split in words."""
    settings: dict[str, Any]
    """All of the model's; those that are None are left out."""

    @classmethod
    def of(cls, model: Retriever[Any], split: Split, kind: str, seed: int) -> Self:
        """The config of training a model on a split that was made by `kind` and `seed`."""
        return cls(
            model=model.name,
            data=split.train.name,
            split=kind,
            seed=seed,
            protocol=split.protocol,
            settings=model.config.model_dump(mode="json", exclude_none=True),
        )

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The config of a run folder. Raises InputError when it is none of a training."""
        return load_config(folder / "config.toml", cls)

    def parts(self) -> Split:
        """The split, made again."""
        return split_of(self.data, self.split, self.seed)


def fit(
    model: Retriever[Any], folder: Path, split: Split, config: TrainingRun, on_epoch: OnEpoch
) -> Retriever[Any]:
    """Fit in a run folder, go on with what was begun there, or load what is finished there.

    Raises InputError when the folder holds another run, or something else.
    """
    run = Run.open(folder, config)
    if run.finished:
        return type(model).load(folder / "model", split.train)

    def log(row: Mapping[str, Any]) -> None:
        run.log(row)
        on_epoch(row)

    model.fit(split.train, split.valid, folder=run.checkpoints, on_epoch=log)
    model.save(folder / "model")
    run.finish({"fit_seconds": model.fit_seconds})
    return model


def load(folder: Path) -> tuple[Retriever[Any], Dataset]:
    """The model of a finished run and the interactions that it was fitted on, made again.

    Raises InputError when the folder holds no finished training, or the data has changed since.
    """
    run = TrainingRun.read(folder)
    kind = registry.model_type(run.model)
    if not saved.exists(folder / "model"):
        raise InputError(f"{folder}: the training has not ended; give the same train command again to go on")
    train = run.parts().train
    return kind.load(folder / "model", train), train


def embeddings(model: Retriever[Any]) -> Embeddings:
    """The embeddings of users and items. Raises InputError for a model that has none."""
    if not isinstance(model, EmbeddingRetriever):
        raise InputError(
            f"{model.name} has no embeddings of users and items; models that are trained with the setting"
            " embedding_size have (see `tastemaker retrieval models`)"
        )
    return model.embeddings
