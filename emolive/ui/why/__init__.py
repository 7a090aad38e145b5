"""Why a moment was decided so: what the network heard, and how the voice differs from usual."""
