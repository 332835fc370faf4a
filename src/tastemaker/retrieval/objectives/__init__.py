"""Objectives: what an embedding model learns by."""
