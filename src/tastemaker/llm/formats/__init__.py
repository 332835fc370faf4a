"""Wire formats of tool calls and of tool lists: text to records and back, one file a format."""
