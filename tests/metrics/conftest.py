from __future__ import annotations

from tests.alerts.conftest import library, no_thread_is_left, server

__all__ = ["library", "no_thread_is_left", "server"]
