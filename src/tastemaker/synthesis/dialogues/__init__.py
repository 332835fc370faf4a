"""Dialogues about APIs: gold calls are drawn first, then the words that ask for them (ToolACE's SDG)."""
