"""Models that rank a catalogue for a user, how they are trained, and how all of them are measured."""
