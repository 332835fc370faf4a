"""Policies that learn from a replay of earlier turns: by values (DQN and its kin), or by an actor and critics
over vectors (DDPG, TD3, SAC).
"""
