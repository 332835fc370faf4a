"""Tool-use data without people: tools that evolve, conversations about them, and the checks they pass."""
