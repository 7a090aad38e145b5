"""Why it was decided so: cues a person knows, what the network looked at, and where it lies."""
