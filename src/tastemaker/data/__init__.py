"""Interaction data: one in-memory form, readers for public data sets, filters and splits."""

from tastemaker.data.dataset import Clock, Dataset, Source

__all__ = ["Clock", "Dataset", "Source"]
