"""The errors that Tastemaker raises on purpose. A message says what was wrong, where, and what to do.

A model's malformed output is not among them: it is data, recorded on the trajectory and scored as wrong.
"""


class TastemakerError(Exception):
    """A fault on our side or the machine's. The command line exits with 1."""

    exit_code = 1


class InputError(TastemakerError):
    """Wrong use or wrong input: a person can mend it. The command line exits with 2."""

    exit_code = 2


class AssetError(InputError):
    """A named asset (data set, weights) is nowhere to be had, or what was found is damaged."""


class ModelError(TastemakerError):
    """A language model did not answer: time-out, refusal, HTTP error. Recorded on the trajectory."""


class ToolError(TastemakerError):
    """A tool call that the model can mend (unknown id, wrong type). Its text goes back to the model."""


class LimitReached(TastemakerError):
    """A usage limit (requests, tokens, seconds) was reached. Recorded on the trajectory."""
