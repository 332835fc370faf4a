"""Policies that keep users content over many turns, the ways to learn them, and their evaluation."""
