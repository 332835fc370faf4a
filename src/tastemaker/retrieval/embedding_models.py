"""The embedding models by name: which objective each trains, and its settings.

Defaults did best in a short search on the valid part of MovieLens-100K, random 80/10/10 within user: a small
and dense data set. On larger and sparser ones weight_decay is lower, 1e-6 and less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tastemaker.retrieval.embedding import EmbeddingConfig, EmbeddingRetriever

if TYPE_CHECKING:
    from tastemaker.retrieval.objectives.base import Objective


class BPRConfig(EmbeddingConfig):
    """BPR."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=2e-5, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter."""
    epochs: int = Field(default=200, ge=1)
    """Most passes over the training pairs."""


class BPRModel(EmbeddingRetriever[BPRConfig]):
    """Bayesian personalised ranking with uniform negatives."""

    name = "bpr"
    config_type = BPRConfig
    version = 2

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.pairwise import BPR

        return BPR()


class BPRDNSConfig(BPRConfig):
    """BPR with dynamic negative sampling."""

    candidates: int = Field(default=8, ge=1)
    """Uniform negatives of which the one that scores highest is taken; 1 is plain BPR."""


class BPRDNSModel(EmbeddingRetriever[BPRDNSConfig]):
    """Bayesian personalised ranking with the hardest of a few uniform negatives."""

    name = "bprdns"
    config_type = BPRDNSConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.pairwise import BPR

        return BPR(self.config.candidates)


class CLRecConfig(EmbeddingConfig):
    """CLRec."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    temperature: float = Field(default=0.2, gt=0)
    """τ, which divides the cosines: the lower, the more the nearest negatives count."""
    debias: float = Field(default=0.0, ge=0, le=1)
    """How far popularity is corrected for: 1 as in the paper, 0 not at all, which recommends far better where
    the test part is as popularity-biased as the training part (as random splits are).
    """


class CLRecModel(EmbeddingRetriever[CLRecConfig]):
    """Sampled softmax over the batch's items."""

    name = "clrec"
    config_type = CLRecConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.clrec import CLRec

        return CLRec(self.config.temperature, self.config.debias)


class SimpleXConfig(EmbeddingConfig):
    """SimpleX's cosine contrastive loss."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    negatives: int = Field(default=100, ge=1)
    """Uniform negatives of each pair."""
    margin: float = Field(default=0.4, ge=-1, le=1)
    """m, the cosine beyond which a negative is too near."""
    negative_weight: float = Field(default=10.0, ge=0)
    """w, the weight of a pair's negatives, all together, against its positive."""


class SimpleXModel(EmbeddingRetriever[SimpleXConfig]):
    """Cosine contrastive loss, over plain embeddings of users."""

    name = "simplex"
    config_type = SimpleXConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.simplex import SimpleX

        return SimpleX(self.config.negatives, self.config.margin, self.config.negative_weight)


class BUIRConfig(EmbeddingConfig):
    """BUIR."""

    learning_rate: float = Field(default=5e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=3e-4, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter, the predictor's among them."""
    momentum: float = Field(default=0.99, ge=0, le=1)
    """How slowly the targets follow the embeddings; 1 leaves them where they started."""


class BUIRModel(EmbeddingRetriever[BUIRConfig]):
    """Bootstrapped embeddings without negatives: BUIR-ID with the encoder mf, BUIR-NB with lightgcn."""

    name = "buir"
    config_type = BUIRConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.buir import BUIR

        return BUIR(self.config.momentum)


class ENMFConfig(EmbeddingConfig):
    """ENMF."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=3e-4, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter, h among them."""
    negative_weight: float = Field(default=0.5, ge=0, le=1)
    """c, the weight of an item that the user did not take against one taken."""


class ENMFModel(EmbeddingRetriever[ENMFConfig]):
    """Squared error over all pairs of user and item, without sampling."""

    name = "enmf"
    config_type = ENMFConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.enmf import ENMF

        return ENMF(self.config.negative_weight)


class DirectAUConfig(EmbeddingConfig):
    """DirectAU.

    The paper's settings for its sparse data sets: learning_rate 1e-3, weight_decay 1e-6, gamma 0.5 (Beauty,
    batch_size 256), 1 (Yelp2018) and 5 (Gowalla).
    """

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter."""
    epochs: int = Field(default=100, ge=1)
    """Most passes over the training pairs."""
    gamma: float = Field(default=0.4, ge=0)
    """γ, the weight of uniformity against alignment; 0 leaves alignment alone."""
    align: float = Field(default=1.0, ge=0)
    """Weight of alignment; 0 leaves uniformity alone."""


class DirectAUModel(EmbeddingRetriever[DirectAUConfig]):
    """Alignment and uniformity."""

    name = "directau"
    config_type = DirectAUConfig
    version = 2

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.directau import DirectAU

        return DirectAU(self.config.gamma, self.config.align)


class MAWUConfig(EmbeddingConfig):
    """MAWU."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter, the margins among them."""
    gamma_user: float = Field(default=0.2, ge=0)
    """γ₁, the weight of the users' uniformity."""
    gamma_item: float = Field(default=0.01, ge=0)
    """γ₂, the weight of the items' uniformity."""


class MAWUModel(EmbeddingRetriever[MAWUConfig]):
    """Margin-aware alignment and weighted uniformity."""

    name = "mawu"
    config_type = MAWUConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.mawu import MAWU

        return MAWU(self.config.gamma_user, self.config.gamma_item)


class GraphAUConfig(EmbeddingConfig):
    """GraphAU; it takes the encoder mf alone."""

    learning_rate: float = Field(default=2e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(default=1e-4, ge=0)
    """L2 penalty that Adam adds to the gradient of every parameter."""
    gamma: float = Field(default=0.4, ge=0)
    """γ, the weight of uniformity."""
    hops: int = Field(default=1, ge=1)
    """K, how many rounds of aggregated neighbours are aligned with."""
    decay: float = Field(default=1.0, ge=0)
    """α: the alignment after k rounds weighs αᵏ."""


class GraphAUModel(EmbeddingRetriever[GraphAUConfig]):
    """Alignment with aggregated neighbourhoods, and uniformity."""

    name = "graphau"
    config_type = GraphAUConfig

    def _objective(self) -> Objective:
        from tastemaker.retrieval.objectives.graphau import GraphAU

        return GraphAU(self.config.gamma, self.config.hops, self.config.decay)
