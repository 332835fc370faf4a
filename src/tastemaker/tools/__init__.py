"""What a tool is, the recommender's own abilities as tools, and the loop in which a model acts with them."""
