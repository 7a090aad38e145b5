"""What a run has shown so far, kept for drawing: bounded."""
