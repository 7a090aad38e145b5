"""How fast everything is on this machine: stages, calls side by side, alerts."""
