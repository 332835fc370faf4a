"""Verification of dialogues in two layers: rules that are certain, and experts that are not.

`rules.verify` runs the fourteen rules; `experts` look for what rules cannot decide, first without a model;
`mutations` plants defects to measure both.
"""
