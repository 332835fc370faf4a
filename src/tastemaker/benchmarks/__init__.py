"""Outside judges: benchmarks that others wrote, scored by their own checkers (BFCL), and the proof that none
of their rows is in our training data."""
