"""Policies that learn from a log alone, without a world to try things in."""
