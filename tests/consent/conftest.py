from __future__ import annotations

from tests.alerts.conftest import library

__all__ = ["library"]
