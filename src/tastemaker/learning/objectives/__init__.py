"""What a language model learns by: losses on log-probabilities of tokens, and the methods made of them."""
