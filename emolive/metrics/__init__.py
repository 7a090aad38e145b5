"""Numbers about live runs and their alerts for Prometheus, served to this computer only."""
