"""Calls: a wall of many, and one of them with its timelines, metrics and alerts."""
