"""Policy gradients: REINFORCE, A2C and PPO over batched sessions."""
