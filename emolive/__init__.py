"""Real-time streaming emotion monitor for speech."""

__version__ = "0.1.0"
