"""Worlds as the environments of other libraries."""
