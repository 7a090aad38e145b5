"""Renders the wall in its states: ``python -m tests.server.web.shots FOLDER [AUDIO...]``."""
