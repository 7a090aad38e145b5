"""A self-contained HTML report: player, interactive timeline and summary in one file."""

from __future__ import annotations

from emolive.session.export.report.page import write_html

__all__ = ["write_html"]
