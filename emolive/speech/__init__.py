"""Voice activity detection and the gate that keeps silence from being classified."""
