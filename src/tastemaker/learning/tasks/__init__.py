"""Executable multi-step tool tasks: drawn program first under a seed, answered by execution and scored by
value.
"""
