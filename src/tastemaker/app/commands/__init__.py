"""One module a group of commands. Heavy packages are imported inside the commands: `--help` is quick."""
