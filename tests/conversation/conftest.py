from __future__ import annotations

from tests.engine.conftest import classifier, speech, vad

__all__ = ["classifier", "speech", "vad"]
