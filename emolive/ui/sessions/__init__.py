"""Recorded sessions: finding them, replaying them, marking what a person hears, exporting."""
