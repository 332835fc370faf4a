"""Readers: each turns one published file format into a `Dataset`. They know formats, not where files come
from.
"""
