"""Language models: access by name, the engine that runs one in this process, and record/replay."""
