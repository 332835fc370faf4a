"""State trackers: the latest items, what they earned, and the user, as one vector (EasyRL4Rec, 3.3)."""
