"""How hard a sample is for the model to be tuned, and making samples as hard as they should be."""
