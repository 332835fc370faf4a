"""Encoders: what turns tables of parameters into embeddings."""
