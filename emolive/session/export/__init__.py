"""Timelines as files that other programs read: one module per format, one registry."""

from __future__ import annotations

from emolive.session.export.formats import FORMATS, Format, chosen_formats, chosen_names

__all__ = ["FORMATS", "Format", "chosen_formats", "chosen_names"]
