"""Trajectories as other programs' training data, and back: ShareGPT, OpenAI fine-tuning, chat-template text.

Messages and tools are exchanged; steps, rewards and provenance stay in our own record (JSON Lines and Parquet
in `records`).
"""
