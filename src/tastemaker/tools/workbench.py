"""What the toolboxes of all requests share: data, models, catalogue. Knows nothing of any one request."""

from __future__ import annotations

from functools import cached_property, lru_cache

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError
from tastemaker.retrieval.base import HistoryScorer, ItemScorer, RatingModel, Scorer
from tastemaker.tools.catalogue import Catalogue
from tastemaker.tools.embedding import Embedder
from tastemaker.tools.past import Past, refuse_seen_future
from tastemaker.tools.suggestion import Suggester, Weights
from tastemaker.tools.talk import VISITOR, Talk
from tastemaker.tools.toolbox import VISITOR_INDEX, Toolbox


class Workbench:
    """What the toolboxes of all requests share. Built once; `at` is then cheap.

    `train` is the part of `dataset` that the models were fitted on. `retrieval` ranks; `similarity` knows
    which items are alike (by default `retrieval`, where it does); `ratings` predicts ratings; with an
    `embedder`, `search` goes by meaning as well as by words; `weights` are those of suggestions in
    conversations. Raises InputError when `train` has other users or items.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        train: Dataset,
        retrieval: Scorer,
        similarity: ItemScorer | None = None,
        ratings: RatingModel | None = None,
        embedder: Embedder | None = None,
        weights: Weights | None = None,
    ) -> None:
        if (train.n_users, train.n_items) != (dataset.n_users, dataset.n_items):
            raise InputError(f"{dataset.name}: the training part has other users or items than the data set")
        self.dataset = dataset
        self.train = train
        self.retrieval = retrieval
        self.similarity = similarity or (retrieval if isinstance(retrieval, ItemScorer) else None)
        self.ratings = ratings
        self.weights = weights or Weights()
        self.catalogue = Catalogue(dataset, embedder)
        self.past = lru_cache(maxsize=64)(lambda moment: Past(dataset, train, moment))

    @cached_property
    def suggester(self) -> Suggester:
        """What suggests items in conversations."""
        models = {"retrieval": self.retrieval}
        if self.similarity is not None and self.similarity is not self.retrieval:
            models["similarity"] = self.similarity
        able = {name: model for name, model in models.items() if isinstance(model, HistoryScorer)}
        return Suggester(self.catalogue, able)

    def at(self, moment: int | None, user: str | None = None, talk: Talk | None = None) -> Toolbox:
        """The toolbox of one request, in a conversation where `talk` is given.

        `moment` is on the data set's clock; None is now, and everything recorded may be seen. `user` is the
        id of the user that the request is for, in a conversation also `VISITOR`; None is an unbound toolbox,
        which answers about everyone. Raises InputError for an unknown user or item, and when a model or
        `train` has seen the moment or what came after it.
        """
        visitor = talk is not None and user == VISITOR
        index = None if user is None else VISITOR_INDEX if visitor else self.dataset.user_index(user)
        if moment is not None:
            models = [m for m in (self.retrieval, self.similarity, self.ratings) if m is not None]
            refuse_seen_future(self.dataset, self.train, models, moment, None if visitor else index)
        return Toolbox(self, self.past(moment), index, talk)
