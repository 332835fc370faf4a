"""Simulated users: worlds of many users at once, the models that stand in for people, rewards to train on."""
