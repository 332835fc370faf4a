"""Tool tasks for other engines of reinforcement learning, which train on many accelerators."""
