"""Timelines as files that other programs read: one module per format, one registry."""

from __future__ import annotations

from emolive.session.export.formats import ALL, FORMATS, Format, chosen_formats

__all__ = ["ALL", "FORMATS", "Format", "chosen_formats"]
