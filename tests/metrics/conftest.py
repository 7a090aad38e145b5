from __future__ import annotations

from tests.alerts.conftest import library, server

__all__ = ["library", "server"]
