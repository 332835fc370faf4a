"""Near-duplicates by MinHash: sets that share most of their shingles are found without comparing all pairs.

A set of shingles is turned into `HASHES` minimum hashes (Broder, 1997); the hashes are cut into bands, and
sets that agree in a whole band are compared (Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, ch. 3).
The share of equal hashes estimates the Jaccard similarity, with a standard deviation of at most
0.5/√`HASHES` = 0.044. Knows only sets of texts.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tastemaker.records import ToolSpec

HASHES, BANDS = 128, 32
"""Bands of 4 hashes: a pair of similarity 0.8 shares a band with probability 1 − (1 − 0.8⁴)³² > 0.9999."""

_PRIME = np.uint64((1 << 61) - 1)
_MASK = np.uint64((1 << 32) - 1)
_generator = np.random.default_rng(7919)
_A = _generator.integers(1, 1 << 32, HASHES, dtype=np.uint64)
_B = _generator.integers(0, 1 << 60, HASHES, dtype=np.uint64)


def minhash(shingles: Iterable[str]) -> NDArray[np.uint32]:
    """Minimum hashes of a set of texts: uint32 [HASHES]. The empty set has the largest value everywhere."""
    codes = np.fromiter((zlib.crc32(text.encode()) for text in set(shingles)), np.uint64)
    if not len(codes):
        return np.full(HASHES, 0xFFFFFFFF, np.uint32)
    hashed = ((codes[:, None] * _A + _B) % _PRIME) & _MASK
    smallest: NDArray[np.uint32] = hashed.min(axis=0).astype(np.uint32)
    return smallest


def shingles(spec: ToolSpec) -> set[str]:
    """What two APIs are compared by: the name's words, the parameters with their types and choices, and pairs
    of neighbouring words of the description."""
    found = {f"name {word}" for word in _words(spec.name)}
    for path, kind in _leaves(spec.parameters, ""):
        found |= {f"parameter {path}", f"parameter {path} {kind}"}
    text = _words(spec.description)
    found |= {f"says {first} {second}" for first, second in pairwise(text)}
    return found


class NearDuplicates:
    """An index of sets seen so far."""

    def __init__(self, threshold: float) -> None:
        """`threshold`: estimated Jaccard similarity from which two sets count as the same."""
        self._threshold = threshold
        self._bands: list[dict[bytes, list[int]]] = [{} for _ in range(BANDS)]
        self._hashes = np.empty((1024, HASHES), np.uint32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, hashes: NDArray[np.uint32]) -> bool:
        """Keep a set by its minimum hashes; False, and nothing is kept, where one like it is there."""
        keys = [band.tobytes() for band in hashes.reshape(BANDS, -1)]
        near = {place for key, band in zip(keys, self._bands, strict=True) for place in band.get(key, ())}
        if near:
            same = (self._hashes[list(near)] == hashes).mean(axis=1)
            if same.max() >= self._threshold:
                return False
        if self._count == len(self._hashes):
            self._hashes = np.concatenate([self._hashes, np.empty_like(self._hashes)])
        self._hashes[self._count] = hashes
        for key, band in zip(keys, self._bands, strict=True):
            band.setdefault(key, []).append(self._count)
        self._count += 1
        return True


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())


def _leaves(schema: object, path: str) -> Iterable[tuple[str, str]]:
    """Paths and types of a schema's members."""
    if not isinstance(schema, dict):
        return
    for name, part in (schema.get("properties") or {}).items():
        plain = "_".join(_words(name))
        whole = f"{path}.{plain}" if path else plain
        if isinstance(part, dict):
            yield whole, f"{part.get('type')} {part.get('enum', '')}"
            yield from _leaves(part, whole)
            yield from _leaves(part.get("items"), whole + "[]")
