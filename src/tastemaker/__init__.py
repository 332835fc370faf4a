"""Tastemaker: a workbench for recommender agents that act through tools and learn to act better."""

__version__ = "0.1.0"
