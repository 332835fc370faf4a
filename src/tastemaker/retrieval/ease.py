"""EASE: a linear item-to-item model in closed form (Steck, WWW 2019, eq. 8; arXiv 1905.03375).

B minimises ‖X − X B‖² + λ ‖B‖² under diag(B) = 0, X being the binary interactions. With P = (XᵀX + λ I)⁻¹ it
is B_ij = −P_ij / P_jj off the diagonal. The scores are X B. Time grows with n_items³, memory with n_items².
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import lapack

from tastemaker.data.dataset import Dataset
from tastemaker.errors import InputError, TastemakerError
from tastemaker.retrieval.base import Config, Indices, OnEpoch, Retriever
from tastemaker.retrieval.ranking import NOTHING, largest


class EASEConfig(Config):
    """Regularisation and precision."""

    reg: float = Field(default=300.0, gt=0)
    """λ, in units of interactions: larger for sparser or noisier data."""
    precision: Literal["float32", "float64"] = "float32"
    """Precision of the inverse; the scores are float32 either way."""


class EASE(Retriever[EASEConfig]):
    """Embarrassingly shallow autoencoder."""

    name = "ease"
    config_type = EASEConfig

    def _fit(
        self, train: Dataset, valid: Dataset | None, folder: Path | None, on_epoch: OnEpoch | None
    ) -> None:
        dtype = np.dtype(self.config.precision)
        _require_memory(3 * train.n_items**2 * dtype.itemsize, train)
        matrix = train.matrix()
        gram = (matrix.T @ matrix).toarray(order="F").astype(dtype, order="F", copy=False)
        gram[np.diag_indices_from(gram)] += self.config.reg
        factor, invert = (
            (lapack.spotrf, lapack.spotri) if dtype == np.float32 else (lapack.dpotrf, lapack.dpotri)
        )
        lower, failed = factor(gram, lower=1, clean=1, overwrite_a=1)
        inverse, failed_too = (lower, 1) if failed else invert(lower, lower=1, overwrite_c=1)
        if failed or failed_too:
            raise TastemakerError(
                f"ease: the matrix cannot be inverted with reg {self.config.reg:g}; raise reg"
            )
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        self.matrix = matrix
        self.scale = np.sqrt(np.diag(inverse)).astype(np.float32)
        weights = -inverse / np.diag(inverse)
        np.fill_diagonal(weights, 0)
        self.weights: NDArray[np.float32] = np.ascontiguousarray(weights, np.float32)

    def _score(self, users: Indices) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = self.matrix[users] @ self.weights
        return scores

    def similar(self, items: Indices, n: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The items with the largest partial correlation, −P_ij / √(P_ii P_jj): alike after allowing for all
        other items.

        It is the symmetric form of B (B_ij = ρ_ij √(P_ii / P_jj)), so a popular item is not near to
        everything, as it is by plain co-occurrence. Items that do not correlate, or negatively, are left out.
        """
        items = self._checked("item", items, self.n_items)
        correlation = self.weights[items] * self.scale / self.scale[items, None]
        correlation[correlation <= 0] = -np.inf
        found, value = largest(correlation, n)
        return found, np.where(found == NOTHING, np.float32(0), value)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {"weights": self.weights, "scale": self.scale}

    def _restore(self, arrays: dict[str, NDArray[Any]], train: Dataset) -> None:
        self.weights, self.scale = arrays["weights"], arrays["scale"]
        self.matrix = train.matrix()


def _require_memory(needed: int, train: Dataset) -> None:
    available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > available:
        raise InputError(
            f"ease: {train.name} has {train.n_items:,} items, which takes {needed / 2**30:.0f} GiB of memory"
            f" of the {available / 2**30:.0f} GiB here; choose another model, or leave out rare items"
        )
